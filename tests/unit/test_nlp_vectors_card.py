from pathlib import Path

from nlp.vectors import load_vectors

CARD = Path(__file__).resolve().parents[2] / "docs" / "models" / "vectors-en.md"


def test_the_card_states_the_scores_of_the_vectors_that_ship() -> None:
    """Vectors made anew with other scores, or another version, need another card."""
    config = load_vectors().config
    card = CARD.read_text(encoding="utf-8")

    assert card.startswith(f"# {config.name} {config.version}\n")
    for group in ("news", "tweets"):
        for measure, (low, high) in config.scores[group]["interval_95"].items():
            assert f"{config.scores[group][measure]:.3f} [{low:.3f}-{high:.3f}]" in card, measure
    for label, values in config.scores["tweets"]["classes"].items():
        assert f"| {label} | " in card
        assert f" {values['f1']:.3f} | {values['support']} |" in card
    for correlation in config.scores["encoder"].values():
        assert f"{correlation:.2f}" in card
