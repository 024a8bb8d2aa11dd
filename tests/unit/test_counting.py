"""What is known of the hours in which nobody collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.counting import Counts, leave_out
from app.stores.state import StateStore
from core.mention import Mention
from core.ports import Poll, PollStatus
from core.questions import Selection
from core.window import TimeWindow
from tests.fakes import crisis
from tests.fakes.memory_index import MemoryIndex

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 3, 5, tzinfo=UTC)
DAY = TimeWindow(START, START + 24 * HOUR)
SLEPT, WOKE = START + 1 * HOUR, START + 9 * HOUR
ACME = Selection(topics=("Acme",))

Counted = Callable[..., Counts]


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    """Return what makes counts over mentions of these instants and polls of those."""
    state = StateStore.in_folder(tmp_path)
    state.setup()

    def build(
        said: list[datetime],
        polls: list[datetime],
        now: datetime = DAY.end,
        every: timedelta = HOUR,
        late: Sequence[Mention] = (),
    ) -> Counts:
        for at in polls:
            state.record_poll(Poll("feed", at, PollStatus.OK))
        mentions = [crisis.mention(900 + number, at, "acme") for number, at in enumerate(said)]
        mentions += late
        return Counts(state, MemoryIndex(mentions), lambda: now, every)

    yield build
    state.close()


def awake(hours: range) -> list[datetime]:
    """Return a poll at the beginning of each of these hours."""
    return [START + hour * HOUR for hour in hours]


def test_a_night_asleep_is_unknown(counted: Counted) -> None:
    """Nobody knows what was said; it neither was quiet nor makes anything usual."""
    counts = counted([START], awake(range(2)) + awake(range(9, 25)), every=5 * MINUTE)
    assert counts.unheard(DAY) == [TimeWindow(SLEPT, WOKE)]
    series = counts.series(ACME, DAY, HOUR)
    assert series.coverage.tolist() == [1.0] + [0.0] * 8 + [1.0] * 15
    assert [value for at, value in counts.coverage(DAY, HOUR).items() if SLEPT <= at < WOKE] == (
        [0.0] * 8
    )


def test_what_waited_to_be_read_is_known_for_an_hour(counted: Counted) -> None:
    """From when the oldest was collected to when it was known; less than an hour is none."""

    def waited(known: datetime, now: datetime) -> TimeWindow | None:
        made = crisis.mention(1, SLEPT, "acme").model_copy(update={"known_at": known})
        return counted([], [], now=now, late=[made]).unread()

    assert waited(WOKE, WOKE + 10 * MINUTE) == TimeWindow(SLEPT, WOKE)
    assert waited(WOKE, WOKE + 61 * MINUTE) is None
    assert waited(SLEPT + 50 * MINUTE, SLEPT + 55 * MINUTE) is None
    assert counted([], []).unread() is None


def test_a_night_that_was_brought_later_is_known_from_its_first_mention(counted: Counted) -> None:
    """A source that is asked again brings what it still has, from there on all."""
    said = [START, SLEPT + 5 * HOUR + 20 * MINUTE]
    counts = counted(said, awake(range(2)) + awake(range(9, 25)), every=5 * MINUTE)
    assert counts.unheard(DAY) == [TimeWindow(SLEPT, SLEPT + 5 * HOUR + 15 * MINUTE)]
    series = counts.series(ACME, DAY, HOUR)
    assert series.coverage.tolist() == [1.0] + [0.0] * 5 + [0.75] + [1.0] * 17


def test_who_only_imports_has_no_gaps(counted: Counted) -> None:
    """Without a poll ever, and before the first one, all time is covered."""
    assert counted([START], []).unheard(DAY) == []
    counts = counted([START], awake(range(20, 25)), every=5 * MINUTE)
    assert counts.unheard(DAY) == []
    assert counts.series(ACME, DAY, HOUR).coverage.min() == 1.0


def test_the_ordinary_pause_of_sources_is_no_gap(counted: Counted) -> None:
    """A feed that is asked every three hours leaves none; one that missed three polls does."""
    polls = [START, START + 3 * HOUR, START + 6 * HOUR, START + 20 * HOUR]
    counts = counted([START], polls, every=3 * HOUR)
    assert counts.unheard(DAY) == [TimeWindow(polls[2], polls[3])]


def test_an_instant_in_the_past_knows_no_later_poll(counted: Counted) -> None:
    """Asked as of the middle of the night, the night lasts still, whatever came in the morning."""
    at = SLEPT + 4 * HOUR
    polls = awake(range(2)) + awake(range(9, 25))
    counts = counted([START], polls, now=at, every=5 * MINUTE)
    assert counts.unheard(TimeWindow(START, at)) == [TimeWindow(SLEPT, at)]


def test_an_instant_in_a_gap_knows_nothing_that_came_after_it(counted: Counted) -> None:
    """What was brought in the morning is not counted as of the night, and is as of the morning."""
    at = SLEPT + 4 * HOUR
    polls = awake(range(2)) + awake(range(9, 25))
    night = [crisis.mention(number, SLEPT + number * HOUR, "acme") for number in range(8)]
    late = [one.model_copy(update={"known_at": WOKE}) for one in night]
    for now, count in ((at, 1), (WOKE, 9), (DAY.end, 9)):
        counts = counted([START], polls, now=now, every=5 * MINUTE, late=late)
        window = TimeWindow(START, now)
        assert counts.series(ACME, window, HOUR).total() == count


def test_windows_are_left_out_by_the_part_that_they_cover() -> None:
    """Of a bucket, as much as lies in the window; windows may reach beyond the series."""
    coverage = np.array([1.0, 1.0, 0.5, 1.0])
    windows = [
        TimeWindow(START - HOUR, START + 15 * MINUTE),
        TimeWindow(START + 2 * HOUR, START + 2 * HOUR + 30 * MINUTE),
        TimeWindow(START + 3 * HOUR, START + 9 * HOUR),
        TimeWindow(START + 9 * HOUR, START + 10 * HOUR),
    ]
    leave_out(coverage, START, HOUR, windows)
    assert coverage.tolist() == [0.75, 1.0, 0.25, 0.0]


def test_nothing_is_known_of_a_topic_before_its_first_mention(counted: Counted) -> None:
    """A topic of which nobody ever spoke is not usually silent: what is usual is unknown."""
    counts = counted([], awake(range(24)))
    assert not counts.series(ACME, DAY, HOUR).is_covered.any()
