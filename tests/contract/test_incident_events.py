"""What people did about incidents is kept in order, in SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.handling import Deed, Event
from app.stores.incident_events import EventStore
from app.stores.state import StateStore
from app.stores.tables import metadata

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def events(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """Return an empty store of each kind."""
    if request.param == "sqlite":
        state = StateStore.in_folder(tmp_path / "home")
    else:
        state = StateStore(request.getfixturevalue("postgresql_url"))
    state.setup()
    yield EventStore(state)
    with state._transaction(writes=True) as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    state.close()


def test_deeds_come_back_as_they_were_and_in_the_order_written(events: EventStore) -> None:
    """Also one whose time lies before that of an earlier one, as a pin's may."""
    written = [
        Event("i1", NOW, Deed.SNOOZE, "zoë@acme.example", until=NOW + timedelta(hours=4)),
        Event("i1", NOW - timedelta(hours=1), Deed.PIN, "kim", "statement “14:20”\n"),
        Event("i1", NOW, Deed.COMMENT, "kim", "x" * 2000),
    ]
    for event in written:
        events.add(event)
    events.add(Event("i2", NOW, Deed.ACKNOWLEDGE, "sam"))
    assert events.of("i1") == written
    assert events.of("unknown") == []
    assert [one.by for one in events.of("i2")] == ["sam"]


def test_the_last_word_on_use_counts(events: EventStore) -> None:
    """Who changes their mind is believed."""
    events.add(Event("i1", NOW, Deed.NOISE, "kim"))
    events.add(Event("i1", NOW, Deed.USEFUL, "sam"))
    events.add(Event("i2", NOW, Deed.NOISE, "kim"))
    events.add(Event("i3", NOW, Deed.COMMENT, "kim", "words"))
    assert events.marks() == {"i1": True, "i2": False}
