"""The part of the state database that keeps when nothing was collected.

A gap is known once it is over: the first poll after it says so. So a question about an instant in
the past is answered as it would have been then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.stores.instants import aware, stored
from app.stores.samples import Transaction
from app.stores.tables import gaps, polls
from core.ports import Poll, PollStatus
from core.window import TimeWindow

NOBODY = ""
"""Stands in the column of the source where no source was asked at all."""

SHORT = timedelta(hours=1)
"""What is no longer than this is a pause between polls, and no gap."""

SUCCESSES = (PollStatus.OK, PollStatus.NOT_MODIFIED)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without an answer: of ``source``, or of all because none was asked (None).

    ``reason`` is what the source said last. ``is_over`` is False where it lasted still.
    """

    source: str | None
    window: TimeWindow
    reason: str | None = None
    is_over: bool = True


class Gaps:
    """Keeps gaps; ``StateStore.gaps``. Raises EngineUnavailable as that does."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def between(self, window: TimeWindow, now: datetime) -> list[Gap]:
        """Return the gaps that overlap ``window``, in order, as they were known at ``now``.

        One that was not over then is cut there. Of gaps that last still, that of all sources is
        told.
        """
        query = (
            sa.select(gaps)
            .where(gaps.c.start < stored(min(window.end, now)), gaps.c.end > stored(window.start))
            .order_by(gaps.c.start, gaps.c.source)
        )
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
            last = connection.execute(sa.select(sa.func.max(polls.c.at))).scalar_one_or_none()
        found = [_gap(row, now) for row in rows]
        if last is not None and now - aware(last) > SHORT and aware(last) < window.end:
            found.append(Gap(None, TimeWindow(aware(last), now), is_over=False))
        # Of a source that had not answered yet nobody knew then that it would.
        return [one for one in found if one.is_over or one.source is None]

    def lasting(self, now: datetime) -> list[TimeWindow]:
        """Return the gaps that lasted at ``now`` and are over since, in order."""
        at = stored(now)
        query = (
            sa.select(gaps.c.start, gaps.c.end)
            .where(gaps.c.start < at, gaps.c.end > at)
            .order_by(gaps.c.start, gaps.c.source)
        )
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return [TimeWindow(aware(start), aware(end)) for start, end in rows]


def note_gaps(connection: sa.Connection, poll: Poll) -> list[dict[str, object]]:
    """Return the rows of the gaps that ``poll``, which is not kept yet, brings to their end."""
    found = []
    last = connection.execute(sa.select(sa.func.max(polls.c.at))).scalar_one_or_none()
    if last is not None and poll.at - aware(last) > SHORT:
        found.append(_row(NOBODY, last, poll, None))
    own = connection.execute(sa.select(polls).where(polls.c.source == poll.source)).mappings()
    for row in own:
        answered = row["succeeded_at"]
        is_back = poll.status in SUCCESSES and answered is not None and row["at"] > answered
        if is_back and poll.at - aware(answered) > SHORT:
            found.append(_row(poll.source, answered, poll, row["reason"]))
    return found


def _row(source: str, start: datetime, poll: Poll, reason: str | None) -> dict[str, object]:
    return {"source": source, "start": start, "end": stored(poll.at), "reason": reason}


def _gap(row: sa.RowMapping, now: datetime) -> Gap:
    """Return a kept gap as it was known at ``now``."""
    start, end = aware(row["start"]), aware(row["end"])
    source = row["source"] if row["source"] != NOBODY else None
    return Gap(source, TimeWindow(start, min(end, now)), row["reason"], is_over=end <= now)
