"""What volume is usual: an hour-of-week profile, its level now, and its spread.

The profile is fitted on whole hours that end before what is judged, so that appending data never
changes an earlier verdict. Rates are estimated as sums of counts over sums of covered hours, older
weeks weighing less, and shrunk from the cell of the week to the product of hour-of-day and
day-of-week, and those to the mean. How far each is shrunk follows from the data (empirical Bayes:
Morris, JASA 78, 1983): a cell moves away from its prior by

    B = tau^2 M^2 / (tau^2 M^2 + V),   rate = prior * (1 + B * (S - M) / M)

where S is the weighted count, M the weighted prior mean, V the variance of S under the negative
binomial, and tau^2 the relative variance of cells about their priors beyond V, by moments.

A holiday counts as a Sunday, in what is learned and in what is expected: the usual way where load
is forecast, and one that needs no year of history (Ziel, Modeling public holidays in load
forecasting: a German case study, J. Mod. Power Syst. Clean Energy 6, 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from core.window import TimeWindow, bucket_start
from insights.distributions import FloatArray, IntArray
from insights.fitting import (
    HOURS_PER_WEEK,
    LEVEL_PRIOR,
    SPREAD_PRIOR,
    bursts,
    factors_of,
    fit_profile,
    growth_of,
    local_levels,
    medians,
    spread_of,
    stands_out,
    step_ahead,
    weekly_level,
)
from insights.levels import Hours, Shift, find_shifts
from insights.series import GOOD_COVERAGE, Series

BoolArray = npt.NDArray[np.bool_]
Holidays = frozenset[date]
"""Local dates; hashable, as the hours of the week of a day are remembered by them."""

NO_HOLIDAYS: Holidays = frozenset()
HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
# Eight weeks: enough same-hours for a spread, short enough to follow growth.
REFERENCE_WEEKS = 8
# An hour counts half as much as one four weeks later: habits change slowly.
PROFILE_HALF_LIFE_HOURS = 4 * HOURS_PER_WEEK
# The level follows growth within days; a shorter memory would follow single lively evenings.
LEVEL_HALF_LIFE_HOURS = 72
LEVEL_LIMITS = (1 / 3, 3.0)
# Before a weekend or growth is known, an hour may stand this far (alpha) about its median.
FIRST_SPREAD = 0.5
FITTING_PASSES = 3
# Where the level shifted, profile and shifts take longer to agree.
SHIFTED_PASSES = 5
LEAST_BEFORE_HOURS = 4 * HOURS_PER_WEEK
# Lengths (hours) over which the spread of sums is measured; interpolated between.
SPREAD_HOURS = (1, 2, 3, 6, 12, 24)
SUNDAY = 6


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What is usual, as known at ``reference.end``.

    ``profile`` has the mean mentions an hour for each hour of the local week (Monday 00:00 first),
    ``level`` is the factor by which recent days stand above it, ``spread`` the negative-binomial
    alpha of hourly counts, ``spread_by_hours`` that of sums over 1, 2, ... hours, ``uncertainty``
    the relative variance of an expected value itself. ``covered_hours`` says how much was learned
    from; of the hours of ``reference``, ``rates`` and ``fitted`` are what was seen and what the fit
    makes of it, and ``is_quiet`` says which were covered and no burst. ``shifts`` are the level
    shifts found in it, oldest first: the profile and the level are those of the newest level.
    ``holidays`` are the dates that count as Sundays.
    """

    reference: TimeWindow
    zone: str
    profile: FloatArray
    level: float
    spread_by_hours: FloatArray
    uncertainty: float
    covered_hours: int
    masked_hours: int
    rates: FloatArray
    fitted: FloatArray
    is_quiet: BoolArray
    shifts: tuple[Shift, ...] = ()
    holidays: Holidays = NO_HOLIDAYS

    @property
    def spread(self) -> float:
        """The negative-binomial alpha of hourly counts."""
        return float(self.spread_by_hours[0])

    def hourly(self, first_hour: datetime, number: int) -> FloatArray:
        """Return the expected mentions of ``number`` hours (UTC) from ``first_hour`` on."""
        slots = hour_slots(first_hour, number, self.zone, self.holidays)
        return np.asarray(self.profile[slots] * self.level)

    def is_holiday(self, instant: datetime) -> bool:
        """Return whether ``instant`` lies on a holiday, and so is compared with Sundays."""
        return instant.astimezone(ZoneInfo(self.zone)).date() in self.holidays

    def expected(self, start: datetime, step: timedelta, number: int) -> FloatArray:
        """Return the expected mentions of ``number`` buckets of ``step`` from ``start`` on.

        Between the middles of hours the rate is interpolated, so that it has no jumps.
        """
        hours = step / HOUR
        origin = bucket_start(start, HOUR) - HOUR
        count = int((start + number * step - origin) / HOUR) + 3
        hourly = self.hourly(origin, count)
        if hours >= 1:
            offset = round((start - origin) / HOUR)
            edges = offset + np.arange(number) * round(hours)
            cumulated = np.concatenate(
                [[0.0], np.cumsum(self.hourly(origin, int(edges[-1] + hours + 1)))]
            )
            return np.asarray(cumulated[edges + round(hours)] - cumulated[edges])
        middles = (start - origin) / HOUR + (np.arange(number) + 0.5) * hours
        return np.asarray(np.interp(middles, np.arange(count) + 0.5, hourly) * hours)

    def spread_over(self, length: timedelta) -> float:
        """Return alpha of the count in a window of ``length``, the estimate's own error included.

        Windows longer than the longest that was measured are taken as sums of independent ones.
        """
        hours = max(length / HOUR, 1.0)
        known = len(self.spread_by_hours)
        if hours <= known:
            grid = np.arange(1, known + 1)
            alpha = float(np.interp(hours, grid, self.spread_by_hours))
        else:
            alpha = float(self.spread_by_hours[-1]) * known / hours
        return alpha + self.uncertainty


def fit_baseline(
    series: Series,
    end: datetime,
    *,
    zone: str = "UTC",
    weeks: int = REFERENCE_WEEKS,
    holidays: Holidays = NO_HOLIDAYS,
) -> Baseline:
    """Return what was usual in the ``weeks`` before ``end`` (cut down to a whole hour).

    Reads only buckets that end by then. Poorly covered hours and past bursts are left out, and
    ``holidays`` (dates in ``zone``) count as Sundays. Without any covered hour the profile is 0
    throughout and ``covered_hours`` is 0.
    Raises ValueError if the series' buckets are longer than an hour or do not divide it.
    """
    counts, exposure, first = hours_before(series, end, weeks)
    reference = TimeWindow(first, first + len(counts) * HOUR)
    usable = exposure >= GOOD_COVERAGE
    covered = int(usable.sum())
    if covered == 0:
        profile, spread = np.zeros(HOURS_PER_WEEK), np.array([SPREAD_PRIOR])
        return Baseline(
            *(reference, zone, profile, 1.0, spread, 1.0, 0, 0, exposure, exposure, usable),
            holidays=holidays,
        )
    slots = hour_slots(first, len(counts), zone, holidays)
    age = np.arange(len(counts), 0, -1.0)
    rates = np.divide(counts, exposure, out=np.zeros(len(counts)), where=usable)
    # A burst widens the profile and the spread that it is to be found by. So hours far above the
    # median of their hour of the day, at the level of their week, are left out at first; the passes
    # take back what fits.
    around = local_levels(rates, usable)
    typical = medians(rates / around, usable, slots % 24) * around
    kept = usable & ~bursts(usable & stands_out(rates, typical, FIRST_SPREAD))
    alpha = SPREAD_PRIOR
    shifts: tuple[Shift, ...] = ()
    # What an hour was usual to hold, relative to the level of now.
    scale = np.ones(len(counts))
    profile, profile_error, fitted, weights = np.zeros(0), 0.0, rates, np.zeros(0)
    passes, done = FITTING_PASSES, 0
    while done < passes:
        weights = np.where(kept, 0.5 ** (age / PROFILE_HALF_LIFE_HOURS), 0.0)
        if done == 0 and len(counts) > LEAST_BEFORE_HOURS:
            # A new level must not have shaped what it is first compared with.
            weights[-HOURS_PER_WEEK:] = 0.0
        levels = scale if done else around
        profile, profile_error = fit_profile(rates, weights, slots, alpha, levels)
        shape = profile[slots] * scale
        fitted = shape * weekly_level(rates, shape, kept, alpha)
        alpha = spread_of(rates, fitted, kept, 1, SPREAD_PRIOR)
        done += 1
        if done < passes:
            growth = growth_of(rates, shape, usable, by_jumps=done == 1)
            mean = profile[slots] * np.exp(growth * -age)
            shifts = find_shifts(Hours(first, rates, mean, usable, kept, alpha))
            passes = SHIFTED_PASSES if shifts else FITTING_PASSES
            before = scale
            scale = _scale(shifts, first, len(counts))
            # So far the profile is that of the oldest level.
            fitted = fitted * (scale / scale[0]) / (before / before[0])
        kept = usable & ~bursts(usable & stands_out(np.rint(rates), fitted, alpha))
    recent = np.where(kept, 0.5 ** (age / LEVEL_HALF_LIFE_HOURS), 0.0)
    if shifts:
        recent[: (shifts[-1].start - first) // HOUR] = 0.0
    one_group = np.zeros(len(counts), dtype=np.int64)
    factors, errors = factors_of(
        rates, recent, profile[slots], one_group, alpha, number=1, prior=LEVEL_PRIOR
    )
    level = float(np.clip(factors[0], *LEVEL_LIMITS))
    longer = [spread_of(rates, fitted, kept, hours, alpha / hours) for hours in SPREAD_HOURS[1:]]
    by_hours = np.interp(np.arange(1, 25), SPREAD_HOURS, np.minimum.accumulate([alpha, *longer]))
    return Baseline(
        reference=reference,
        zone=zone,
        profile=profile,
        level=level * step_ahead(level, age, recent, weights),
        spread_by_hours=by_hours,
        uncertainty=profile_error + float(errors[0]),
        covered_hours=covered,
        masked_hours=covered - int(kept.sum()),
        rates=rates,
        fitted=fitted,
        is_quiet=kept,
        shifts=shifts,
        holidays=holidays,
    )


def _scale(shifts: tuple[Shift, ...], first: datetime, number: int) -> FloatArray:
    """Return what part of the level of now the level of each hour was."""
    scale = np.ones(number)
    for shift in shifts:
        scale[: (shift.start - first) // HOUR] /= shift.factor
    return scale


def hour_slots(
    first_hour: datetime, number: int, zone: str, holidays: Holidays = NO_HOLIDAYS
) -> IntArray:
    """Return, for ``number`` UTC hours from ``first_hour`` on, the hour of the week in ``zone``.

    Monday 00:00 is 0, Sunday 23:00 is 167; the hours of ``holidays`` are those of a Sunday. In
    zones off by a part of an hour, a UTC hour belongs to the local hour in which it starts.
    """
    hour = int(first_hour.timestamp()) // 3600
    day, into = divmod(hour, 24)
    days = [_day_slots(d, zone, holidays) for d in range(day, (hour + number) // 24 + 1)]
    return np.array(days, dtype=np.int64).ravel()[into : into + number]


@lru_cache(maxsize=4096)
def _day_slots(day: int, zone: str, holidays: Holidays) -> tuple[int, ...]:
    """Return the local hours of the week of the 24 UTC hours of a day (counted from 1970)."""
    info = ZoneInfo(zone)
    local = [datetime.fromtimestamp(day * 86400 + hour * 3600, info) for hour in range(24)]
    return tuple((SUNDAY if at.date() in holidays else at.weekday()) * 24 + at.hour for at in local)


def to_hours(series: Series) -> Series:
    """Return the series in whole hours of UTC, as a baseline reads it.

    An hour's count is that of its covered buckets, its coverage their share of it; a last hour that
    is not over is left out. Raises ValueError if the buckets do not divide an hour.
    """
    if series.step == HOUR:
        return series
    counts, exposure, first = hours_before(
        series, series.end, -((series.start - series.end) // WEEK)
    )
    return Series(first, HOUR, counts.astype(np.int64), exposure)


def hours_before(
    series: Series, end: datetime, weeks: int
) -> tuple[FloatArray, FloatArray, datetime]:
    """Return counts and covered shares of the whole hours before ``end``, and the first's start."""
    if series.step > HOUR or HOUR % series.step:
        raise ValueError(f"a baseline needs buckets that divide an hour, not {series.step}")
    per_hour = HOUR // series.step
    last = bucket_start(min(end, series.end).astimezone(UTC), HOUR)
    first = max(bucket_start(series.start, HOUR), last - weeks * WEEK)
    number = max((last - first) // HOUR, 0)
    from_index = (first - series.start) // series.step
    padding = max(-from_index, 0)  # the series may begin within its first hour
    inside = slice(max(from_index, 0), max(from_index + number * per_hour, 0))
    counts = np.zeros(number * per_hour)
    exposure = np.zeros(number * per_hour)
    counts[padding:] = np.where(series.is_covered[inside], series.counts[inside], 0)
    exposure[padding:] = np.where(series.is_covered[inside], series.coverage[inside], 0.0)
    shape = (number, per_hour)
    return counts.reshape(shape).sum(axis=1), exposure.reshape(shape).mean(axis=1), first
