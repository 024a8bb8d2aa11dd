"""The outbox in the state database: what is to be sent, durably, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from alerts.notification import SELF_TEST, Delivery, DeliveryState, Notification
from app.stores import tables
from app.stores.instants import aware as _aware
from app.stores.instants import stored as _stored
from app.stores.state import StateStore


class OutboxStore:
    """Keeps notifications and their deliveries; every write is durable when it returns.

    A key is taken once for ever: adding it again changes nothing. Raises EngineUnavailable when
    the database cannot be reached.
    """

    def __init__(self, state: StateStore) -> None:
        """Use the tables of ``state``, which must be up to date."""
        self._transaction = state._transaction
        self._upsert = state._upsert

    # --- adding

    def add(self, notification: Notification, deliveries: Sequence[Delivery]) -> bool:
        """Keep a notification with its deliveries; return False, changing nothing, if it is known.

        Several processes may try: one of them is told True.
        """
        with self._transaction(writes=True) as connection:
            return _add(connection, notification, deliveries)

    def add_list(
        self,
        notification: Notification,
        delivery: Delivery,
        listed: Collection[Delivery],
        now: datetime,
    ) -> bool:
        """Keep a notification that stands for ``listed`` ones, which are over by that.

        Both or neither: nothing is lost and nothing told twice by dying in between.
        """
        with self._transaction(writes=True) as connection:
            is_new = _add(connection, notification, [delivery])
            for one in listed:
                words = f"in the list of {now:%Y-%m-%d %H:%M}"
                _change(connection, one, DeliveryState.LISTED, now, words=words, content=None)
        return is_new

    # --- asking

    def has(self, key: str) -> bool:
        """Return whether a notification of this key was ever added."""
        table = tables.notifications
        with self._transaction() as connection:
            query = sa.select(table.c.key).where(table.c.key == key)
            return connection.execute(query).first() is not None

    def waiting(self, due: datetime | None = None) -> list[Delivery]:
        """Return what is still to be sent, oldest first; with ``due`` what may be sent by then."""
        table = tables.deliveries
        query = sa.select(table).where(table.c.state == DeliveryState.WAITING.value)
        if due is not None:
            query = query.where(table.c.due_at <= _stored(due))
        return self._deliveries(query)

    def held(self, due: datetime | None = None) -> list[Delivery]:
        """Return what is held back; with ``due`` only what is to be told by then."""
        table = tables.deliveries
        query = sa.select(table).where(table.c.state == DeliveryState.HELD.value)
        if due is not None:
            query = query.where(table.c.due_at <= _stored(due))
        return self._deliveries(query)

    def failing(self) -> list[Delivery]:
        """Return what was tried, failed, and waits to be tried again, longest waiting first."""
        table = tables.deliveries
        query = sa.select(table).where(
            table.c.state == DeliveryState.WAITING.value, table.c.attempts > 0
        )
        return self._deliveries(query)

    def lost(self, since: datetime) -> list[Delivery]:
        """Return what was refused or given up at or after ``since``."""
        table = tables.deliveries
        over = (DeliveryState.REFUSED.value, DeliveryState.EXPIRED.value)
        query = sa.select(table).where(
            table.c.state.in_(over), table.c.changed_at >= _stored(since)
        )
        return self._deliveries(query)

    def of_incident(self, incident: str) -> list[tuple[Notification, list[Delivery]]]:
        """Return what was to be told about an incident, in order, with its deliveries."""
        table = tables.notifications
        query = (
            sa.select(table)
            .where(table.c.incident == incident)
            .order_by(table.c.created_at, table.c.key)
        )
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        told = [_notification(row) for row in rows]
        by_key: dict[str, list[Delivery]] = {one.key: [] for one in told}
        held = tables.deliveries
        for delivery in self._deliveries(sa.select(held).where(held.c.key.in_(list(by_key)))):
            by_key[delivery.key].append(delivery)
        return [(one, by_key[one.key]) for one in told]

    def notification(self, key: str) -> Notification | None:
        """Return the notification of this key, None if there is none."""
        table = tables.notifications
        with self._transaction() as connection:
            row = connection.execute(sa.select(table).where(table.c.key == key)).mappings().first()
        return _notification(row) if row is not None else None

    def of_key(self, key: str) -> list[Delivery]:
        """Return the deliveries of one notification; none where it is not known."""
        table = tables.deliveries
        return self._deliveries(sa.select(table).where(table.c.key == key))

    def count_told(self, since: datetime, recipient: str, rule: str | None = None) -> int:
        """Return how many notifications to a recipient were sent or wait, added since ``since``.

        The self-test's do not count: nobody is told anything by them.
        """
        told, sent = tables.notifications, tables.deliveries
        over = (DeliveryState.SENT.value, DeliveryState.WAITING.value)
        query = (
            sa.select(sa.func.count())
            .select_from(told.join(sent, told.c.key == sent.c.key))
            .where(
                told.c.created_at >= _stored(since),
                told.c.step != SELF_TEST,
                sent.c.recipient == recipient,
                sent.c.state.in_(over),
            )
        )
        if rule is not None:
            query = query.where(told.c.rule == rule)
        with self._transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def _deliveries(self, query: sa.Select[Any]) -> list[Delivery]:
        table = tables.deliveries
        ordered = query.order_by(table.c.changed_at, table.c.key, table.c.recipient)
        with self._transaction() as connection:
            rows = connection.execute(ordered).mappings().all()
        return [_delivery(row) for row in rows]

    # --- what became of it

    def begin(self, delivery: Delivery) -> None:
        """Count an attempt before it is made."""
        table = tables.deliveries
        with self._transaction(writes=True) as connection:
            statement = _of(table.update(), delivery)
            connection.execute(statement.values(attempts=table.c.attempts + 1))

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, words: str) -> None:
        """Say that a delivery is over, and forget its content."""
        with self._transaction(writes=True) as connection:
            _change(connection, delivery, state, now, words=words, content=None)

    def postpone(self, delivery: Delivery, due_at: datetime, words: str) -> None:
        """Say why a delivery failed, and when to try again."""
        changes = {"words": words, "due_at": _stored(due_at)}
        table = tables.deliveries
        with self._transaction(writes=True) as connection:
            # Since when it waits stays as it is.
            connection.execute(_of(table.update(), delivery).values(changes))

    def release(self, delivery: Delivery, now: datetime, expires_at: datetime) -> None:
        """Send what is held back now, and give it up at ``expires_at`` at the earliest."""
        told = tables.notifications
        with self._transaction(writes=True) as connection:
            _change(connection, delivery, DeliveryState.WAITING, now, due_at=_stored(now))
            is_sooner = (told.c.key == delivery.key) & (told.c.expires_at < _stored(expires_at))
            connection.execute(
                told.update().where(is_sooner).values(expires_at=_stored(expires_at))
            )

    def hasten(self, incident: str, now: datetime) -> int:
        """Send now what was to wait about an incident and was not tried yet; return how many."""
        table, told = tables.deliveries, tables.notifications
        about = sa.select(told.c.key).where(told.c.incident == incident)
        with self._transaction(writes=True) as connection:
            result = connection.execute(
                table.update()
                .where(
                    table.c.state == DeliveryState.WAITING.value,
                    table.c.attempts == 0,
                    table.c.due_at > _stored(now),
                    table.c.key.in_(about),
                )
                .values(due_at=_stored(now))
            )
        return int(result.rowcount)

    def expire(self, now: datetime) -> int:
        """Give up what is no news any more; return how many deliveries that were.

        What is held back has a time of its own: a quiet weekend is longer than news stays news.
        """
        table, told = tables.deliveries, tables.notifications
        old = sa.select(told.c.key).where(told.c.expires_at <= _stored(now))
        with self._transaction(writes=True) as connection:
            result = connection.execute(
                table.update()
                .where(table.c.state == DeliveryState.WAITING.value, table.c.key.in_(old))
                .values(state=DeliveryState.EXPIRED.value, changed_at=_stored(now), content=None)
            )
        return int(result.rowcount)

    def forget_self_tests(self, but: str) -> None:
        """Delete the self-test's notifications, except that of the key ``but``.

        What nobody gets is no part of what was told, and would grow for ever.
        """
        with self._transaction(writes=True) as connection:
            for table in (tables.deliveries, tables.notifications):
                is_old = table.c.key.startswith(f"{SELF_TEST}.", autoescape=True)
                connection.execute(table.delete().where(is_old, table.c.key != but))

    # --- who wants none

    def mute(self, recipient: str, rule: str, at: datetime) -> None:
        """Tell ``recipient`` nothing more of ``rule``, nor what is not sent yet."""
        row = {"recipient": recipient, "rule": rule, "at": _stored(at)}
        table, told = tables.deliveries, tables.notifications
        open_states = (DeliveryState.WAITING.value, DeliveryState.HELD.value)
        of_rule = sa.select(told.c.key).where(told.c.rule == rule)
        with self._transaction(writes=True) as connection:
            self._upsert(connection, tables.mutes, row)
            connection.execute(
                table.update()
                .where(
                    table.c.recipient == recipient,
                    table.c.state.in_(open_states),
                    table.c.key.in_(of_rule),
                )
                .values(state=DeliveryState.MUTED.value, changed_at=_stored(at), content=None)
            )

    def unmute(self, recipient: str, rule: str) -> None:
        """Tell ``recipient`` of ``rule`` again."""
        table = tables.mutes
        with self._transaction(writes=True) as connection:
            connection.execute(
                table.delete().where(table.c.recipient == recipient, table.c.rule == rule)
            )

    def muted(self) -> dict[tuple[str, str], datetime]:
        """Return who unsubscribed from which rule, and when: (recipient, rule) -> instant."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(tables.mutes)).mappings().all()
        return {(row["recipient"], row["rule"]): _aware(row["at"]) for row in rows}


def _add(
    connection: sa.Connection, notification: Notification, deliveries: Sequence[Delivery]
) -> bool:
    table = tables.notifications
    known = sa.select(table.c.key).where(table.c.key == notification.key)
    if connection.execute(known).first() is not None:
        return False
    row = {
        "key": notification.key,
        "rule": notification.rule,
        "incident": notification.incident,
        "step": notification.step,
        "subject": notification.subject,
        "message_id": notification.message_id,
        "is_urgent": notification.is_urgent,
        "created_at": _stored(notification.created_at),
        "expires_at": _stored(notification.expires_at),
    }
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(row))
    except sa.exc.IntegrityError:
        return False  # another process was faster
    for one in deliveries:
        connection.execute(
            tables.deliveries.insert().values(
                key=one.key,
                recipient=one.recipient,
                state=one.state.value,
                attempts=one.attempts,
                due_at=_stored(one.due_at),
                changed_at=_stored(one.changed_at),
                words=one.words,
                content=one.content,
            )
        )
    return True


def _of(statement: sa.Update, delivery: Delivery) -> sa.Update:
    table = tables.deliveries
    return statement.where(table.c.key == delivery.key, table.c.recipient == delivery.recipient)


def _change(
    connection: sa.Connection,
    delivery: Delivery,
    state: DeliveryState,
    now: datetime,
    **values: object,
) -> None:
    changes = {"state": state.value, **values}
    if state is not delivery.state:
        changes["changed_at"] = _stored(now)
    connection.execute(_of(tables.deliveries.update(), delivery).values(changes))


def _notification(row: Any) -> Notification:
    return Notification(
        key=row["key"],
        step=row["step"],
        subject=row["subject"],
        message_id=row["message_id"],
        created_at=_aware(row["created_at"]),
        expires_at=_aware(row["expires_at"]),
        rule=row["rule"],
        incident=row["incident"],
        is_urgent=row["is_urgent"],
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        key=row["key"],
        recipient=row["recipient"],
        state=DeliveryState(row["state"]),
        due_at=_aware(row["due_at"]),
        changed_at=_aware(row["changed_at"]),
        attempts=row["attempts"],
        words=row["words"],
        content=row["content"],
    )
