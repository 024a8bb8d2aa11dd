"""The part of the state database that keeps random mentions and what people said about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.stores.instants import aware, stored
from app.stores.tables import samples
from core.mention import Channel, Sentiment
from insights.quality import Answer


class Transaction(Protocol):
    """Opens a transaction of the state database."""

    def __call__(self, *, writes: bool = False) -> AbstractContextManager[sa.Connection]:
        """Return the transaction; leaving it well commits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A mention drawn at random on ``day`` (an ISO date), with what the model had said of it then.

    ``corrected_from`` is the sentiment that the mention had before the answer corrected it, None
    where the answer changed nothing.
    """

    mention: str
    day: str
    channel: Channel
    language: str | None
    models: tuple[str, ...]
    predicted: Sentiment
    answer: Answer | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    corrected_from: Sentiment | None = None


class Samples:
    """Keeps samples; ``StateStore.samples``. Raises EngineUnavailable as that does."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def draw(self, day: str, candidates: Sequence[Sample], count: int) -> list[Sample]:
        """Keep the first ``count`` candidates that were never drawn as the sample of ``day``.

        A day that was drawn already stays as it is, whoever asks with what. Returns its sample.
        """
        with self._transaction(writes=True) as connection:
            if not _of_day(connection, day):
                drawn = _known(connection, [candidate.mention for candidate in candidates])
                fresh = [one for one in candidates if one.mention not in drawn][:count]
                _insert(connection, [_row(one, place) for place, one in enumerate(fresh)])
            return _of_day(connection, day)

    def of_day(self, day: str) -> list[Sample]:
        """Return the sample of ``day`` in the order it was drawn, empty before it was."""
        with self._transaction() as connection:
            return _of_day(connection, day)

    def answer(
        self,
        mention: str,
        answer: Answer,
        *,
        by: str,
        at: datetime,
        corrected_from: Sentiment | None = None,
    ) -> None:
        """Record what a person said; an earlier answer is replaced."""
        self._change(
            mention,
            {
                "answer": answer.value,
                "answered_by": by,
                "answered_at": stored(at),
                "corrected_from": corrected_from.value if corrected_from else None,
            },
        )

    def retract(self, mention: str) -> None:
        """Forget what was said about the mention; it stays in the sample and can be asked again."""
        names = ("answer", "answered_by", "answered_at", "corrected_from")
        self._change(mention, dict.fromkeys(names))

    def _change(self, mention: str, values: Mapping[str, Any]) -> None:
        with self._transaction(writes=True) as connection:
            connection.execute(samples.update().where(samples.c.mention == mention).values(values))

    def answered(self, since: str | None = None) -> list[Sample]:
        """Return the answered samples of the days from ``since`` on, oldest first."""
        query = sa.select(samples).where(samples.c.answer.is_not(None))
        if since is not None:
            query = query.where(samples.c.day >= since)
        with self._transaction() as connection:
            rows = connection.execute(query.order_by(samples.c.day, samples.c.place)).mappings()
            return [_sample(row) for row in rows]


def _of_day(connection: sa.Connection, day: str) -> list[Sample]:
    query = sa.select(samples).where(samples.c.day == day).order_by(samples.c.place)
    return [_sample(row) for row in connection.execute(query).mappings()]


def _known(connection: sa.Connection, mentions: Collection[str]) -> set[str]:
    query = sa.select(samples.c.mention).where(samples.c.mention.in_(mentions))
    return set(connection.execute(query).scalars())


def _insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows of a day; where another process was faster, its rows stand."""
    if not rows:
        return
    is_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert(samples) if is_sqlite else postgresql.insert(samples)
    connection.execute(insert.on_conflict_do_nothing(), list(rows))


def _row(sample: Sample, place: int) -> dict[str, Any]:
    return {
        "mention": sample.mention,
        "day": sample.day,
        "place": place,
        "channel": sample.channel.value,
        "language": sample.language,
        "models": list(sample.models),
        "predicted": sample.predicted.value,
    }


def _sample(row: sa.RowMapping) -> Sample:
    answered_at, corrected = row["answered_at"], row["corrected_from"]
    return Sample(
        mention=row["mention"],
        day=row["day"],
        channel=Channel(row["channel"]),
        language=row["language"],
        models=tuple(row["models"]),
        predicted=Sentiment(row["predicted"]),
        answer=Answer(row["answer"]) if row["answer"] else None,
        answered_by=row["answered_by"],
        answered_at=aware(answered_at) if answered_at else None,
        corrected_from=Sentiment(corrected) if corrected else None,
    )
