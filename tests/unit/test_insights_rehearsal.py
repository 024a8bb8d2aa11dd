from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.window import TimeWindow
from insights import rehearsed
from insights.baseline import HOUR, to_hours
from insights.burst import VolumeSettings
from insights.distributions import FloatArray, IntArray
from insights.negative import NegativeSettings
from insights.rehearsal import (
    SIZES,
    Drawn,
    NotEnoughHistoryError,
    count_alarms,
    expect_false_alarms,
    find_sizes,
)
from insights.rehearsed import NegativeRehearsal, VolumeRehearsal
from insights.series import Series
from insights.shares import ShareSeries

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=5)
PER_DAY = 288


def stream(days: int, rate: float, seed: int = 1) -> Series:
    """Mentions with a daily rhythm whose hourly rate varies by 30 %."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    mean = rate * (1 + 0.5 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi))
    varied = mean * rng.gamma(11, 1 / 11, hours.size)
    return Series.build(START, STEP, rng.poisson(np.repeat(varied / 12, 12)))


def volume(series: Series, **settings: float) -> VolumeRehearsal:
    """A volume rule on all of ``series``."""
    return VolumeRehearsal(series, to_hours(series), VolumeSettings(**settings))  # type: ignore[arg-type]


def negative(scored: Series) -> NegativeRehearsal:
    """A negative rule on mentions of which 15 % are negative."""
    counts = np.random.default_rng(2).binomial(scored.counts, 0.15)
    shares = ShareSeries(Series(scored.start, STEP, counts, scored.coverage), scored)
    return NegativeRehearsal(shares, shares.to_hours(), NegativeSettings())


def test_drawn_weeks_are_like_the_quiet_ones() -> None:
    """Most days of a quiet stream are quiet, and the same generator draws the same weeks."""
    series = stream(56, 12)
    rehearsal = volume(series)
    days = rehearsal.quiet_days()
    assert len(days) > 45
    scan = rehearsal.draw(np.random.default_rng(1), days, 1).scan
    assert scan.ratio.size == 7 * PER_DAY
    again = rehearsal.draw(np.random.default_rng(1), days, 1).scan
    assert again.ratio.tolist() == scan.ratio.tolist()


def test_expected_false_alarms_follow_the_budget() -> None:
    """A rule with ten times the budget is said to ring more often, and a quiet one hardly."""
    rehearsal, generous = (
        volume(stream(42, 12), false_alarms_per_week=budget) for budget in (0.15, 5.0)
    )
    few, many = (
        expect_false_alarms(one, np.random.default_rng(3), apart=3 * HOUR, draws=1, weeks=4)
        for one in (rehearsal, generous)
    )
    assert few.per_week < 0.6 < many.per_week < 15
    assert (few.weeks, few.quiet_days) == (4, many.quiet_days)
    assert many.counted > few.counted


def test_new_levels_are_false_alarms_too() -> None:
    """On drawn weeks nothing really changes, so each level that is told is added to the rate."""
    rehearsal = volume(stream(42, 12))
    options = {"apart": 3 * HOUR, "draws": 1, "weeks": 4}
    quiet = expect_false_alarms(rehearsal, np.random.default_rng(3), **options)  # type: ignore[arg-type]
    restless = _Restless(rehearsal)
    told = expect_false_alarms(restless, np.random.default_rng(3), **options)  # type: ignore[arg-type]
    assert quiet.levels == 0
    assert told.levels == 2
    assert told.per_week == pytest.approx(quiet.per_week + 2 / 4)


class _Restless:
    """A rehearsal on whose drawn weeks two new levels are told."""

    def __init__(self, rehearsal: VolumeRehearsal) -> None:
        self._rehearsal, self.step = rehearsal, rehearsal.step
        self.quiet_days, self.crisis_days = rehearsal.quiet_days, rehearsal.crisis_days
        self.tell = rehearsal.tell

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Drawn:
        return replace(self._rehearsal.draw(rng, days, weeks), levels=2)


def test_levels_of_drawn_weeks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the rate three times as high from the second drawn week on, that would be told once."""

    def risen(_rng: object, seen: FloatArray, *_: object) -> FloatArray:
        return np.where(np.arange(seen.size) < 9 * 168, 1.0, 3.0)

    rehearsal = volume(stream(56, 12))
    monkeypatch.setattr(rehearsed, "_draw_rates", risen)
    assert rehearsal.draw(np.random.default_rng(1), rehearsal.quiet_days(), 4).levels == 1


def test_smaller_crises_are_told_later() -> None:
    """Sizes grow, delays fall, and the smallest size is not told within a day."""
    sizes = find_sizes(volume(stream(56, 12)), np.random.default_rng(1))
    delays = [one.delay for one in sizes]
    assert [one.more_per_hour for one in sizes] == sorted({one.more_per_hour for one in sizes})
    assert delays[0] is None
    told = [delay for delay in delays if delay is not None]
    assert told == sorted(told, reverse=True)
    assert told[-1] <= timedelta(minutes=15)
    assert all(one.more_per_hour in SIZES for one in sizes)


def test_a_crisis_is_told_when_the_rule_would_fire() -> None:
    """A hundred more an hour are told within minutes, nothing more is not told at all."""
    series = stream(42, 12)
    rehearsal = volume(series)
    start = rehearsal.crisis_days()[-1] + 9 * HOUR
    more = np.random.default_rng(1).poisson(9, 1440 // 5)
    told = rehearsal.tell(start, more)
    assert told is not None
    assert told - start <= timedelta(minutes=10)
    assert rehearsal.tell(start, np.zeros(288, dtype=np.int64)) is None


def test_crises_are_tried_after_learning_and_a_day_before_the_end() -> None:
    """The first two weeks of a history and its last day are no place to try a crisis."""
    series = stream(30, 12)
    days = volume(series).crisis_days()
    assert days
    assert min(days) >= START + timedelta(days=15)
    assert max(days) + timedelta(days=2) <= series.end


def test_negative_rules_are_rehearsed_too() -> None:
    """A negative rule says how often it rings, and what share crisis it would tell."""
    rehearsal = negative(stream(42, 20, seed=4))
    expected = expect_false_alarms(
        rehearsal, np.random.default_rng(3), apart=3 * HOUR, draws=1, weeks=2
    )
    assert 0 <= expected.per_week < 1
    start = rehearsal.crisis_days()[-1] + 9 * HOUR
    told = rehearsal.tell(start, np.full(288, 3))
    assert told is not None
    assert told - start <= 3 * HOUR
    assert rehearsal.tell(start, np.zeros(288, dtype=np.int64)) is None


def test_short_history_promises_nothing() -> None:
    """Under four weeks the reason is given."""
    with pytest.raises(NotEnoughHistoryError, match=r"3\.9 weeks of history, and 4 are needed"):
        volume(stream(27, 12))
    with pytest.raises(NotEnoughHistoryError, match="weeks of history"):
        negative(stream(20, 12))


def test_few_quiet_days_promise_nothing() -> None:
    """Where an outage leaves too few whole days, nothing can be drawn or tried."""
    series = stream(56, 12)
    coverage = np.ones(len(series))
    coverage.reshape(56, PER_DAY)[:44, :12] = 0
    hardly = Series(series.start, STEP, series.counts.copy(), coverage)
    assert len(volume(hardly).quiet_days()) <= 12
    with pytest.raises(NotEnoughHistoryError, match="quiet and covered"):
        expect_false_alarms(volume(hardly), np.random.default_rng(1), apart=HOUR)


def test_no_day_to_try_a_crisis_on() -> None:
    """Where what is known by the minute is too short, no size is promised."""
    series = stream(42, 12)
    hours = to_hours(series)
    last = series.between(TimeWindow.before(series.end, 30 * HOUR))
    rehearsal = VolumeRehearsal(last, hours, VolumeSettings())
    with pytest.raises(NotEnoughHistoryError, match="left to try"):
        find_sizes(rehearsal, np.random.default_rng(1))


def test_alarms_close_together_are_one() -> None:
    """Firing buckets no further apart than allowed make one alarm."""
    assert count_alarms(np.array([], dtype=np.int64), 3) == 0
    assert count_alarms(np.array([5]), 3) == 1
    assert count_alarms(np.array([5, 8, 12, 40]), 3) == 3
