"""Gap-free counts per bucket, with the coverage of each, and their folding into longer spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from core.window import TimeWindow, bucket_start, check_step
from insights.distributions import FloatArray, IntArray

# A bucket of which less than half was collected says little about how much was said.
GOOD_COVERAGE = 0.5


class Span(StrEnum):
    """A length that buckets are folded into, on the wall clock of a zone."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Folded:
    """One hour or day of a zone: its window, its count, and the share of it that was covered."""

    window: TimeWindow
    count: int
    coverage: float

    @property
    def is_covered(self) -> bool:
        """Whether enough of it was collected for the count to mean something."""
        return self.coverage >= GOOD_COVERAGE


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Counts of equal steps from ``start`` on, without gaps.

    ``counts`` and ``coverage`` (0..1) are read-only arrays of one length; bucket i covers
    [start + i * step, start + (i + 1) * step). Build one with :meth:`build` or
    :meth:`from_buckets`.
    """

    start: datetime
    step: timedelta
    counts: IntArray
    coverage: FloatArray

    def __post_init__(self) -> None:
        """Raises ValueError for a naive start, a wrong step, lengths that differ, or bad values."""
        check_step(self.step)
        if self.start.tzinfo is None:
            raise ValueError("a series starts at an aware datetime")
        if self.counts.shape != self.coverage.shape or self.counts.ndim != 1:
            raise ValueError("a series has one coverage for each count")
        if self.counts.size and int(self.counts.min()) < 0:
            raise ValueError("a count cannot be negative")
        if self.coverage.size and not (self.coverage.min() >= 0 and self.coverage.max() <= 1):
            raise ValueError("coverage lies between 0 and 1")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        self.counts.setflags(write=False)
        self.coverage.setflags(write=False)

    @classmethod
    def build(
        cls,
        start: datetime,
        step: timedelta,
        counts: Sequence[int] | IntArray,
        coverage: Sequence[float] | FloatArray | None = None,
        *,
        covered_from: datetime | None = None,
    ) -> Series:
        """Return a series of ``counts``.

        ``coverage`` is 1 throughout where it is not given. Buckets that begin before
        ``covered_from`` (when collecting began) get coverage 0: they are unknown, not quiet.
        """
        values = np.array(counts, dtype=np.int64)
        covered = np.ones(values.size) if coverage is None else np.array(coverage, dtype=np.float64)
        if covered_from is not None and covered.size:
            first = -((start - covered_from) // step)
            covered[: min(max(first, 0), covered.size)] = 0.0
        return cls(start, step, values, covered)

    @classmethod
    def from_buckets(
        cls,
        window: TimeWindow,
        step: timedelta,
        counts: Mapping[datetime, int],
        coverage: Mapping[datetime, float] | None = None,
        *,
        covered_from: datetime | None = None,
    ) -> Series:
        """Return the series of every bucket that overlaps ``window``.

        ``counts`` maps bucket starts to counts; a missing bucket counts 0. ``coverage`` likewise; a
        missing bucket was not covered. Keys that are no start of a bucket in the window raise
        ValueError, because a count would be lost.
        """
        starts = list(window.buckets(step))
        known = set(starts)
        stray = next((key for key in counts if key not in known), None)
        if stray is not None:
            raise ValueError(f"{stray.isoformat()} is no bucket of {step} in {window}")
        covered = None if coverage is None else [coverage.get(at, 0.0) for at in starts]
        start = starts[0] if starts else bucket_start(window.start, step)
        values = [counts.get(at, 0) for at in starts]
        return cls.build(start, step, values, covered, covered_from=covered_from)

    def __len__(self) -> int:
        return int(self.counts.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return (
            self.start == other.start
            and self.step == other.step
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.coverage, other.coverage)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays are compared, never hashed

    @property
    def end(self) -> datetime:
        """The end of the last bucket."""
        return self.time_of(len(self))

    @property
    def window(self) -> TimeWindow:
        """All of the series' time."""
        return TimeWindow(self.start, self.end)

    @property
    def is_covered(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """For each bucket, whether enough was collected for its count to mean something."""
        return np.asarray(self.coverage >= GOOD_COVERAGE)

    def time_of(self, index: int) -> datetime:
        """Return when bucket ``index`` starts."""
        return self.start + index * self.step

    def index_of(self, instant: datetime) -> int:
        """Return the index of the bucket that holds ``instant``; it may lie outside the series."""
        return (instant - self.start) // self.step

    def last_closed(self, now: datetime) -> int:
        """Return the index of the last bucket that has ended by ``now`` (-1 if none has)."""
        return min(self.index_of(now), len(self)) - 1

    def between(self, window: TimeWindow) -> Series:
        """Return the buckets that start in ``window``."""
        first = max(-((self.start - window.start) // self.step), 0)
        last = max(min(-((self.start - window.end) // self.step), len(self)), first)
        return Series(
            self.time_of(first),
            self.step,
            self.counts[first:last].copy(),
            self.coverage[first:last].copy(),
        )

    def without(self, windows: Iterable[TimeWindow]) -> Series:
        """Return the series with every bucket that overlaps one of ``windows`` not covered."""
        covered = self.coverage.copy()
        for window in windows:
            first = max((window.start - self.start) // self.step, 0)
            last = max(-((self.start - window.end) // self.step), 0)
            covered[first:last] = 0.0
        return Series(self.start, self.step, self.counts.copy(), covered)

    def total(self) -> int:
        """Return the sum of all counts."""
        return int(self.counts.sum())


def fold(series: Series, span: Span, zone: str = "UTC") -> list[Folded]:
    """Return the series as hours or days on the wall clock of ``zone``.

    A span that the series covers only in part keeps its full window, and its coverage says how much
    of it was seen: the first and last day of a chart are marked incomplete rather than shown low.
    Days are 23 or 25 hours long where the clocks change. Raises zoneinfo.ZoneInfoNotFoundError
    for an unknown zone, ValueError for buckets longer than the span.
    """
    if series.step > (timedelta(hours=1) if span is Span.HOUR else timedelta(days=1)):
        raise ValueError(f"buckets of {series.step} cannot be folded into a shorter {span}")
    info = ZoneInfo(zone)
    folded: list[Folded] = []
    at = 0
    while at < len(series):
        window = _span_at(series.time_of(at), span, info)
        after = min(-((series.start - window.end) // series.step), len(series))
        covered = float(series.coverage[at:after].sum()) * (series.step / window.length)
        count = int(series.counts[at:after].sum())
        folded.append(Folded(window, count, min(covered, 1.0)))
        at = after
    return folded


def _span_at(instant: datetime, span: Span, zone: ZoneInfo) -> TimeWindow:
    """Return the hour or day of ``zone`` that holds ``instant``."""
    local = instant.astimezone(zone)
    if span is Span.HOUR:
        start = instant - timedelta(minutes=local.minute, seconds=local.second)
        return TimeWindow(start, start + timedelta(hours=1))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # Wall-clock arithmetic: the next midnight is 23 to 25 hours away.
    following = (midnight + timedelta(days=1)).replace(fold=0)
    return TimeWindow(midnight.astimezone(UTC), following.astimezone(UTC))


def add_series(parts: Iterable[Series]) -> Series:
    """Return the sum of series of the same buckets; its coverage is the mean of theirs.

    Raises ValueError if there is none or if their buckets differ.
    """
    series = list(parts)
    if not series:
        raise ValueError("nothing to add")
    first = series[0]
    if any((s.start, s.step, len(s)) != (first.start, first.step, len(first)) for s in series):
        raise ValueError("series of different buckets cannot be added")
    counts = np.stack([s.counts for s in series]).sum(axis=0)
    coverage = np.stack([s.coverage for s in series]).mean(axis=0)
    return Series(first.start, first.step, counts, coverage)
