"""Volume bursts: is a trailing window unusually high, by the negative-binomial upper tail?

For each bucket, windows of several lengths that end with it are compared with a baseline that ends
before the longest of them begins: P(X >= observed), X ~ NB(expected, spread of that length, the
baseline's own uncertainty added). All lengths share the rule's one budget of false alarms a week
(:func:`insights.verdict.window_levels`), so that a big burst is seen in minutes and a small one in
hours. Since when: the last zero of Page's cumulative sum (Biometrika 41, 1954) with the
log-likelihood ratio of a Poisson rate raised by the observed factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from core.window import TimeWindow
from insights.baseline import (
    HOUR,
    NO_HOLIDAYS,
    Baseline,
    BoolArray,
    Holidays,
    fit_baseline,
    to_hours,
)
from insights.distributions import FloatArray, IntArray, count_interval, upper_tail
from insights.levels import FALSE_SHIFTS_PER_WEEK, Shift, deviations_for
from insights.series import Series
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
    pass_on,
    reference_end,
    same_reference,
    window_coverage,
    window_levels,
)

MINUTE = timedelta(minutes=1)
DEFAULT_WINDOWS = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR)
# Independent looks per length of a sliding window, measured on simulated quiet weeks
# (bench/alerts.py).
CROSSINGS = 4.0
# How far back "since when" may reach.
LONGEST_RUN = timedelta(days=3)
# The least factor for which "since when" is asked; below it, the sum would hardly fall back to 0.
SMALLEST_RUN_FACTOR = 1.3


@dataclass(frozen=True, slots=True)
class VolumeSettings:
    """How a volume rule judges.

    ``false_alarms_per_week`` is the budget of one rule on quiet data; ``minimum`` the mentions that
    a window must hold; ``learning_from`` the mentions an hour that fire while learning.
    ``holidays`` are dates in ``zone`` that count as Sundays.
    """

    false_alarms_per_week: float = 0.15
    minimum: int = 8
    windows: tuple[timedelta, ...] = DEFAULT_WINDOWS
    learning_days: int = LEARNING_DAYS
    learning_from: int = 12
    zone: str = "UTC"
    holidays: Holidays = NO_HOLIDAYS

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if not 0 < self.false_alarms_per_week <= 100:
            raise ValueError("false_alarms_per_week lies above 0 and at most 100")
        if self.minimum < 1 or self.learning_from < 1 or self.learning_days < 0:
            raise ValueError("minimum and learning_from are at least 1, learning_days at least 0")
        if not self.windows:
            raise ValueError("a volume rule needs at least one window")

    @property
    def shifts_per_week(self) -> float:
        """The part of the budget that goes to level shifts; the windows have the rest."""
        return min(FALSE_SHIFTS_PER_WEEK, self.false_alarms_per_week / (len(self.windows) + 1))


def judge_volume(
    series: Series, index: int, settings: VolumeSettings, history: Series | None = None
) -> Verdict:
    """Return the verdict on bucket ``index``, from it and earlier buckets alone.

    ``history`` holds the same mentions for longer, in hours; the series' own where it is not given.
    Raises IndexError if the series has no such bucket, ValueError if its step does not suit.
    """
    levels = _levels(series, index, index, settings)
    hours = to_hours(series) if history is None else history
    at, longest = series.time_of(index + 1), max(levels) * series.step
    baseline = fit_volume(hours, reference_end(at, longest), settings)
    learning = _learning(hours, at, longest, settings)
    if learning is not None:
        return _learning_verdict(series, at, baseline, learning)
    scan = _scan_group(series, index, index, baseline, levels, settings)
    verdict = volume_verdict(series, index, baseline, scan)
    return replace(verdict, shift=newest_shift(baseline, settings))


def fit_volume(hours: Series, end: datetime, settings: VolumeSettings) -> Baseline:
    """Return what was usual in the eight weeks before ``end`` (cut down to a whole hour)."""
    return fit_baseline(hours, end, zone=settings.zone, holidays=settings.holidays)


def newest_shift(baseline: Baseline, settings: VolumeSettings) -> Shift | None:
    """Return the newest level shift if the rule's budget lets it be told."""
    shift = baseline.shifts[-1] if baseline.shifts else None
    least = deviations_for(settings.shifts_per_week)
    return shift if shift is not None and shift.deviations >= least else None


def scan_shifts(
    fitted: Mapping[datetime, Baseline], settings: VolumeSettings, longest: timedelta
) -> list[tuple[datetime, Shift]]:
    """Return the level shifts that a rule would have told, with when, by the baselines of a scan.

    ``longest`` is the longest window: a baseline ending at t judges from t + ``longest`` on.
    """
    told: list[tuple[datetime, Shift]] = []
    for end in sorted(fitted):
        shift, now = newest_shift(fitted[end], settings), end + longest
        if shift is not None and shift.is_news(told[-1][0] if told else None, now):
            told.append((now, shift))
    return told


def scan_volume(
    series: Series,
    first: int,
    last: int,
    settings: VolumeSettings,
    history: Series | None = None,
    fitted: dict[datetime, Baseline] | None = None,
) -> Scan:
    """Judge the buckets ``first`` .. ``last`` as :func:`judge_volume` would, quickly.

    For previews and simulations: the baseline is fitted as seldom as it changes. ``fitted`` keeps
    the baselines of one history, by their ends, from scan to scan.
    """
    levels = _levels(series, first, last, settings)
    hours = to_hours(series) if history is None else history
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
                known[end] = fit_volume(hours, end, settings)
            parts.append(_scan_group(series, at, until, known[end], levels, settings))
        else:
            until = same_reference(series, at, last, longest, HOUR)
            parts.append(_scan_learning(series, at, until, learning))
        at = until + 1
    return join_scans(parts)


def _levels(series: Series, first: int, last: int, settings: VolumeSettings) -> dict[int, float]:
    """Return the level of each window length in buckets, after a look at the arguments."""
    if not 0 <= first <= last < len(series):
        raise IndexError(f"buckets {first} to {last} are not in a series of {len(series)}")
    lengths = check_windows(settings.windows, series.step)
    budget = settings.false_alarms_per_week - settings.shifts_per_week
    levels = window_levels(lengths, series.step, budget, CROSSINGS)
    return dict(zip(lengths, levels, strict=True))


def _scan_group(
    series: Series,
    first: int,
    last: int,
    baseline: Baseline,
    levels: dict[int, float],
    settings: VolumeSettings,
) -> Scan:
    """Judge buckets that share a baseline."""
    evidence = volume_evidence(series, first, last, baseline, levels, settings.minimum)
    return choose_window(evidence, first)


def volume_evidence(
    series: Series,
    first: int,
    last: int,
    baseline: Baseline,
    levels: dict[int, float],
    minimum: int,
) -> list[Evidence]:
    """Return what the windows of each length say that end with the buckets ``first`` .. ``last``.

    ``levels`` maps lengths in buckets to the p-value below which such a window fires; a window of
    fewer than ``minimum`` mentions does not.
    """
    origin = max(first - max(levels) + 1, 0)
    usual = baseline.expected(series.time_of(origin), series.step, last + 1 - origin)
    sums = [
        np.concatenate([[0.0], np.cumsum(values)])
        for values in (
            series.counts[origin : last + 1],
            usual,
            usual * _is_known(series, origin, last),
        )
    ]
    ends = np.arange(first, last + 1) - origin + 1
    lengths = np.array(list(levels))[:, None]
    begins = np.maximum(ends - lengths, 0)
    seen, full, mean = (total[ends] - total[begins] for total in sums)
    spread = _spread_known(baseline, series.step, lengths, mean, full)
    shares = np.broadcast_to(np.array(list(levels.values()))[:, None], mean.shape)
    level = pass_on(shares, upper_tail(minimum, mean, spread))
    p = upper_tail(seen, mean, spread)
    eligible = (seen >= minimum) & (ends >= lengths)
    return [Evidence(n, level[i], p[i], eligible[i]) for i, n in enumerate(levels)]


def _spread_known(
    baseline: Baseline, step: timedelta, lengths: IntArray, mean: FloatArray, full: FloatArray
) -> FloatArray:
    """Return alpha of windows of ``lengths`` of which only ``mean`` of ``full`` is expected.

    What is left of a window after an outage varies like a window as much shorter.
    """
    whole = np.array([[baseline.spread_over(int(length) * step)] for length in lengths[:, 0]])
    cut = np.divide(full, mean, out=np.ones_like(full), where=mean > 0)
    return np.asarray(np.minimum(whole * cut, np.maximum(whole, baseline.spread_over(step))))


def _is_known(series: Series, first: int, last: int) -> BoolArray:
    """Return for the buckets ``first`` .. ``last`` whether silence in them says anything.

    Nothing is expected of a bucket that was not covered, before the first mention of its gap: an
    outage is no reason to miss the burst after it. From that mention on somebody delivers, late or
    in part, and what is usual is expected in full.
    """
    covered = np.flatnonzero(series.is_covered[: first + 1])
    origin = int(covered[-1]) if covered.size else 0
    known = series.is_covered[origin : last + 1]
    heard = series.counts[origin : last + 1] > 0
    place = np.arange(known.size)
    gap_began = np.maximum.accumulate(np.where(known, place, -1))
    last_heard = np.maximum.accumulate(np.where(heard, place, -1))
    return np.asarray(known | (last_heard > gap_began))[first - origin :]


def volume_verdict(series: Series, index: int, baseline: Baseline, scan: Scan) -> Verdict:
    """Return the one judgement of ``scan``, of bucket ``index``, with its numbers."""
    at = series.time_of(index + 1)
    length = min(int(scan.length[0]), index + 1)
    window = TimeWindow.before(at, length * series.step)
    usual = baseline.expected(window.start, series.step, length)
    expected = float((usual * _is_known(series, index + 1 - length, index)).sum())
    low, high = count_interval(expected, baseline.spread_over(window.length), USUAL_MASS)
    observed = int(series.counts[index + 1 - length : index + 1].sum())
    coverage = window_coverage(series, window)
    is_alert = bool(scan.is_alert[0])
    factor = observed / expected if expected > 0 else None
    quiet = Status.QUIET if coverage > 0 else Status.NO_DATA
    return Verdict(
        measure=Measure.VOLUME,
        status=Status.BURST if is_alert else quiet,
        is_alert=is_alert,
        at=at,
        window=window,
        observed=observed,
        expected=expected,
        low=low,
        high=high,
        factor=factor,
        p=float(scan.p[0]),
        level=float(scan.level[0]),
        reference=baseline.reference,
        coverage=coverage,
        started_at=run_start(series, index, baseline, factor) if is_alert else None,
        is_holiday=baseline.is_holiday(series.time_of(index)),
    )


def run_start(series: Series, index: int, baseline: Baseline, factor: float | None) -> datetime:
    """Return since when the volume has been raised, at most three days before bucket ``index``.

    S_t = max(0, S_(t-1) + y_t ln f - (f - 1) m_t) with f the observed factor; the run starts after
    the last bucket in which S was 0.
    """
    first = max(index + 1 - LONGEST_RUN // series.step, 0)
    mean = baseline.expected(series.time_of(first), series.step, index + 1 - first)
    # Half of the factor at its peak still counts as raised.
    raised = max((factor or 2.0) / 2 + 0.5, SMALLEST_RUN_FACTOR)
    gains = series.counts[first : index + 1] * np.log(raised) - (raised - 1) * mean
    path = np.concatenate([[0.0], np.cumsum(gains)])
    # A cumulative sum held at 0 is the path less its running minimum.
    begin = int(np.flatnonzero(path <= np.minimum.accumulate(path))[-1])
    return series.time_of(min(first + begin, index))


def _learning(
    hours: Series, at: datetime, longest: timedelta, settings: VolumeSettings
) -> Learning | None:
    """Return how far learning is, or None once there is enough history."""
    return find_learning(hours, at, longest, settings.learning_days, settings.learning_from)


def _scan_learning(series: Series, first: int, last: int, learning: Learning) -> Scan:
    """Judge buckets by the threshold an hour."""
    per_hour = HOUR // series.step
    sums = np.concatenate([[0], np.cumsum(series.counts)])
    ends = np.arange(first, last + 1) + 1
    fires = learning.fires(sums[ends] - sums[np.maximum(ends - per_hour, 0)])
    return Scan.learning(first, fires, per_hour)


def _learning_verdict(
    series: Series, at: datetime, baseline: Baseline, learning: Learning
) -> Verdict:
    """Return the verdict of a rule that is learning."""
    window = TimeWindow.before(at, HOUR)
    observed = series.between(window).total()
    is_alert = bool(learning.fires(np.array([observed]))[0])
    return Verdict(
        measure=Measure.VOLUME,
        status=Status.LEARNING,
        is_alert=is_alert,
        at=at,
        window=window,
        observed=observed,
        expected=None,
        low=None,
        high=None,
        factor=None,
        p=None,
        level=None,
        reference=baseline.reference,
        coverage=window_coverage(series, window),
        started_at=window.start if is_alert else None,
        learning=learning,
    )
