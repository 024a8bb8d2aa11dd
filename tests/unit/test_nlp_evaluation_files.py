from pathlib import Path

import pytest

from core.errors import BadInputError
from nlp.evaluation_files import TaggedText, read_labelled, read_tagged, read_themes

LABELS = ("person", "place")


def _write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def test_other_spellings_and_optional_columns_are_read(tmp_path: Path) -> None:
    """A spelling that is mapped counts as the label; language and target come along."""
    path = _write(
        tmp_path / "a.tsv", "text\ttarget\tlabel\tlanguage\nso what\tAcme\tNon-Rude\tEN\n"
    )

    data = read_labelled(path, ("not_rude", "rude"), same={"non-rude": "not_rude"})

    assert data.labels.tolist() == [0]
    assert (data.languages, data.targets) == (("en",), ("Acme",))


def test_tagged_sentences_become_texts_with_places(tmp_path: Path) -> None:
    """Tokens are joined by spaces, and each name is where it stands in that text."""
    path = _write(
        tmp_path / "a.conll",
        "Ann\tB-person\nLee\tI-PERSON\nin\tO\nRome\tB-place\n\n\nHi\tO\nBo\tI-person\n",
    )

    first, second = read_tagged(path, LABELS)

    assert first == TaggedText("Ann Lee in Rome", ((0, 7, "person"), (11, 15, "place")))
    assert second == TaggedText("Hi Bo", ((3, 5, "person"),))


def test_neighbouring_names_stay_apart(tmp_path: Path) -> None:
    """A new beginning, or another label, ends the name before."""
    path = _write(tmp_path / "a.conll", "Ann\tB-person\nBo\tB-person\nRome\tI-place\n")

    [found] = read_tagged(path, LABELS)

    assert [found.text[start:end] for start, end, _ in found.names] == ["Ann", "Bo", "Rome"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ann\n", "row 1: 1 columns; a line is a token, a tab and its tag"),
        ("Ann\tB-person\nBo\tB-animal\n", "row 2: tag 'B-animal' is unknown; use O, or B- and I-"),
        ("Ann\tX-person\n", "with person, place"),
        ("\n\n", "no sentences"),
    ],
)
def test_a_wrong_tagged_file_is_explained(tmp_path: Path, content: str, message: str) -> None:
    """The error names the file, the row and what is allowed."""
    with pytest.raises(BadInputError) as caught:
        read_tagged(_write(tmp_path / "wrong.conll", content), LABELS)

    assert message in str(caught.value)
    assert "wrong.conll" in str(caught.value)


def test_themes_come_one_or_several_a_text(tmp_path: Path) -> None:
    """A table has one theme a text, a JSON-Lines file any number of them."""
    table = _write(tmp_path / "a.tsv", "text\tlabel\nrates rise\tMoney\n")
    lines = _write(
        tmp_path / "a.jsonl",
        '{"id": 1, "text": "a match", "topics": ["Sport", "TV"]}\n\n{"text": "hm", "topics": []}\n',
    )

    assert read_themes(table) == (("rates rise",), (frozenset({"Money"}),), False)
    assert read_themes(lines) == (
        ("a match", "hm"),
        (frozenset({"Sport", "TV"}), frozenset()),
        True,
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{oops\n", "row 1: no JSON"),
        ('{"text": "a", "topics": []}\n{"text": "b"}\n', "row 2: an object with text"),
        ('{"text": "a", "topics": [1]}\n', "topics (a list of strings)"),
        ("[1]\n", "row 1: an object"),
        ("\n", "no rows"),
    ],
)
def test_wrong_theme_lines_are_explained(tmp_path: Path, content: str, message: str) -> None:
    """The error names the file, the row and what is allowed."""
    with pytest.raises(BadInputError) as caught:
        read_themes(_write(tmp_path / "wrong.jsonl", content))

    assert message in str(caught.value)
    assert "wrong.jsonl" in str(caught.value)
