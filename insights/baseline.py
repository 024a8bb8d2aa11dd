"""What volume is usual: an hour-of-week profile, its level now, and its spread.

The profile is fitted on whole hours that end before what is judged, so that appending data never
changes an earlier verdict. Rates are estimated as sums of counts over sums of covered hours, older
weeks weighing less, and shrunk from the cell of the week to the product of hour-of-day and
day-of-week, and those to the mean. How far each is shrunk follows from the data (empirical Bayes:
Morris, JASA 78, 1983): a cell moves away from its prior by

    B = tau^2 M^2 / (tau^2 M^2 + V),   rate = prior * (1 + B * (S - M) / M)

where S is the weighted count, M the weighted prior mean, V the variance of S under the negative
binomial, and tau^2 the relative variance of cells about their priors beyond V, by moments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from core.window import TimeWindow, bucket_start
from insights.distributions import FloatArray, IntArray, upper_tail
from insights.series import GOOD_COVERAGE, Series

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
HOURS_PER_WEEK = 168
# Eight weeks: enough same-hours for a spread, short enough to follow growth.
REFERENCE_WEEKS = 8
# An hour counts half as much as one four weeks later: habits change slowly.
PROFILE_HALF_LIFE_HOURS = 4 * HOURS_PER_WEEK
# The level follows growth within days; a shorter memory would follow single lively evenings.
LEVEL_HALF_LIFE_HOURS = 72
# How far the level is believed to move by itself (relative standard deviation).
LEVEL_PRIOR = 0.3
LEVEL_LIMITS = (1 / 3, 3.0)
# Growth is believed to go on since the days that the level was read from, by no more than this.
LONGEST_STEP_AHEAD = 1.05
# Hours less likely than this under the fit are past bursts and do not shape what is usual; of 1,344
# ordinary hours about one is lost.
MASK_LEVEL = 1e-3
# Before a weekend or growth is known, an hour may stand this far (alpha) about its median.
FIRST_SPREAD = 0.5
SMALLEST_MEDIAN = 0.25
# A run of masked hours longer than this is a new level, not a burst, and counts again.
LONGEST_BURST_HOURS = 72
# Spread of hourly counts of brands: prior mean and standard deviation where history is thin.
SPREAD_PRIOR = 0.2
SPREAD_PRIOR_DEVIATION = 0.2
SPREAD_LIMITS = (0.005, 3.0)
FITTING_PASSES = 3
# Lengths (hours) over which the spread of sums is measured; interpolated between.
SPREAD_HOURS = (1, 2, 3, 6, 12, 24)
# No hour of the week is believed to fall below a twentieth of its prior for want of mentions.
SMALLEST_FACTOR = 0.05

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """What is usual, as known at ``reference.end``.

    ``profile`` has the mean mentions an hour for each hour of the local week (Monday 00:00 first),
    ``level`` is the factor by which recent days stand above it, ``spread`` the negative-binomial
    alpha of hourly counts, ``spread_by_hours`` that of sums over 1, 2, ... hours, ``uncertainty``
    the relative variance of an expected value itself. ``covered_hours`` says how much was learned
    from; of the hours of ``reference``, ``rates`` and ``fitted`` are what was seen and what the fit
    makes of it, and ``is_quiet`` says which were covered and no burst.
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

    @property
    def spread(self) -> float:
        """The negative-binomial alpha of hourly counts."""
        return float(self.spread_by_hours[0])

    def hourly(self, first_hour: datetime, number: int) -> FloatArray:
        """Return the expected mentions of ``number`` hours (UTC) from ``first_hour`` on."""
        return np.asarray(self.profile[hour_slots(first_hour, number, self.zone)] * self.level)

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
    series: Series, end: datetime, *, zone: str = "UTC", weeks: int = REFERENCE_WEEKS
) -> Baseline:
    """Return what was usual in the ``weeks`` before ``end`` (cut down to a whole hour).

    Reads only buckets that end by then. Poorly covered hours and past bursts are left out. Without
    any covered hour the profile is 0 throughout and ``covered_hours`` is 0.
    Raises ValueError if the series' buckets are longer than an hour or do not divide it.
    """
    counts, exposure, first = hours_before(series, end, weeks)
    reference = TimeWindow(first, first + len(counts) * HOUR)
    usable = exposure >= GOOD_COVERAGE
    covered = int(usable.sum())
    if covered == 0:
        profile, spread = np.zeros(HOURS_PER_WEEK), np.array([SPREAD_PRIOR])
        return Baseline(
            reference, zone, profile, 1.0, spread, 1.0, 0, 0, exposure, exposure, usable
        )
    slots = hour_slots(first, len(counts), zone)
    age = np.arange(len(counts), 0, -1.0)
    rates = np.divide(counts, exposure, out=np.zeros(len(counts)), where=usable)
    # A burst widens the profile and the spread that it is to be found by. So hours far above the
    # median of their hour of the day are left out at first; the passes take back what fits.
    typical = _medians(rates, usable, slots % 24)
    kept = usable & ~_bursts(usable & _stands_out(rates, typical, FIRST_SPREAD))
    alpha = SPREAD_PRIOR
    profile, profile_error, fitted, weights = np.zeros(0), 0.0, rates, np.zeros(0)
    for _ in range(FITTING_PASSES):
        weights = np.where(kept, 0.5 ** (age / PROFILE_HALF_LIFE_HOURS), 0.0)
        profile, profile_error = _fit_profile(rates, weights, slots, alpha)
        fitted = profile[slots] * _weekly_level(rates, profile[slots], kept, alpha)
        alpha = _spread(rates, fitted, kept, 1, SPREAD_PRIOR)
        kept = usable & ~_bursts(usable & _stands_out(np.rint(rates), fitted, alpha))
    recent = np.where(kept, 0.5 ** (age / LEVEL_HALF_LIFE_HOURS), 0.0)
    one_group = np.zeros(len(counts), dtype=np.int64)
    factors, errors = _factors(
        rates, recent, profile[slots], one_group, alpha, number=1, prior=LEVEL_PRIOR
    )
    level = float(np.clip(factors[0], *LEVEL_LIMITS))
    longer = [_spread(rates, fitted, kept, hours, alpha / hours) for hours in SPREAD_HOURS[1:]]
    by_hours = np.interp(np.arange(1, 25), SPREAD_HOURS, np.minimum.accumulate([alpha, *longer]))
    return Baseline(
        reference=reference,
        zone=zone,
        profile=profile,
        level=level * _step_ahead(level, age, recent, weights),
        spread_by_hours=by_hours,
        uncertainty=profile_error + float(errors[0]),
        covered_hours=covered,
        masked_hours=covered - int(kept.sum()),
        rates=rates,
        fitted=fitted,
        is_quiet=kept,
    )


def hour_slots(first_hour: datetime, number: int, zone: str) -> IntArray:
    """Return, for ``number`` UTC hours from ``first_hour`` on, the hour of the week in ``zone``.

    Monday 00:00 is 0, Sunday 23:00 is 167. In zones off by a part of an hour, a UTC hour belongs to
    the local hour in which it starts.
    """
    hour = int(first_hour.timestamp()) // 3600
    day, into = divmod(hour, 24)
    days = [_day_slots(d, zone) for d in range(day, (hour + number) // 24 + 1)]
    return np.array(days, dtype=np.int64).ravel()[into : into + number]


@lru_cache(maxsize=4096)
def _day_slots(day: int, zone: str) -> tuple[int, ...]:
    """Return the local hours of the week of the 24 UTC hours of a day (counted from 1970)."""
    if zone == "UTC":
        return tuple((day + 3) % 7 * 24 + hour for hour in range(24))  # 1970 began on a Thursday
    info = ZoneInfo(zone)
    local = [datetime.fromtimestamp(day * 86400 + hour * 3600, info) for hour in range(24)]
    return tuple(at.weekday() * 24 + at.hour for at in local)


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


def _medians(rates: FloatArray, usable: BoolArray, hours: IntArray) -> FloatArray:
    """Return for each hour the median rate of its hour of the day."""
    seen, of_hour = rates[usable], hours[usable]
    in_order = seen[np.lexsort((seen, of_hour))]
    number = np.bincount(of_hour, minlength=24)
    first = np.cumsum(number) - number
    known = number > 0
    lower = in_order[first[known] + (number[known] - 1) // 2]
    upper = in_order[first[known] + number[known] // 2]
    medians = np.full(24, SMALLEST_MEDIAN)
    medians[known] = np.maximum((lower + upper) / 2, SMALLEST_MEDIAN)
    return np.asarray(medians[hours])


def _stands_out(rates: FloatArray, mean: FloatArray, alpha: float) -> BoolArray:
    """Return which hours are less likely than `MASK_LEVEL`.

    The tail is worked out only beyond two standard deviations: a count distribution that leans to
    the right has far more than that level above them.
    """
    high = rates > mean + 2 * np.sqrt(mean + alpha * mean**2)
    found = np.zeros(len(rates), dtype=np.bool_)
    found[high] = upper_tail(rates[high], mean[high], alpha) < MASK_LEVEL
    return found


def _fit_profile(
    rates: FloatArray, weights: FloatArray, slots: IntArray, alpha: float
) -> tuple[FloatArray, float]:
    """Return mentions an hour for each hour of the week, and the relative variance of one of them.

    Hour-of-day around the mean, day-of-week around that, then the cells around their product.
    """
    total = max(float(weights.sum()), 1.0)
    # One mention in the whole history more: a rate of exactly 0 is never certain.
    profile = np.full(HOURS_PER_WEEK, (float((weights * rates).sum()) + 1 / total) / total)
    hours = np.arange(HOURS_PER_WEEK)
    error = 0.0
    for groups, number in ((hours % 24, 24), (hours // 24, 7), (hours, HOURS_PER_WEEK)):
        factors, errors = _factors(
            rates, weights, profile[slots], groups[slots], alpha, number=number
        )
        profile = profile * factors[groups]
        error += float(errors.mean())
    return profile, error


def _factors(
    rates: FloatArray,
    weights: FloatArray,
    mean: FloatArray,
    groups: IntArray,
    alpha: float,
    *,
    number: int,
    prior: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the shrunk factor of each group about ``mean``, and its relative variance.

    ``groups`` gives the group (0 .. ``number`` - 1) of each hour. ``prior`` is the relative
    standard deviation of factors; without it, it is estimated. A group without weight has the
    factor 1.
    """
    seen = np.bincount(groups, weights * rates, number)
    awaited = np.bincount(groups, weights * mean, number)
    noise = np.bincount(groups, weights**2 * (mean + alpha * mean**2), number)
    if prior is None:
        excess = float(((seen - awaited) ** 2 - noise).sum())
        variance = max(excess / max(float((awaited**2).sum()), 1e-12), 0.0)
    else:
        variance = prior**2
    trust = variance * awaited**2
    share = np.divide(trust, trust + noise, out=np.zeros(number), where=noise > 0)
    moved = np.divide(seen - awaited, awaited, out=np.zeros(number), where=awaited > 0)
    return np.maximum(1 + share * moved, SMALLEST_FACTOR), variance * (1 - share)


def _step_ahead(level: float, age: FloatArray, recent: FloatArray, weights: FloatArray) -> float:
    """Return by what factor the stream has grown since the days that its level was read from.

    The level says how far the days of weights ``recent`` stand above those of ``weights``, which
    are older; growth at the same pace since then makes level^(a / (b - a)), a and b being the mean
    ages of the two. A jump is no growth, so the factor is bounded.
    """
    newer, older = (
        float((age * weight).sum() / max(weight.sum(), 1e-12)) for weight in (recent, weights)
    )
    ahead = level ** (newer / (older - newer)) if older > newer else 1.0
    return float(np.clip(ahead, 1 / LONGEST_STEP_AHEAD, LONGEST_STEP_AHEAD))


def _weekly_level(rates: FloatArray, mean: FloatArray, kept: BoolArray, alpha: float) -> FloatArray:
    """Return for each hour the level of its week, so that growth does not look like spread."""
    weeks = np.arange(len(rates), 0, -1) // HOURS_PER_WEEK
    levels, _ = _factors(
        rates,
        kept.astype(np.float64),
        mean,
        weeks,
        alpha,
        number=int(weeks[0]) + 1,
        prior=LEVEL_PRIOR,
    )
    return levels[weeks]


def _spread(
    rates: FloatArray, mean: FloatArray, kept: BoolArray, hours: int, prior: float
) -> float:
    """Return alpha of sums over blocks of ``hours``, by moments, drawn to ``prior`` where unsure.

    Formula: sum((Y - M)^2 - M) / sum(M^2); its own variance is about sum(M + 2 (M + a M^2)^2) /
    sum(M^2)^2 with a = prior. Blocks with a masked hour are left out.
    """
    blocks = len(rates) // hours
    shape = (blocks, hours)
    used = slice(len(rates) - blocks * hours, None)
    whole = kept[used].reshape(shape).all(axis=1)
    seen = rates[used].reshape(shape).sum(axis=1)[whole]
    awaited = mean[used].reshape(shape).sum(axis=1)[whole]
    weight = float((awaited**2).sum())
    if weight <= 0:
        return prior
    estimate = float(((seen - awaited) ** 2 - awaited).sum()) / weight
    noise = float((awaited + 2 * (awaited + prior * awaited**2) ** 2).sum()) / weight**2
    trust = SPREAD_PRIOR_DEVIATION**2 / (SPREAD_PRIOR_DEVIATION**2 + noise)
    return float(
        np.clip(prior + trust * (estimate - prior), SPREAD_LIMITS[0] / hours, SPREAD_LIMITS[1])
    )


def _bursts(is_high: BoolArray) -> BoolArray:
    """Return the hours in or next to a burst; runs too long to be one are left out."""
    near = is_high.copy()
    near[1:] |= is_high[:-1]
    near[:-1] |= is_high[1:]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin > LONGEST_BURST_HOURS:
            near[begin:end] = False
    return near
