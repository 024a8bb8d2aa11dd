from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.negative import NegativeSettings, judge_negative, scan_negative
from insights.series import Series
from insights.shares import ShareSeries, fit_shares
from insights.verdict import Measure, Status

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=15)
HOUR = timedelta(hours=1)
PER_DAY = 96


def shares(
    days: int, rate: float, share: float = 0.15, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Negative and scored counts of a steady share."""
    rng = np.random.default_rng(seed)
    scored = rng.poisson(rate / 4, days * PER_DAY)
    return rng.binomial(scored, share), scored


def build(
    negative: np.ndarray, scored: np.ndarray, coverage: np.ndarray | None = None
) -> ShareSeries:
    """Both counts as series."""
    return ShareSeries(
        Series.build(START, STEP, negative, coverage), Series.build(START, STEP, scored, coverage)
    )


def crisis(days: int = 30, length: int = 16) -> ShareSeries:
    """A month whose last ``length`` buckets are 70 % negative."""
    negative, scored = shares(days, 20)
    negative[-length:] = np.round(scored[-length:] * 0.7)
    return build(negative, scored)


def test_a_share_crisis_at_flat_volume_is_told() -> None:
    """Volume stays as it was, the negative share does not: the verdict has all figures."""
    series = crisis()
    verdict = judge_negative(series, len(series.scored) - 1, NegativeSettings())
    assert (verdict.status, verdict.measure) == (Status.BURST, Measure.NEGATIVE)
    assert verdict.share is not None
    assert 0.5 < verdict.share < 0.85
    assert verdict.scored is not None
    assert verdict.observed <= verdict.scored
    assert verdict.high is not None
    assert verdict.expected is not None
    assert verdict.expected < verdict.high < verdict.observed
    assert verdict.expected / verdict.scored == pytest.approx(0.15, abs=0.05)
    assert verdict.started_at is not None
    assert abs(verdict.started_at - series.scored.time_of(len(series.scored) - 16)) <= 3 * STEP
    assert verdict.reference.end <= verdict.window.start


def test_more_volume_at_the_same_share_is_no_negative_spike() -> None:
    """A burst of mentions with the usual share is left to the volume rule."""
    negative, scored = shares(30, 20)
    scored[-12:] *= 6
    negative[-12:] = np.random.default_rng(2).binomial(scored[-12:], 0.15)
    series = build(negative, scored)
    last = len(scored) - 1
    assert scan_negative(series, last - 11, last, NegativeSettings()).alerts() == []


def test_usual_weeks_stay_quiet() -> None:
    """Two weeks of chance alone say nothing."""
    series = build(*shares(42, 20, seed=3))
    scan = scan_negative(series, 28 * PER_DAY, 42 * PER_DAY - 1, NegativeSettings())
    assert scan.alerts() == []


def test_scanning_and_judging_agree() -> None:
    """The quick scan fires at exactly the buckets at which single verdicts do."""
    series, rule = crisis(), NegativeSettings()
    last = len(series.scored) - 1
    first = last - 24
    scan = scan_negative(series, first, last, rule)
    single = [judge_negative(series, i, rule) for i in range(first, last + 1)]
    assert scan.is_alert.tolist() == [verdict.is_alert for verdict in single]
    assert scan.is_alert.any()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.integers(0, 60))
@settings(max_examples=15, deadline=None)
def test_appending_never_rewrites(later: list[int], back: int) -> None:
    """Data that arrives later leaves every earlier verdict as it was."""
    negative, scored = shares(20, 10)
    one = build(negative, scored)
    other = build(np.append(negative, later), np.append(scored, later))
    index = len(scored) - 1 - back
    rule = NegativeSettings()
    assert judge_negative(one, index, rule) == judge_negative(other, index, rule)


def test_few_scored_mentions_never_fire() -> None:
    """Four of four negative are no crisis."""
    negative, scored = shares(30, 20)
    scored[-48:] = 0
    negative[-48:] = 0
    scored[-2:] = negative[-2:] = 2
    series = build(negative, scored)
    assert not judge_negative(series, len(scored) - 1, NegativeSettings()).is_alert


def test_nothing_scored_has_no_share() -> None:
    """Without a scored mention there is a quiet verdict and no share."""
    zeros = np.zeros(20 * PER_DAY, dtype=np.int64)
    verdict = judge_negative(build(zeros, zeros), len(zeros) - 1, NegativeSettings())
    assert (verdict.status, verdict.share, verdict.factor) == (Status.QUIET, None, None)


def test_uncovered_time_has_no_verdict() -> None:
    """Where nothing was collected, silence is no statement."""
    negative, scored = shares(20, 10)
    coverage = np.ones(len(scored))
    negative[-60:] = scored[-60:] = 0
    coverage[-60:] = 0.0
    verdict = judge_negative(build(negative, scored, coverage), len(scored) - 1, NegativeSettings())
    assert (verdict.status, verdict.coverage) == (Status.NO_DATA, 0.0)


def test_learning_needs_a_number_and_a_majority() -> None:
    """While learning, eight negative mentions an hour fire if they are at least half."""
    negative = np.zeros(2 * PER_DAY, dtype=np.int64)
    negative[-4:] = 2
    rule = NegativeSettings()
    told = judge_negative(build(negative, negative), len(negative) - 1, rule)
    assert told.learning is not None
    assert (told.status, told.is_alert, told.learning.threshold) == (Status.LEARNING, True, 8)
    assert (told.observed, told.scored, told.started_at) == (8, 8, told.window.start)
    among_many = judge_negative(build(negative, negative * 3), len(negative) - 1, rule)
    assert (among_many.is_alert, among_many.started_at) == (False, None)
    scan = scan_negative(build(negative, negative), 0, len(negative) - 1, rule)
    assert scan.alerts() == [len(negative) - 1]


def test_a_series_that_begins_now_learns() -> None:
    """The very first bucket gets a verdict."""
    series = build(np.array([0]), np.array([1]))
    verdict = judge_negative(series, 0, NegativeSettings())
    assert verdict.learning is not None
    assert verdict.learning.day == 1


def test_past_crises_are_masked() -> None:
    """A day of crisis in the history changes the usual share by little."""
    negative, scored = shares(40, 20)
    quiet = fit_shares(build(negative, scored), START + timedelta(days=40))
    negative[500:596] = scored[500:596]
    loud = fit_shares(build(negative, scored), START + timedelta(days=40))
    assert loud.by_hour.mean() == pytest.approx(quiet.by_hour.mean(), abs=0.015)
    assert loud.correlation_over(HOUR) == pytest.approx(quiet.correlation_over(HOUR), abs=0.03)


def test_the_hour_of_the_day_has_its_own_share() -> None:
    """Complaints at night are usual where they always were."""
    rng = np.random.default_rng(5)
    scored = np.full(50 * PER_DAY, 8)
    is_night = np.arange(50 * PER_DAY) % PER_DAY < 24
    negative = rng.binomial(scored, np.where(is_night, 0.5, 0.1))
    baseline = fit_shares(build(negative, scored), START + timedelta(days=50))
    day = baseline.shares(START + timedelta(days=50), STEP, PER_DAY)
    assert day[:24].mean() == pytest.approx(0.5, abs=0.05)
    assert day[24:].mean() == pytest.approx(0.1, abs=0.05)


def test_varying_hours_widen_the_test() -> None:
    """Where hours differ by themselves, rho says so, and long windows have less of it."""
    rng = np.random.default_rng(6)
    scored = np.full(50 * PER_DAY, 10)
    hourly = np.repeat(rng.beta(0.2 * 9, 0.8 * 9, 50 * 24), 4)
    baseline = fit_shares(build(rng.binomial(scored, hourly), scored), START + timedelta(days=50))
    assert baseline.correlation_over(HOUR) == pytest.approx(0.1, abs=0.03)
    assert baseline.correlation_over(12 * HOUR) < baseline.correlation_over(HOUR) / 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarms_per_week": 0},
        {"minimum_scored": 0},
        {"minimum_negative": 0},
        {"learning_from": 0},
        {"learning_days": -1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    """A setting out of its range is an error that names it."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NegativeSettings(**wrong)  # type: ignore[arg-type]


def test_series_must_fit_together() -> None:
    """Different buckets, or more negative than scored mentions, are an error."""
    one = Series.build(START, STEP, [1, 1])
    with pytest.raises(ValueError, match="same buckets"):
        ShareSeries(one, Series.build(START, STEP, [1]))
    with pytest.raises(ValueError, match="more negative"):
        ShareSeries(one, Series.build(START, STEP, [1, 0]))


def test_indices_outside_are_refused() -> None:
    """A bucket that the series does not have cannot be judged."""
    series = build(np.array([0]), np.array([1]))
    with pytest.raises(IndexError, match="not in a series of 1"):
        judge_negative(series, 1, NegativeSettings())


def test_history_may_be_given_in_hours() -> None:
    """Two days of buckets and weeks of hours judge as one long series does."""
    rng = np.random.default_rng(4)
    scored = rng.poisson(3, 30 * PER_DAY)
    negative = rng.binomial(scored, 0.15)
    negative[-36:] = scored[-36:]
    both = build(negative, scored)
    window = TimeWindow.before(both.scored.end, timedelta(days=4))
    short = ShareSeries(both.negative.between(window), both.scored.between(window))
    history = both.to_hours()
    one = judge_negative(both, len(scored) - 1, NegativeSettings())
    other = judge_negative(short, len(short.scored) - 1, NegativeSettings(), history)
    assert one == other
    assert one.is_alert
    first, last = len(short.scored) - 20, len(short.scored) - 1
    scan = scan_negative(short, first, last, NegativeSettings(), history)
    assert scan.is_alert[-1]


def anger(
    days: int = 30, rate: float = 3, minutes: int = 75, negative_of_ten: int = 7
) -> ShareSeries:
    """A month of few mentions that ends in a burst of fifteen an hour, most of them negative."""
    negative, scored = shares(days, rate)
    buckets = minutes // 15
    scored[-buckets:] += 4
    negative[-buckets:] += np.resize([3, 3, 2, 3], buckets) * negative_of_ten // 7
    return build(negative, scored)


def test_a_burst_of_anger_is_told_by_the_number_of_negatives() -> None:
    """Too few mentions for a share to be sure: the number that came says it, in the same words."""
    series = anger()
    last = len(series.scored) - 1
    told = judge_negative(series, last, NegativeSettings())
    assert (told.status, told.measure) == (Status.BURST, Measure.NEGATIVE)
    assert told.scored is not None
    assert told.scored == series.scored.between(told.window).total()
    assert told.observed == series.negative.between(told.window).total()
    assert told.high is not None
    assert told.observed > told.high
    assert told.started_at is not None
    assert series.scored.end - told.started_at <= timedelta(hours=2)
    by_share = NegativeSettings(counts_too=False)
    assert judge_negative(series, last, by_share).status is Status.QUIET
    assert not scan_negative(series, last, last, by_share).is_alert.any()


def test_a_lively_hour_of_the_usual_mood_is_no_negative_spike() -> None:
    """Ten times the volume brings ten times the negatives: quiet while the share is usual."""
    negative, scored = shares(30, 40, share=0.2, seed=4)
    scored[-8:] *= 10
    negative[-8:] *= 10
    negative = np.minimum(negative, scored)
    negative[-8:] = np.round(scored[-8:] * 0.2)
    series = build(negative, scored)
    first = len(series.scored) - 8
    scan = scan_negative(series, first, len(series.scored) - 1, NegativeSettings())
    assert not scan.is_alert.any()


def test_scan_and_judgement_agree_on_both_tests() -> None:
    """What is scanned in one go has the p, level and length of the single verdicts."""
    series = anger()
    first, last = len(series.scored) - 6, len(series.scored) - 1
    scan = scan_negative(series, first, last, NegativeSettings())
    for index in range(first, last + 1):
        verdict = judge_negative(series, index, NegativeSettings())
        place = index - first
        assert verdict.is_alert == bool(scan.is_alert[place])
        assert verdict.p == pytest.approx(scan.p[place])
        assert verdict.level == pytest.approx(scan.level[place])
        assert verdict.window.length == int(scan.length[place]) * STEP
