"""What a rule would do on weeks like the quiet ones of its own history, before it is trusted.

**False alarms**: whole weeks are drawn anew by a block bootstrap (Kuensch, Annals of Statistics
17, 1989) and judged as the real ones are, with eight weeks before them to learn from. A block is a
quiet day. Of each of its hours the rate is drawn from what the hour's count leaves open: with mean
m and spread a, the rate relative to m is Gamma(1 / a + count, 1 / a + m) distributed given the
count (the conjugate posterior), and the mentions of a minute are Poisson about it. So a lively day
stays lively throughout, and yet no week is like another. A rule worth having rings too seldom to be
counted in so few weeks. So alarms with several times the budget are counted: their number falls
with the budget as a power law, whose exponent is read off the counts.

**The smallest crisis**: so many more mentions an hour are put into the user's own quiet days, at
many moments, and the median time to the alarm is what is promised.

Randomness is an argument: the same generator gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from core.window import TimeWindow
from insights.baseline import (
    HOUR,
    REFERENCE_WEEKS,
    Baseline,
    BoolArray,
    fit_baseline,
    hours_before,
)
from insights.burst import VolumeSettings, fit_volume, scan_volume
from insights.distributions import FloatArray, IntArray
from insights.negative import NegativeBaseline, NegativeSettings, scan_negative
from insights.series import GOOD_COVERAGE, Series
from insights.shares import ShareSeries, fit_shares
from insights.verdict import Scan

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# Four weeks: each hour of the week four times, the least that says how alike they are.
LEAST_WEEKS = 4
LEAST_QUIET_DAYS = 14
# Judged weeks drawn anew, and in how many goes; each go draws eight more to learn from.
DRAWN_WEEKS = 10
DRAWS = 4
DRAWN_STEP = timedelta(minutes=5)
# Times the budget at which alarms are counted.
BUDGETS = (2.0, 4.0, 8.0)
EXPONENT_LIMITS = (0.5, 1.2)
# Fewer alarms than this at the lowest budget say nothing about how their number falls.
LEAST_COUNTED = 3
# How many moments a crisis is tried at (evenly spread over the day, as nights are quieter), and how
# long it may take to be told.
STARTS = 48
LONGEST_WAIT = timedelta(hours=24)
# Sizes that people say: about a quarter apart.
SIZES = (
    *(
        2,
        3,
        4,
        5,
        6,
        8,
        10,
        12,
        15,
        18,
        22,
        28,
        35,
        45,
        55,
        70,
        90,
        110,
        140,
        180,
        220,
        280,
        350,
        450,
    ),
    *(
        550,
        700,
        900,
        1100,
        1400,
        1800,
        2200,
        2800,
        3500,
        4500,
        5500,
        7000,
        9000,
        11000,
        14000,
        18000,
    ),
)
# What is promised: the smallest size that is told within so long.
PROMISES = (timedelta(minutes=15), HOUR, LONGEST_WAIT)


class NotEnoughHistoryError(ValueError):
    """There is too little to rehearse on; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often a rule would ring on quiet weeks.

    ``per_week`` is what is expected; ``counted`` alarms at up to eight times the budget, in
    ``weeks`` drawn from ``quiet_days``, bear it out.
    """

    per_week: float
    counted: int
    weeks: int
    quiet_days: int


@dataclass(frozen=True, slots=True)
class CrisisSize:
    """So many more mentions an hour, and the median time until they are told.

    ``delay`` is None where more than half of them are not told within a day.
    """

    more_per_hour: int
    delay: timedelta | None


class Rehearsal(Protocol):
    """A rule of one kind with its history; ``step`` is that of its series."""

    @property
    def step(self) -> timedelta:
        """The buckets in which crises are put into its days."""

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Scan:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``."""

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` mentions a bucket from ``start`` on."""


def check_history(hours: Series) -> None:
    """Raise NotEnoughHistoryError if there is less than four weeks of covered hours."""
    _, exposure, _ = hours_before(hours, hours.end, REFERENCE_WEEKS)
    weeks = float((exposure >= GOOD_COVERAGE).sum()) / 168
    if weeks < LEAST_WEEKS:
        raise NotEnoughHistoryError(
            f"the rule has {weeks:.1f} weeks of history, and {LEAST_WEEKS} are needed to say what "
            "is usual and how much that varies"
        )


def expect_false_alarms(
    rehearsal: Rehearsal,
    rng: np.random.Generator,
    *,
    apart: timedelta,
    draws: int = DRAWS,
    weeks: int = DRAWN_WEEKS,
) -> FalseAlarms:
    """Return how many alarms a week the rule would raise on weeks like the quiet ones.

    Alarms no further ``apart`` are one. Raises NotEnoughHistoryError where fewer than two weeks of
    days are quiet.
    """
    days = _enough(rehearsal.quiet_days())
    counts = np.zeros(len(BUDGETS))
    for _ in range(draws):
        scan = rehearsal.draw(rng, days, weeks)
        counts += [
            count_alarms(np.flatnonzero(scan.ratio <= budget), apart // DRAWN_STEP)
            for budget in BUDGETS
        ]
    budgets = np.array(BUDGETS)
    exponent = 1.0
    if counts[0] >= LEAST_COUNTED:
        slope = np.log(counts[-1] / counts[0]) / np.log(budgets[-1] / budgets[0])
        exponent = float(np.clip(slope, *EXPONENT_LIMITS))
    judged = draws * weeks
    per_week = float(counts.sum() / (budgets**exponent).sum()) / judged
    return FalseAlarms(per_week, int(counts[-1]), judged, len(days))


def count_alarms(at: IntArray, apart: int) -> int:
    """Return how many alarms the firing buckets ``at`` make that lie more than ``apart`` apart."""
    return int(at.size > 0) + int((np.diff(at) > apart).sum())


def find_sizes(rehearsal: Rehearsal, rng: np.random.Generator) -> list[CrisisSize]:
    """Return, from small to large, a size that is not told in time and the smallest that are.

    The smallest told within a day, an hour and a quarter of one are looked for by halving, as a
    larger crisis is told no later. Raises NotEnoughHistoryError where no quiet day is left to try.
    """
    days = rehearsal.crisis_days()
    if not days:
        raise NotEnoughHistoryError("no quiet day of the last weeks is left to try a crisis on")
    starts = [
        days[int(rng.integers(len(days)))] + int((n + rng.random()) * 24 * 60 / STARTS) * MINUTE
        for n in range(STARTS)
    ]
    seeds = [int(seed) for seed in rng.integers(2**32, size=STARTS)]
    known: dict[int, timedelta | None] = {}

    def is_told(place: int, within: timedelta) -> bool:
        if place not in known:
            known[place] = _median_delay(rehearsal, SIZES[place], starts, seeds)
        told = known[place]
        return told is not None and told <= within

    shown: list[int] = []
    for promise in PROMISES:
        low, high = 0, len(SIZES) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_told(middle, promise) else (middle + 1, high)
        is_told(low, promise)
        if promise is PROMISES[-1] and low > 0:
            is_told(low - 1, promise)
            shown.append(low - 1)
        shown.append(low)
    return [CrisisSize(SIZES[place], known[place]) for place in sorted(set(shown))]


def _median_delay(
    rehearsal: Rehearsal, size: int, starts: Sequence[datetime], seeds: Sequence[int]
) -> timedelta | None:
    """Return after how long ``size`` more mentions an hour are told in half of the cases."""
    waits = []
    for start, seed in zip(starts, seeds, strict=True):
        step = rehearsal.step
        more = np.random.default_rng(seed).poisson(size * (step / HOUR), LONGEST_WAIT // step)
        told = rehearsal.tell(start, more)
        waits.append(LONGEST_WAIT * 2 if told is None else told - start)
    median = sorted(waits)[len(waits) // 2]
    return median if median <= LONGEST_WAIT else None


def _enough(days: IntArray) -> IntArray:
    if days.size < LEAST_QUIET_DAYS:
        raise NotEnoughHistoryError(
            f"only {days.size} days of the last eight weeks are quiet and covered, and "
            f"{LEAST_QUIET_DAYS} are needed"
        )
    return days


class VolumeRehearsal:
    """A volume rule on ``hours`` of history; ``series`` has its last weeks by the minute."""

    def __init__(self, series: Series, hours: Series, settings: VolumeSettings) -> None:
        """Raises NotEnoughHistoryError under four weeks of history."""
        check_history(hours)
        self._series, self._hours, self._settings = series, hours, settings
        self.step = series.step
        self.usual = fit_volume(hours, hours.end, settings)
        self._fitted: dict[datetime, Baseline] = {}

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""
        return _quiet_days(self.usual.is_quiet)

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""
        days, settings = self.quiet_days(), self._settings
        return _judged_days(
            days, self.usual.reference, self._series, self._hours, settings.learning_days
        )

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Scan:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``."""
        usual, number = self.usual, (REFERENCE_WEEKS + weeks) * 7
        chosen = rng.choice(days, number)
        hours = (chosen[:, None] + np.arange(24)).ravel()
        start = usual.reference.end
        mean = usual.hourly(start, hours.size)
        rates = _draw_rates(rng, usual.rates[hours], usual.fitted[hours], usual.spread) * mean
        drawn = Series.build(start, DRAWN_STEP, _draw_counts(rng, rates))
        return scan_volume(drawn, _first_judged(), len(drawn) - 1, self._settings)

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` mentions a bucket from ``start`` on."""
        first = self._series.index_of(start)
        counts = self._series.counts.copy()
        counts[first : first + more.size] += more
        disturbed = Series(self._series.start, self._series.step, counts, self._series.coverage)
        return _first_alert(
            disturbed,
            first,
            lambda begin, end: scan_volume(
                disturbed, begin, end, self._settings, self._hours, self._fitted
            ),
        )


class NegativeRehearsal:
    """A negative rule on its history; a crisis is so many more negative mentions an hour."""

    def __init__(self, shares: ShareSeries, hours: ShareSeries, settings: NegativeSettings) -> None:
        """Raises NotEnoughHistoryError under four weeks of history."""
        check_history(hours.scored)
        self._shares, self._hours, self._settings = shares, hours, settings
        self.step, end = shares.scored.step, hours.scored.end
        self.usual = fit_shares(hours, end, zone=settings.zone)
        self._volume = fit_baseline(
            hours.scored, end, zone=settings.zone, holidays=settings.holidays
        )
        self._fitted: dict[datetime, NegativeBaseline] = {}

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""
        return _quiet_days(self.usual.is_quiet & self._volume.is_quiet)

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""
        days, learning = self.quiet_days(), self._settings.learning_days
        reference, scored = self.usual.reference, self._shares.scored
        return _judged_days(days, reference, scored, self._hours.scored, learning)

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Scan:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``.

        The share of an hour is drawn from what its count leaves open, a beta distribution.
        """
        usual, volume = self.usual, self._volume
        chosen = rng.choice(days, (REFERENCE_WEEKS + weeks) * 7)
        hours = (chosen[:, None] + np.arange(24)).ravel()
        start = usual.reference.end
        mean = volume.hourly(start, hours.size)
        rates = _draw_rates(rng, volume.rates[hours], volume.fitted[hours], volume.spread) * mean
        scored = _draw_counts(rng, rates)
        share = usual.shares(start, HOUR, hours.size)
        weight = 1 / usual.correlation_by_hours[0] - 1
        drawn = rng.beta(
            share * weight + usual.negative[hours],
            (1 - share) * weight + usual.scored[hours] - usual.negative[hours],
        )
        negative = rng.binomial(scored, np.repeat(drawn, HOUR // DRAWN_STEP))
        both = ShareSeries(
            Series.build(start, DRAWN_STEP, negative), Series.build(start, DRAWN_STEP, scored)
        )
        return scan_negative(both, _first_judged(), len(scored) - 1, self._settings)

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` negative mentions a bucket from ``start`` on."""
        old = self._shares
        first = old.scored.index_of(start)
        parts = []
        for series in (old.negative, old.scored):
            counts = series.counts.copy()
            counts[first : first + more.size] += more
            parts.append(Series(series.start, series.step, counts, series.coverage))
        both = ShareSeries(*parts)
        return _first_alert(
            both.scored,
            first,
            lambda begin, end: scan_negative(
                both, begin, end, self._settings, self._hours, self._fitted
            ),
        )


def _first_alert(series: Series, first: int, scan: Callable[[int, int], Scan]) -> datetime | None:
    """Return the end of the first bucket that fires from ``first`` on, within a day."""
    last = min(first + LONGEST_WAIT // series.step, len(series)) - 1
    begin, ahead = first, HOUR // series.step
    while begin <= last:
        # An early alarm is found early; what takes long is read in ever longer parts.
        end = min(begin + ahead - 1, last)
        alerts = scan(begin, end).alerts()
        if alerts:
            return series.time_of(alerts[0] + 1)
        begin, ahead = end + 1, ahead * 2
    return None


def _quiet_days(is_quiet: BoolArray) -> IntArray:
    """Return the first hours of the whole days, counted from the end, of which all is quiet."""
    number = is_quiet.size // 24
    offset = is_quiet.size - number * 24
    whole = is_quiet[offset:].reshape(number, 24).all(axis=1)
    return offset + 24 * np.flatnonzero(whole)


def _judged_days(
    days: IntArray, reference: TimeWindow, series: Series, hours: Series, learning_days: int
) -> list[datetime]:
    """Return the starts of those ``days`` that end a day before ``series`` does, after learning."""
    covered = np.flatnonzero(hours.is_covered)
    learned = hours.time_of(int(covered[0])) + (learning_days + 1) * DAY
    starts = [reference.start + int(day) * HOUR for day in days]
    first = max(learned, series.start + DAY)
    return [start for start in starts if first <= start and start + 2 * DAY <= series.end]


def _draw_rates(
    rng: np.random.Generator, seen: FloatArray, mean: FloatArray, spread: float
) -> FloatArray:
    """Return relative rates of hours drawn from what their counts leave open."""
    prior = 1 / spread
    return np.asarray(rng.gamma(prior + seen, 1 / (prior + mean)))


def _draw_counts(rng: np.random.Generator, hourly: FloatArray) -> IntArray:
    """Return mentions a bucket for hourly rates."""
    per_hour = HOUR // DRAWN_STEP
    return np.asarray(rng.poisson(np.repeat(hourly / per_hour, per_hour)), dtype=np.int64)


def _first_judged() -> int:
    return REFERENCE_WEEKS * 168 * (HOUR // DRAWN_STEP)
