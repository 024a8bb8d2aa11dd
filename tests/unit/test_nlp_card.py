import json
from pathlib import Path

import pytest

from core.settings import ModelSettings
from nlp import card
from nlp.card import validation_confusion

CONFUSION = {
    "negative": {"negative": 8, "neutral": 1, "positive": 1},
    "neutral": {"negative": 2, "neutral": 6, "positive": 2},
    "positive": {"negative": 0, "neutral": 3, "positive": 7},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that every model is taken to lie in."""
    monkeypatch.setattr(card, "model_folder", lambda _: tmp_path)
    return tmp_path


def test_the_default_models_card_says_how_it_errs() -> None:
    """The model that ships states its confusions on the 2,000 validation tweets."""
    table = validation_confusion(ModelSettings())

    assert table is not None
    assert sum(map(sum, table)) == 2_000
    assert all(max(row) == row[index] for index, row in enumerate(table))


def test_the_fast_way_has_a_table_of_its_own(folder: Path) -> None:
    """What is read by the linear model alone errs otherwise, if the card says so."""
    other = {**CONFUSION, "negative": {"negative": 5, "neutral": 4, "positive": 1}}
    scores = {"validation": {"confusion": CONFUSION}, "validation_cascade": {"confusion": other}}
    (folder / "config.json").write_text(json.dumps({"scores": scores}), encoding="utf-8")

    thorough = validation_confusion(ModelSettings())
    fast = validation_confusion(ModelSettings(thorough=False))

    assert thorough == ((8, 1, 1), (2, 6, 2), (0, 3, 7))
    assert fast == ((5, 4, 1), (2, 6, 2), (0, 3, 7))


@pytest.mark.parametrize("content", ["{}", "[]", "no", '{"scores": {"validation": {"n": 3}}}'])
def test_a_card_that_says_nothing_corrects_nothing(folder: Path, content: str) -> None:
    """Older and other models have no table; that is no error here."""
    (folder / "config.json").write_text(content, encoding="utf-8")

    assert validation_confusion(ModelSettings()) is None


def test_a_model_of_others_has_no_card() -> None:
    """A name on the hub is no folder of ours."""
    assert validation_confusion(ModelSettings(sentiment="someone/some-model")) is None
