"""Level shifts: since when, and by what factor, a stream stands at a new level that lasts.

Every six hours the mentions of the last 36 hours to seven days are compared with the three weeks
before, both relative to what the hour-of-week profile expects of them. The test is a generalised
likelihood ratio over windows of limited length (Willsky and Jones, IEEE Transactions on Automatic
Control 21, 1976; Lai, JRSS B 57, 1995) for negative-binomial counts (Hoehle and Paul, Computational
Statistics and Data Analysis 52, 2008). With Y mentions in a window of which M were expected at the
level of the weeks before, and spread a (that of so long a window, and the error of that level):

    LR = Y ln(Y / M) - (Y + 1 / a) ln((1 + a Y) / (1 + a M)),   z = sqrt(2 LR)

A shift is found where z reaches `DEVIATIONS`, the factor is at least `LEAST_FACTOR` up or down, and
it is steady: no quarter of the window speaks for the old level. After it the test begins anew.
What was found is known from the hours up to then alone, so that appending never changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy import special

from insights.distributions import FloatArray

BLOCK_HOURS = 6
DAY_HOURS = 24
LONGER_HOURS = 72
# Fewer steps than this say little about how much days differ.
LEAST_STEPS = 12
# The median of the square of a standard normal variable.
MEDIAN_SQUARE = 0.4549
# Windows of a day and a half, of which a day at least lies after the shift: most crises are over
# by then.
SHORTEST_BLOCKS = 6
SHORTEST_HOURS = 24
REFINEMENTS = 3
# Seven days: what is not seen by then is no more than the level's own wandering.
LONGEST_BLOCKS = 28
# The level before: three whole weeks, so that no weekday weighs more than another; two at least.
BEFORE_BLOCKS = 84
LEAST_BEFORE_BLOCKS = 56
# After a shift, so many blocks are the level before the next one.
LEAST_BETWEEN_BLOCKS = 6
# Of a window, and of the time before, this share must be covered.
LEAST_COVERED = 0.75
# A quarter up or a fifth down; less is worth no mail.
LEAST_FACTOR = 1.25
# Found once in a year of quiet weeks or less (`bench/levels.py`).
DEVIATIONS = 4.2
FALSE_SHIFTS_PER_WEEK = 0.02
# What was found longer ago is no news; what began this long before a telling, or earlier, was told.
NEWS = timedelta(days=2)
SAME_SHIFT = timedelta(hours=12)
QUARTERS = 4
# The log-likelihood by which a quarter of the window may speak for the old level.
SLACK = 2.0
# Half a mention more on both sides: a silent source has a factor all the same.
HALF = 0.5

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shift:
    """A new level: ``factor`` times the old one from ``start`` on, as known at ``found_at``.

    Between the two ``observed`` mentions came, and at the old level ``expected`` would have.
    ``deviations`` is how many standard deviations (z) it stood out by.
    """

    start: datetime
    found_at: datetime
    factor: float
    observed: float
    expected: float
    deviations: float

    def is_news(self, told_at: datetime | None, now: datetime) -> bool:
        """Return whether it is to be told at ``now``, the last one having been told at ``told_at``.

        What was found long ago is history. Later hours move the start of a shift that was told by
        some hours; the next one begins after that.
        """
        is_new = told_at is None or self.start > told_at - SAME_SHIFT
        return is_new and now - self.found_at <= NEWS


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Whole hours from ``first`` on: what was seen, and what the profile expects of it.

    ``rates`` and ``mean`` are mentions an hour, ``is_known`` says which hours were covered,
    ``is_quiet`` which of them held no burst. ``spread`` is the negative-binomial alpha of hourly
    counts.
    """

    first: datetime
    rates: FloatArray
    mean: FloatArray
    is_known: BoolArray
    is_quiet: BoolArray
    spread: float


def find_shifts(hours: Hours) -> tuple[Shift, ...]:
    """Return the level shifts in ``hours``, oldest first, each as known when it was found.

    With the same mean and spreads, later hours add shifts and change none.
    """
    offset = -(int(hours.first.timestamp()) // 3600) % BLOCK_HOURS
    number = max((hours.rates.size - offset) // BLOCK_HOURS, 0)
    quiet, found = hours.is_quiet & hours.is_known, list[Shift]()
    origin, least_before, first = 0, LEAST_BEFORE_BLOCKS, 0
    while True:
        blocks = _Blocks(hours, quiet, offset, number)
        hit = next(blocks.shifts(origin, least_before, first), None)
        if hit is None:
            return tuple(found)
        start, end, shift = hit
        found.append(shift)
        # What looked like a burst from the old level is usual at the new one.
        quiet = quiet.copy()
        risen = slice(start, offset + end * BLOCK_HOURS)
        quiet[risen] = hours.is_known[risen]
        origin = -(-(start - offset) // BLOCK_HOURS)
        least_before, first = LEAST_BETWEEN_BLOCKS, end + 1


class _Blocks:
    """Running sums over blocks of six hours: seen, expected, covered; and those of quiet hours."""

    def __init__(self, hours: Hours, quiet: BoolArray, offset: int, number: int) -> None:
        self._hours, self._offset, self._number = hours, offset, number
        day = spread_by_steps(hours, DAY_HOURS)
        self._spread_day = day
        self._spread_longer = min(spread_by_steps(hours, LONGER_HOURS), day)
        values = (hours.rates, hours.mean, np.ones(hours.rates.size))
        self._all, self._quiet = (
            [self._running(one * weight) for one in values] for weight in (hours.is_known, quiet)
        )

    def _running(self, values: FloatArray) -> FloatArray:
        inside = values[self._offset : self._offset + self._number * BLOCK_HOURS]
        sums = inside.reshape(self._number, BLOCK_HOURS).sum(axis=1)
        return np.concatenate([[0.0], np.cumsum(sums)])

    def shifts(
        self, origin: int, least_before: int, first: int
    ) -> Iterator[tuple[int, int, Shift]]:
        """Yield shifts found at block ``first`` or later, the level before beginning at ``origin``.

        Before each stand its first hour, and the block at whose start it is known.
        """
        ends = np.arange(max(first, origin + least_before + SHORTEST_BLOCKS), self._number + 1)
        lengths = np.arange(SHORTEST_BLOCKS, LONGEST_BLOCKS + 1)
        begins = np.maximum(ends[:, None] - lengths, origin)
        before = np.maximum(begins - BEFORE_BLOCKS, origin)
        seen, mean, covered = (total[ends][:, None] - total[begins] for total in self._all)
        was, usual, known = (total[begins] - total[before] for total in self._quiet)
        level = (was + HALF) / (usual + HALF)
        expected = level * mean
        spread = (
            self._spread(covered) + self._spread(np.maximum(known, DAY_HOURS)) + 1 / (was + HALF)
        )
        factor = (seen + HALF) / (expected + HALF)
        z = deviations(seen, expected, spread)
        is_covered = (covered >= LEAST_COVERED * BLOCK_HOURS * lengths) & (
            known >= LEAST_COVERED * BLOCK_HOURS * np.maximum(begins - before, least_before)
        )
        is_large = np.abs(np.log(factor)) >= np.log(LEAST_FACTOR)
        loud = np.where(is_covered & is_large & (z >= DEVIATIONS), z, 0.0)
        for row in np.flatnonzero(loud.any(axis=1)):
            for column in np.flatnonzero(loud[row]):
                steady = self._steady(
                    origin,
                    int(ends[row]),
                    float(level[row, column]),
                    float(factor[row, column]),
                )
                if steady is not None:
                    since, seen_then, usual_then = steady
                    shift = Shift(
                        start=self._time_of(since),
                        found_at=self._time_of(self._offset + int(ends[row]) * BLOCK_HOURS),
                        factor=(seen_then + HALF) / (usual_then + HALF),
                        observed=seen_then,
                        expected=usual_then,
                        deviations=float(loud[row, column]),
                    )
                    yield since, int(ends[row]), shift

    def _time_of(self, hour: int) -> datetime:
        return self._hours.first + timedelta(hours=hour)

    def _spread(self, covered: FloatArray) -> FloatArray:
        """Return alpha of sums over so many covered hours; beyond three days as independent."""
        known = [self._spread_day, self._spread_longer]
        shorter = np.interp(covered, [DAY_HOURS, LONGER_HOURS], known)
        return np.asarray(shorter / np.maximum(covered / LONGER_HOURS, 1.0))

    def _steady(
        self, origin: int, end: int, level: float, factor: float
    ) -> tuple[int, float, float] | None:
        """Return since which hour it holds, what was seen since, and what the old level expected.

        None if it is not steady. The hour lies at most seven days back; it is the last zero of
        Page's sum (Biometrika 41, 1954) of the log-likelihood ratios of Poisson counts.
        """
        hours = self._hours
        first = self._offset + max(end - LONGEST_BLOCKS, origin) * BLOCK_HOURS
        inside = slice(first, self._offset + end * BLOCK_HOURS)
        seen = hours.rates[inside] * hours.is_known[inside]
        mean = level * hours.mean[inside] * hours.is_known[inside]
        last = seen.size - SHORTEST_HOURS
        since, gains = 0, seen
        # The window may begin before the shift, which makes its factor too small at first.
        for _ in range(REFINEMENTS):
            gains = seen * np.log(factor) - (factor - 1) * mean
            path = np.concatenate([[0.0], np.cumsum(gains[: last + BLOCK_HOURS])])
            since = int(np.argmin(path))
            factor = (float(seen[since:].sum()) + HALF) / (float(mean[since:].sum()) + HALF)
        if since > last or max(factor, 1 / factor) < LEAST_FACTOR:
            return None
        for part in np.array_split(np.arange(since, gains.size), QUARTERS):
            size = 1 + self._spread_day * float(mean[part].sum())
            if float(gains[part].sum()) < -SLACK * size:
                return None
        return first + since, float(seen[since:].sum()), float(mean[since:].sum())


def deviations_for(false_shifts_per_week: float) -> float:
    """Return the z from which shifts come by chance no more often than so many times a week."""
    share = min(false_shifts_per_week / FALSE_SHIFTS_PER_WEEK, 1.0)
    return float(-special.ndtri(special.ndtr(-DEVIATIONS) * share))


def spread_by_steps(hours: Hours, length: int) -> float:
    """Return alpha of sums over ``length`` hours, by the steps from each sum to the next.

    Half the median square of the relative steps, over that of a normal variable, is the variance
    of one of them; what Poisson counts vary is taken off. A few jumps do not move a median. Where
    there are few steps it is that of independent hours.
    """
    number = hours.rates.size // length
    used = slice(hours.rates.size - number * length, None)
    seen, mean, known = (
        np.where(hours.is_known, values, 0.0)[used].reshape(number, length).sum(axis=1)
        for values in (hours.rates, hours.mean, np.ones(hours.rates.size))
    )
    apart = known >= LEAST_COVERED * length
    both = apart[1:] & apart[:-1]
    independent = hours.spread / length
    if int(both.sum()) < LEAST_STEPS:
        return independent
    level = (seen + HALF) / (mean + HALF)
    steps = 2 * (level[1:] - level[:-1]) / (level[1:] + level[:-1])
    chance = np.median((1 / (seen[1:] + HALF) + 1 / (seen[:-1] + HALF))[both]) / 2
    varies = np.median((steps**2)[both]) / MEDIAN_SQUARE / 2 - chance
    return float(max(varies, independent))


def deviations(seen: FloatArray, expected: FloatArray, spread: FloatArray) -> FloatArray:
    """Return z, the root of twice the log-likelihood ratio of ``seen`` against ``expected``."""
    safe = np.maximum(expected, 1e-9)
    logs = np.log(np.maximum(seen, 1e-300) / safe)
    ratio = seen * logs - (seen + 1 / spread) * np.log((1 + spread * seen) / (1 + spread * safe))
    return np.asarray(np.sqrt(2 * np.maximum(ratio, 0.0)))
