"""How a baseline is estimated: factors of groups, spread, past bursts, and growth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from insights.distributions import FloatArray, IntArray, upper_tail

HOURS_PER_WEEK = 168
DAY_HOURS = 24
DAYS_AROUND = 7
# Of a day known to less, the level is taken as if it were known to so much.
LEAST_OF_A_DAY = 0.25
# How far the level is believed to move by itself (relative standard deviation).
LEVEL_PRIOR = 0.3
# Growth is believed to go on since the days that the level was read from, by no more than this.
LONGEST_STEP_AHEAD = 1.05
# What grows faster than this a week is told as a new level.
FASTEST_GROWTH = 1.1
# Hours less likely than this under the fit are past bursts and do not shape what is usual; of 1,344
# ordinary hours about one is lost.
MASK_LEVEL = 1e-3
SMALLEST_MEDIAN = 0.25
# A run of masked hours longer than this is a new level, not a burst, and counts again.
LONGEST_BURST_HOURS = 72
# Spread of hourly counts of brands: prior mean and standard deviation where history is thin.
SPREAD_PRIOR = 0.2
SPREAD_PRIOR_DEVIATION = 0.2
SPREAD_LIMITS = (0.005, 3.0)
# No hour of the week is believed to fall below a twentieth of its prior for want of mentions.
SMALLEST_FACTOR = 0.05

BoolArray = npt.NDArray[np.bool_]


def medians(rates: FloatArray, usable: BoolArray, hours: IntArray) -> FloatArray:
    """Return for each hour the median rate of its hour of the day."""
    seen, of_hour = rates[usable], hours[usable]
    in_order = seen[np.lexsort((seen, of_hour))]
    number = np.bincount(of_hour, minlength=24)
    first = np.cumsum(number) - number
    known = number > 0
    lower = in_order[first[known] + (number[known] - 1) // 2]
    upper = in_order[first[known] + number[known] // 2]
    found = np.full(24, SMALLEST_MEDIAN)
    found[known] = np.maximum((lower + upper) / 2, SMALLEST_MEDIAN)
    return np.asarray(found[hours])


def stands_out(rates: FloatArray, mean: FloatArray, alpha: float) -> BoolArray:
    """Return which hours are less likely than `MASK_LEVEL`.

    The tail is worked out only beyond two standard deviations: a count distribution that leans to
    the right has far more than that level above them.
    """
    high = rates > mean + 2 * np.sqrt(mean + alpha * mean**2)
    found = np.zeros(len(rates), dtype=np.bool_)
    found[high] = upper_tail(rates[high], mean[high], alpha) < MASK_LEVEL
    return found


def fit_profile(
    rates: FloatArray, weights: FloatArray, slots: IntArray, alpha: float, scale: FloatArray
) -> tuple[FloatArray, float]:
    """Return mentions an hour for each hour of the week, and the relative variance of one of them.

    Hour-of-day around the mean, day-of-week around that, then the cells around their product.
    ``scale`` is the level of each hour, relative to the one that the profile is to have.
    """
    total = max(float((weights * scale).sum()), 1.0)
    # One mention in the whole history more: a rate of exactly 0 is never certain.
    profile = np.full(HOURS_PER_WEEK, (float((weights * rates).sum()) + 1 / total) / total)
    hours = np.arange(HOURS_PER_WEEK)
    error = 0.0
    for groups, number in ((hours % 24, 24), (hours // 24, 7), (hours, HOURS_PER_WEEK)):
        factors, errors = factors_of(
            rates, weights, profile[slots] * scale, groups[slots], alpha, number=number
        )
        profile = profile * factors[groups]
        error += float(errors.mean())
    return profile, error


def factors_of(
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


def step_ahead(level: float, age: FloatArray, recent: FloatArray, weights: FloatArray) -> float:
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


def local_levels(rates: FloatArray, usable: BoolArray) -> FloatArray:
    """Return the level of each hour about 1: the median of the seven days around its day.

    A running median keeps jumps as they are (Tukey, Exploratory Data Analysis, 1977), and each
    weekday stands in it once. One mention more a day: a silent week has a level too.
    """
    days = -(-rates.size // DAY_HOURS)
    padded = np.zeros((2, days * DAY_HOURS))
    padded[:, days * DAY_HOURS - rates.size :] = np.where(usable, rates, 0.0), usable
    seen, known = padded.reshape(2, days, DAY_HOURS).sum(axis=2)
    daily = (seen + 1) / np.maximum(known / DAY_HOURS, LEAST_OF_A_DAY)
    if days < DAYS_AROUND:
        return np.ones(rates.size)
    middle = np.median(sliding_window_view(daily, DAYS_AROUND), axis=1)
    levels = np.pad(middle, DAYS_AROUND // 2, mode="edge")
    return np.repeat(levels / levels.mean(), DAY_HOURS)[-rates.size :]


def growth_of(rates: FloatArray, mean: FloatArray, usable: BoolArray, *, by_jumps: bool) -> float:
    """Return the log growth an hour, bounded, as a jump is none.

    By the two halves of the hours, or, where jumps may lie in them (``by_jumps``), by the median
    step from one week to the next, which one or two jumps do not move.
    """
    parts = max(rates.size // HOURS_PER_WEEK, 2) if by_jumps else 2
    length = rates.size // parts
    used = slice(rates.size - parts * length, None)
    levels = [
        (np.where(usable, values, 0.0)[used].reshape(parts, length).sum(axis=1) + 1)
        for values in (rates, mean)
    ]
    steps = np.diff(np.log(levels[0] / levels[1])) / max(length, 1)
    limit = np.log(FASTEST_GROWTH) / HOURS_PER_WEEK
    return float(np.clip(np.median(steps), -limit, limit))


def weekly_level(rates: FloatArray, mean: FloatArray, kept: BoolArray, alpha: float) -> FloatArray:
    """Return for each hour the level of its week, so that growth does not look like spread."""
    weeks = np.arange(len(rates), 0, -1) // HOURS_PER_WEEK
    levels, _ = factors_of(
        rates,
        kept.astype(np.float64),
        mean,
        weeks,
        alpha,
        number=int(weeks[0]) + 1,
        prior=LEVEL_PRIOR,
    )
    return levels[weeks]


def spread_of(
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


def bursts(is_high: BoolArray) -> BoolArray:
    """Return the hours in or next to a burst; runs too long to be one are left out."""
    near = is_high.copy()
    near[1:] |= is_high[:-1]
    near[:-1] |= is_high[1:]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin > LONGEST_BURST_HOURS:
            near[begin:end] = False
    return near
