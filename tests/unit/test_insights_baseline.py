from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.baseline import fit_baseline, hour_slots, to_hours
from insights.series import Series

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEKS = 8


def rhythm(rate: float, weeks: int, growth: float = 0.0) -> np.ndarray:
    """Mean mentions of each hour: lively afternoons, quiet weekends."""
    hours = np.arange(weeks * 168)
    daily = 1 + 0.6 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    weekly = np.where(hours // 24 % 7 >= 5, 0.6, 1.16)
    return rate * daily * weekly * (1 + growth) ** (hours / 168)


def stream(
    rate: float, weeks: int, seed: int, variation: float = 0.3, growth: float = 0.0
) -> Series:
    """Counts of an hour whose rate itself varies by ``variation``."""
    rng = np.random.default_rng(seed)
    shape = 1 / variation**2
    mean = rhythm(rate, weeks, growth)
    return Series.build(START, HOUR, rng.poisson(mean * rng.gamma(shape, 1 / shape, mean.size)))


def test_the_rhythm_of_the_week_is_found() -> None:
    """The expected volume follows hour and day within a few percent."""
    series = stream(30, WEEKS, seed=1)
    baseline = fit_baseline(series, series.end)
    expected = baseline.expected(series.end, HOUR, 168)
    truth = rhythm(30, 1)
    assert float(np.abs(expected / truth - 1).mean()) < 0.12
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.08)


def test_the_spread_is_found() -> None:
    """A gamma-varying rate of 30 % gives an alpha of about .09, sums over hours less."""
    baseline = fit_baseline(stream(30, WEEKS, seed=2), START + WEEKS * 168 * HOUR)
    assert 0.05 < baseline.spread < 0.15
    spreads = [baseline.spread_over(hours * HOUR) for hours in (0.25, 1, 2, 3, 24, 48)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < spreads[-2]


def test_growth_moves_the_level() -> None:
    """After eight weeks of 8 % growth, the coming week is not expected at the old mean."""
    series = stream(30, WEEKS, seed=3, growth=0.08)
    baseline = fit_baseline(series, series.end)
    truth = rhythm(30, 9, growth=0.08)[-168:]
    assert baseline.expected(series.end, HOUR, 168).sum() == pytest.approx(truth.sum(), rel=0.12)
    assert baseline.level > 1.05


def test_past_bursts_are_masked() -> None:
    """A burst of a day in the history changes what is usual by little."""
    quiet = stream(30, WEEKS, seed=4)
    counts = quiet.counts.copy()
    counts[600:624] *= 12
    loud = Series.build(START, HOUR, counts)
    one, other = (fit_baseline(s, quiet.end) for s in (quiet, loud))
    assert other.masked_hours > 20
    assert other.expected(quiet.end, HOUR, 168).sum() == pytest.approx(
        one.expected(quiet.end, HOUR, 168).sum(), rel=0.06
    )


def test_a_new_level_becomes_usual() -> None:
    """A doubling that lasts for weeks is no burst but the new baseline."""
    quiet = stream(30, WEEKS, seed=5)
    counts = quiet.counts.copy()
    counts[-14 * 24 :] *= 2
    shifted = Series.build(START, HOUR, counts)
    baseline = fit_baseline(shifted, quiet.end)
    assert baseline.expected(quiet.end, HOUR, 168).sum() > 1.6 * rhythm(30, 1).sum()


def test_an_outage_is_not_quiet() -> None:
    """Uncovered weeks do not lower what is usual."""
    full = stream(30, WEEKS, seed=6)
    counts, coverage = full.counts.copy(), full.coverage.copy()
    counts[-300:-20], coverage[-300:-20] = 0, 0.0
    broken = Series.build(START, HOUR, counts, coverage)
    baseline = fit_baseline(broken, full.end)
    assert baseline.covered_hours == WEEKS * 168 - 280
    assert baseline.expected(full.end, HOUR, 168).sum() == pytest.approx(
        fit_baseline(full, full.end).expected(full.end, HOUR, 168).sum(), rel=0.15
    )


def test_half_covered_hours_are_scaled_up() -> None:
    """An hour of which 60 % was collected stands for a whole one."""
    coverage = np.full(WEEKS * 168, 0.6)
    series = Series.build(START, HOUR, np.full(WEEKS * 168, 6), coverage)
    baseline = fit_baseline(series, series.end)
    assert baseline.expected(series.end, HOUR, 1)[0] == pytest.approx(10, rel=0.05)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
@settings(max_examples=25)
def test_the_future_changes_nothing(later: list[int]) -> None:
    """Appending buckets leaves the baseline of an earlier time as it was."""
    series = stream(5, 3, seed=7)
    longer = Series.build(START, HOUR, [*series.counts.tolist(), *later])
    one, other = (fit_baseline(s, series.end) for s in (series, longer))
    assert one.profile.tolist() == other.profile.tolist()
    assert (one.level, one.spread, one.uncertainty) == (
        other.level,
        other.spread,
        other.uncertainty,
    )


def test_only_the_last_weeks_are_read() -> None:
    """What lies more than eight weeks back no longer counts."""
    series = stream(20, 12, seed=8)
    counts = series.counts.copy()
    counts[: 4 * 168] = 10_000
    other = Series.build(START, HOUR, counts)
    assert fit_baseline(series, series.end).profile.tolist() == (
        fit_baseline(other, series.end).profile.tolist()
    )


def test_nothing_covered_means_nothing_expected() -> None:
    """Without history the profile is 0 and says that it learned from nothing."""
    series = Series.build(START, HOUR, [5] * 48, [0.0] * 48)
    baseline = fit_baseline(series, series.end)
    assert (baseline.covered_hours, float(baseline.profile.sum())) == (0, 0.0)
    assert fit_baseline(series, START).covered_hours == 0
    assert baseline.spread_over(5 * HOUR) > 1


def test_all_zeros_expect_almost_nothing() -> None:
    """Eight weeks without a mention expect nearly none, but not exactly none."""
    series = Series.build(START, HOUR, np.zeros(WEEKS * 168, dtype=np.int64))
    baseline = fit_baseline(series, series.end)
    assert 0 < baseline.expected(series.end, HOUR, 168).sum() < 0.5


def test_an_hour_of_history_is_enough_to_fit() -> None:
    """A series that begins today gives a baseline, drawn to its priors."""
    series = Series.build(START + timedelta(minutes=30), timedelta(minutes=15), [2] * 6)
    baseline = fit_baseline(series, series.end)
    assert baseline.covered_hours == 2
    assert baseline.expected(series.end, HOUR, 1)[0] > 0


def test_buckets_must_divide_an_hour() -> None:
    """Two-hour buckets have no hour of the week."""
    with pytest.raises(ValueError, match="divide an hour"):
        fit_baseline(Series.build(START, 2 * HOUR, [1]), START + 2 * HOUR)


def test_short_buckets_add_up_to_their_hours() -> None:
    """The expectation of twelve 5-minute buckets is about that of their hour."""
    series = stream(30, WEEKS, seed=9)
    baseline = fit_baseline(series, series.end)
    short = baseline.expected(series.end, timedelta(minutes=5), 168 * 12)
    assert short.sum() == pytest.approx(baseline.expected(series.end, HOUR, 168).sum(), rel=0.01)
    steps = np.abs(np.diff(short)) / short[1:]
    assert float(steps.max()) < 0.15


def test_slots_follow_the_clock_of_the_zone() -> None:
    """Monday 00:00 is slot 0 of its zone, before and after the clocks change."""
    assert hour_slots(START, 2, "UTC").tolist() == [0, 1]
    assert hour_slots(START - HOUR, 1, "Europe/Berlin").tolist() == [0]
    summer = datetime(2026, 7, 5, 22, tzinfo=UTC)
    assert hour_slots(summer, 1, "Europe/Berlin").tolist() == [0]
    assert hour_slots(START, 168, "UTC").tolist() == list(range(168))


def test_the_hour_of_the_week_is_the_zones() -> None:
    """A rhythm of Berlin's clock stays at its hour when summer time begins."""
    start = datetime(2026, 2, 2, tzinfo=UTC)
    slots = hour_slots(start, 9 * 168, "Europe/Berlin")
    counts = np.where(slots % 24 == 9, 60, 5)
    series = Series.build(start, HOUR, counts)
    end = datetime(2026, 3, 30, tzinfo=UTC)  # the first summer Monday
    baseline = fit_baseline(series, end, zone="Europe/Berlin")
    day = baseline.expected(end, HOUR, 24)
    assert int(np.argmax(day)) == 7


def test_a_holiday_has_the_hours_of_a_sunday() -> None:
    """From the zone's midnight to the next, and the day after is a day like any."""
    friday = frozenset({date(2026, 12, 25)})
    slots = hour_slots(datetime(2026, 12, 24, tzinfo=UTC), 72, "UTC", friday)
    assert slots.tolist() == [*range(72, 96), *range(144, 168), *range(120, 144)]
    begins = datetime(2026, 12, 24, 15, tzinfo=UTC)  # midnight in Tokyo
    assert hour_slots(begins - HOUR, 2, "Asia/Tokyo", friday).tolist() == [95, 144]
    assert hour_slots(begins + 23 * HOUR, 2, "Asia/Tokyo", friday).tolist() == [167, 120]


def test_a_holiday_is_23_hours_long_where_the_clocks_change() -> None:
    """Sunday 29 March 2026 has no 02:00 in Berlin, be it a holiday or not."""
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    changed = frozenset({date(2026, 3, 29)})
    slots = hour_slots(start, 24, "Europe/Berlin", changed).tolist()
    assert slots == [144, 145, *range(147, 168), 0]
    assert slots == hour_slots(start, 24, "Europe/Berlin").tolist()


def with_holidays(days: Collection[int], weeks: int = WEEKS + 1, seed: int = 5) -> Series:
    """A stream of which the days (counted from its start) are like Sundays."""
    mean = rhythm(30, weeks)
    for day in days:
        mean[day * 24 : (day + 1) * 24] = rhythm(30, 1)[144:]
    return Series.build(START, HOUR, np.random.default_rng(seed).poisson(mean))


def test_what_is_expected_of_a_holiday_is_what_sundays_hold() -> None:
    """Within some percent; without the calendar twice as much would be expected."""
    series, end = with_holidays([WEEKS * 7 + 4]), START + (WEEKS * 7 + 4) * DAY
    friday = frozenset({end.date()})
    seen = series.between(TimeWindow.before(end + DAY, DAY)).total()
    known = fit_baseline(series, end, holidays=friday).expected(end, HOUR, 24).sum()
    unknown = fit_baseline(series, end).expected(end, HOUR, 24).sum()
    assert known == pytest.approx(seen, rel=0.12)
    assert unknown > 1.6 * seen
    after = fit_baseline(series, end, holidays=friday).expected(end + 3 * DAY, HOUR, 24).sum()
    assert after == pytest.approx(fit_baseline(series, end).expected(end + 3 * DAY, HOUR, 24).sum())


def test_a_holiday_that_is_over_leaves_its_weekday_alone() -> None:
    """Two Mondays off of eight make the next Monday no quieter where they are known."""
    days = [7 * 7, 6 * 7]
    series, end = with_holidays(days), START + WEEKS * 7 * DAY
    known = fit_baseline(series, end, holidays=frozenset((START + d * DAY).date() for d in days))
    truth = rhythm(30, 1)[:24].sum()
    assert known.expected(end, HOUR, 24).sum() == pytest.approx(truth, rel=0.04)
    assert fit_baseline(series, end).expected(end, HOUR, 24).sum() < 0.94 * truth
    assert known.is_holiday(START + days[0] * DAY)
    assert not known.is_holiday(end)


def test_a_burst_on_a_holiday_does_not_shape_sundays() -> None:
    """What is far from even on a holiday is masked as on any day."""
    days = [6 * 7 + 2]
    series, end = with_holidays(days), START + WEEKS * 7 * DAY
    loud = series.counts.copy()
    loud[days[0] * 24 + 10 : days[0] * 24 + 16] *= 12
    calendar = frozenset({(START + days[0] * DAY).date()})
    one, other = (
        fit_baseline(Series.build(START, HOUR, counts), end, holidays=calendar)
        for counts in (series.counts, loud)
    )
    assert other.masked_hours >= 6
    assert other.profile[144:].sum() == pytest.approx(one.profile[144:].sum(), rel=0.03)


def test_a_jump_is_first_a_burst_then_a_level() -> None:
    """Most of a day at tenfold volume changes nothing, two become what is usual at once."""
    quiet = stream(30, WEEKS, seed=10)
    before = fit_baseline(quiet, quiet.end).expected(quiet.end, HOUR, 168).sum()
    after = []
    for hours in (18, 48):
        counts = quiet.counts.copy()
        counts[-hours:] *= 10
        baseline = fit_baseline(Series.build(START, HOUR, counts), quiet.end)
        after.append(baseline.expected(quiet.end, HOUR, 168).sum() / before)
    assert after[0] == pytest.approx(1, abs=0.15)
    assert after[1] == pytest.approx(10, rel=0.15)


def test_growth_is_believed_to_go_on_within_bounds() -> None:
    """A stream that grows is expected where it has come to; a jump adds a twentieth at most."""
    hours = np.arange(WEEKS * 168)
    for growth, low, high in ((1.05, 0.985, 1.03), (1.0, 0.98, 1.02)):
        level = growth ** (hours / 168)
        counts = np.random.default_rng(3).poisson(200 * level)
        baseline = fit_baseline(Series.build(START, HOUR, counts), START + WEEKS * 168 * HOUR)
        now = 200 * growth**WEEKS
        assert low < float(baseline.hourly(START, 168).mean()) / now < high
    counts = np.where(hours < (WEEKS - 2) * 168, 100, 200)
    jumped = fit_baseline(Series.build(START, HOUR, counts), START + WEEKS * 168 * HOUR)
    assert float(jumped.hourly(START, 168).mean()) < 200 * 1.06


def test_hours_are_those_that_the_fit_would_read() -> None:
    """A baseline is the same from short buckets and from the hours that they make."""
    rng = np.random.default_rng(5)
    start = START + timedelta(minutes=15)
    coverage = np.where(rng.random(4 * 24 * 40) < 0.1, 0.3, 1.0)
    series = Series.build(start, timedelta(minutes=15), rng.poisson(3, 4 * 24 * 40), coverage)
    hours = to_hours(series)
    assert to_hours(hours) is hours
    end = series.end - 7 * HOUR
    one, other = fit_baseline(series, end), fit_baseline(hours, end)
    assert one.profile.tolist() == other.profile.tolist()
    assert (one.level, one.spread, one.covered_hours) == (
        other.level,
        other.spread,
        other.covered_hours,
    )


def test_history_of_one_burst_has_no_level() -> None:
    """Where every covered hour belongs to one burst, nothing is known and nothing breaks."""
    coverage = np.zeros(60)
    coverage[[3, 4, 5]] = 1
    counts = np.zeros(60, dtype=np.int64)
    counts[4] = 900
    baseline = fit_baseline(Series.build(START, HOUR, counts, coverage), START + 60 * HOUR)
    assert np.isfinite(baseline.level)
    assert not baseline.is_quiet[:3].any()
