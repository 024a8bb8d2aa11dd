"""Windows are half-open, and buckets partition them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.window import EPOCH, TimeWindow, bucket_start, check_step, require_utc

START = datetime(2026, 1, 1, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)

instants = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
steps = st.sampled_from([1, 60, 300, 900, 3600, 86400]).map(lambda n: timedelta(seconds=n))


def test_holds_its_start_and_not_its_end() -> None:
    """An instant at the border belongs to the later window alone."""
    window = TimeWindow(START, START + HOUR)
    assert START in window
    assert START + HOUR not in window
    assert window.length == HOUR
    assert window.previous() == TimeWindow(START - HOUR, START)
    assert TimeWindow.before(START + HOUR, HOUR) == window


@given(instants, st.lists(instants, min_size=1))
def test_consecutive_windows_partition_instants(middle: datetime, times: list[datetime]) -> None:
    """Two windows that meet hold every instant exactly once."""
    lower = TimeWindow(EPOCH, middle)
    upper = TimeWindow(middle, datetime(2050, 1, 1, tzinfo=UTC))
    assert all((require_utc(at) in lower) is not (require_utc(at) in upper) for at in times)


@given(instants, instants, steps)
def test_buckets_cover_the_window_once(one: datetime, two: datetime, step: timedelta) -> None:
    """The buckets of a window follow each other from its start to its last second."""
    start = min(one, two)
    window = TimeWindow(start, min(max(one, two), start + 50 * step))
    buckets = list(window.buckets(step))
    assert all(after - before == step for before, after in pairwise(buckets))
    if window.length:
        assert buckets[0] == bucket_start(window.start, step) <= window.start
        assert buckets[-1] < window.end <= buckets[-1] + step
    assert all(bucket_start(at, step) == at for at in buckets)


def test_empty_window_has_no_bucket() -> None:
    """Nothing lies between an instant and itself."""
    aligned = datetime(2026, 1, 1, tzinfo=UTC)
    assert list(TimeWindow(aligned, aligned).buckets(HOUR)) == []


def test_refuses_a_window_that_runs_backwards() -> None:
    """The end cannot come before the start."""
    with pytest.raises(ValueError, match="cannot end"):
        TimeWindow(START, START - HOUR)


def test_refuses_naive_times() -> None:
    """A time without a zone would be a guess."""
    with pytest.raises(ValueError, match="no time zone"):
        require_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60, 1440])
def test_steps_fold_into_hours_of_every_zone(minutes: int) -> None:
    """Steps that divide 15 minutes or are multiples of them are allowed."""
    assert check_step(timedelta(minutes=minutes)) == timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [0, -15, 7, 20])
def test_other_steps_are_refused(minutes: int) -> None:
    """Other steps could not be folded into local hours."""
    with pytest.raises(ValueError, match="neither divides"):
        check_step(timedelta(minutes=minutes))
