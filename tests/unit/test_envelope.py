"""Envelopes carry exactly what their kind names."""

import pytest
from pydantic import ValidationError

from core.envelope import Envelope, EnvelopeKind, enriched
from core.mention import Engagement, Enrichment, Mention, Overlay

MENTION = Mention(id="m", version=(0, 1, ""), text="a")


@pytest.mark.parametrize(
    ("envelope", "fragment"),
    [
        (Envelope.of(MENTION), MENTION),
        (
            Envelope.correcting("m", Overlay(tags_added=(("a", 1),))),
            Mention(id="m", overlay=Overlay(tags_added=(("a", 1),))),
        ),
        (
            Envelope.updating("m", Engagement(shares=1)),
            Mention(id="m", engagement=Engagement(shares=1)),
        ),
        (Envelope.erasing("m"), Mention(id="m", erased=True)),
    ],
)
def test_brings_one_part(envelope: Envelope, fragment: Mention) -> None:
    """The fragment knows what the envelope brings, before and after a way through JSON."""
    assert envelope.fragment() == fragment
    assert Envelope.model_validate_json(envelope.model_dump_json()) == envelope


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": EnvelopeKind.MENTION, "id": "m"},
        {"kind": EnvelopeKind.TOMBSTONE, "id": "m", "mention": MENTION},
        {"kind": EnvelopeKind.OVERLAY, "id": "m", "overlay": Overlay(), "update": Engagement()},
        {"kind": EnvelopeKind.MENTION, "id": "other", "mention": MENTION},
        {"kind": EnvelopeKind.TOMBSTONE, "id": ""},
    ],
)
def test_refuses_other_parts(fields: dict[str, object]) -> None:
    """A part that is missing, not of the kind, or of another mention is an error."""
    with pytest.raises(ValidationError):
        Envelope.model_validate(fields)


def test_only_content_can_be_enriched() -> None:
    """Enrichment says something about a content, so there must be one."""
    enrichment = Enrichment(content_version=MENTION.version, enriched_us=1)
    assert enriched(MENTION, enrichment).enrichment == enrichment
    with pytest.raises(ValueError, match="no content"):
        enriched(Mention(id="m"), enrichment)


def test_an_envelope_that_comes_again_says_so() -> None:
    """And is written as before where it does not."""
    made = Envelope.doing_again(MENTION)
    assert made.again
    assert made.fragment() == MENTION
    assert Envelope.model_validate_json(made.model_dump_json()) == made
    assert "again" not in Envelope.of(MENTION).model_dump_json(exclude_defaults=True)
