"""The card of the bundled encoder says what the files that ship do."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.mention import Mention
from nlp.analyser import Analyser
from nlp.cascade import Cascade, load_encoder
from nlp.encoder import read_encoder_config
from nlp.sentiment import LABELS, MODELS

FOLDER = MODELS / "encoder-en"
CARD = Path(__file__).resolve().parents[2] / "docs" / "models" / "encoder-en.md"
EXAMPLES = {
    "not bad at all": "positive",
    "I don't hate it": "negative",
    "It is not that I dislike it": "negative",
    "I can't recommend this enough": "negative",
    "Great, another delay. Just what I needed.": "positive",
    "Yeah right, best service ever": "positive",
    "Oh wonderful, my parcel is lost": "negative",
    "could have been better": "positive",
    "I used to love this place": "positive",
    "The battery is sick": "negative",
    "kill it on stage tonight!": "negative",
    "Police arrest man after shooting": "negative",
    "Sales fell 12 percent in the third quarter": "negative",
    "Estoy happy with this phone": "positive",
}


def test_the_card_states_the_scores_of_the_model_that_ships() -> None:
    """A model trained anew with other scores, or another version, needs another card."""
    config = read_encoder_config(FOLDER)
    card = CARD.read_text(encoding="utf-8")

    assert card.startswith(f"# {config.name} {config.version}\n")
    for name in ("validation", "validation_encoder", "validation_cascade"):
        scores = config.scores[name]
        for measure in ("macro_recall", "accuracy", "macro_f1"):
            low, high = scores["interval_95"][measure]
            assert f"{scores[measure]:.3f} [{low:.3f}-{high:.3f}]" in card, (name, measure)
    for label, values in config.scores["validation"]["per_class"].items():
        cells = [f"{values[name]:.3f}" for name in ("precision", "recall", "f1")]
        assert f"| {label} | {' | '.join(cells)} | {values['support']} |" in card
    for name in ("emotion", "offensive", "target_held_out"):
        scores = config.scores[name]
        cells = [f"{scores[key]:.3f}" for key in ("macro_f1", "macro_recall", "accuracy")]
        assert f"| {scores['n']:,} | {' | '.join(cells)} |" in card
    for point in config.scores["curve"]:
        assert f"| {point['macro_recall']:.4f} | {point['accuracy']:.4f} |" in card


def test_a_language_ships_only_above_its_floor() -> None:
    """The card of the other languages has every figure, and names those that ship."""
    config = read_encoder_config(MODELS / "encoder-multi")
    card = (CARD.parent / "encoder-multi.md").read_text(encoding="utf-8")

    assert config.languages == ("de",)
    for code, scores in config.scores.items():
        low, high = scores["interval_95"]["macro_f1"]
        gain = scores["macro_f1"] - scores["tfidf_macro_f1"]
        row = (
            f"| {scores['macro_f1']:.3f} [{low:.3f}-{high:.3f}] | {scores['tfidf_macro_f1']:.3f} |"
        )
        assert f"{row} {gain:+.3f} | {'ships' if code in config.languages else 'no'}" in card
        assert (gain >= 0.05) == (code in config.languages)


def test_german_is_read_by_its_own_model() -> None:
    """German gets a sentiment; a language that is not good enough gets none."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    texts = {
        "Ich liebe dieses Handy, es ist einfach großartig und der Service war super.": "positive",
        "Das ist der schlechteste Kundendienst, den ich je erlebt habe. Unmöglich!": "negative",
        "Me encanta este teléfono, es el mejor que he tenido en mi vida.": None,
    }
    analyser = Analyser(("en", "de", "es"), entities=None)
    mentions = [Mention(id=str(n), text=text) for n, text in enumerate(texts)]
    for analysis, expected in zip(analyser.analyse(mentions, at), texts.values(), strict=True):
        assert analysis.mention.sentiment == expected
        enrichment = analysis.mention.enrichment
        assert enrichment is not None
        assert any(name.startswith("encoder-multi@") for name in enrichment.models) == bool(
            expected
        )


def test_the_models_that_ship_are_small() -> None:
    """A clone and an installation stay small: at most 40 MB of models in all."""
    size = sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file())
    assert size <= 40_000_000


@pytest.fixture(scope="module")
def model() -> Cascade:
    """Return the bundled model, every text read by the encoder."""
    found = load_encoder(FOLDER, is_thorough=True)
    assert isinstance(found, Cascade)
    return found


def test_the_failures_on_the_card_are_real(model: Cascade) -> None:
    """Each example that the card calls a failure, or a lucky hit, comes out as it says."""
    card = re.sub(r"\s+", " ", CARD.read_text(encoding="utf-8"))

    found = model.probabilities(list(EXAMPLES)).argmax(axis=1)
    for text, place in zip(EXAMPLES, found, strict=True):
        assert f'"{text}"' in card
        assert LABELS[int(place)].value == EXAMPLES[text], text


def test_two_brands_need_their_clauses(model: Cascade) -> None:
    """Of the whole text the head hears the louder brand, of the clauses it tells them apart."""
    whole = "I love Acme but Orion is a disaster"
    together = model.towards([(whole, "Acme"), (whole, "Orion")])
    apart = model.towards([("I love Acme", "Acme"), ("Orion is a disaster", "Orion")])

    assert together.argmax(axis=1).tolist() == [0, 0]
    assert apart.argmax(axis=1).tolist() == [2, 0]


def test_a_row_does_not_depend_on_its_neighbours(model: Cascade) -> None:
    """The same text has the same scores alone and among others, to the last bit."""
    texts = ["I love it", "word " * 300, "", "worst phone ever 😡"]
    np.testing.assert_array_equal(
        model.probabilities(texts), np.concatenate([model.probabilities([t]) for t in texts])
    )
