import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ModelError
from core.settings import ModelSettings
from nlp.model_folder import CONFIG_FILE, WEIGHTS_FILE
from nlp.sentiment import (
    DEFAULT_ENCODER,
    DEFAULT_MODEL,
    LABELS,
    MODELS,
    OTHER_ENCODER,
    LinearSentiment,
    load_configured,
    load_sentiment,
)
from tests.fakes.models import write_encoder

BUNDLED = load_sentiment(DEFAULT_MODEL)


def _says(text: str) -> str:
    return LABELS[int(BUNDLED.probabilities([text])[0].argmax())].value


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the bundled model that a test may damage."""
    return Path(shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "model"))


def _rewrite(folder: Path, **changes: Any) -> None:
    path = folder / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this phone, best I ever had :)", "positive"),
        ("Thank you so much, what a wonderful day!", "positive"),
        ("terrible service, never again :(", "negative"),
        ("Refund never arrived and nobody answers. Awful.", "negative"),
        ("The meeting is on Tuesday at 10 in room 4.", "neutral"),
        ("Acme will open its new store in Denver on Thursday", "neutral"),
    ],
)
def test_plain_texts_are_told_apart(text: str, label: str) -> None:
    """The bundled model says what anybody would say of clear cases."""
    assert _says(text) == label


def test_negation_turns_praise() -> None:
    """A negated good word makes a text worse."""
    plain, negated = BUNDLED.probabilities(["this is good", "this is not good"])

    assert negated[0] > plain[0]
    assert negated[2] < plain[2]


@settings(max_examples=30)
@given(st.lists(st.text(max_size=80), max_size=8))
def test_probabilities_sum_to_one_whatever_the_texts(texts: list[str]) -> None:
    """Every text gets three finite probabilities, in order, also in an empty batch."""
    scores = BUNDLED.probabilities(texts)

    assert scores.shape == (len(texts), 3)
    assert np.all(scores >= 0)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_text_scores_the_same_in_any_batch() -> None:
    """Batches are a matter of speed alone."""
    texts = ["good", "", "bad bad", "x" * 300_000, "the train leaves at nine"]

    together = BUNDLED.probabilities(texts)

    alone = np.concatenate([BUNDLED.probabilities([text]) for text in texts])
    assert np.array_equal(together, alone)


def test_the_bundled_model_says_what_it_is() -> None:
    """Name, version and languages are there for what is stored beside results."""
    assert BUNDLED.name.startswith("sentiment-en@")
    assert BUNDLED.languages == {"en"}


def test_the_default_is_the_encoder_where_it_is_there() -> None:
    """With the encoder's folder beside it the default is both as a cascade, else the linear one."""
    has_encoder = (MODELS / DEFAULT_ENCODER).is_dir()

    name = load_sentiment().name

    assert name.startswith(f"{DEFAULT_ENCODER}@" if has_encoder else f"{DEFAULT_MODEL}@")
    assert name.endswith(BUNDLED.name)


def test_a_folder_of_an_encoder_takes_the_place_of_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies among the bundled models decides, the one for other languages too."""
    shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / DEFAULT_MODEL)
    monkeypatch.setattr("nlp.sentiment.MODELS", tmp_path)
    front = {"model": DEFAULT_MODEL, "threshold": 0.9, "blend": 0.1}
    assert [model.name for model in load_configured(ModelSettings())] == [BUNDLED.name]

    write_encoder(tmp_path / DEFAULT_ENCODER, name="own", front=front)
    write_encoder(tmp_path / OTHER_ENCODER, name="other", languages=["de", "fr"])

    english, other = load_configured(ModelSettings())
    assert english.name == f"own@0.1+{BUNDLED.name}"
    assert other.name == "other@0.1"
    assert other.languages == {"de", "fr"}
    [named] = load_configured(ModelSettings(sentiment=DEFAULT_MODEL))
    assert named.name == BUNDLED.name


def test_a_damaged_default_is_no_reason_to_use_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoder that cannot be read is an error, not silently the linear model."""
    (tmp_path / DEFAULT_ENCODER).mkdir()
    monkeypatch.setattr("nlp.sentiment.MODELS", tmp_path)

    with pytest.raises(ModelError, match=r"config\.json: cannot be read"):
        load_sentiment()


def test_a_folder_can_be_named(copy: Path) -> None:
    """A model of one's own in the same form is loaded from its folder."""
    _rewrite(copy, name="mine", version="7")

    model = load_sentiment(str(copy))

    assert model.name == "mine@7"
    assert np.array_equal(model.probabilities(["fine"]), BUNDLED.probabilities(["fine"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights_sha256": "0" * 64}, "checksum"),
        ({"features_version": 999}, "features_version: trained on 999"),
        ({"labels": ["bad", "good"]}, "labels: expected"),
        ({"format": "other"}, "format: 'other'"),
        ({"bits": 9}, "expected shape"),
        ({"temperature": 0}, "temperature"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    copy: Path, changes: dict[str, Any], message: str
) -> None:
    """The error names the file and what is wrong with it."""
    _rewrite(copy, **changes)

    with pytest.raises(ModelError, match=message) as caught:
        LinearSentiment.load(copy)

    assert str(copy) in str(caught.value)


def test_damaged_weights_are_refused(copy: Path) -> None:
    """A truncated file is found by its checksum before anything is read from it."""
    weights = copy / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:1000])

    with pytest.raises(ModelError, match="checksum"):
        LinearSentiment.load(copy)


def test_arrays_that_hold_objects_are_refused(copy: Path) -> None:
    """Nothing is unpickled, even with a checksum that fits."""
    import hashlib

    weights = copy / WEIGHTS_FILE
    np.savez(weights, word_weights=np.array([{"a": 1}], dtype=object))
    _rewrite(copy, weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest())

    with pytest.raises(ModelError, match="not a readable set of arrays"):
        LinearSentiment.load(copy)


@pytest.mark.parametrize("missing", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_missing_file_is_named(copy: Path, missing: str) -> None:
    """The error says which file of the model cannot be read."""
    (copy / missing).unlink()

    with pytest.raises(ModelError, match=missing):
        LinearSentiment.load(copy)
