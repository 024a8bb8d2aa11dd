from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from insights.trends import (
    Direction,
    Rhythm,
    TermCounts,
    rank_trends,
    recurs,
    rhythm_of,
    run_start,
    trend_level,
)

SEEN = datetime(2026, 3, 1, tzinfo=UTC)


def term(name: str, counts: list[int]) -> TermCounts:
    """A hashtag with its counts."""
    return TermCounts("hashtag", name, counts, SEEN)


def steady_terms(number: int, buckets: int, seed: int = 1) -> list[TermCounts]:
    """Terms of different sizes without any trend."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1, 4, number)
    return [
        term(f"#t{i}", [int(c) for c in rng.poisson(rate, buckets)]) for i, rate in enumerate(rates)
    ]


def test_what_bursts_comes_before_what_is_big() -> None:
    """A small term that jumps is ranked above a large steady one."""
    trends = rank_trends([term("#big", [50] * 12), term("#small", [1] * 11 + [15])], recent=1)
    assert [trend.term for trend in trends] == ["#small", "#big"]
    small = trends[0]
    assert (small.direction, small.observed, small.first_seen) == (Direction.RISING, 15, SEEN)
    assert small.low <= small.expected <= small.high < small.observed
    assert small.factor == pytest.approx(small.observed / small.expected)
    assert small.p <= small.q <= 0.05
    assert small.sparkline == (*[1] * 11, 15)
    assert not small.is_new
    assert trends[1].direction is Direction.STEADY


def test_a_new_term_needs_no_history() -> None:
    """A term never seen before bursts by the prior alone, and is marked as new."""
    trends = rank_trends([*steady_terms(20, 12), term("#new", [0] * 11 + [12])], recent=1)
    assert (trends[0].term, trends[0].is_new) == ("#new", True)
    assert trends[0].direction is Direction.RISING


def test_two_mentions_are_no_trend() -> None:
    """Below the minimum nothing rises, however rare it was."""
    trends = rank_trends([term("#rare", [0] * 200 + [2])], recent=1)
    assert trends[0].direction is Direction.STEADY


def test_a_lively_hour_raises_no_term() -> None:
    """Where all mentions tripled, a term that tripled with them is steady."""
    counts = [10] * 11 + [30]
    with_totals = rank_trends([term("#a", counts)], recent=1, totals=[100] * 11 + [300])
    without = rank_trends([term("#a", counts)], recent=1)
    assert with_totals[0].factor == pytest.approx(1, abs=0.1)
    assert without[0].factor > 2.5
    assert with_totals[0].p > 0.3 > without[0].p


def test_what_wanes_is_fading() -> None:
    """A burst that is over in the recent buckets, and a term that fell silent, are fading."""
    past_peak = rank_trends([term("#peak", [1] * 20 + [40, 1])], recent=2)[0]
    silent = rank_trends([term("#gone", [60] * 30 + [5])], recent=1)[0]
    assert past_peak.q <= 0.05
    assert past_peak.direction is Direction.FADING
    assert silent.direction is Direction.FADING


def test_more_tests_ask_for_more_evidence() -> None:
    """The number of terms looked at counts, also of those not handed in."""
    few = rank_trends([term("#a", [2] * 20 + [9])], recent=1)[0]
    many = rank_trends([term("#a", [2] * 20 + [9])], recent=1, tested=10_000)[0]
    assert many.p == few.p
    assert many.q > few.q


def test_false_discoveries_are_held_on_steady_terms() -> None:
    """Of sixty families of steady terms, hardly one shows a rising one."""
    rising = sum(
        any(
            trend.direction is Direction.RISING
            for trend in rank_trends(steady_terms(20, 24, seed), recent=2)
        )
        for seed in range(60)
    )
    assert rising <= 6


def test_no_terms_no_trends() -> None:
    """An empty list gives an empty list."""
    assert rank_trends([], recent=1) == []


def test_buckets_must_fit() -> None:
    """Unequal buckets, no history, or totals of another length are errors."""
    with pytest.raises(ValueError, match="same buckets"):
        rank_trends([term("#a", [1, 2]), term("#b", [1])], recent=1)
    with pytest.raises(ValueError, match="can be recent"):
        rank_trends([term("#a", [1, 2])], recent=2)
    with pytest.raises(ValueError, match="3 totals for 2"):
        rank_trends([term("#a", [1, 2])], recent=1, totals=[1, 2, 3])


def test_a_budget_is_shared_by_terms_and_looks() -> None:
    """Twice as many terms, or windows half as long, halve the level; no term is as one."""
    hour = timedelta(hours=1)
    level = trend_level(0.1, 40, 6, hour)
    assert level == pytest.approx(0.1 / (4 * 28 * 40))
    assert trend_level(0.1, 80, 6, hour) == pytest.approx(level / 2)
    assert trend_level(0.1, 40, 3, hour) == pytest.approx(level / 2)
    assert trend_level(0.1, 0, 6, hour) == trend_level(0.1, 1, 6, hour)


@pytest.mark.slow
def test_terms_that_do_not_burst_keep_the_budget() -> None:
    """Over weeks of terms that only vary, no more false alarms come than the budget allows."""
    rng = np.random.default_rng(7)
    weeks, history, recent, step = 3, 14 * 24, 6, timedelta(hours=1)
    rates = rng.gamma(0.5, 0.6, 40)[:, None] * rng.gamma(4, 0.25, (40, history + weeks * 168))
    counts = rng.poisson(rates)
    level = trend_level(1.0, len(counts), recent, step)
    alarms = 0
    for end in range(history + recent, counts.shape[1], 3):
        window = counts[:, end - history - recent : end]
        terms = [TermCounts("phrase", str(i), list(row)) for i, row in enumerate(window)]
        found = rank_trends(terms, recent)
        alarms += any(t.p <= level and t.observed >= 5 for t in found)
    # One a week is allowed; a burst is seen in two looks of three hours.
    assert alarms <= 2 * weeks + 3


@pytest.mark.parametrize(
    ("weeks", "is_weekly"),
    [
        ((9, 8, 10, 9), True),
        ((9, 0, 10, 9), True),
        ((0, 0, 9, 10), False),
        ((0, 0, 0, 10), False),
        ((9, 10), False),
        ((9, 9, 9, 0), False),
    ],
)
def test_what_is_lively_every_week_recurs(weeks: tuple[int, ...], is_weekly: bool) -> None:
    """Half as many in two of three earlier weeks; one week alone is no habit."""
    counts = [count for week in weeks for count in (0, 0, 0, 0, 0, week // 2, week - week // 2)]
    assert recurs(counts, 2, 7) is is_weekly


def test_the_shortest_rhythm_is_told() -> None:
    """Lively each noon, each Monday, or only now; a window of days has no daily rhythm."""
    hours = range(14 * 24)
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert rhythm_of([9 * (at % 24 >= 20) for at in hours], 4, hour) is Rhythm.DAY
    weekly = [9 * (at % 168 >= 164) for at in range(28 * 24)]
    assert rhythm_of(weekly, 4, hour) is Rhythm.WEEK
    assert rhythm_of([9 * (at >= 332) for at in hours], 4, hour) is None
    assert rhythm_of([9] * 28, 8, day) is None
    assert rhythm_of([9] * 28, 2, day) is Rhythm.WEEK


@pytest.mark.parametrize(
    ("counts", "start"),
    [
        ([0] * 20 + [0, 9], 21),
        ([0] * 20 + [9, 0, 0, 9, 9], 20),
        ([9, 9] + [0] * 20 + [9, 9], 22),
        ([9, 9] + [1] * 20 + [9, 9], 21),
        ([0, 9, 0, 0, 0, 0, 9, 9], None),
        ([9] * 20, None),
    ],
    ids=["first", "pause", "came back", "hardly said", "too little known", "always"],
)
def test_what_comes_back_began_after_the_pause(counts: list[int], start: int | None) -> None:
    """A burst began after the last long pause; without a long pause before it nobody knows."""
    assert run_start(counts, recent=2, pause=10) == start


def test_what_is_not_said_now_began_never() -> None:
    """A term without a recent mention has no present burst."""
    with pytest.raises(ValueError, match="no recent mention"):
        run_start([9, 9, 0, 0], recent=2, pause=1)
