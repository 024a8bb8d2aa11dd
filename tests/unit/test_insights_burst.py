from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.baseline import to_hours
from insights.burst import VolumeSettings, judge_volume, scan_volume
from insights.series import Series
from insights.verdict import (
    Measure,
    Status,
    check_windows,
    join_scans,
    pass_on,
    same_reference,
    window_coverage,
    window_levels,
)

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=5)
HOUR = timedelta(hours=1)
PER_DAY = 288


def counts_of(days: int, rate: float, seed: int = 1) -> np.ndarray:
    """Poisson counts with a daily rhythm."""
    hours = np.arange(days * 24)
    mean = rate * (1 + 0.5 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi))
    return np.random.default_rng(seed).poisson(np.repeat(mean / 12, 12))


def with_burst(counts: np.ndarray, begin: int, length: int, more: float) -> Series:
    """The counts with ``more`` mentions a bucket from ``begin`` on."""
    counts = counts.copy()
    counts[begin : begin + length] += np.random.default_rng(9).poisson(more, length)
    return Series.build(START, STEP, counts)


def test_a_burst_is_told_with_all_its_figures() -> None:
    """A tenfold hour fires, and the verdict says how much, how unusual, and since when."""
    begin = 30 * PER_DAY + 150
    series = with_burst(counts_of(31, 12), begin, 24, 10)
    verdict = judge_volume(series, begin + 11, VolumeSettings())
    assert (verdict.status, verdict.measure, verdict.is_alert) == (
        Status.BURST,
        Measure.VOLUME,
        True,
    )
    assert verdict.expected is not None
    assert verdict.p is not None
    assert verdict.level is not None
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.factor is not None
    assert verdict.low <= verdict.expected <= verdict.high < verdict.observed
    assert verdict.factor == pytest.approx(verdict.observed / verdict.expected)
    assert verdict.p <= verdict.level
    assert verdict.reference.end <= verdict.window.start
    assert verdict.at == verdict.window.end == series.time_of(begin + 12)
    assert verdict.coverage == 1.0
    assert verdict.scored is None
    assert verdict.share is None
    assert verdict.started_at is not None
    assert abs(verdict.started_at - series.time_of(begin)) <= 3 * STEP


def test_a_burst_is_seen_in_minutes_or_hours_by_its_size() -> None:
    """A big burst is told sooner than a small one."""
    begin = 30 * PER_DAY + 150
    delays = []
    for more in (15, 3):
        series = with_burst(counts_of(31, 12), begin, 36, more)
        alerts = scan_volume(series, begin, begin + 36, VolumeSettings()).alerts()
        delays.append(alerts[0] - begin)
    assert delays[0] <= 1 < delays[1] <= 24


def test_the_quiet_stays_quiet() -> None:
    """A week of ordinary rhythm says nothing, and a verdict on it says what was usual."""
    series = Series.build(START, STEP, counts_of(35, 12))
    assert scan_volume(series, 28 * PER_DAY, 35 * PER_DAY - 1, VolumeSettings()).alerts() == []
    verdict = judge_volume(series, 35 * PER_DAY - 1, VolumeSettings())
    assert (verdict.status, verdict.is_alert, verdict.started_at) == (Status.QUIET, False, None)


@given(st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_a_flat_series_never_bursts(level: int, minimum: int) -> None:
    """The same count in every bucket is never unusual."""
    series = Series.build(START, STEP, [level] * 20 * PER_DAY)
    scan = scan_volume(series, 18 * PER_DAY, 18 * PER_DAY + 50, VolumeSettings(minimum=minimum))
    assert scan.alerts() == []


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40), st.integers(0, 200))
@settings(max_examples=20, deadline=None)
def test_appending_never_rewrites(later: list[int], back: int) -> None:
    """Data that arrives later leaves every earlier verdict as it was."""
    counts = counts_of(20, 6)
    index = len(counts) - 1 - back
    one = Series.build(START, STEP, counts)
    other = Series.build(START, STEP, [*counts.tolist(), *later])
    assert judge_volume(one, index, VolumeSettings()) == judge_volume(
        other, index, VolumeSettings()
    )


def test_scanning_and_judging_agree() -> None:
    """The quick scan fires at exactly the buckets at which single verdicts do."""
    begin = 16 * PER_DAY
    series = with_burst(counts_of(17, 6), begin + 30, 24, 4)
    rule = VolumeSettings()
    scan = scan_volume(series, begin, begin + 60, rule)
    single = [judge_volume(series, i, rule) for i in range(begin, begin + 61)]
    assert scan.is_alert.tolist() == [verdict.is_alert for verdict in single]
    assert scan.p.tolist() == pytest.approx([verdict.p for verdict in single])
    assert scan.is_alert.any()


def test_few_mentions_never_fire() -> None:
    """Below the minimum volume nothing is told, however unlikely it is."""
    counts = np.zeros(30 * PER_DAY, dtype=np.int64)
    counts[-3:] = 2
    series = Series.build(START, STEP, counts)
    assert not judge_volume(series, len(series) - 1, VolumeSettings(minimum=8)).is_alert
    assert judge_volume(series, len(series) - 1, VolumeSettings(minimum=6)).is_alert


def test_three_mentions_in_a_month_are_quiet() -> None:
    """An almost silent topic gives a verdict without an alarm."""
    counts = np.zeros(30 * PER_DAY, dtype=np.int64)
    counts[[100, 4000, len(counts) - 1]] = 1
    verdict = judge_volume(Series.build(START, STEP, counts), len(counts) - 1, VolumeSettings())
    assert (verdict.status, verdict.is_alert) == (Status.QUIET, False)


def test_learning_says_day_and_threshold() -> None:
    """On the third day the rule says so and fires from twelve mentions an hour."""
    counts = np.zeros(3 * PER_DAY, dtype=np.int64)
    counts[::100] = 1
    counts[-6:] = 2
    rule = VolumeSettings()
    verdict = judge_volume(Series.build(START, STEP, counts), len(counts) - 1, rule)
    assert verdict.learning is not None
    learning = verdict.learning
    assert (learning.day, learning.days, learning.threshold) == (3, 14, 12)
    assert (verdict.status, verdict.is_alert, verdict.observed) == (Status.LEARNING, True, 12)
    assert verdict.started_at == verdict.window.start
    counts[-1] = 1
    quiet = judge_volume(Series.build(START, STEP, counts), len(counts) - 1, rule)
    assert (quiet.is_alert, quiet.started_at) == (False, None)
    assert (quiet.p, quiet.expected, quiet.factor) == (None, None, None)


def test_learning_threshold_grows_with_the_busiest_hour() -> None:
    """A busy topic does not ring every hour while it is learned."""
    series = Series.build(START, STEP, [4] * (2 * PER_DAY))
    scan = scan_volume(series, 0, len(series) - 1, VolumeSettings())
    assert scan.alerts() == []
    verdict = judge_volume(series, len(series) - 1, VolumeSettings())
    assert verdict.learning is not None
    assert verdict.learning.threshold == 96


def test_scan_crosses_from_learning_to_judging() -> None:
    """A replay over the fourteenth day judges each bucket as it stood."""
    series = Series.build(START, STEP, counts_of(16, 6))
    scan = scan_volume(series, 14 * PER_DAY - 30, 14 * PER_DAY + 80, VolumeSettings())
    assert np.isnan(scan.p[0])
    assert not np.isnan(scan.p[-1])
    assert len(scan.p) == 111


def test_uncovered_time_has_no_verdict() -> None:
    """Where nothing was collected, silence is no statement."""
    coverage = np.ones(20 * PER_DAY)
    coverage[-60:] = 0
    counts = counts_of(20, 12)
    counts[-60:] = 0
    series = Series.build(START, STEP, counts, coverage)
    verdict = judge_volume(series, len(series) - 1, VolumeSettings())
    assert (verdict.status, verdict.coverage) == (Status.NO_DATA, 0.0)


def test_the_rhythm_of_another_zone_moves_nothing() -> None:
    """The same stream judged in a zone without clock changes gives the same alerts."""
    begin = 20 * PER_DAY + 100
    series = with_burst(counts_of(21, 12), begin, 24, 6)
    scans = [
        scan_volume(series, begin - 20, begin + 40, VolumeSettings(zone=zone)).alerts()
        for zone in ("UTC", "Asia/Tokyo")
    ]
    assert scans[0] == scans[1] != []


def test_indices_outside_are_refused() -> None:
    """A bucket that the series does not have cannot be judged."""
    series = Series.build(START, STEP, [1, 2])
    for index in (-1, 2):
        with pytest.raises(IndexError, match="not in a series of 2"):
            judge_volume(series, index, VolumeSettings())


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarms_per_week": 0},
        {"false_alarms_per_week": 101},
        {"minimum": 0},
        {"learning_from": 0},
        {"learning_days": -1},
        {"windows": ()},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    """A setting out of its range is an error that names it."""
    with pytest.raises(ValueError, match=r"window|minimum|false_alarms_per_week"):
        VolumeSettings(**wrong)  # type: ignore[arg-type]


def test_windows_shorter_than_a_bucket_are_left_out() -> None:
    """Windows are whole buckets; one that is not is an error."""
    assert check_windows((STEP, 3 * STEP, 3 * STEP), STEP) == (1, 3)
    assert check_windows((STEP, HOUR), HOUR) == (1,)
    with pytest.raises(ValueError, match="no multiple"):
        check_windows((timedelta(minutes=50),), timedelta(minutes=15))
    with pytest.raises(ValueError, match="no window"):
        check_windows((STEP,), HOUR)


def test_the_budget_is_shared_by_all_lengths() -> None:
    """The expected false alarms of all lengths together stay within the rule's budget."""
    levels = window_levels((1, 36), STEP, 0.2, 3.0)
    assert levels[0] == pytest.approx(0.1 / 2016)
    assert levels[1] > levels[0]
    assert sum(levels) < 0.2


def test_nothing_judged_cannot_be_joined() -> None:
    """Joining needs at least one scan."""
    with pytest.raises(ValueError, match="nothing"):
        join_scans([])


def test_coverage_of_no_bucket_is_none() -> None:
    """A window outside of the series was not covered."""
    series = Series.build(START, STEP, [1])
    assert window_coverage(series, TimeWindow(START - HOUR, START)) == 0.0


@given(st.integers(0, 400), st.sampled_from([5, 15, 60]), st.sampled_from([3, 12]))
def test_one_reference_spans_a_quarter_of_a_day(at: int, minutes: int, hours: int) -> None:
    """Buckets are judged together exactly while their baseline ends at the same time."""
    from insights.verdict import reference_end

    step, longest = timedelta(minutes=minutes), hours * HOUR
    series = Series.build(START, step, [0] * 500)
    until = same_reference(series, at, 499, longest)
    ends = [reference_end(series.time_of(i + 1), longest) for i in range(at, 500)]
    assert until == at + sum(end == ends[0] for end in ends) - 1


def test_short_windows_leave_their_share_to_longer_ones() -> None:
    """What a window cannot spend at the minimum volume goes to those that can; no more is spent."""
    levels = np.array([[1e-4], [2e-4], [4e-4]])
    passed = pass_on(levels, np.array([[1e-9], [0.3], [0.9]]))
    assert passed[0, 0] == 1e-4
    assert passed[1:, 0].tolist() == pytest.approx([3e-4, 6e-4], rel=1e-4)
    assert pass_on(levels, levels / 10).tolist() == levels.tolist()
    assert pass_on(levels, levels * 10).tolist() == levels.tolist()


def test_a_burst_after_an_outage_is_not_missed() -> None:
    """Nothing is expected of hours that nobody could hear, so the burst after them is told."""
    begin = 30 * PER_DAY + 150
    counts = counts_of(31, 12)
    coverage = np.ones(len(counts))
    gap = slice(begin - 30, begin)
    coverage[gap], counts[gap] = 0, 0
    counts[begin : begin + 24] += 3
    deaf = Series.build(START, STEP, counts, coverage)
    silent = Series.build(START, STEP, counts)
    rule = VolumeSettings(windows=(3 * HOUR,))
    one, other = (scan_volume(series, begin, begin + 24, rule) for series in (deaf, silent))
    assert one.alerts()[0] < other.alerts()[0]
    verdict = judge_volume(deaf, begin + 11, rule)
    told = judge_volume(silent, begin + 11, rule)
    assert verdict.expected is not None
    assert told.expected is not None
    assert verdict.expected < 0.5 * told.expected


def test_what_arrives_late_is_measured_in_full() -> None:
    """Once somebody delivers from a gap, as much as usual is expected of it again."""
    begin = 30 * PER_DAY + 150
    counts = counts_of(31, 12)
    coverage = np.ones(len(counts))
    coverage[begin - 30 : begin] = 0
    late = Series.build(START, STEP, counts, coverage)
    rule = VolumeSettings(windows=(3 * HOUR,))
    usual = judge_volume(Series.build(START, STEP, counts), begin + 5, rule)
    verdict = judge_volume(late, begin + 5, rule)
    assert verdict.expected == pytest.approx(usual.expected, rel=0.15)
    assert not verdict.is_alert
    scan = scan_volume(late, begin - 12, begin + 12, rule)
    single = [judge_volume(late, i, rule).p for i in range(begin - 12, begin + 13)]
    assert scan.p.tolist() == pytest.approx(single)


def test_history_may_be_given_in_hours() -> None:
    """Three days by the minute and eight weeks by the hour judge as one long series does."""
    counts = counts_of(31, 12)
    counts[-12:] += 6
    long = Series.build(START, STEP, counts)
    short = long.between(TimeWindow.before(long.end, timedelta(days=3)))
    history = to_hours(long)
    one = judge_volume(long, len(long) - 1, VolumeSettings())
    other = judge_volume(short, len(short) - 1, VolumeSettings(), history)
    assert one == other
    assert one.is_alert


def test_ratio_says_which_budget_would_fire() -> None:
    """With k times the budget, the rule fires where p is at most k times the level."""
    begin = 16 * PER_DAY
    series = with_burst(counts_of(17, 6), begin + 30, 24, 2)
    scan = scan_volume(series, begin, begin + 60, VolumeSettings())
    assert (scan.ratio <= 1).tolist() == scan.is_alert.tolist()
    assert scan.is_alert.any()
    unheard = scan_volume(series, begin, begin + 60, VolumeSettings(minimum=10_000))
    assert np.isinf(unheard.ratio).all()
    learning = scan_volume(series, 0, 40, VolumeSettings())
    assert np.isinf(learning.ratio).all()
