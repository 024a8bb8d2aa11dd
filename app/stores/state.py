"""The state database: workflow that is no truth about a mention.

SQLite in the home folder by default, PostgreSQL by its URL; the same code speaks to both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.dialects import postgresql, sqlite

from alerts.incident import Incident
from app.heard import Asked
from app.stores import tables
from app.stores.gaps import SUCCESSES, Gaps, note_gaps
from app.stores.instants import aware as _aware
from app.stores.instants import stored as _stored
from app.stores.samples import Samples
from app.stores.versions import Versions
from core.errors import EngineUnavailable
from core.ports import Poll, PollStatus
from core.window import TimeWindow

BUSY_TIMEOUT_SECONDS = 30
"""How long a process waits for another one's write to end; writes here take milliseconds."""

IDS_A_STATEMENT = 500
"""SQLite before 3.32 takes at most 999 parameters in a statement."""


@dataclass(frozen=True, slots=True)
class CoverageHour:
    """How the polls of one source went in the hour that starts at ``hour``."""

    source: str
    hour: datetime
    polls: int
    ok: int
    not_modified: int
    rate_limited: int
    blocked: int
    error: int
    fetched: int
    new: int


@dataclass(frozen=True, slots=True)
class BudgetDay:
    """Mentions of one topic on one day: taken, and left out by sampling above the budget."""

    topic: str
    day: str
    taken: int
    left_out: int


class StateStore:
    """Cursors, health of sources, budgets and incidents.

    ``samples`` keeps the random mentions that people are asked about, ``versions`` what mentions
    were tagged and scored by, ``gaps`` when nothing was collected.

    Every write is durable when the method returns. Raises EngineUnavailable when the database
    cannot be reached.
    """

    def __init__(self, url: str) -> None:
        """Connect lazily to the database at the SQLAlchemy ``url``."""
        self._engine = sa.create_engine(url, pool_pre_ping=True)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        if self._is_sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin)
        self.samples = Samples(self._transaction)
        self.versions = Versions(self._transaction)
        self.gaps = Gaps(self._transaction)

    @classmethod
    def in_folder(cls, folder: Path) -> StateStore:
        """Return the store in an SQLite file in ``folder``, which is created."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{folder / 'state.sqlite3'}")

    def setup(self) -> None:
        """Bring the tables up to date; safe at every start and from several processes."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._transaction(writes=True) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        engine = self._engine.execution_options(writes=writes)
        try:
            with engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as err:
            raise EngineUnavailable(f"the state database does not answer: {err.orig}") from err

    def _upsert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        row: Mapping[str, Any],
        added: tuple[str, ...] = (),
    ) -> None:
        """Insert ``row``, or replace its columns where the key exists; ``added`` ones add up."""
        insert = sqlite.insert(table) if self._is_sqlite else postgresql.insert(table)
        statement = insert.values(**row)
        keys = [column.name for column in table.primary_key]
        changes = {
            name: table.c[name] + statement.excluded[name]
            if name in added
            else statement.excluded[name]
            for name in row
            if name not in keys
        }
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))

    # --- cursors

    def load(self, source: str) -> dict[str, JsonValue]:
        """Return the cursor of ``source``, empty at first."""
        with self._transaction() as connection:
            query = sa.select(tables.cursors.c.cursor).where(tables.cursors.c.source == source)
            return dict(connection.execute(query).scalar_one_or_none() or {})

    def save(self, source: str, cursor: Mapping[str, JsonValue]) -> None:
        """Replace the cursor of ``source``."""
        with self._transaction(writes=True) as connection:
            self._upsert(connection, tables.cursors, {"source": source, "cursor": dict(cursor)})

    # --- ids seen

    def seen(self, ids: Collection[str]) -> set[str]:
        """Return those of ``ids`` that were spooled before."""
        wanted, found = list(ids), set[str]()
        with self._transaction() as connection:
            for start in range(0, len(wanted), IDS_A_STATEMENT):
                some = wanted[start : start + IDS_A_STATEMENT]
                query = sa.select(tables.seen.c.id).where(tables.seen.c.id.in_(some))
                found.update(connection.execute(query).scalars())
        return found

    def mark_seen(self, ids: Collection[str]) -> None:
        """Remember that ``ids`` were spooled."""
        if not ids:
            return
        insert = sqlite.insert(tables.seen) if self._is_sqlite else postgresql.insert(tables.seen)
        with self._transaction(writes=True) as connection:
            rows = [{"id": key} for key in sorted(ids)]
            connection.execute(insert.on_conflict_do_nothing(), rows)

    # --- health and coverage of sources

    def record_poll(self, poll: Poll) -> None:
        """Add one poll to its source's health and its hour's coverage, and the gap that it ends."""
        at, is_success = _stored(poll.at), poll.status in SUCCESSES
        row = {
            "source": poll.source,
            "at": at,
            "status": poll.status.value,
            "fetched": poll.fetched,
            "new": poll.new,
            "reason": poll.reason,
        }
        counts = {status.value: int(poll.status is status) for status in PollStatus}
        hour = {
            "source": poll.source,
            "hour": at.replace(minute=0, second=0, microsecond=0),
            "polls": 1,
            **counts,
            "fetched": poll.fetched,
            "new": poll.new,
        }
        with self._transaction(writes=True) as connection:
            for gap in note_gaps(connection, poll):
                self._upsert(connection, tables.gaps, gap)
            self._upsert(
                connection, tables.polls, {**row, "succeeded_at": at} if is_success else row
            )
            added = ("polls", *counts, "fetched", "new")
            self._upsert(connection, tables.coverage, hour, added)

    def last_polls(self) -> dict[str, Poll]:
        """Return the last poll of each source."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(tables.polls)).mappings().all()
        return {
            row["source"]: Poll(
                row["source"],
                _aware(row["at"]),
                PollStatus(row["status"]),
                row["fetched"],
                row["new"],
                row["reason"],
            )
            for row in rows
        }

    def last_successes(self) -> dict[str, datetime]:
        """Return when each source was last polled well; sources that never were are absent."""
        table = tables.polls
        query = sa.select(table.c.source, table.c.succeeded_at)
        with self._transaction() as connection:
            rows = connection.execute(query.where(table.c.succeeded_at.is_not(None))).all()
        return {source: _aware(at) for source, at in rows}

    def asked(self) -> dict[str, Asked]:
        """Return since when each source is asked; without those that never answered."""
        table = tables.coverage
        well = sa.select(table.c.source, sa.func.min(table.c.hour)).where(
            table.c.ok + table.c.not_modified > 0
        )
        last = sa.select(tables.polls.c.source, tables.polls.c.at)
        with self._transaction() as connection:
            first = connection.execute(well.group_by(table.c.source)).all()
            polled = {source: _aware(at) for source, at in connection.execute(last).all()}
        return {source: Asked(_aware(at), polled.get(source, _aware(at))) for source, at in first}

    def polls_by_hour(self, window: TimeWindow) -> list[CoverageHour]:
        """Return the coverage of every source's hours that start in ``window``, in order."""
        table = tables.coverage
        query = (
            sa.select(table)
            .where(table.c.hour >= _stored(window.start), table.c.hour < _stored(window.end))
            .order_by(table.c.source, table.c.hour)
        )
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return [CoverageHour(**{**row, "hour": _aware(row["hour"])}) for row in rows]

    # --- budgets

    def spend(self, topic: str, day: str, taken: int, left_out: int) -> None:
        """Add mentions taken and left out to the topic's day."""
        row = {"topic": topic, "day": day, "taken": taken, "left_out": left_out}
        with self._transaction(writes=True) as connection:
            self._upsert(connection, tables.budgets, row, ("taken", "left_out"))

    def spent(self, day: str) -> dict[str, BudgetDay]:
        """Return what each topic took and left out on ``day`` (an ISO date)."""
        query = sa.select(tables.budgets).where(tables.budgets.c.day == day)
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["topic"]: BudgetDay(**row) for row in rows}

    # --- rules made in the dashboard

    def own_rules(self) -> list[dict[str, Any]]:
        """Return the rules made in the dashboard as plain data, by their names."""
        query = sa.select(tables.rules.c.data).order_by(tables.rules.c.name)
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).scalars()]

    def save_own_rule(
        self, name: str, data: Mapping[str, Any], *, replaces: str | None = None
    ) -> None:
        """Add the rule called ``name``, or put it in place of the one called ``replaces``.

        Under another name it keeps its incidents, what was told of it and who unsubscribed.
        """
        with self._transaction(writes=True) as connection:
            self._upsert(connection, tables.rules, {"name": name, "data": dict(data)})
            if replaces is not None and replaces != name:
                connection.execute(sa.delete(tables.rules).where(tables.rules.c.name == replaces))
                _rename_rule(connection, replaces, name)

    def delete_own_rule(self, name: str) -> None:
        """Forget the rule called ``name``; safe to call twice."""
        with self._transaction(writes=True) as connection:
            connection.execute(sa.delete(tables.rules).where(tables.rules.c.name == name))

    # --- incidents

    def save_incident(self, incident: Incident) -> None:
        """Add the incident or replace its earlier state."""
        row = {
            "id": incident.id,
            "rule": incident.rule,
            "opened_at": _stored(incident.opened_at),
            "resolved_at": _stored(incident.resolved_at) if incident.resolved_at else None,
            "data": incident.model_dump(mode="json"),
        }
        with self._transaction(writes=True) as connection:
            self._upsert(connection, tables.incidents, row)

    def incidents(self, since: datetime | None = None) -> list[Incident]:
        """Return the incidents opened at or after ``since``, newest first."""
        table = tables.incidents
        query = sa.select(table.c.data).order_by(table.c.opened_at.desc(), table.c.id)
        if since is not None:
            query = query.where(table.c.opened_at >= _stored(since))
        with self._transaction() as connection:
            rows = connection.execute(query).scalars().all()
        return [Incident.model_validate(row) for row in rows]

    def incident(self, key: str) -> Incident | None:
        """Return the incident with the id ``key``, None if there is none."""
        query = sa.select(tables.incidents.c.data).where(tables.incidents.c.id == key)
        with self._transaction() as connection:
            row = connection.execute(query).scalar_one_or_none()
        return Incident.model_validate(row) if row is not None else None

    def open_incidents(self) -> list[Incident]:
        """Return the incidents that are not resolved, newest first."""
        table = tables.incidents
        query = sa.select(table.c.data).where(table.c.resolved_at.is_(None))
        with self._transaction() as connection:
            ordered = query.order_by(table.c.opened_at.desc(), table.c.id)
            rows = connection.execute(ordered).scalars().all()
        return [Incident.model_validate(row) for row in rows]

    def open_incident(self, rule: str) -> Incident | None:
        """Return the rule's incident that is not resolved, if there is one."""
        table = tables.incidents
        query = (
            sa.select(table.c.data)
            .where(table.c.rule == rule, table.c.resolved_at.is_(None))
            .order_by(table.c.opened_at.desc())
            .limit(1)
        )
        with self._transaction() as connection:
            row = connection.execute(query).scalar_one_or_none()
        return Incident.model_validate(row) if row is not None else None


def _rename_rule(connection: sa.Connection, old: str, new: str) -> None:
    """Have what is kept about the rule called ``old`` be about the one called ``new``."""
    table = tables.incidents
    held = connection.execute(sa.select(table.c.id, table.c.data).where(table.c.rule == old)).all()
    for key, data in held:
        changed = {"rule": new, "data": {**data, "rule": new}}
        connection.execute(sa.update(table).where(table.c.id == key).values(changed))
    # Who unsubscribed from a rule of the new name that is long gone is kept as well.
    mutes = tables.mutes
    twice = sa.select(mutes.c.recipient).where(mutes.c.rule == new)
    connection.execute(sa.delete(mutes).where(mutes.c.rule == old, mutes.c.recipient.in_(twice)))
    for named in (tables.notifications, mutes):
        connection.execute(sa.update(named).where(named.c.rule == old).values(rule=new))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Let readers go on beside a writer, wait for other writers, and keep every commit."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """Take the write lock at the start: a transaction that upgrades later may fail at once."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
