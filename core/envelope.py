"""What the spool carries: a mention, or a later word about one."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from core.mention import NO_VERSION, Engagement, Enrichment, Mention, Overlay, Part


class EnvelopeKind(StrEnum):
    """What an envelope brings."""

    MENTION = "mention"
    OVERLAY = "overlay"
    UPDATE = "update"
    TOMBSTONE = "tombstone"


class Envelope(Part):
    """One entry of the spool: exactly the part that its kind names, for one mention id.

    ``update`` carries engagement observed later; a ``tombstone`` carries nothing but the id of
    what the platform or the author deleted. A mention that was stored before comes ``again`` to be
    enriched anew, whatever models read it last.
    """

    kind: EnvelopeKind
    id: str = Field(min_length=1)
    mention: Mention | None = None
    overlay: Overlay | None = None
    update: Engagement | None = None
    again: bool = False

    @model_validator(mode="after")
    def _holds_its_kind(self) -> Self:
        held = {
            EnvelopeKind.MENTION: self.mention,
            EnvelopeKind.OVERLAY: self.overlay,
            EnvelopeKind.UPDATE: self.update,
        }
        for kind, part in held.items():
            if (part is not None) != (kind is self.kind):
                raise ValueError(f"an envelope of kind {self.kind} must hold that part alone")
        if self.mention is not None and self.mention.id != self.id:
            raise ValueError("an envelope and its mention must have one id")
        return self

    @classmethod
    def of(cls, mention: Mention) -> Self:
        """Return the envelope that carries ``mention``."""
        return cls(kind=EnvelopeKind.MENTION, id=mention.id, mention=mention)

    @classmethod
    def doing_again(cls, mention: Mention) -> Self:
        """Return the envelope that has a stored ``mention`` enriched anew."""
        return cls(kind=EnvelopeKind.MENTION, id=mention.id, mention=mention, again=True)

    @classmethod
    def correcting(cls, mention_id: str, overlay: Overlay) -> Self:
        """Return the envelope that carries a person's correction."""
        return cls(kind=EnvelopeKind.OVERLAY, id=mention_id, overlay=overlay)

    @classmethod
    def updating(cls, mention_id: str, engagement: Engagement) -> Self:
        """Return the envelope that carries newer engagement."""
        return cls(kind=EnvelopeKind.UPDATE, id=mention_id, update=engagement)

    @classmethod
    def erasing(cls, mention_id: str) -> Self:
        """Return the envelope that says the mention was deleted where it was published."""
        return cls(kind=EnvelopeKind.TOMBSTONE, id=mention_id)

    def fragment(self) -> Mention:
        """Return the mention that knows only what this envelope brings, ready to be joined."""
        if self.mention is not None:
            return self.mention
        if self.overlay is not None:
            return Mention(id=self.id, overlay=self.overlay)
        if self.update is not None:
            return Mention(id=self.id, engagement=self.update)
        return Mention(id=self.id, erased=True)


def enriched(mention: Mention, enrichment: Enrichment) -> Mention:
    """Return ``mention`` with ``enrichment`` of its present content."""
    if mention.version == NO_VERSION:
        raise ValueError(f"mention {mention.id} has no content to enrich")
    return mention.model_copy(update={"enrichment": enrichment})
