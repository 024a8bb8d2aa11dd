from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInputError
from nlp.evaluation import evaluate_sentiment, measure, read_labelled

ROWS = [
    ("I love it, wonderful :)", "positive"),
    ("terrible, I hate it :(", "negative"),
    ('The "new" office opens Tuesday', "neutral"),
]


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_file_is_measured(tmp_path: Path) -> None:
    """All measures of a small clear file are there and right."""
    lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in ROWS), ""]

    result = evaluate_sentiment(_write(tmp_path / "a.tsv", "\n".join(lines)))

    assert result["n"] == 3
    assert result["accuracy"] == result["macro_recall"] == result["macro_f1"] == 1
    assert result["per_class"]["negative"] == {
        "precision": 1,
        "recall": 1,
        "f1": 1,
        "support": 1,
    }
    assert result["model"].startswith("encoder-en@")
    assert result["texts_per_second"] > 0
    assert set(result["interval_95"]) == {"accuracy", "macro_recall", "macro_f1"}


def test_measures_are_those_of_the_textbook() -> None:
    """Macro recall averages the classes' recalls, accuracy counts rows."""
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    predicted = np.array([0, 0, 0, 1, 1, 2, 2, 2])

    result = measure(labels, predicted)

    assert result["accuracy"] == 0.75
    assert result["macro_recall"] == pytest.approx((0.75 + 0.5 + 1) / 3, abs=1e-4)
    assert result["per_class"]["positive"]["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert result["macro_f1"] == pytest.approx((6 / 7 + 0.5 + 0.8) / 3, abs=1e-4)


def test_intervals_hold_the_measure_and_shrink_with_rows() -> None:
    """Ten times the rows give an interval about three times narrower, the same at each call."""
    labels, predicted = np.arange(60) % 3, np.arange(60) % 3
    predicted[::4] = 1

    few, many = measure(labels, predicted), measure(np.tile(labels, 10), np.tile(predicted, 10))

    for name, (low, high) in many["interval_95"].items():
        assert low < many[name] < high
        wide = few["interval_95"][name][1] - few["interval_95"][name][0]
        assert 2 < wide / (high - low) < 5
    assert measure(labels, predicted) == few


def test_a_class_that_is_absent_has_no_recall() -> None:
    """Macro averages run over the classes in the file; unknown is None, never 0."""
    result = measure(np.array([0, 2]), np.array([0, 2]))

    assert result["macro_recall"] == 1
    assert result["per_class"]["neutral"] == {
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }


def test_quotation_marks_are_text(tmp_path: Path) -> None:
    """A quotation mark opens no quoting, however many there are; columns may come in any order."""
    path = _write(
        tmp_path / "a.tsv", 'label\tid\ttext\r\npositive\t1\t"so\r\nNeutral\t2\ta "b" c\r\n'
    )

    data = read_labelled(path)

    assert data.texts == ('"so', 'a "b" c')
    assert data.labels.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tweet\tlabel\nx\tpositive\n", "row 1: no column 'text'; found 'tweet', 'label'"),
        ("text\tlabel\nx\tpositive\ny\thappy\n", "row 3: label 'happy' is unknown; use negative"),
        ("text\tlabel\nx\n", "row 2: 1 columns, expected 2"),
        ("text\tlabel\nx\ty\tpositive\n", "row 2: 3 columns, expected 2"),
        (b"text\tlabel\nok\tpositive\n\xff\xfe\tneutral\n", "row 3: not UTF-8"),
        ("text\tlabel\n", "no rows"),
        ("", "row 1: no column 'text'"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: str | bytes, message: str) -> None:
    """The error names the file, the row and what is allowed."""
    path = _write(tmp_path / "wrong.tsv", content)

    with pytest.raises(BadInputError) as caught:
        evaluate_sentiment(path)

    assert message in str(caught.value)
    assert "wrong.tsv" in str(caught.value)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(BadInputError, match=r"absent\.tsv: cannot be read"):
        evaluate_sentiment(tmp_path / "absent.tsv")


def test_unpaired_rows_keep_line_separators_of_texts(tmp_path: Path) -> None:
    """Only a line feed ends a row: U+2028 and form feeds stand inside texts."""
    path = _write(tmp_path / "a.tsv", "text\tlabel\na\u2028b\x0cc\tpositive\n")

    assert read_labelled(path).texts == ("a\u2028b\x0cc",)


@pytest.mark.public_data
def test_the_bundled_model_holds_its_floor(public_data: Path) -> None:
    """On real tweets it was not trained on, macro recall is what the model card says."""
    result = evaluate_sentiment(public_data / "sentiment" / "en_validation.tsv")

    assert result["macro_recall"] >= 0.69
    assert result["interval_95"]["macro_recall"][0] > 0.66
