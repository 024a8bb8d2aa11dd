"""Level shifts: found once, where they are, and never where there is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.baseline import fit_baseline
from insights.burst import VolumeSettings, newest_shift, scan_shifts
from insights.fitting import bursts, local_levels
from insights.levels import Hours, Shift, deviations_for, find_shifts, spread_by_steps
from insights.series import Series

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEKS = 8
SIZE = WEEKS * 168


def mean_of(rate: float, size: int = SIZE) -> np.ndarray:
    """Mean mentions of each hour: lively afternoons, quiet weekends."""
    hours = np.arange(size)
    daily = 1 + 0.6 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    return rate * daily * np.where(hours // 24 % 7 >= 5, 0.65, 1.14)


def counts_of(rate: float, seed: int, size: int = SIZE) -> np.ndarray:
    """Counts whose hourly rate itself varies by 30 %."""
    rng = np.random.default_rng(seed)
    return rng.poisson(mean_of(rate, size) * rng.gamma(11, 1 / 11, size))


def hours_of(counts: np.ndarray, rate: float) -> Hours:
    """The counts beside their true mean."""
    known = np.ones(counts.size, dtype=np.bool_)
    return Hours(START, counts.astype(float), mean_of(rate, counts.size), known, known, 0.09)


def with_shift(counts: np.ndarray, at: int, factor: float) -> np.ndarray:
    """The counts, ``factor`` times as many from hour ``at`` on."""
    changed = counts.copy()
    rng = np.random.default_rng(5)
    if factor < 1:
        changed[at:] = rng.binomial(counts[at:], factor)
    else:
        changed[at:] = rng.poisson(counts[at:] * factor)
    return changed


@pytest.mark.parametrize("factor", [3.0, 1.5, 0.5, 0.0])
@pytest.mark.parametrize("rate", [4.0, 30.0])
def test_a_shift_is_found_where_it_is(rate: float, factor: float) -> None:
    """A rise and a fall are found, to a few hours and a fifth of the factor."""
    at = 7 * 168 + 14
    series = Series.build(START, HOUR, with_shift(counts_of(rate, 2), at, factor))
    shift = fit_baseline(series, START + (at + 150) * HOUR).shifts[-1]
    assert abs((shift.start - START) / HOUR - at) <= 24
    assert shift.found_at > shift.start + DAY - HOUR
    assert shift.factor == pytest.approx(factor, rel=0.2, abs=0.03)
    assert shift.observed == pytest.approx(shift.factor * shift.expected, rel=0.05, abs=1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_flat_series_have_no_level_shift(seed: int, count: int) -> None:
    """A constant series has none, whatever the constant; nor has one that hardly varies."""
    del seed
    series = Series.build(START, HOUR, np.full(SIZE, count))
    assert fit_baseline(series, series.end).shifts == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 200), st.integers(600, SIZE), st.sampled_from([1.0, 0.3, 2.5]))
def test_appending_never_changes_what_was_found(seed: int, end: int, factor: float) -> None:
    """The shifts of a longer history begin with those of the shorter one."""
    counts = with_shift(counts_of(6, seed), 700, factor)
    whole = hours_of(counts, 6)
    whole = replace(whole, spread=0.5)
    early = replace(
        whole,
        rates=whole.rates[:end],
        mean=whole.mean[:end],
        is_known=whole.is_known[:end],
        is_quiet=whole.is_quiet[:end],
    )
    found, before = find_shifts(whole), find_shifts(early)
    known_by = START + end * HOUR
    # The spread is measured on all hours, so the test is that of one spread.
    assert [shift.start for shift in before] == [
        shift.start for shift in found if shift.found_at <= known_by
    ]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200), st.integers(0, 6))
def test_baseline_reads_nothing_after_its_end(seed: int, later: int) -> None:
    """What is appended, even a tenfold level, changes no baseline that ends before it."""
    counts = counts_of(6, seed)
    end = START + (SIZE - later * 24) * HOUR
    calm = fit_baseline(Series.build(START, HOUR, counts), end)
    loud = counts.copy()
    loud[SIZE - later * 24 :] *= 10
    assert fit_baseline(Series.build(START, HOUR, loud), end).shifts == calm.shifts


@settings(max_examples=15, deadline=None)
@given(st.integers(-11, 11))
def test_moving_the_clock_moves_the_shift(hours: int) -> None:
    """The same days later or earlier, in steps of days, have the same shift as much later."""
    counts = with_shift(counts_of(10, 1), 1000, 3)
    later = hours * 7 * DAY
    (first,) = fit_baseline(Series.build(START, HOUR, counts), START + 1200 * HOUR).shifts
    moved = Series.build(START + later, HOUR, counts)
    (second,) = fit_baseline(moved, START + later + 1200 * HOUR).shifts
    assert second.start - first.start == later
    assert second.factor == pytest.approx(first.factor)


def test_a_burst_is_no_level() -> None:
    """Twelve hours at sixfold volume are a burst, also once they are over."""
    counts = counts_of(30, 4)
    counts[1100:1112] *= 6
    series = Series.build(START, HOUR, counts)
    for after in (12, 24, 48, 96):
        assert fit_baseline(series, START + (1100 + after) * HOUR).shifts == ()


def test_growth_is_no_level() -> None:
    """Five percent a week are no shift in any week."""
    rng = np.random.default_rng(8)
    mean = mean_of(30) * 1.05 ** (np.arange(SIZE) / 168)
    series = Series.build(START, HOUR, rng.poisson(mean))
    assert not any(fit_baseline(series, START + w * 168 * HOUR).shifts for w in range(4, 9))


def test_after_a_shift_the_new_level_is_usual_at_once() -> None:
    """A day and a half after a threefold rise its volume is expected, with the rhythm of before."""
    at = 7 * 168
    counts = with_shift(counts_of(30, 3), at, 3)
    end = START + (at + 36) * HOUR
    baseline = fit_baseline(Series.build(START, HOUR, counts), end)
    expected = baseline.expected(end, HOUR, 120)
    truth = 3 * mean_of(30)[at + 36 : at + 36 + 120]
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.12)
    assert np.abs(expected / truth - 1).mean() < 0.2


def test_a_second_shift_is_found_after_the_first() -> None:
    """Up to the double, and down again a week and a half later."""
    counts = with_shift(with_shift(counts_of(30, 6), 800, 2.5), 1060, 0.4)
    up, down = fit_baseline(Series.build(START, HOUR, counts), START + 1200 * HOUR).shifts
    assert (up.factor > 1, down.factor > 1) == (True, False)
    assert abs((down.start - START) / HOUR - 1060) < 12


def test_hours_that_nobody_collected_are_no_fall() -> None:
    """Three days without coverage are unknown, not quiet."""
    counts = counts_of(30, 7)
    coverage = np.ones(SIZE)
    counts[1100:1172] = 0
    coverage[1100:1172] = 0
    series = Series.build(START, HOUR, counts, coverage)
    assert fit_baseline(series, START + 1180 * HOUR).shifts == ()


def test_short_histories_have_none() -> None:
    """Under two weeks there is no level to compare with, and no steps to measure."""
    counts = counts_of(30, 1, 200)
    counts[100:] *= 5
    assert find_shifts(hours_of(counts, 30)) == ()
    assert find_shifts(hours_of(counts[:3], 30)) == ()
    assert spread_by_steps(hours_of(counts, 30), 24) == pytest.approx(0.09 / 24)
    assert np.all(local_levels(counts.astype(float)[:100], np.ones(100, dtype=np.bool_)) == 1)


def test_a_run_too_long_for_a_burst_counts() -> None:
    """Three days of lively hours are masked, four are not."""
    for hours, masked in ((48, 50), (96, 0)):
        lively = np.zeros(300, dtype=np.bool_)
        lively[100 : 100 + hours] = True
        assert int(bursts(lively).sum()) == masked


def shift_at(start: datetime, deviations: float = 6.0) -> Shift:
    """A threefold rise that was found a day and a half after it began."""
    return Shift(start, start + 1.5 * DAY, 3.0, 300, 100, deviations)


def test_a_shift_is_news_once() -> None:
    """It is told for two days, not again where its start moves, and the next one is."""
    shift = shift_at(START)
    told_at = shift.found_at + HOUR
    assert shift.is_news(None, told_at)
    assert not shift.is_news(None, shift.found_at + 3 * DAY)
    assert not shift.is_news(told_at, told_at)
    assert not shift_at(START + 6 * HOUR).is_news(told_at, told_at + DAY)
    assert shift_at(told_at).is_news(told_at, told_at + 2 * DAY)


def test_a_small_budget_asks_for_more() -> None:
    """With a tenth of the false alarms, a shift must stand out more; the budget holds over all."""
    usual, strict = VolumeSettings(), VolumeSettings(false_alarms_per_week=0.01)
    assert usual.shifts_per_week == pytest.approx(0.02)
    assert strict.shifts_per_week < 0.002
    assert deviations_for(0.02) == pytest.approx(4.2)
    assert deviations_for(1.0) == pytest.approx(4.2)
    assert deviations_for(0.001) > 4.7
    counts = with_shift(counts_of(30, 3), 1000, 1.3)
    baseline = fit_baseline(Series.build(START, HOUR, counts), START + 1200 * HOUR)
    weak = replace(baseline, shifts=(shift_at(START, 4.3),))
    assert newest_shift(weak, usual) is not None
    assert newest_shift(weak, strict) is None
    assert newest_shift(replace(baseline, shifts=()), usual) is None


def test_a_scan_tells_each_shift_once() -> None:
    """Of the baselines of two weeks, one told the rise and one the fall."""
    counts = with_shift(with_shift(counts_of(30, 6), 800, 2.5), 1060, 0.4)
    series = Series.build(START, HOUR, counts)
    ends = [START + hour * HOUR for hour in range(780, 1200, 6)]
    fitted = {end: fit_baseline(series, end) for end in ends}
    told = scan_shifts(fitted, VolumeSettings(), 3 * HOUR)
    assert [shift.factor > 1 for _, shift in told] == [True, False]
    assert all(at - shift.start < 2 * DAY for at, shift in told)
