"""Joining a batch of fragments into stored states: what every engine does before it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.mention import NO_VERSION, Mention
from core.merge import join
from core.ports import Applied, ApplyOutcome
from core.window import require_utc

MAX_ID_BYTES = 512
"""Longest id that every engine takes (Elasticsearch's own limit)."""


@dataclass(slots=True)
class Batch:
    """A batch joined with what was stored: one outcome a fragment, and the states to write."""

    outcomes: list[ApplyOutcome] = field(default_factory=list)
    changed: dict[str, Mention] = field(default_factory=dict)

    def reject(self, key: str, reason: str) -> None:
        """Turn every outcome of ``key`` into a rejection; nothing of it is written."""
        self.changed.pop(key, None)
        self.outcomes = [
            ApplyOutcome(key, Applied.REJECTED, reason) if outcome.id == key else outcome
            for outcome in self.outcomes
        ]


def usable_ids(fragments: Iterable[Mention]) -> list[str]:
    """Return the different ids of ``fragments`` that an engine can hold, in order."""
    return [key for key in dict.fromkeys(m.id for m in fragments) if _is_usable(key)]


def join_batch(stored: Mapping[str, Mention], fragments: Sequence[Mention], now: datetime) -> Batch:
    """Join ``fragments``, in order, into the ``stored`` states of their ids.

    Content that shows for the first time gets ``known_at = now``. An id never stored before is
    CREATED by its first fragment.
    """
    batch = Batch()
    now = require_utc(now)
    for fragment in fragments:
        key = fragment.id
        if not _is_usable(key):
            reason = f"an id has 1 to {MAX_ID_BYTES} bytes of valid Unicode"
            batch.outcomes.append(ApplyOutcome(key, Applied.REJECTED, reason))
            continue
        before = batch.changed.get(key) or stored.get(key)
        after = _in_form(fragment) if before is None else join(before, fragment)
        if after.has_content and after.known_at is None:
            after = after.model_copy(update={"known_at": now})
        if before is None:
            status = Applied.CREATED
        else:
            status = Applied.UNCHANGED if after == before else Applied.UPDATED
        if status is not Applied.UNCHANGED:
            batch.changed[key] = after
        batch.outcomes.append(ApplyOutcome(key, status))
    return batch


def _in_form(fragment: Mention) -> Mention:
    """Return a first fragment in the form that joining gives: sets sorted, erased ones empty."""
    if (
        fragment.version != NO_VERSION
        and not fragment.erased
        and len(fragment.sources) == 1
        and len(fragment.topics) <= 1
        and not fragment.overlay.tags_added
        and not fragment.overlay.tags_removed
    ):
        return fragment
    return join(Mention(id=fragment.id), fragment)


def _is_usable(key: str) -> bool:
    try:
        return 0 < len(key.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False
