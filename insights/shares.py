"""What negative share is usual: that of the hour of the day, and how much hours differ.

The share of an hour of the day is shrunk to that of all hours (empirical Bayes as in
insights.baseline); rho, how much more hours differ than coins would, is estimated by moments:

    rho = sum((k - n p)^2 - n p q) / sum(n (n - 1) p q)

over hours, or over blocks as long as the window (Griffiths, Biometrics 29, 1973; Kleinman, JASA 68,
1973).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from scipy import special

from core.window import TimeWindow, bucket_start
from insights.baseline import (
    HOUR,
    REFERENCE_WEEKS,
    BoolArray,
    hour_slots,
    hours_before,
    to_hours,
)
from insights.distributions import FloatArray, IntArray, share_upper_tail
from insights.series import GOOD_COVERAGE, Series

# The exact tail is worked out where the normal approximation stands out by this much.
WORTH_A_LOOK = 2.2
HALF_LIFE_HOURS = 4 * 168
# One negative among five scored is believed before anything was seen.
PRIOR_NEGATIVE, PRIOR_SCORED = 1.0, 5.0
# Hours that stand out by more standard deviations than this are past crises.
MASK_DEVIATIONS = 3.5
# rho where history is thin: prior mean and standard deviation.
CORRELATION_PRIOR = 0.03
CORRELATION_PRIOR_DEVIATION = 0.03
CORRELATION_LIMITS = (0.001, 0.5)
PASSES = 3
# Squared deviations count no more than so many standard deviations; of a normal variable that
# leaves this share of the variance (Huber, Robust Statistics, 1981, proposal 2).
WINSOR_DEVIATIONS = 2.5
WINSOR_SHARE = 0.9776


@dataclass(frozen=True, slots=True)
class ShareSeries:
    """Negative mentions, and those scored at all, in the same buckets."""

    negative: Series
    scored: Series

    def __post_init__(self) -> None:
        """Raises ValueError if buckets differ or more are negative than scored."""
        one, other = self.negative, self.scored
        if (one.start, one.step, len(one)) != (other.start, other.step, len(other)):
            raise ValueError("negative and scored mentions must be counted in the same buckets")
        if bool((one.counts > other.counts).any()):
            raise ValueError("a bucket has more negative mentions than scored ones")

    def to_hours(self) -> ShareSeries:
        """Return both series in whole hours, as a baseline reads them."""
        return ShareSeries(to_hours(self.negative), to_hours(self.scored))


@dataclass(frozen=True, slots=True, eq=False)
class ShareBaseline:
    """The usual negative share: for each hour of the local day, and how it varies.

    ``correlation_by_hours`` is rho of sums over 1, 2, ... hours; ``uncertainty`` the variance of a
    share itself, in units of share * (1 - share). Of the hours of ``reference``, ``negative`` and
    ``scored`` are what was seen, and ``is_quiet`` says which were covered and no crisis.
    """

    reference: TimeWindow
    zone: str
    by_hour: FloatArray
    correlation_by_hours: FloatArray
    uncertainty: float
    covered_hours: int
    negative: FloatArray
    scored: FloatArray
    is_quiet: BoolArray

    def shares(self, start: datetime, step: timedelta, number: int) -> FloatArray:
        """Return the usual share of ``number`` buckets of ``step`` from ``start`` on."""
        first = bucket_start(start, HOUR)
        into = np.floor((start - first) / HOUR + np.arange(number) * (step / HOUR) + 1e-9)
        into = into.astype(np.int64)
        slots = hour_slots(first, int(into[-1]) + 1, self.zone) % 24
        return np.asarray(self.by_hour[slots[into]])

    def correlation_over(self, length: timedelta) -> float:
        """Return rho of the share in a window of ``length``, the estimate's own error included."""
        known = len(self.correlation_by_hours)
        hours = min(max(length / HOUR, 1.0), float(known))
        rho = np.interp(hours, np.arange(1, known + 1), self.correlation_by_hours)
        return float(rho) + self.uncertainty


def fit_shares(
    shares: ShareSeries, end: datetime, *, zone: str = "UTC", weeks: int = REFERENCE_WEEKS
) -> ShareBaseline:
    """Return the usual negative share in the ``weeks`` before ``end`` (cut to a whole hour)."""
    negative, exposure, first = hours_before(shares.negative, end, weeks)
    scored, _, _ = hours_before(shares.scored, end, weeks)
    reference = TimeWindow(first, first + len(scored) * HOUR)
    usable = exposure >= GOOD_COVERAGE
    slots = hour_slots(first, len(scored), zone) % 24
    age = np.arange(len(scored), 0, -1.0)
    kept, rho = usable, CORRELATION_PRIOR
    by_hour, uncertainty = np.zeros(24), 0.0
    usual = np.zeros(len(scored))
    for fitting in range(PASSES):
        weights = np.where(kept, 0.5 ** (age / HALF_LIFE_HOURS), 0.0)
        by_hour, uncertainty = _by_hour(negative, scored, weights, slots, rho)
        usual = by_hour[slots]
        # As in insights.baseline: a crisis must not hide behind the variation it causes.
        if fitting > 0:
            rho = _correlation(negative, scored, usual, kept, 1)
        variance = scored * usual * (1 - usual) * (1 + np.maximum(scored - 1, 0) * rho)
        kept = usable & (negative - scored * usual <= MASK_DEVIATIONS * np.sqrt(variance) + 1)
    lengths = (1, 3, 6, 12)
    found = [rho] + [_correlation(negative, scored, usual, kept, n) for n in lengths[1:]]
    by_hours = np.interp(np.arange(1, 13), lengths, np.minimum.accumulate(found))
    return ShareBaseline(
        reference,
        zone,
        by_hour,
        by_hours,
        uncertainty,
        int(usable.sum()),
        negative,
        scored,
        kept,
    )


def _by_hour(
    negative: FloatArray, scored: FloatArray, weights: FloatArray, slots: IntArray, rho: float
) -> tuple[FloatArray, float]:
    """Return the share of each hour of the day, and the variance of one in units of p q."""
    total = float((weights * scored).sum())
    share = (float((weights * negative).sum()) + PRIOR_NEGATIVE) / (total + PRIOR_SCORED)
    spread = share * (1 - share)
    seen = np.bincount(slots, weights * negative, 24)
    tried = np.bincount(slots, weights * scored, 24)
    each = weights**2 * scored * spread * (1 + np.maximum(scored - 1, 0) * rho)
    noise = np.bincount(slots, each, 24)
    moved = seen - share * tried
    between = max(float((moved**2 - noise).sum()) / max(float((tried**2).sum()), 1e-12), 0.0)
    trust = between * tried**2
    part = np.divide(trust, trust + noise, out=np.zeros(24), where=noise > 0)
    shares = share + part * np.divide(moved, tried, out=np.zeros(24), where=tried > 0)
    overall = (float(each.sum()) + spread) / (total + PRIOR_SCORED) ** 2
    variance = overall + float((between * (1 - part)).mean())
    return np.clip(shares, 0.005, 0.995), variance / spread


def _correlation(
    negative: FloatArray, scored: FloatArray, usual: FloatArray, kept: BoolArray, hours: int
) -> float:
    """Return rho of blocks of ``hours`` by moments, drawn to its prior where unsure."""
    blocks = len(scored) // hours
    used = slice(len(scored) - blocks * hours, None)
    shape = (blocks, hours)
    whole = kept[used].reshape(shape).all(axis=1)
    n = scored[used].reshape(shape).sum(axis=1)[whole]
    k = negative[used].reshape(shape).sum(axis=1)[whole]
    awaited = (scored * usual)[used].reshape(shape).sum(axis=1)[whole]
    p = np.divide(awaited, n, out=np.full(n.size, 0.5), where=n > 0)
    tested = n > 1
    n, k, awaited, coins = n[tested], k[tested], awaited[tested], (n * p * (1 - p))[tested]
    squares = np.divide((k - awaited) ** 2, coins, out=np.ones(n.size), where=coins > 0)
    rho = CORRELATION_PRIOR
    for _ in range(PASSES):
        # Weighed by how much each block tells, so that a few loud hours do not speak for all; and
        # a past crisis or campaign must not pass for the ordinary variation of quiet hours.
        inflation = 1 + (n - 1) * rho
        weights = (n - 1) / inflation**2
        capped = np.minimum(squares, WINSOR_DEVIATIONS**2 * inflation) / WINSOR_SHARE
        known = float((weights * (n - 1)).sum())
        if known <= 0:
            return CORRELATION_PRIOR
        estimate = float((weights * (capped - 1)).sum()) / known
        trust = CORRELATION_PRIOR_DEVIATION**2 / (CORRELATION_PRIOR_DEVIATION**2 + 2 / known)
        rho = CORRELATION_PRIOR + trust * (estimate - CORRELATION_PRIOR)
        rho = float(np.clip(rho, *CORRELATION_LIMITS))
    return rho


class ShareSums:
    """Negatives, scored mentions and negatives to expect of windows that end with some buckets."""

    def __init__(
        self, shares: ShareSeries, first: int, last: int, baseline: ShareBaseline, longest: int
    ) -> None:
        """Sum over windows of up to ``longest`` buckets that end with ``first`` .. ``last``."""
        origin = max(first - longest + 1, 0)
        inside = slice(origin, last + 1)
        scored = shares.scored.counts[inside]
        start, step = shares.scored.time_of(origin), shares.scored.step
        usual = baseline.shares(start, step, last + 1 - origin)
        self._sums = [
            np.concatenate([[0.0], np.cumsum(values)])
            for values in (shares.negative.counts[inside], scored, scored * usual)
        ]
        self._ends = np.arange(first, last + 1) - origin + 1

    def over(self, length: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the three over windows of ``length`` buckets, one value a window."""
        begins = np.maximum(self._ends - length, 0)
        negative, tried, awaited = (total[self._ends] - total[begins] for total in self._sums)
        return negative, tried, awaited

    def is_full(self, length: int) -> BoolArray:
        """Return which windows of ``length`` lie within the series."""
        return np.asarray(self._ends >= length)


def share_deviations(
    negative: FloatArray, scored: FloatArray, awaited: FloatArray, rho: float
) -> FloatArray:
    """Return by how many standard deviations each window holds more negatives than usual."""
    share = _usual_share(scored, awaited)
    variance = scored * share * (1 - share) * (1 + np.maximum(scored - 1, 0) * rho)
    gap = negative - awaited
    return np.asarray(
        np.divide(gap, np.sqrt(variance), out=np.zeros(scored.size), where=variance > 0)
    )


def _usual_share(scored: FloatArray, awaited: FloatArray) -> FloatArray:
    return np.asarray(np.divide(awaited, scored, out=np.full(scored.size, 0.5), where=scored > 0))


def share_tails(
    negative: FloatArray, scored: FloatArray, awaited: FloatArray, rho: float
) -> FloatArray:
    """Return the upper tail of each window: exact where it may matter, else approximately."""
    share = _usual_share(scored, awaited)
    deviations = share_deviations(negative, scored, awaited, rho)
    p = np.asarray(special.ndtr(-deviations), dtype=np.float64)
    for i in np.flatnonzero(deviations > WORTH_A_LOOK):
        p[i] = share_upper_tail(int(negative[i]), int(scored[i]), float(share[i]), rho)
    return p
