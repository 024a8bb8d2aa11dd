"""Negative spikes: is the negative share of what was scored unusually high?

The share of a trailing window is tested as a proportion, whatever the volume: P(K >= negative),
K ~ BetaBinomial(scored, share usual at these hours, rho). The usual share is that of the hour of
the day, shrunk to the share of all hours (empirical Bayes as in insights.baseline); rho, how much
more hours differ than coins would, is estimated by moments:

    rho = sum((k - n p)^2 - n p q) / sum(n (n - 1) p q)

over hours, or over blocks as long as the window (Griffiths, Biometrics 29, 1973; Kleinman, JASA 68,
1973). Several window lengths share the rule's budget of false alarms as in insights.burst.
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
from insights.burst import LONGEST_RUN
from insights.distributions import FloatArray, IntArray, share_interval, share_upper_tail
from insights.series import GOOD_COVERAGE, Series
from insights.verdict import (
    LEARNING_DAYS,
    USUAL_MASS,
    Evidence,
    Learning,
    Measure,
    Scan,
    Status,
    Verdict,
    check_windows,
    choose_window,
    find_learning,
    join_scans,
    reference_end,
    same_reference,
    window_coverage,
    window_levels,
)

DEFAULT_WINDOWS = (HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
# Independent looks per length of a sliding window, measured as for volume (judged by the minute).
CROSSINGS = 12.0
HALF_LIFE_HOURS = 4 * 168
# One negative among five scored is believed before anything was seen.
PRIOR_NEGATIVE, PRIOR_SCORED = 1.0, 5.0
# Hours that stand out by more standard deviations than this are past crises.
MASK_DEVIATIONS = 3.5
# The exact tail is worked out where the normal approximation stands out by this much.
WORTH_A_LOOK = 2.2
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
class NegativeSettings:
    """How a negative rule judges.

    ``minimum_scored`` and ``minimum_negative`` are what a window must hold; ``learning_from`` the
    negative mentions an hour that fire while learning.
    """

    false_alarms_per_week: float = 0.15
    minimum_scored: int = 10
    minimum_negative: int = 5
    windows: tuple[timedelta, ...] = DEFAULT_WINDOWS
    learning_days: int = LEARNING_DAYS
    learning_from: int = 8
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if not 0 < self.false_alarms_per_week <= 100:
            raise ValueError("false_alarms_per_week lies above 0 and at most 100")
        if min(self.minimum_scored, self.minimum_negative, self.learning_from) < 1:
            raise ValueError("minimum_scored, minimum_negative, learning_from are at least 1")
        if self.learning_days < 0:
            raise ValueError("learning_days is at least 0")


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


def judge_negative(
    shares: ShareSeries,
    index: int,
    settings: NegativeSettings,
    history: ShareSeries | None = None,
) -> Verdict:
    """Return the verdict on bucket ``index``, from it and earlier buckets alone.

    ``history`` holds the same mentions for longer, in hours; the series' own where it is not given.
    Raises IndexError if the series has no such bucket, ValueError if its step does not suit.
    """
    levels = _levels(shares.scored, index, index, settings)
    hours = shares.to_hours() if history is None else history
    at, longest = shares.scored.time_of(index + 1), max(levels) * shares.scored.step
    baseline = fit_shares(hours, reference_end(at, longest), zone=settings.zone)
    learning = _learning(hours, at, longest, settings)
    if learning is not None:
        return _learning_verdict(shares, index, baseline, learning)
    scan = _scan_group(shares, index, index, baseline, levels, settings)
    return _verdict(shares, index, baseline, scan)


def scan_negative(
    shares: ShareSeries,
    first: int,
    last: int,
    settings: NegativeSettings,
    history: ShareSeries | None = None,
    fitted: dict[datetime, ShareBaseline] | None = None,
) -> Scan:
    """Judge the buckets ``first`` .. ``last`` as :func:`judge_negative` would, quickly.

    ``fitted`` keeps the baselines of one history, by their ends, from scan to scan.
    """
    series = shares.scored
    levels = _levels(series, first, last, settings)
    hours = shares.to_hours() if history is None else history
    longest = max(levels) * series.step
    known = {} if fitted is None else fitted
    parts = []
    at = first
    while at <= last:
        learning = _learning(hours, series.time_of(at + 1), longest, settings)
        if learning is None:
            until = same_reference(series, at, last, longest)
            end = reference_end(series.time_of(at + 1), longest)
            if end not in known:
                known[end] = fit_shares(hours, end, zone=settings.zone)
            parts.append(_scan_group(shares, at, until, known[end], levels, settings))
        else:
            until = same_reference(series, at, last, longest, HOUR)
            parts.append(_scan_learning(shares, at, until, learning))
        at = until + 1
    return join_scans(parts)


def _levels(series: Series, first: int, last: int, settings: NegativeSettings) -> dict[int, float]:
    """Return the level of each window length in buckets, after a look at the arguments."""
    if not 0 <= first <= last < len(series):
        raise IndexError(f"buckets {first} to {last} are not in a series of {len(series)}")
    lengths = check_windows(settings.windows, series.step)
    levels = window_levels(lengths, series.step, settings.false_alarms_per_week, CROSSINGS)
    return dict(zip(lengths, levels, strict=True))


def _scan_group(
    shares: ShareSeries,
    first: int,
    last: int,
    baseline: ShareBaseline,
    levels: dict[int, float],
    settings: NegativeSettings,
) -> Scan:
    """Judge buckets that share a baseline."""
    step = shares.scored.step
    origin = max(first - max(levels) + 1, 0)
    inside = slice(origin, last + 1)
    scored = shares.scored.counts[inside]
    usual = baseline.shares(shares.scored.time_of(origin), step, last + 1 - origin)
    sums = [
        np.concatenate([[0.0], np.cumsum(values)])
        for values in (shares.negative.counts[inside], scored, scored * usual)
    ]
    ends = np.arange(first, last + 1) - origin + 1
    evidence = []
    for length, level in levels.items():
        begins = np.maximum(ends - length, 0)
        negative, tried, awaited = (total[ends] - total[begins] for total in sums)
        rho = baseline.correlation_over(length * step)
        p = _tails(negative, tried, awaited, rho)
        enough = (tried >= settings.minimum_scored) & (negative >= settings.minimum_negative)
        evidence.append(Evidence(length, np.full(p.size, level), p, enough & (ends >= length)))
    return choose_window(evidence, first)


def _tails(negative: FloatArray, scored: FloatArray, awaited: FloatArray, rho: float) -> FloatArray:
    """Return the upper tail of each window: exact where it may matter, else approximately."""
    share = np.divide(awaited, scored, out=np.full(scored.size, 0.5), where=scored > 0)
    variance = scored * share * (1 - share) * (1 + np.maximum(scored - 1, 0) * rho)
    gap = negative - awaited
    deviations = np.divide(gap, np.sqrt(variance), out=np.zeros(scored.size), where=variance > 0)
    p = np.asarray(special.ndtr(-deviations), dtype=np.float64)
    for i in np.flatnonzero(deviations > WORTH_A_LOOK):
        p[i] = share_upper_tail(int(negative[i]), int(scored[i]), float(share[i]), rho)
    return p


def _verdict(
    shares: ShareSeries,
    index: int,
    baseline: ShareBaseline,
    scan: Scan,
) -> Verdict:
    """Put the one judgement of ``scan`` into words and numbers."""
    series = shares.scored
    at = series.time_of(index + 1)
    length = min(int(scan.length[0]), index + 1)
    window = TimeWindow.before(at, length * series.step)
    inside = slice(index + 1 - length, index + 1)
    scored = int(series.counts[inside].sum())
    observed = int(shares.negative.counts[inside].sum())
    usual = baseline.shares(window.start, series.step, length)
    expected = float((series.counts[inside] * usual).sum())
    rho = baseline.correlation_over(window.length)
    low, high = share_interval(scored, expected / scored, rho, USUAL_MASS) if scored else (0, 0)
    is_alert = bool(scan.is_alert[0])
    coverage = window_coverage(series, window)
    share = observed / scored if scored else 0.0
    quiet = Status.QUIET if coverage > 0 else Status.NO_DATA
    return Verdict(
        measure=Measure.NEGATIVE,
        status=Status.BURST if is_alert else quiet,
        is_alert=is_alert,
        at=at,
        window=window,
        observed=observed,
        expected=expected,
        low=low,
        high=high,
        factor=observed / expected if expected > 0 else None,
        p=float(scan.p[0]),
        level=float(scan.level[0]),
        reference=baseline.reference,
        coverage=coverage,
        started_at=_run_start(shares, index, baseline, share) if is_alert else None,
        scored=scored,
    )


def _run_start(shares: ShareSeries, index: int, baseline: ShareBaseline, share: float) -> datetime:
    """Return since when the share has been raised: Page's sum over Bernoulli likelihood ratios."""
    series = shares.scored
    first = max(index + 1 - LONGEST_RUN // series.step, 0)
    inside = slice(first, index + 1)
    usual = baseline.shares(series.time_of(first), series.step, index + 1 - first)
    # Half-way between the usual and the observed share still counts as raised.
    raised = np.clip((usual + share) / 2, usual + 0.01, 0.999)
    negative = shares.negative.counts[inside]
    others = series.counts[inside] - negative
    gains = negative * np.log(raised / usual) + others * np.log((1 - raised) / (1 - usual))
    path = np.concatenate([[0.0], np.cumsum(gains)])
    begin = int(np.flatnonzero(path <= np.minimum.accumulate(path))[-1])
    return series.time_of(min(first + begin, index))


def _learning(
    hours: ShareSeries, at: datetime, longest: timedelta, settings: NegativeSettings
) -> Learning | None:
    """Return how far learning is, or None once there is enough history."""
    least = settings.learning_from
    return find_learning(hours.negative, at, longest, settings.learning_days, least)


def _scan_learning(shares: ShareSeries, first: int, last: int, learning: Learning) -> Scan:
    """Judge buckets by the threshold an hour, of which most must be negative."""
    per_hour = HOUR // shares.scored.step
    ends = np.arange(first, last + 1) + 1
    begins = np.maximum(ends - per_hour, 0)
    negative, scored = (
        total[ends] - total[begins]
        for total in (
            np.concatenate([[0], np.cumsum(part.counts)])
            for part in (shares.negative, shares.scored)
        )
    )
    fires = (negative >= learning.threshold) & (2 * negative >= scored)
    return Scan.learning(first, fires, per_hour)


def _learning_verdict(
    shares: ShareSeries, index: int, baseline: ShareBaseline, learning: Learning
) -> Verdict:
    """Return the verdict of a rule that is learning."""
    at = shares.scored.time_of(index + 1)
    window = TimeWindow.before(at, HOUR)
    is_alert = bool(_scan_learning(shares, index, index, learning).is_alert[0])
    return Verdict(
        measure=Measure.NEGATIVE,
        status=Status.LEARNING,
        is_alert=is_alert,
        at=at,
        window=window,
        observed=shares.negative.between(window).total(),
        expected=None,
        low=None,
        high=None,
        factor=None,
        p=None,
        level=None,
        reference=baseline.reference,
        coverage=window_coverage(shares.scored, window),
        started_at=window.start if is_alert else None,
        learning=learning,
        scored=shares.scored.between(window).total(),
    )
