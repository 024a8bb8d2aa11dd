"""How the rules learn that there is something new: the enricher touches a file in the home."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

NEWS = "indexed"
LOOK_SECONDS = 0.25
LEAST = timedelta(seconds=2)
"""So much lies between two rounds at least, however much comes in."""

MINUTE = timedelta(minutes=1)
AFTER_A_BUCKET = timedelta(milliseconds=500)


def tell_news(home: Path) -> None:
    """Say that the index holds more than before."""
    (home / NEWS).touch()


def await_news(
    home: Path, now: datetime, every: timedelta, least: timedelta, stop: threading.Event
) -> None:
    """Wait until there is news, a minute closed, or ``every`` is over; or ``stop`` is set.

    ``least`` is waited in any case: rounds that take long leave half of the time to others.
    """
    closed = now.replace(second=0, microsecond=0) + MINUTE + AFTER_A_BUCKET - now
    seen = _changed(home)
    begun = time.monotonic()
    least_seconds = min(max(least, LEAST), every).total_seconds()
    longest = max(min(every, closed).total_seconds(), least_seconds)
    while not stop.is_set():
        waited = time.monotonic() - begun
        if waited >= longest or (waited >= least_seconds and _changed(home) != seen):
            return
        stop.wait(min(LOOK_SECONDS, longest - waited))


def _changed(home: Path) -> int:
    try:
        return (home / NEWS).stat().st_mtime_ns
    except OSError:
        return 0
