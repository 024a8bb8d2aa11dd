"""What people did about incidents, in the state database: only ever added to."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alerts.handling import Deed, Event
from app.stores import tables
from app.stores.instants import aware as _aware
from app.stores.instants import stored as _stored
from app.stores.state import StateStore
from core.window import TimeWindow

MARKS = (Deed.USEFUL.value, Deed.NOISE.value)


class EventStore:
    """Keeps deeds in the order they were written down; durable when a method returns.

    Raises EngineUnavailable when the database cannot be reached.
    """

    def __init__(self, state: StateStore) -> None:
        """Use the tables of ``state``, which must be up to date."""
        self._transaction = state._transaction

    def add(self, event: Event) -> None:
        """Write one deed down."""
        row = {
            "incident": event.incident,
            "at": _stored(event.at),
            "kind": event.deed.value,
            "by": event.by,
            "text": event.text,
            "until": _stored(event.until) if event.until else None,
        }
        with self._transaction(writes=True) as connection:
            connection.execute(tables.incident_events.insert().values(row))

    def of(self, incident: str) -> list[Event]:
        """Return the deeds about one incident, in order."""
        table = tables.incident_events
        return self._events(sa.select(table).where(table.c.incident == incident))

    def marks(self) -> dict[str, bool]:
        """Return the last word on each marked incident: whether it was useful."""
        table = tables.incident_events
        found = self._events(sa.select(table).where(table.c.kind.in_(MARKS)))
        return {event.incident: event.deed is Deed.USEFUL for event in found}

    def pins(self, window: TimeWindow) -> list[Event]:
        """Return what people pinned to a time in ``window``, whatever the incident."""
        table = tables.incident_events
        query = sa.select(table).where(
            table.c.kind == Deed.PIN.value,
            table.c.at >= _stored(window.start),
            table.c.at < _stored(window.end),
        )
        return self._events(query)

    def _events(self, query: sa.Select[Any]) -> list[Event]:
        with self._transaction() as connection:
            ordered = query.order_by(tables.incident_events.c.id)
            rows = connection.execute(ordered).mappings().all()
        return [
            Event(
                incident=row["incident"],
                at=_aware(row["at"]),
                deed=Deed(row["kind"]),
                by=row["by"],
                text=row["text"],
                until=_aware(row["until"]) if row["until"] else None,
            )
            for row in rows
        ]
