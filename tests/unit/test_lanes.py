"""Which batch comes next, and how long one waits that could not be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from app.lanes import LONGEST_PAUSE, PROMPT, Batch, Lanes
from app.stores.file_spool import FileSpool
from core.envelope import Envelope
from core.mention import Overlay
from tests.unit.test_enricher import NOW, mention


class Road:
    """Both lanes, with a clock that a test moves."""

    def __init__(self, folder: Path) -> None:
        self.now, self.seconds = NOW, 0.0
        self.spool, self.later = FileSpool(folder / "spool"), FileSpool(folder / "later")
        self.lanes = Lanes(self.spool, self.later, self.clock, most=4)

    def clock(self) -> datetime:
        """Return the instant."""
        return self.now

    def next(self, *, drain: bool = False) -> list[str]:
        """Return the ids of the next batch."""
        return ids(self.lanes.next(drain=drain))


def ids(batch: Batch) -> list[str]:
    """Return the ids of a batch."""
    return [entry.envelope.id for entry in batch.entries if entry.envelope]


@pytest.fixture
def road(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """Return empty lanes."""
    made = Road(tmp_path)
    monkeypatch.setattr("time.monotonic", lambda: made.seconds)
    yield made
    made.spool.close()
    made.later.close()


def test_what_was_given_back_comes_after_pauses_that_grow(road: Road) -> None:
    """News goes before it; what comes after it in its lane waits for it."""
    road.later.append([Envelope.of(mention(key)) for key in "abcdef"])
    batch, pauses = road.lanes.next(drain=False), list[float]()
    assert ids(batch) == ["a", "b", "c", "d"]
    for _ in range(9):
        pause = road.lanes.give_back(batch)
        assert pause is not None
        pauses.append(pause)
        assert road.next() == []
        road.spool.append([Envelope.of(mention("news"))])
        assert road.next() == ["news"]
        road.seconds += pause
        batch = road.lanes.next(drain=False)
        assert ids(batch) == ["a", "b", "c", "d"]
    assert pauses == [0.5, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    road.lanes.done(batch, 1)
    batch = road.lanes.next(drain=False)
    assert ids(batch) == ["e", "f"]
    assert road.lanes.give_back(batch) == 0.5


def test_who_waits_for_the_end_waits_for_no_pause(road: Road) -> None:
    """What was given back is tried at once."""
    road.later.append([Envelope.of(mention("a"))])
    road.lanes.give_back(road.lanes.next(drain=False))
    assert road.next(drain=True) == ["a"]
    assert road.next(drain=True) == []


def test_of_an_import_no_more_is_read_than_is_done_at_once(
    road: Road, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Though much more of news is after a rush: what comes now goes before the rest of it."""
    monkeypatch.setattr("app.lanes.SMALLEST_BATCH", 1)
    road.lanes = Lanes(road.spool, road.later, road.clock, most=4)
    road.spool.append([Envelope.of(mention("late", at=NOW - 2 * PROMPT))])
    batch = road.lanes.next(drain=False)
    assert batch.is_brief
    road.lanes.done(batch, 0.1)
    bulk = FileSpool(tmp_path / "spool", "import")
    bulk.append([Envelope.of(mention(key)) for key in "abc"])
    assert road.next() == ["a"]
    road.spool.append([Envelope.of(mention("news"))])
    assert [road.next() for _ in range(4)] == [["news"], ["b"], ["c"], []]
    bulk.close()


def test_what_comes_in_is_not_given_back(road: Road) -> None:
    """Its order stays: the enricher waits with it."""
    road.spool.append([Envelope.of(mention("a"))])
    batch = road.lanes.next(drain=False)
    assert road.lanes.give_back(batch) is None
    assert road.next() == []


def test_after_a_pause_it_is_decided_anew_whether_news_is_late(road: Road) -> None:
    """What waits in the other lane since an earlier attempt is still known."""
    road.spool.append([Envelope.correcting("x", Overlay()), Envelope.of(mention("a"))])
    batch = road.lanes.next(drain=False)
    batch.put_off.add(("a", mention("a").version))
    assert not road.lanes.after_pause(batch).is_brief
    road.now += PROMPT + timedelta(seconds=1)
    late = road.lanes.after_pause(batch)
    assert (late.is_brief, late.put_off) == (True, batch.put_off)
    assert [road.lanes.reads_briefly(late, entry) for entry in late.entries] == [False, True]
