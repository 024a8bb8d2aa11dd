"""Find what is unusually high in a stream of numbers, row by row, never looking ahead.

For `groundswell detect`: one series of any regular step, without sources, stories or coverage; so
nothing is known but the numbers. What is judged is the mean x of the last half hour, against the
tail of such means in the last 14 days. With m their median and Q(t) the value exceeded by a share t
of them,

    r = mean over t of ln((x - m + c) / (Q(t) - m + c)),   t = 5 %, 2 %, 1 %, 0.5 %

is by what factor (on the log scale) the value stands above the usual extremes: several quantiles
are anchors because each alone moves when a single past burst enters the history. c keeps small
counts from looking large: three mentions are no crisis because two were the record. The score is
1 / (1 + exp(-4 (r - level))); it reaches 1/2, the alert, at e^level times the anchor. After one,
the following day belongs to it: its scores are halved and it fires again only if r has grown by
`ESCALATION`. One level serves every series; it lies in the middle of the levels that do well on
public data (bench/detect.py), not at their best one.

The p-value is the share of the history at or above x; beyond its 95 % quantile a Pareto tail takes
over, p = 0.05 (z / z95)^(-1 / xi) with z = x - m + c and xi = ln(z995 / z95) / ln(10) (Beirlant et
al., Statistics of Extremes, 2004).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, isfinite, log

SMOOTHING = timedelta(minutes=30)
MEMORY = timedelta(days=14)
# Slow series (a row a day) keep as many rows as a quantile of 0.5 % needs.
SMALLEST_MEMORY_ROWS = 400
# Before this many rows nothing is called an anomaly.
WARM_UP_ROWS = 200
TAIL_SHARES = (0.05, 0.02, 0.01, 0.005)
HOLD = timedelta(days=1)
# e: a second alert within a day needs almost three times the first one's size.
ESCALATION = 1.0
# By then a spike shows its size.
PEAK_AFTER = 2 * SMOOTHING
DEFAULT_LEVEL = 0.55
STEEPNESS = 4.0
# What a count is compared with is never less than this many above the median.
COUNT_OFFSET = 3.0
# For series that are no counts: this part of the distance from the median to the 95 % quantile.
RELATIVE_OFFSET = 0.1
# An hour of the day's mean follows about the last ten days' rows of that hour.
SLOT_MEMORY_DAYS = 10
# lower and upper hold the middle 98 % of past deviations.
BAND_SHARE = 0.01
SMALLEST_TAIL_INDEX = 0.05


@dataclass(frozen=True, slots=True)
class DetectedPoint:
    """What is thought of one row.

    ``expected`` is the usual value at this hour, ``lower`` and ``upper`` hold 98 % of what such
    hours had; all None in the first row, where nothing is known. ``p_value`` is the probability of
    a half-hour mean so high. ``anomaly_score`` lies in 0..1; ``is_alert`` where it reaches 1/2.
    """

    timestamp: datetime
    value: float
    expected: float | None
    lower: float | None
    upper: float | None
    p_value: float
    anomaly_score: float
    is_alert: bool


class _Memory:
    """Values of the last days, in order of time and of size."""

    def __init__(self) -> None:
        self._arrived: deque[tuple[datetime, float]] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, at: datetime, value: float) -> None:
        """Take a value in, and drop those older than the memory."""
        self._arrived.append((at, value))
        insort(self._sorted, value)
        while len(self._sorted) > SMALLEST_MEMORY_ROWS and at - self._arrived[0][0] > MEMORY:
            _, old = self._arrived.popleft()
            del self._sorted[bisect_left(self._sorted, old)]

    def exceeded_by(self, share: float) -> float:
        """Return the value that a ``share`` of the memory exceeds."""
        above = max(int(len(self._sorted) * share), 1)
        return self._sorted[max(len(self._sorted) - above - 1, 0)]

    def share_at_least(self, value: float) -> float:
        """Return the share of the memory at or above ``value``, itself counted (never 0)."""
        below = bisect_left(self._sorted, value)
        return (len(self._sorted) - below + 1) / (len(self._sorted) + 1)


class _Rhythm:
    """The usual value and deviation of each hour of the day, followed slowly."""

    def __init__(self) -> None:
        self._slots: dict[int, tuple[float, float, int]] = {}
        self._deviations = _Memory()
        self._last: tuple[float, float, int] | None = None

    def expect(self, at: datetime) -> tuple[float, float, float] | None:
        """Return (expected, lower, upper) at ``at``; None before the first row."""
        slot = self._slots.get(at.hour, self._last)
        if slot is None:
            return None
        mean, deviation, _ = slot
        if len(self._deviations) == 0:
            return mean, mean, mean
        low = self._deviations.exceeded_by(1 - BAND_SHARE) * deviation
        high = self._deviations.exceeded_by(BAND_SHARE) * deviation
        return mean, mean + min(low, 0.0), mean + max(high, 0.0)

    def learn(self, at: datetime, value: float, rows_an_hour: float) -> None:
        """Take a row in."""
        slot = self._slots.get(at.hour, self._last)
        if slot is None:
            self._last = self._slots[at.hour] = (value, 0.0, 1)
            return
        mean, deviation, seen = slot
        gap = value - mean
        if deviation > 0:
            self._deviations.add(at, gap / deviation)
        pace = 1 / min(seen + 1, max(SLOT_MEMORY_DAYS * rows_an_hour, 2.0))
        known = self._slots.get(at.hour)
        self._last = self._slots[at.hour] = (
            mean + pace * gap,
            deviation + pace * (abs(gap) - deviation),
            seen + 1 if known else 1,
        )


def detect(
    rows: Iterable[tuple[datetime, float]], level: float = DEFAULT_LEVEL
) -> Iterator[DetectedPoint]:
    """Yield for each row what is thought of it, given that row and those before it.

    Memory is constant: two weeks of rows. Raises ValueError, with the row's number (from 1), for a
    value that is not finite and for a time before the row above it.
    """
    state = _State(level)
    for number, (at, value) in enumerate(rows, start=1):
        if not isfinite(value):
            raise ValueError(f"row {number}: {value} is no number that can be judged")
        if state.last_at is not None and at < state.last_at:
            raise ValueError(f"row {number}: {at} is before the row above it ({state.last_at})")
        yield state.judge(at, value)


class _State:
    """All that is remembered between rows."""

    def __init__(self, level: float) -> None:
        self._level = level
        self.last_at: datetime | None = None
        self._recent: deque[tuple[datetime, float]] = deque()
        self._memory = _Memory()
        self._rhythm = _Rhythm()
        self._are_counts = True
        self._alert: tuple[datetime, float] | None = None

    def judge(self, at: datetime, value: float) -> DetectedPoint:
        """Return the thought on one row and remember it."""
        self._are_counts = self._are_counts and value >= 0 and value == int(value)
        self._recent.append((at, value))
        while at - self._recent[0][0] >= SMOOTHING:
            self._recent.popleft()
        smooth = sum(v for _, v in self._recent) / len(self._recent)
        p_value, excess = self._compare(smooth)
        score = 1 / (1 + exp(-STEEPNESS * min(max(excess - self._level, -100.0), 100.0)))
        is_alert = score >= 0.5 and self._may_fire(at, excess)
        if is_alert:
            self._alert = (at, excess)
        elif self._alert is not None and at - self._alert[0] <= PEAK_AFTER:
            # The half-hour mean is still climbing: the alert's size is what it comes to.
            self._alert = (self._alert[0], max(self._alert[1], excess))
        if not is_alert and self._is_held(at):
            score /= 2.0 + 1e-9
        usual = self._rhythm.expect(at)
        self._memory.add(at, smooth)
        step = None if self.last_at is None else at - self.last_at
        per_hour = timedelta(hours=1) / step if step else 1.0
        self._rhythm.learn(at, value, per_hour)
        self.last_at = at
        expected, lower, upper = usual or (None, None, None)
        return DetectedPoint(at, value, expected, lower, upper, p_value, score, is_alert)

    def _compare(self, smooth: float) -> tuple[float, float]:
        """Return the p-value of a smoothed value, and r, by how much it exceeds the extremes."""
        share = self._memory.share_at_least(smooth)
        if len(self._memory) < WARM_UP_ROWS:
            return share, -100.0
        median = self._memory.exceeded_by(0.5)
        tails = [self._memory.exceeded_by(share) - median for share in TAIL_SHARES]
        offset = RELATIVE_OFFSET * tails[0]
        if self._are_counts:
            offset = max(offset, COUNT_OFFSET)
        offset = max(offset, 1e-9 + 1e-3 * abs(median))
        height = smooth - median + offset
        if height <= 0:
            return share, -100.0
        excess = log(height) - sum(log(tail + offset) for tail in tails) / len(tails)
        edge = tails[0] + offset
        if height > edge:
            index = log((tails[-1] + offset) / edge) / log(TAIL_SHARES[0] / TAIL_SHARES[-1])
            index = max(index, SMALLEST_TAIL_INDEX)
            share = TAIL_SHARES[0] * exp(-log(height / edge) / index)
        return share, excess

    def _is_held(self, at: datetime) -> bool:
        return self._alert is not None and at - self._alert[0] <= HOLD

    def _may_fire(self, at: datetime, excess: float) -> bool:
        """Whether no alert of the last day covers this one."""
        if self._alert is None or not self._is_held(at):
            return True
        is_climbing = at - self._alert[0] <= PEAK_AFTER
        return not is_climbing and excess >= self._alert[1] + ESCALATION
