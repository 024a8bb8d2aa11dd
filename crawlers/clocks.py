"""Microseconds since 1970 and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.window import EPOCH


def microseconds(at: datetime) -> int:
    """Return the microseconds from 1970 to ``at``."""
    return (at - EPOCH) // timedelta(microseconds=1)


def instant(us: int) -> datetime:
    """Return the whole second that ``us`` lies in."""
    return datetime.fromtimestamp(us // 1_000_000, UTC)
