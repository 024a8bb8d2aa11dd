import re
from pathlib import Path

from nlp.sentiment import DEFAULT_MODEL, MODELS, LinearSentiment, read_config

CARD = Path(__file__).resolve().parents[2] / "docs" / "models" / f"{DEFAULT_MODEL}.md"
NAMED_FAILURES = {
    "not bad at all": "negative",
    "I don't hate it": "negative",
    "I can't recommend this enough": "negative",
    "Great, another delay. Just what I needed.": "positive",
    "Yeah right, best service ever": "positive",
    "Oh wonderful, my parcel is lost": "negative",
    "could have been better": "positive",
    "Police arrest man after shooting": "negative",
    "Estoy happy with this phone": "positive",
}


def test_the_card_states_the_scores_of_the_model_that_ships() -> None:
    """A model trained anew with other scores, or another version, needs another card."""
    config = read_config(MODELS / DEFAULT_MODEL)
    card = CARD.read_text(encoding="utf-8")

    for scores in config.scores.values():
        for measure in ("macro_recall", "accuracy", "macro_f1"):
            low, high = scores["interval_95"][measure]
            assert f"{scores[measure]:.3f} [{low:.3f}-{high:.3f}]" in card, measure
    for label, values in config.scores["validation"]["per_class"].items():
        cells = [f"{values[name]:.3f}" for name in ("precision", "recall", "f1")]
        assert f"| {label} | {' | '.join(cells)} | {values['support']} |" in card
    assert card.startswith(f"# {config.name} {config.version}\n")


def test_the_failures_on_the_card_are_real() -> None:
    """Each example that the card calls a failure, or a lucky hit, comes out as it says."""
    model = LinearSentiment.load(MODELS / DEFAULT_MODEL)
    card = re.sub(r"\s+", " ", CARD.read_text(encoding="utf-8"))

    for text, label in NAMED_FAILURES.items():
        assert f'"{text}"' in card
        found = model.probabilities([text])[0].argmax()
        assert model.config.labels[int(found)] == label, text
