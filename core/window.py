"""Half-open windows of time, and the buckets that partition them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def require_utc(value: datetime) -> datetime:
    """Return ``value`` in UTC, cut to whole seconds.

    Raises ValueError for a naive datetime: its zone would be a guess.
    """
    if value.tzinfo is None:
        raise ValueError(
            f"{value.isoformat()} has no time zone; give one, e.g. {value.isoformat()}Z"
        )
    return value.astimezone(UTC).replace(microsecond=0)


def bucket_start(value: datetime, step: timedelta) -> datetime:
    """Return the start of the UTC bucket of length ``step`` that holds ``value``."""
    return EPOCH + (value - EPOCH) // step * step


def check_step(step: timedelta) -> timedelta:
    """Return ``step`` if it divides 15 minutes or is a multiple of them.

    Raises ValueError otherwise: such buckets could not be folded into hours of every time zone.
    """
    if step <= timedelta(0) or (QUARTER % step and step % QUARTER):
        raise ValueError(f"a bucket of {step} neither divides 15 minutes nor is a multiple of them")
    return step


@dataclass(frozen=True, slots=True, order=True)
class TimeWindow:
    """All instants from ``start`` on and before ``end``; both aware, kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Normalise both ends to UTC. Raises ValueError if the window runs backwards."""
        object.__setattr__(self, "start", require_utc(self.start))
        object.__setattr__(self, "end", require_utc(self.end))
        if self.end < self.start:
            raise ValueError(f"a window cannot end ({self.end}) before it starts ({self.start})")

    def __contains__(self, instant: datetime) -> bool:
        """Return whether ``instant`` lies in the window."""
        return self.start <= instant < self.end

    @property
    def length(self) -> timedelta:
        """The time between start and end."""
        return self.end - self.start

    @classmethod
    def before(cls, end: datetime, length: timedelta) -> TimeWindow:
        """Return the window of ``length`` that ends at ``end``."""
        return cls(end - length, end)

    def previous(self) -> TimeWindow:
        """Return the window of the same length that ends where this one starts."""
        return TimeWindow(self.start - self.length, self.start)

    def buckets(self, step: timedelta) -> Iterator[datetime]:
        """Yield the start of every UTC bucket that overlaps the window, in order."""
        at = bucket_start(self.start, check_step(step))
        while at < self.end:
            yield at
            at += step
