"""What a rule's judgement of one bucket says, whatever it judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR, REFERENCE_WEEKS, hours_before
from insights.distributions import FloatArray, IntArray
from insights.levels import Shift
from insights.series import GOOD_COVERAGE, Series

WEEK = timedelta(weeks=1)
# Two weeks: each hour of the week twice, the least that can tell a Monday from a Sunday.
LEARNING_DAYS = 14
# While learning, a burst must at least double the busiest hour so far.
LEARNING_FACTOR = 2.0
# Shown as "usual": the middle four fifths of what the baseline expects.
USUAL_MASS = 0.8
# Louder than any ratio of p to level that a window which may fire can have.
NOT_ELIGIBLE = 1e9
# A baseline of eight weeks changes little within hours. A whole number of these makes a day.
REFERENCE_STEP = timedelta(hours=6)


class Status(StrEnum):
    """What was found."""

    QUIET = "quiet"
    BURST = "burst"
    LEARNING = "learning"
    NO_DATA = "no_data"


class Measure(StrEnum):
    """What was judged."""

    VOLUME = "volume"
    NEGATIVE = "negative"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Learning:
    """How far a rule without enough history is: day ``day`` of ``days``.

    Until then it fires from ``threshold`` mentions (for negative rules: negative mentions) an hour;
    not at all where that is None, because there is no hour yet to compare with. ``since`` says what
    made it learn again, e.g. "the query of Acme changed on 3 Nov"; None where it is new.
    """

    day: int
    days: int
    threshold: int | None
    since: str | None = None

    def fires(self, counts: IntArray) -> npt.NDArray[np.bool_]:
        """Return which of these counts of an hour are as many as the threshold."""
        if self.threshold is None:
            return np.zeros(counts.shape, dtype=np.bool_)
        return np.asarray(counts >= self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one bucket, by the window ending with it that stands out most.

    ``observed`` mentions in ``window`` stand against ``expected`` and the usual range ``low`` to
    ``high`` (inclusive; the middle 80 %). ``factor`` is observed / expected, None where nothing was
    expected. ``p`` is the probability of so many or more, ``level`` the one below which the rule
    fires; both None while learning. ``started_at`` says since when it has been so, None when quiet.
    ``coverage`` (0..1) is that of ``window``. For negative rules ``observed`` counts negative
    mentions of ``scored`` ones, for shares of voice those of one topic among ``scored`` of its
    group; for volume ``scored`` is None. ``shift`` is the newest level shift that a volume rule may
    tell, whatever this bucket holds. ``is_holiday`` says that a number was compared with Sundays,
    as the bucket lies on a holiday.
    """

    measure: Measure
    status: Status
    is_alert: bool
    at: datetime
    window: TimeWindow
    observed: int
    expected: float | None
    low: int | None
    high: int | None
    factor: float | None
    p: float | None
    level: float | None
    reference: TimeWindow
    coverage: float
    started_at: datetime | None
    learning: Learning | None = None
    scored: int | None = None
    shift: Shift | None = None
    is_holiday: bool = False

    @property
    def share(self) -> float | None:
        """The negative share of the window (0..1); None for volume or where nothing was scored."""
        return self.observed / self.scored if self.scored else None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The judgements of buckets ``first`` .. ``first + len(is_alert) - 1``, without their words.

    ``p``, ``level`` and ``length`` (in buckets) are those of the window that stands out most; the
    first two are nan while learning. ``ratio`` is p / level of the window that may fire and stands
    out most (infinite where none may): with k times the budget, the rule fires where it is at most
    k.
    """

    first: int
    is_alert: npt.NDArray[np.bool_]
    p: FloatArray
    level: FloatArray
    length: IntArray
    ratio: FloatArray

    @classmethod
    def learning(cls, first: int, fires: npt.NDArray[np.bool_], length: int) -> Scan:
        """Return the judgements of a rule that is learning, made by windows of ``length``."""
        unknown = np.full(fires.size, np.nan)
        lengths = np.full(fires.size, length, dtype=np.int64)
        return cls(first, fires, unknown, unknown, lengths, np.where(fires, 0.0, np.inf))

    def alerts(self) -> list[int]:
        """Return the indices of the buckets at which the rule fires."""
        return [self.first + int(i) for i in np.flatnonzero(self.is_alert)]


def join_scans(parts: Sequence[Scan]) -> Scan:
    """Return consecutive scans as one. Raises ValueError if there is none."""
    if not parts:
        raise ValueError("nothing was judged")
    return Scan(
        parts[0].first,
        np.concatenate([part.is_alert for part in parts]),
        np.concatenate([part.p for part in parts]),
        np.concatenate([part.level for part in parts]),
        np.concatenate([part.length for part in parts]),
        np.concatenate([part.ratio for part in parts]),
    )


def louder(one: Scan, other: Scan) -> Scan:
    """Return two tests of the same buckets as one: of each bucket the one that stands out more."""
    takes = other.ratio < one.ratio
    return Scan(
        one.first,
        one.is_alert | other.is_alert,
        np.where(takes, other.p, one.p),
        np.where(takes, other.level, one.level),
        np.where(takes, other.length, one.length),
        np.minimum(one.ratio, other.ratio),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What windows of one length (in buckets) say: arrays with one value for each judged bucket."""

    length: int
    level: FloatArray
    p: FloatArray
    is_eligible: npt.NDArray[np.bool_]


def choose_window(evidence: Sequence[Evidence], first: int) -> Scan:
    """Return for each bucket the window that speaks loudest, and whether any may fire.

    A window that is not eligible (too few mentions) speaks only where no other does.
    """
    levels = np.stack([one.level for one in evidence])
    p = np.stack([one.p for one in evidence])
    eligible = np.stack([one.is_eligible for one in evidence])
    best = np.argmin(np.where(eligible, p / levels, NOT_ELIGIBLE + p), axis=0)
    lengths = np.array([one.length for one in evidence], dtype=np.int64)
    return Scan(
        first,
        np.asarray((eligible & (p <= levels)).any(axis=0)),
        np.take_along_axis(p, best[None, :], axis=0)[0],
        np.take_along_axis(levels, best[None, :], axis=0)[0],
        lengths[best],
        np.where(eligible, p / levels, np.inf).min(axis=0),
    )


def pass_on(levels: FloatArray, smallest: FloatArray) -> FloatArray:
    """Return levels in which windows that cannot spend their share leave it to the others.

    ``levels`` and ``smallest`` have a row for each length and a column for each bucket;
    ``smallest`` is the p-value of the minimum volume. Where it lies below the level, such windows
    fire by chance only that often; the rest of their share goes to the other lengths, in equal
    parts. So quiet topics do not pay for windows that are too short for them.
    """
    used = np.minimum(smallest / levels, 1.0)
    is_full = used >= 1.0
    takers = np.maximum(is_full.sum(axis=0), 1)
    return np.where(is_full, levels * (1 + (1 - used).sum(axis=0) / takers), levels)


def reference_end(at: datetime, longest: timedelta, every: timedelta = REFERENCE_STEP) -> datetime:
    """Return when (a multiple of ``every``, in UTC) the baseline of a judgement at ``at`` ends.

    It lies before the longest window begins, so that a burst is never its own reference.
    """
    return bucket_start(at - longest, every)


def same_reference(
    series: Series, at: int, last: int, longest: timedelta, every: timedelta = REFERENCE_STEP
) -> int:
    """Return the last bucket from ``at`` on, at most ``last``, judged by the same baseline."""
    end = reference_end(series.time_of(at + 1), longest, every)
    # The reference ends a step later as soon as the judgement is a step later.
    until = -((series.start - (end + every + longest)) // series.step) - 2
    return min(max(until, at), last)


def find_learning(
    counted: Series, at: datetime, longest: timedelta, days: int, least: int
) -> Learning | None:
    """Return how far a rule is that judges ``counted`` at ``at``; None once it knows enough.

    ``days`` of covered hours are enough, ``least`` is the lowest threshold. Until then the
    threshold follows the busiest hour that ended before the longest window began. Where that leaves
    none, in the first hours of a topic, it follows those before the hour that is judged: how lively
    a topic is may not pass for a burst.
    """
    _, exposure, _ = hours_before(counted, reference_end(at, longest), REFERENCE_WEEKS)
    learned = int((exposure >= GOOD_COVERAGE).sum()) // 24
    if learned >= days:
        return None
    end = reference_end(at, longest, HOUR)
    busiest = _busiest(counted, end)
    if busiest is None:
        busiest = _busiest(counted, end + max(longest // HOUR - 1, 0) * HOUR)
    threshold = None if busiest is None else max(least, int(np.ceil(LEARNING_FACTOR * busiest)))
    return Learning(day=learned + 1, days=days, threshold=threshold)


def _busiest(counted: Series, end: datetime) -> float | None:
    """Return the highest rate of a covered hour before ``end``; None if none was covered."""
    counts, exposure, _ = hours_before(counted, end, REFERENCE_WEEKS)
    covered = exposure >= GOOD_COVERAGE
    return float((counts[covered] / exposure[covered]).max()) if covered.any() else None


def check_windows(windows: tuple[timedelta, ...], step: timedelta) -> tuple[int, ...]:
    """Return the lengths in buckets of those windows that are whole buckets of ``step``.

    Windows shorter than a bucket cannot be judged and are left out. Raises ValueError if none is
    left or one is no multiple of the step.
    """
    lengths = []
    for window in windows:
        if window >= step:
            if window % step:
                raise ValueError(f"a window of {window} is no multiple of the bucket {step}")
            lengths.append(window // step)
    if not lengths:
        raise ValueError(f"no window is as long as a bucket ({step})")
    return tuple(sorted(set(lengths)))


def window_levels(
    lengths: tuple[int, ...], step: timedelta, false_alarms_per_week: float, crossings: float
) -> tuple[float, ...]:
    """Return the p-value below which each window length fires.

    The rule's budget of false alarms a week is shared equally by the lengths. A length of n buckets
    makes W / step judgements a week. Sliding windows of one length cross a high level about as
    often as ``crossings`` independent ones per length would, so about crossings * W / (n * step)
    count; the lesser of the two numbers divides its share (a Bonferroni bound).
    """
    share = false_alarms_per_week / len(lengths)
    judged = WEEK / step
    return tuple(share / min(judged, crossings * judged / n) for n in lengths)


def window_coverage(series: Series, window: TimeWindow) -> float:
    """Return the mean coverage (0..1) of the buckets in ``window``; 0 where there is none."""
    part = series.between(window).coverage
    return float(part.mean()) if part.size else 0.0
