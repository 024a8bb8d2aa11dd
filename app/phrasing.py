"""Numbers and times as people say them, the same in page, e-mail and terminal."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_timedelta

SECONDS_THAT_ARE_NOW = 45


def age(at: datetime, now: datetime) -> str:
    """Return how long ago ``at`` was, e.g. "14 min ago"."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < SECONDS_THAT_ARE_NOW:
        return "now"
    text = format_timedelta(now - at, format="short", locale="en", threshold=1.0)
    return f"{text.replace('.', '')} ago" if seconds > 0 else f"in {text}"
