"""Negative spikes: is the negative share of what was scored, or the number of negatives, too high?

Two tests share the rule's budget of false alarms in equal parts, each over windows of its own
lengths as in insights.burst.

- **The share** of a trailing window is tested as a proportion, whatever the volume: P(K >=
  negative), K ~ BetaBinomial(scored, usual share, rho), see insights.shares.
- **The number** of negatives is tested as volume is (insights.burst), and counts only where the
  share of the same window is raised as well: a lively day of the usual mood is no negative spike.
  A crisis brings its own mentions, and these are seen far sooner than a share that turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from core.window import TimeWindow
from insights import burst
from insights.baseline import HOUR, NO_HOLIDAYS, Baseline, Holidays, fit_baseline
from insights.burst import LONGEST_RUN, volume_evidence, volume_verdict
from insights.distributions import share_interval
from insights.series import Series
from insights.shares import (
    ShareBaseline,
    ShareSeries,
    ShareSums,
    fit_shares,
    share_deviations,
    share_tails,
)
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
    louder,
    reference_end,
    same_reference,
    window_coverage,
    window_levels,
)

DEFAULT_WINDOWS = (HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)
# Independent looks per length of a sliding window, measured as for volume (judged by the minute).
CROSSINGS = 12.0
# Windows in which negatives are counted: a burst of anger is over sooner than a mood.
COUNTED_WINDOWS = burst.DEFAULT_WINDOWS
# What the test of the number may spend of the budget.
COUNTED_PART = 0.5
# A share that stands out by so many standard deviations (one-sided, 5 %) is raised.
RAISED_DEVIATIONS = 1.645


@dataclass(frozen=True, slots=True)
class NegativeSettings:
    """How a negative rule judges.

    ``minimum_scored`` and ``minimum_negative`` are what a window must hold; ``learning_from`` the
    negative mentions an hour that fire while learning. Without ``counts_too`` the share is all that
    is tested, and has the whole budget. ``holidays`` are dates in ``zone`` whose numbers, not
    shares, are compared with those of Sundays.
    """

    false_alarms_per_week: float = 0.15
    minimum_scored: int = 10
    minimum_negative: int = 5
    windows: tuple[timedelta, ...] = DEFAULT_WINDOWS
    counts_too: bool = True
    learning_days: int = LEARNING_DAYS
    learning_from: int = 8
    zone: str = "UTC"
    holidays: Holidays = NO_HOLIDAYS

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if not 0 < self.false_alarms_per_week <= 100:
            raise ValueError("false_alarms_per_week lies above 0 and at most 100")
        if min(self.minimum_scored, self.minimum_negative, self.learning_from) < 1:
            raise ValueError("minimum_scored, minimum_negative, learning_from are at least 1")
        if self.learning_days < 0:
            raise ValueError("learning_days is at least 0")


@dataclass(frozen=True, slots=True)
class NegativeBaseline:
    """What is usual: the share of negatives, and their number (None where it is not tested)."""

    shares: ShareBaseline
    counts: Baseline | None


def fit_negative(hours: ShareSeries, end: datetime, settings: NegativeSettings) -> NegativeBaseline:
    """Return what was usual in the eight weeks before ``end`` (cut down to a whole hour)."""
    zone, counts = settings.zone, None
    if settings.counts_too:
        counts = fit_baseline(hours.negative, end, zone=zone, holidays=settings.holidays)
    return NegativeBaseline(fit_shares(hours, end, zone=zone), counts)


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
    at, longest = shares.scored.time_of(index + 1), levels.longest * shares.scored.step
    baseline = fit_negative(hours, reference_end(at, longest), settings)
    learning = _learning(hours, at, longest, settings)
    if learning is not None:
        return _learning_verdict(shares, index, baseline.shares, learning)
    share = _scan_shares(shares, index, index, baseline.shares, levels.shares, settings)
    if baseline.counts is not None:
        usual = (baseline.shares, baseline.counts)
        counted = _scan_counts(shares, index, index, usual, levels.counts, settings)
        if counted.ratio[0] < share.ratio[0]:
            verdict = volume_verdict(shares.negative, index, baseline.counts, counted)
            scored = shares.scored.between(verdict.window).total()
            return replace(verdict, measure=Measure.NEGATIVE, scored=scored)
    return _verdict(shares, index, baseline.shares, share)


def scan_negative(
    shares: ShareSeries,
    first: int,
    last: int,
    settings: NegativeSettings,
    history: ShareSeries | None = None,
    fitted: dict[datetime, NegativeBaseline] | None = None,
) -> Scan:
    """Judge the buckets ``first`` .. ``last`` as :func:`judge_negative` would, quickly.

    ``fitted`` keeps the baselines of one history, by their ends, from scan to scan.
    """
    series = shares.scored
    levels = _levels(series, first, last, settings)
    hours = shares.to_hours() if history is None else history
    longest = levels.longest * series.step
    known = {} if fitted is None else fitted
    parts = []
    at = first
    while at <= last:
        learning = _learning(hours, series.time_of(at + 1), longest, settings)
        if learning is None:
            until = same_reference(series, at, last, longest)
            end = reference_end(series.time_of(at + 1), longest)
            if end not in known:
                known[end] = fit_negative(hours, end, settings)
            parts.append(_scan_group(shares, at, until, known[end], levels, settings))
        else:
            until = same_reference(series, at, last, longest, HOUR)
            parts.append(_scan_learning(shares, at, until, learning))
        at = until + 1
    return join_scans(parts)


@dataclass(frozen=True, slots=True)
class _Levels:
    """The level of each window length in buckets, of either test."""

    shares: dict[int, float]
    counts: dict[int, float]

    @property
    def longest(self) -> int:
        return max(*self.shares, *self.counts)


def _levels(series: Series, first: int, last: int, settings: NegativeSettings) -> _Levels:
    """Return the level of each window length, after a look at the arguments."""
    if not 0 <= first <= last < len(series):
        raise IndexError(f"buckets {first} to {last} are not in a series of {len(series)}")
    budget = settings.false_alarms_per_week
    part = COUNTED_PART if settings.counts_too else 0.0

    def levels(windows: tuple[timedelta, ...], share: float, crossings: float) -> dict[int, float]:
        lengths = check_windows(windows, series.step)
        found = window_levels(lengths, series.step, budget * share, crossings)
        return dict(zip(lengths, found, strict=True))

    return _Levels(
        levels(settings.windows, 1 - part, CROSSINGS),
        levels(COUNTED_WINDOWS, part, burst.CROSSINGS),
    )


def _scan_group(
    shares: ShareSeries,
    first: int,
    last: int,
    baseline: NegativeBaseline,
    levels: _Levels,
    settings: NegativeSettings,
) -> Scan:
    """Judge buckets that share a baseline, by both tests."""
    share = _scan_shares(shares, first, last, baseline.shares, levels.shares, settings)
    if baseline.counts is None:
        return share
    usual = (baseline.shares, baseline.counts)
    return louder(share, _scan_counts(shares, first, last, usual, levels.counts, settings))


def _scan_shares(
    shares: ShareSeries,
    first: int,
    last: int,
    baseline: ShareBaseline,
    levels: dict[int, float],
    settings: NegativeSettings,
) -> Scan:
    """Judge the share of buckets that share a baseline."""
    evidence = []
    sums = ShareSums(shares, first, last, baseline, max(levels))
    for length, level in levels.items():
        negative, tried, awaited = sums.over(length)
        rho = baseline.correlation_over(length * shares.scored.step)
        p = share_tails(negative, tried, awaited, rho)
        enough = (tried >= settings.minimum_scored) & (negative >= settings.minimum_negative)
        evidence.append(Evidence(length, np.full(p.size, level), p, enough & sums.is_full(length)))
    return choose_window(evidence, first)


def _scan_counts(
    shares: ShareSeries,
    first: int,
    last: int,
    usual: tuple[ShareBaseline, Baseline],
    levels: dict[int, float],
    settings: NegativeSettings,
) -> Scan:
    """Judge the number of negatives; a window whose share is not raised does not count."""
    share, counts = usual
    found = volume_evidence(shares.negative, first, last, counts, levels, settings.minimum_negative)
    sums = ShareSums(shares, first, last, share, max(levels))
    evidence = []
    for one in found:
        negative, tried, awaited = sums.over(one.length)
        rho = share.correlation_over(one.length * shares.scored.step)
        is_raised = share_deviations(negative, tried, awaited, rho) > RAISED_DEVIATIONS
        enough = is_raised & (tried >= settings.minimum_scored)
        evidence.append(replace(one, is_eligible=one.is_eligible & enough))
    return choose_window(evidence, first)


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
    fires = learning.fires(negative) & (2 * negative >= scored)
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
