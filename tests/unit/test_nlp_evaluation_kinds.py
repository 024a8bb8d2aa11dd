from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInputError, UsageError
from core.settings import ModelSettings, Settings
from core.themes import Theme
from nlp import evaluation_kinds
from nlp.evaluation import Classifier, evaluate, measure_found, reads_texts
from nlp.evaluation_files import Labelled, read_labelled
from nlp.evaluation_kinds import KINDS, _by_language, measure_file
from nlp.network import Reading
from nlp.sentiment import F32


class WordReader:
    """A model of several heads that knows four words and one insult."""

    name = "words@1"
    languages = frozenset({"en"})
    words = ("grr", "yay", "hope", "alas")

    def __init__(self) -> None:
        self.minimum_confidence = {"emotion": 0.6}

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Find everything neutral."""
        return np.tile(np.array([0.1, 0.8, 0.1], dtype=np.float32), (len(texts), 1))

    def read(self, texts: Sequence[str]) -> Reading:
        """Return the emotion whose word stands in the text, and whether it insults."""
        rows = [[1.0 + 9 * (word in text) for word in self.words] for text in texts]
        emotion = np.array(rows, dtype=np.float32)
        insults = np.array([0.9 if "fool" in text else 0.2 for text in texts], dtype=np.float32)
        moved = emotion / emotion.sum(axis=1, keepdims=True)
        return Reading(self.probabilities(texts), moved, insults)


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure a model of several heads."""
    monkeypatch.setattr(evaluation_kinds, "load_configured", lambda _: (WordReader(),))


def _write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.usefixtures("heads")
def test_emotion_counts_every_row_and_abstention_beside_it(tmp_path: Path) -> None:
    """A text of no known word is wrong here; after abstention it is not answered at all."""
    path = _write(
        tmp_path / "a.tsv",
        "text\tlabel\nyay, we are so happy today\tjoy\nalas, this is the end of it\tsadness\n"
        "there is nothing to say about it\tjoy\n",
    )

    result = measure_file("emotion", path, Settings())

    assert result["kind"] == "emotion"
    assert (result["n"], result["accuracy"]) == (3, pytest.approx(2 / 3, abs=1e-4))
    assert result["macro_recall"] == 0.75
    assert result["confusion"]["joy"] == {"anger": 1, "joy": 1, "optimism": 0, "sadness": 0}
    assert result["answered"] == {
        "n": 2,
        "coverage": pytest.approx(2 / 3, abs=1e-4),
        "accuracy": 1,
        "minimum_confidence": 0.6,
    }


@pytest.mark.usefixtures("heads")
def test_offence_is_measured_in_either_spelling(tmp_path: Path) -> None:
    """One column of probabilities is two classes."""
    path = _write(tmp_path / "a.tsv", "text\tlabel\nyou fool\toffensive\nhello\tnon-offensive\n")

    result = measure_file("offensive", path, Settings())

    assert (result["accuracy"], list(result["per_class"])) == (1, ["not_offensive", "offensive"])


def test_each_row_is_read_by_the_model_of_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several models the first that knows a row's language reads it, else the first of all."""
    german = WordReader()
    german.languages = frozenset({"de"})
    monkeypatch.setattr(
        german, "probabilities", lambda texts: np.tile([1.0, 0.0, 0.0], (len(texts), 1))
    )
    monkeypatch.setattr(evaluation_kinds, "load_configured", lambda _: (WordReader(), german))
    path = _write(
        tmp_path / "a.tsv",
        "text\tlabel\tlanguage\nthis is a plain sentence\tneutral\ten\n"
        "das ist ein schlechter Satz\tnegative\tde\nquesta frase\tneutral\tit\n",
    )

    result = measure_file("sentiment", path, Settings(languages=("en", "de", "it")))

    assert result["accuracy"] == 1
    assert result["answered"]["n"] == 2


def test_a_model_without_the_head_is_explained(tmp_path: Path) -> None:
    """A model that tells sentiment alone is no model of emotions, and the error says so."""
    path = _write(tmp_path / "a.tsv", "text\tlabel\nhi there\tjoy\n")
    settings = Settings(models=ModelSettings(sentiment="sentiment-en"))

    with pytest.raises(UsageError, match="says nothing about emotion"):
        measure_file("emotion", path, settings)


def test_another_language_is_measured_but_not_answered(tmp_path: Path) -> None:
    """Every row counts; the product answers only the model's languages, told by the column."""
    path = _write(
        tmp_path / "a.tsv",
        "text\tlabel\tlanguage\nI love it so much, wonderful\tpositive\ten\n"
        "Das ist wirklich ein sehr schlechtes Telefon\tnegative\tde\n",
    )
    always = Classifier(
        "always",
        ("negative", "neutral", "positive"),
        frozenset({"en"}),
        reads_texts(_always_positive),
    )

    result = evaluate(read_labelled(path), always, ("en", "de"))

    assert (result["n"], result["accuracy"]) == (2, 0.5)
    assert (result["answered"]["n"], result["answered"]["accuracy"]) == (1, 1)
    assert {code: row["accuracy"] for code, row in result["languages"].items()} == {
        "de": 0,
        "en": 1,
    }


def _always_positive(texts: Sequence[str]) -> F32:
    return np.tile(np.array([0.0, 0.1, 0.9], dtype=np.float32), (len(texts), 1))


def test_language_is_measured_among_the_files_languages_and_as_configured(tmp_path: Path) -> None:
    """What is not configured must come out as undetermined, and is counted where it does not."""
    path = _write(
        tmp_path / "a.tsv",
        "text\tlanguage\nThis is a sentence that everybody can read\ten\n"
        "Dies ist ein Satz, den jeder lesen kann\tde-AT\n"
        "Questa è una frase che tutti possono leggere\tit\n",
    )

    result = measure_file("language", path, Settings(languages=("en", "de")))

    assert (result["accuracy"], result["candidates"]) == (1, ["de", "en", "it"])
    assert result["as_configured"] == {
        "languages": ["en", "de"],
        "n": 2,
        "accuracy": 1,
        "others": 1,
        "others_taken_for_one": 0,
    }


@pytest.mark.parametrize("code", ["", "english", "e1"])
def test_a_language_that_is_no_code_is_explained(tmp_path: Path, code: str) -> None:
    """The error names the row and what is allowed."""
    path = _write(tmp_path / "a.tsv", f"text\tlanguage\nhello\t{code}\n")

    with pytest.raises(BadInputError, match=r"a\.tsv: row 2: language .* use en, de"):
        measure_file("language", path, Settings())


def test_names_are_measured_by_place_and_by_kind(tmp_path: Path) -> None:
    """A name of the wrong kind counts for its span alone."""
    path = _write(
        tmp_path / "a.conll",
        "Angela\tB-person\nMerkel\tI-person\nvisited\tO\nParis\tB-product\non\tO\nMonday\tO\n\n"
        "it\tO\nrained\tO\n",
    )

    result = measure_file("entities", path, Settings())

    assert result["n"] == 2
    assert result["per_class"]["person"]["recall"] == 1
    assert result["per_class"]["product"]["recall"] == 0
    assert result["recall"] == 0.5
    assert result["span_only"]["recall"] == 1
    assert "en_core_web_sm" in result["model"]


def test_names_switched_off_are_not_measured(tmp_path: Path) -> None:
    """Where the configuration looks for no names, the command says so."""
    path = _write(tmp_path / "a.conll", "Rome\tB-location\n")

    with pytest.raises(UsageError, match=r"models\.entities is false"):
        measure_file("entities", path, Settings(models=ModelSettings(entities=False)))


def test_found_things_have_the_measures_of_the_textbook() -> None:
    """Micro averages count names, macro averages the kinds that occur; intervals hold them."""
    texts = np.zeros((40, 3, 3))
    texts[:20, 0] = (1, 0, 0)
    texts[20:, 0] = (1, 1, 0)
    texts[::2, 1] = (0, 0, 1)

    result = measure_found(texts, ("a", "b", "never"))

    assert result["precision"] == pytest.approx(40 / 60, abs=1e-4)
    assert result["recall"] == pytest.approx(40 / 60, abs=1e-4)
    assert result["macro_f1"] == pytest.approx((80 / 100 + 0) / 2, abs=1e-4)
    assert result["per_class"]["never"]["f1"] is None
    low, high = result["interval_95"]["f1"]
    assert low < result["f1"] < high


def test_an_unknown_kind_names_those_there_are(tmp_path: Path) -> None:
    """The error lists what can be measured."""
    with pytest.raises(UsageError) as caught:
        measure_file("mood", tmp_path / "a", Settings())

    assert all(kind in str(caught.value) for kind in KINDS)


def test_sentiment_towards_a_target_is_measured(tmp_path: Path) -> None:
    """Each row is read where it names its target; one that names it nowhere, as a whole."""
    path = _write(
        tmp_path / "a.tsv",
        "text\ttarget\tlabel\nI love the new camera, it is wonderful\tcamera\tpositive\n"
        'this is terrible, I hate it\t"no" \\ word\tnegative\n'
        "the office opens on Tuesday\t-\tneutral\n",
    )

    result = measure_file("target", path, Settings())

    assert (result["n"], result["accuracy"]) == (3, 1)
    assert result["answered"]["n"] == 3


def test_targets_need_their_column(tmp_path: Path) -> None:
    """The error names the column."""
    path = _write(tmp_path / "a.tsv", "text\tlabel\nfine\tneutral\n")

    with pytest.raises(BadInputError, match="no column 'target'"):
        measure_file("target", path, Settings())


def test_themes_are_those_of_the_configuration(tmp_path: Path) -> None:
    """Labels are the names of configured themes; another name is told with what is allowed."""
    path = tmp_path / "themes.tsv"
    path.write_text(
        "text\tlabel\nShares fell after the bank cut its forecast\tMoney\n", encoding="utf-8"
    )
    themes = (Theme(name="Money", code="medtop:04000000"),)

    result = measure_file("themes", path, Settings(), themes)

    assert result["kind"] == "themes"
    assert result["accuracy"] == 1.0
    with pytest.raises(BadInputError, match="label 'Money' is unknown"):
        measure_file("themes", path, Settings())


class _Constant:
    """A model that gives every text one label."""

    def __init__(self, language: str, label: int) -> None:
        self.name = language
        self.languages = frozenset({language})
        self.label = label

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return certainty of the label."""
        return np.eye(3, dtype=np.float32)[[self.label] * len(texts)]


@pytest.mark.parametrize(
    ("languages", "chosen"),
    [
        (("de", "en", "es"), [2, 0, 2]),
        (None, [2, 0, 2]),
    ],
)
def test_rows_are_read_by_the_model_of_their_language(
    languages: tuple[str, ...] | None, chosen: list[int]
) -> None:
    """The file's own word counts, else what is found; others go where most rows go."""
    texts = (
        "Das neue Telefon ist wirklich schlecht und ich bin sehr enttäuscht",
        "The parcel was late again and nobody answers the phone",
        "Este teléfono es una maravilla, estoy muy contenta con él",
    )
    extra = "Ich freue mich sehr über diese neue Kamera und den guten Service"
    data = Labelled((*texts, extra), np.zeros(4, dtype=np.int64), languages and (*languages, "de"))
    models = (_Constant("en", 0), _Constant("de", 2))

    found = _by_language(data, models, Settings())

    assert found.argmax(axis=1).tolist() == [*chosen, 2]
