from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.series import Series, Span, add_series, fold

START = datetime(2026, 3, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def test_build_marks_what_came_before_collecting() -> None:
    """Buckets before collecting began are uncovered, not quiet."""
    series = Series.build(START, QUARTER, [0, 0, 3, 4], covered_from=START + 2 * QUARTER)
    assert series.is_covered.tolist() == [False, False, True, True]
    assert series.total() == 7


def test_a_bucket_that_collecting_began_in_is_uncovered() -> None:
    """Collecting that begins within a bucket leaves that bucket unknown."""
    series = Series.build(START, QUARTER, [1, 2], covered_from=START + QUARTER / 2)
    assert series.is_covered.tolist() == [False, True]


def test_an_empty_series_has_no_length() -> None:
    """A series of no buckets is allowed and ends where it starts."""
    series = Series.build(START, QUARTER, [], covered_from=START)
    assert len(series) == 0
    assert series.end == START
    assert fold(series, Span.DAY) == []


def test_from_buckets_fills_the_gaps() -> None:
    """A missing bucket counts 0; a missing coverage is none."""
    window = TimeWindow(START, START + HOUR)
    series = Series.from_buckets(
        window, QUARTER, {START + QUARTER: 5}, {START: 1.0, START + QUARTER: 0.6}
    )
    assert series.counts.tolist() == [0, 5, 0, 0]
    assert series.coverage.tolist() == [1.0, 0.6, 0.0, 0.0]
    assert Series.from_buckets(window, QUARTER, {}).is_covered.all()


def test_from_buckets_of_an_empty_window() -> None:
    """An empty window gives an empty series at its bucket."""
    series = Series.from_buckets(TimeWindow(START, START), QUARTER, {})
    assert (len(series), series.start) == (0, START)


def test_from_buckets_refuses_a_stray_key() -> None:
    """A count outside of all buckets would be lost, so it is an error."""
    with pytest.raises(ValueError, match="is no bucket"):
        Series.from_buckets(
            TimeWindow(START, START + HOUR), QUARTER, {START + timedelta(minutes=1): 1}
        )


@pytest.mark.parametrize(
    ("counts", "coverage", "words"),
    [
        ([1, 2], [1.0], "one coverage"),
        ([-1], [1.0], "negative"),
        ([1], [1.5], "between 0 and 1"),
        ([1], [float("nan")], "between 0 and 1"),
    ],
)
def test_bad_series_are_refused(counts: list[int], coverage: list[float], words: str) -> None:
    """Wrong lengths and values are errors that say so."""
    with pytest.raises(ValueError, match=words):
        Series.build(START, QUARTER, counts, coverage)


def test_a_naive_start_is_refused() -> None:
    """A series knows its zone."""
    with pytest.raises(ValueError, match="aware"):
        Series.build(datetime(2026, 3, 2), QUARTER, [1])  # noqa: DTZ001 - naive on purpose


def test_series_are_compared_by_value() -> None:
    """Equal counts and coverage are equal series; a series is nothing else's equal."""
    one = Series.build(START, QUARTER, [1, 2])
    assert one == Series.build(START, QUARTER, np.array([1, 2]))
    assert one != Series.build(START, QUARTER, [1, 3])
    assert one != "a series"


def test_counts_cannot_be_changed() -> None:
    """What a verdict read stays as it was."""
    with pytest.raises(ValueError, match="read-only"):
        Series.build(START, QUARTER, [1]).counts[0] = 2


def test_indices_and_times_agree() -> None:
    """A bucket holds its start and not its end; closed buckets have ended."""
    series = Series.build(START, QUARTER, [1, 2, 3])
    assert series.index_of(START + QUARTER) == 1
    assert series.index_of(START + QUARTER - timedelta(seconds=1)) == 0
    assert series.last_closed(START + 2 * QUARTER) == 1
    assert series.last_closed(START + timedelta(minutes=31)) == 1
    assert series.last_closed(START + timedelta(days=1)) == 2
    assert series.last_closed(START) == -1
    assert series.window == TimeWindow(START, START + 3 * QUARTER)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_between_cuts_a_partition(counts: list[int], one: int, other: int) -> None:
    """Consecutive windows partition the series."""
    series = Series.build(START, QUARTER, counts)
    middle = START + one * QUARTER + timedelta(minutes=other % 15)
    end = START + timedelta(days=2)
    left, right = (series.between(w) for w in (TimeWindow(START, middle), TimeWindow(middle, end)))
    assert np.concatenate([left.counts, right.counts]).tolist() == counts


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=400),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
    st.sampled_from(list(Span)),
    st.integers(0, 700),
)
def test_folding_loses_nothing(counts: list[int], zone: str, span: Span, offset: int) -> None:
    """Hours and days of any zone, across both clock changes, hold every mention once."""
    start = datetime(2026, 3, 25, tzinfo=UTC) + offset * QUARTER
    series = Series.build(start, QUARTER, counts)
    folded = fold(series, span, zone)
    assert sum(part.count for part in folded) == sum(counts)
    for one, following in pairwise(folded):
        assert one.window.end == following.window.start
        assert one.window.length <= timedelta(hours=25)
    assert all(0 < part.coverage <= 1 for part in folded)


def test_a_day_is_23_or_25_hours_where_clocks_change() -> None:
    """Days follow the wall clock of the zone."""
    spring = Series.build(datetime(2026, 3, 28, 23, tzinfo=UTC), HOUR, [1] * 23)
    autumn = Series.build(datetime(2026, 10, 24, 22, tzinfo=UTC), HOUR, [1] * 25)
    assert [p.count for p in fold(spring, Span.DAY, "Europe/Berlin")] == [23]
    assert [p.count for p in fold(autumn, Span.DAY, "Europe/Berlin")] == [25]
    assert fold(autumn, Span.DAY, "Europe/Berlin")[0].is_covered


def test_a_day_seen_in_part_says_so() -> None:
    """The running day is incomplete, not low."""
    folded = fold(Series.build(START, HOUR, [1] * 30), Span.DAY)
    assert [part.coverage for part in folded] == [1.0, 0.25]
    assert not folded[1].is_covered


def test_long_buckets_cannot_be_folded_shorter() -> None:
    """Days do not become hours."""
    with pytest.raises(ValueError, match="shorter"):
        fold(Series.build(START, timedelta(days=1), [1]), Span.HOUR)
    with pytest.raises(ValueError, match="shorter"):
        fold(Series.build(START, timedelta(days=2), [1]), Span.DAY)


def test_series_are_added_bucket_by_bucket() -> None:
    """Counts add, coverage is the mean."""
    one = Series.build(START, QUARTER, [1, 2])
    other = Series.build(START, QUARTER, [10, 20], [0.0, 1.0])
    total = add_series([one, other])
    assert total.counts.tolist() == [11, 22]
    assert total.coverage.tolist() == [0.5, 1.0]


def test_series_that_differ_cannot_be_added() -> None:
    """Different buckets, or none at all, are an error."""
    with pytest.raises(ValueError, match="different"):
        add_series([Series.build(START, QUARTER, [1]), Series.build(START, HOUR, [1])])
    with pytest.raises(ValueError, match="nothing"):
        add_series([])


def test_what_cannot_be_compared_is_left_out_of_a_series() -> None:
    """Each bucket that a window touches is unknown; windows may reach beyond the series."""
    series = Series.build(START, HOUR, [1, 2, 3, 4], [0.5, 1.0, 1.0, 1.0])
    early = TimeWindow(START - 9 * HOUR, START + HOUR)
    part = TimeWindow(START + 2 * HOUR + QUARTER, START + 2 * HOUR + 2 * QUARTER)
    late = TimeWindow(START + 3 * HOUR, START + 9 * HOUR)
    outside = TimeWindow(START - 9 * HOUR, START - HOUR)
    assert series.without([early]).coverage.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert series.without([part, late]).coverage.tolist() == [0.5, 1.0, 0.0, 0.0]
    assert series.without([outside]) == series
    assert series.without([early]).counts.tolist() == [1, 2, 3, 4]
