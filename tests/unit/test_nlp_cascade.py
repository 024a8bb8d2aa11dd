import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from nlp.cascade import Cascade, cascade_curve, load_encoder
from nlp.encoder import EncoderModel
from nlp.evaluation import measure
from nlp.sentiment import DEFAULT_MODEL, LABELS, MODELS, LinearSentiment, load_sentiment
from tests.fakes.models import HEADS, rewrite_config, write_encoder

EASY = "I love this phone, best I ever had, thank you so much :)"
HARD = "The meeting about the phone could have been better"
TEXTS = [EASY, HARD, "terrible service, never again :(", "room 4", EASY.upper(), "not bad at all"]
LABELLED = np.array([2, 0, 0, 1, 2, 2])
FRONT = {"model": DEFAULT_MODEL, "threshold": 0.9, "blend": 0.5}


@pytest.fixture(scope="module")
def front() -> LinearSentiment:
    """Return the bundled linear model."""
    return LinearSentiment.load(MODELS / DEFAULT_MODEL)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderModel:
    """Return a small encoder with all heads."""
    return EncoderModel.load(write_encoder(tmp_path_factory.mktemp("models") / "tiny"))


def _cascade(
    front: LinearSentiment,
    encoder: EncoderModel,
    *,
    threshold: float = 0.9,
    blend: float = 0.5,
    is_thorough: bool = False,
) -> Cascade:
    return Cascade(front, encoder, threshold=threshold, blend=blend, is_thorough=is_thorough)


def test_the_front_answers_alone_what_it_is_sure_of(
    front: LinearSentiment, encoder: EncoderModel
) -> None:
    """Sure texts have the linear model's probabilities and nothing of the other heads."""
    found = _cascade(front, encoder).read([EASY, HARD])
    linear = front.probabilities([EASY, HARD])
    assert linear[0].max() > 0.9 > linear[1].max()

    assert np.array_equal(found.sentiment[0], linear[0])
    assert not np.allclose(found.sentiment[1], linear[1])
    assert found.emotion is not None
    assert found.offensive is not None
    assert np.isnan(found.emotion).any(axis=1).tolist() == [True, False]
    assert np.isnan(found.offensive).tolist() == [True, False]


def test_the_rest_is_the_encoder_with_some_of_the_front(
    front: LinearSentiment, encoder: EncoderModel
) -> None:
    """Logits are added with the weight that the configuration names, then calibrated."""
    logits = encoder.logits([HARD])["sentiment"] + 0.5 * front.logits([HARD])

    found = _cascade(front, encoder).probabilities([HARD])

    assert np.allclose(found, encoder.calibrated("sentiment", logits), atol=1e-6)
    unmixed = _cascade(front, encoder, blend=0).probabilities([HARD])
    assert np.allclose(unmixed, encoder.probabilities([HARD]), atol=1e-6)


def test_blending_knows_the_order_of_labels(front: LinearSentiment, tmp_path: Path) -> None:
    """An encoder whose labels stand in another order gets the linear logits in that order."""
    turned = HEADS | {"sentiment": {"labels": ["positive", "negative", "neutral"]}}
    other = EncoderModel.load(write_encoder(tmp_path / "x", heads=turned))

    found = _cascade(front, other, blend=1e6).probabilities([HARD])

    assert LABELS[int(found.argmax())] == LABELS[int(front.probabilities([HARD]).argmax())]


def test_a_thorough_cascade_reads_everything(front: LinearSentiment, encoder: EncoderModel) -> None:
    """Every text gets an emotion and a word on offence, and sentiment from both models."""
    thorough = _cascade(front, encoder, is_thorough=True)
    found = thorough.read(TEXTS)

    assert found.emotion is not None
    assert found.offensive is not None
    assert not np.isnan(found.emotion).any()
    assert not np.isnan(found.offensive).any()
    assert np.allclose(found.sentiment, thorough.probabilities(TEXTS), atol=1e-6)
    never = _cascade(front, encoder, threshold=1).read(TEXTS)
    assert np.allclose(found.sentiment, never.sentiment, atol=1e-6)


def test_a_front_that_is_always_sure_costs_no_encoder(
    front: LinearSentiment, encoder: EncoderModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a threshold of 0 the encoder reads no text at all."""
    monkeypatch.setattr(encoder._network, "_session", None)

    found = _cascade(front, encoder, threshold=0).read(TEXTS)

    assert np.array_equal(found.sentiment, front.probabilities(TEXTS))


def test_a_text_scores_the_same_in_any_batch(front: LinearSentiment, encoder: EncoderModel) -> None:
    """Who else is asked about changes nothing, in either half of the cascade."""
    cascade = _cascade(front, encoder)

    alone = np.concatenate([cascade.probabilities([text]) for text in TEXTS])

    assert np.allclose(cascade.probabilities(TEXTS), alone, atol=1e-6)
    assert cascade.probabilities([]).shape == (0, 3)
    assert cascade.read([]).sentiment.shape == (0, 3)


def test_targets_are_the_encoders_matter(front: LinearSentiment, encoder: EncoderModel) -> None:
    """The linear model knows no targets."""
    pairs = [(HARD, "phone")]

    assert np.array_equal(_cascade(front, encoder).towards(pairs), encoder.towards(pairs))


def test_it_is_named_after_both(front: LinearSentiment, encoder: EncoderModel) -> None:
    """What is stored beside a result tells every change of either model."""
    cascade = _cascade(front, encoder)

    assert cascade.name == f"{encoder.name}+{front.name}"
    assert cascade.languages == {"en"}
    assert cascade.minimum_confidence == encoder.minimum_confidence


def test_the_configuration_puts_the_front_there(tmp_path: Path) -> None:
    """Loading an encoder loads what it names in front, bundled or beside it."""
    folder = write_encoder(tmp_path / "tiny", front=FRONT)
    beside = Path(shutil.copytree(MODELS / DEFAULT_MODEL, tmp_path / "mine"))
    rewrite_config(beside, name="mine")

    bundled = load_encoder(folder, is_thorough=False)
    rewrite_config(folder, front=FRONT | {"model": "mine"})
    own = load_sentiment(str(folder), front_threshold=0.5)

    assert isinstance(bundled, Cascade)
    assert (bundled.threshold, float(bundled.blend), bundled.is_thorough) == (0.9, 0.5, False)
    assert isinstance(own, Cascade)
    assert (own.threshold, own.is_thorough) == (0.5, True)
    assert own.front.name.startswith("mine@")


def test_a_front_that_is_not_there_or_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A missing linear model is named, and so is a language that it does not read."""
    missing = write_encoder(tmp_path / "one", front=FRONT | {"model": "gone"})
    foreign = write_encoder(tmp_path / "two", front=FRONT, languages=["en", "de"])

    with pytest.raises(ModelError, match=r"gone.*cannot be read"):
        load_encoder(missing)
    with pytest.raises(ModelError, match=r"front\.model: sentiment-en does not read de"):
        load_encoder(foreign)


def test_the_curve_says_what_each_threshold_costs(
    front: LinearSentiment, encoder: EncoderModel
) -> None:
    """Shares and recalls are those of such cascades, and the more is easy, the faster it is."""
    thresholds = (0.3, 0.7, 0.9, 1.0)
    points = cascade_curve(_cascade(front, encoder), TEXTS, LABELLED, thresholds)

    confidence = front.probabilities(TEXTS).max(axis=1)
    for point, threshold in zip(points, thresholds, strict=True):
        cascade = _cascade(front, encoder, threshold=threshold)
        predicted = cascade.probabilities(TEXTS).argmax(axis=1)
        measured = measure(LABELLED, predicted)
        assert point.threshold == threshold
        assert point.macro_recall == measured["macro_recall"]
        assert point.accuracy == measured["accuracy"]
        expected = (confidence >= threshold).mean() if threshold < 1 else 0
        assert point.front_share == pytest.approx(expected, abs=1e-4)
    rates = [point.texts_per_second for point in points]
    assert points[0].front_share == 1
    assert points[-1].front_share == 0
    assert sorted(rates, reverse=True) == rates
    assert rates[-1] > 0
