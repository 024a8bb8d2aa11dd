"""What to make of the time that a source claims for an item."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from core.window import require_utc

EARLIEST_CLAIM = datetime(1990, 1, 1, tzinfo=UTC)
"""Before the web nothing was published on it: an older claim is a default value, not a date."""

BACKDATED_AFTER = timedelta(hours=48)
"""In a live stream an older claim is no news of today."""

FUTURE_TOLERANCE = timedelta(minutes=5)
"""Clocks of servers differ; a claim this little ahead is taken for now without a remark."""


class PublishedTime(NamedTuple):
    """When an item counts as published, and how far that can be trusted."""

    at: datetime
    is_estimated: bool
    is_backdated: bool


def published_time(
    claim: datetime | None, collected_at: datetime, *, live: bool = False
) -> PublishedTime:
    """Return the time an item is counted at.

    ``claim`` is the service's word (aware) or None; ``collected_at`` is when it was first seen.
    A missing or impossible claim counts as ``collected_at`` and is marked as estimated; a future
    one counts as ``collected_at``; with ``live`` one older than 48 hours is backdated and counts
    when it was received.
    """
    collected_at = require_utc(collected_at)
    if claim is None or claim.tzinfo is None or claim < EARLIEST_CLAIM:
        return PublishedTime(collected_at, is_estimated=True, is_backdated=False)
    if claim > collected_at:
        is_estimated = claim > collected_at + FUTURE_TOLERANCE
        return PublishedTime(collected_at, is_estimated, is_backdated=False)
    if live and claim < collected_at - BACKDATED_AFTER:
        return PublishedTime(collected_at, is_estimated=False, is_backdated=True)
    return PublishedTime(require_utc(claim), is_estimated=False, is_backdated=False)
