"""How far back what is known can be compared, where sources reach back differently."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.counting import Counts
from app.heard import Share, comparable_from
from app.stores.state import StateStore
from core.mention import Mention
from core.ports import Poll, PollStatus
from core.questions import Selection
from core.versions import Tagging, Version, VersionKind, VersionStep
from core.window import TimeWindow
from tests.fakes import crisis
from tests.fakes.memory_index import MemoryIndex

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
BEGUN = NOW - 3 * DAY
ACME = Selection(topics=("Acme",))


class World:
    """Sources and what they brought, and the counts that are made of it."""

    def __init__(self, folder: Path) -> None:
        self.state = StateStore.in_folder(folder)
        self.state.setup()
        self.mentions: list[Mention] = []
        self.now = NOW

    def says(self, source: str, start: datetime, end: datetime, every: timedelta) -> None:
        """Let a source have a mention in each such step."""
        number = (end - start) // every
        for at in range(number):
            made = crisis.mention(len(self.mentions), start + at * every, "acme")
            self.mentions.append(made.model_copy(update={"sources": (source,)}))

    def asks(
        self, source: str, start: datetime, end: datetime = NOW, every: timedelta | None = None
    ) -> None:
        """Poll a source with success at first and at last, and meanwhile ``every`` so long."""
        for at in range((end - start) // every if every else 1):
            self.state.record_poll(Poll(source, start + at * (every or HOUR), PollStatus.OK))
        self.state.record_poll(Poll(source, end, PollStatus.OK))

    def counts(self, *sources: str) -> Counts:
        """Return counts of an installation with these sources."""
        own = dict.fromkeys(sources, HOUR)
        index = MemoryIndex(self.mentions)
        return Counts(self.state, index, lambda: self.now, HOUR, own, is_one_round=True)

    def heard_from(self, *sources: str) -> datetime | None:
        """Return from when on enough is known."""
        return self.counts(*sources).heard_from(ACME)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return one without anything."""
    made = World(tmp_path)
    yield made
    made.state.close()


def test_history_of_a_small_source_is_no_history(world: World) -> None:
    """A feed shows posts of months, the network that says most begins today: that is unknown."""
    world.says("Feed", BEGUN - 30 * DAY, NOW, DAY)
    world.says("Network", BEGUN, NOW, HOUR / 10)
    for source in ("Feed", "Network"):
        world.asks(source, BEGUN, every=HOUR)
    assert world.heard_from("Feed", "Network") == BEGUN
    series = world.counts("Feed", "Network").series(ACME, TimeWindow(BEGUN - DAY, NOW), HOUR)
    assert series.coverage.tolist() == [0.0] * 24 + [1.0] * 72


def test_history_of_the_largest_source_is_history(world: World) -> None:
    """What is missing of the others changes little."""
    world.says("Feed", BEGUN, NOW, DAY / 3)
    world.says("Network", BEGUN - 30 * DAY, NOW, HOUR)
    for source in ("Feed", "Network"):
        world.asks(source, BEGUN)
    assert world.heard_from("Feed", "Network") == BEGUN - 30 * DAY


def test_a_large_source_that_is_added_makes_the_past_unlike_now(world: World) -> None:
    """A small one does not, however its first mention came."""
    world.says("Old", NOW - 40 * DAY, NOW, HOUR)
    world.asks("Old", NOW - 40 * DAY)
    world.asks("New", NOW - HOUR)
    assert world.heard_from("Old", "New") == NOW - 40 * DAY
    world.says("New", NOW - HOUR / 2, NOW, HOUR / 2)
    assert world.heard_from("Old", "New") == NOW - 40 * DAY
    world.says("New", NOW - HOUR, NOW, HOUR / 30)
    assert world.heard_from("Old", "New") == NOW - HOUR


def test_a_crisis_on_a_source_makes_the_past_not_unknown(world: World) -> None:
    """How much it brings today is not how much it does."""
    for source in ("Old", "Young"):
        world.says(source, NOW - (40 if source == "Old" else 10) * DAY, NOW, HOUR)
        world.asks(source, NOW - (40 if source == "Old" else 10) * DAY)
    world.says("Large", NOW - 40 * DAY, NOW, HOUR / 5)
    world.asks("Large", NOW - 40 * DAY)
    world.says("Young", NOW - 2 * HOUR, NOW, HOUR / 500)
    assert world.heard_from("Old", "Young", "Large") == NOW - 40 * DAY


def test_a_source_with_another_name_is_no_new_one(world: World) -> None:
    """What it was called before was heard then."""
    world.says("News", NOW - 40 * DAY, BEGUN, HOUR)
    world.asks("News", NOW - 40 * DAY, BEGUN)
    world.says("Press", BEGUN, NOW, HOUR)
    world.asks("Press", BEGUN)
    assert world.heard_from("Press") == NOW - 40 * DAY


def test_a_topic_that_is_added_is_known_since_it_was_asked_for(world: World) -> None:
    """A single old post that a source still had is no history of it."""
    world.asks("Network", NOW - 40 * DAY)
    world.asks("Feed", NOW - 40 * DAY)
    world.says("Feed", BEGUN - 20 * DAY, BEGUN - 19 * DAY, DAY)
    world.says("Network", BEGUN, NOW, HOUR)
    kind, step = VersionKind.QUERY, VersionStep.FIRST
    made = Version(kind, "Acme", 1, BEGUN, step, Tagging(query="acme"))
    world.state.versions.add([made])
    assert world.heard_from("Network", "Feed") == BEGUN


@pytest.mark.parametrize(("every", "is_known"), [(HOUR, True), (30 * DAY, False)])
def test_what_was_imported_counts_by_how_much_it_is(
    world: World, every: timedelta, is_known: bool
) -> None:
    """An export of all that was said is history, a few rows of it are none."""
    world.says("export", NOW - 60 * DAY, BEGUN, every)
    world.says("Network", BEGUN, NOW, HOUR)
    world.asks("Network", BEGUN)
    assert world.heard_from("Network") == (NOW - 60 * DAY if is_known else BEGUN)


def test_where_nobody_is_asked_all_is_history(world: World) -> None:
    """Files alone: from their first mention on; without any mention there is none."""
    assert world.heard_from() is None
    world.says("export", NOW - 60 * DAY, NOW, DAY)
    assert world.heard_from() == NOW - 60 * DAY


def test_a_gap_is_known_from_where_enough_sources_reach_back(world: World) -> None:
    """A feed that still has its post of Saturday does not say that the network was still."""
    slept, woke = NOW - 63 * HOUR, NOW - 2 * HOUR
    for source, every in (("Feed", 2 * DAY), ("Network", HOUR)):
        world.says(source, slept - 6 * DAY, slept, every)
        world.asks(source, slept - 6 * DAY, slept, every=HOUR)
        world.asks(source, woke, every=HOUR)
    world.says("Feed", slept + 2 * HOUR, slept + 3 * HOUR, HOUR)
    reached = woke - 6 * HOUR
    world.says("Network", reached, NOW, HOUR)
    counts = world.counts("Feed", "Network")
    assert counts.unheard(TimeWindow(slept - DAY, NOW)) == [TimeWindow(slept, reached)]


def test_nothing_is_comparable_with_nothing() -> None:
    """Sources that bring nothing say nothing."""
    assert comparable_from([]) is None
    assert comparable_from([Share("a", 0.0, NOW, is_current=True)]) is None
