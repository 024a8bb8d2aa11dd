"""The part of the state database that keeps versions: only ever added to."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.stores.instants import aware, stored
from app.stores.samples import Transaction
from app.stores.tables import versions as table
from core.versions import FORMS, Version, VersionKind, VersionStep


class Versions:
    """Keeps versions; ``StateStore.versions``. Raises EngineUnavailable as that does."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def all(self) -> list[Version]:
        """Return every version of every subject, each subject's in order."""
        query = sa.select(table).order_by(table.c.kind, table.c.topic, table.c.number)
        with self._transaction() as connection:
            return [_version(row) for row in connection.execute(query).mappings()]

    def add(self, versions: Sequence[Version]) -> None:
        """Write versions down; where another process was faster with a number, its word stands."""
        if not versions:
            return
        with self._transaction(writes=True) as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            insert = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
            rows = [_row(version) for version in versions]
            connection.execute(insert.on_conflict_do_nothing(), rows)


def _row(version: Version) -> dict[str, object]:
    return {
        "kind": version.kind.value,
        "topic": version.topic,
        "number": version.number,
        "at": stored(version.at),
        "step": version.step.value,
        "made": version.made.model_dump(mode="json"),
        "words": version.words,
        "since": stored(version.since) if version.since else None,
    }


def _version(row: sa.RowMapping) -> Version:
    kind = VersionKind(row["kind"])
    return Version(
        kind=kind,
        topic=row["topic"],
        number=row["number"],
        at=aware(row["at"]),
        step=VersionStep(row["step"]),
        made=FORMS[kind].model_validate(row["made"]),
        words=row["words"],
        since=aware(row["since"]) if row["since"] else None,
    )
