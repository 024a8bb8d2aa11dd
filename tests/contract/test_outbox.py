"""What every outbox keeps to, in SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.notification import Delivery, DeliveryState, Notification
from app.stores.outbox import OutboxStore
from app.stores.state import StateStore

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def outbox(state: StateStore) -> OutboxStore:
    """Return the outbox of an empty database."""
    return OutboxStore(state)


def notification(key: str = "i1.opened", at: datetime = NOW) -> Notification:
    """Return a notification of the incident before the dot."""
    incident, _, step = key.partition(".")
    return Notification(
        key=key,
        step=step,
        subject=f"Acme: {step}",
        message_id=f"<{key}@acme.example>",
        created_at=at,
        expires_at=at + 48 * HOUR,
        rule="spike",
        incident=incident,
    )


def delivery(
    key: str = "i1.opened",
    to: str = "a@acme.example",
    state: DeliveryState = DeliveryState.WAITING,
    due: datetime = NOW,
) -> Delivery:
    """Return what one recipient is to get."""
    return Delivery(key, to, state, due, NOW, content=b"Subject: x\n\nbody")


def test_what_is_added_comes_back_whole(outbox: OutboxStore) -> None:
    """A notification and its deliveries are read as they were added."""
    told, sent = notification(), [delivery(), delivery(to="b@acme.example")]
    assert outbox.add(told, sent)
    assert outbox.has(told.key)
    assert outbox.notification(told.key) == told
    assert outbox.waiting() == sent
    assert outbox.of_incident("i1") == [(told, sent)]


def test_a_key_is_taken_once_for_ever(outbox: OutboxStore) -> None:
    """Adding a key again changes nothing, also when all of it is long over."""
    outbox.add(notification(), [delivery()])
    outbox.finish(delivery(), DeliveryState.SENT, NOW, "a@acme.example by mail.example")
    assert not outbox.add(notification(), [delivery(to="other@acme.example")])
    assert outbox.waiting() == []


def test_one_of_many_at_once_adds_it(outbox: OutboxStore) -> None:
    """Of several that add the same key at the same time one is told that it did."""
    added = list[bool]()

    def add() -> None:
        added.append(outbox.add(notification(), [delivery()]))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [False] * 5 + [True]
    assert len(outbox.waiting()) == 1


def test_what_is_not_due_waits(outbox: OutboxStore) -> None:
    """Only what is due by an instant is asked to be sent then."""
    outbox.add(notification(), [delivery(due=NOW + MINUTE)])
    assert outbox.waiting(NOW) == []
    assert len(outbox.waiting(NOW + MINUTE)) == 1


def test_a_failed_attempt_is_counted_and_waits_with_its_reason(outbox: OutboxStore) -> None:
    """It keeps its content and its place, and is told as failing."""
    outbox.add(notification(), [delivery()])
    outbox.begin(delivery())
    outbox.postpone(delivery(), NOW + MINUTE, "451 later")
    (failing,) = outbox.failing()
    assert (failing.attempts, failing.words, failing.due_at) == (1, "451 later", NOW + MINUTE)
    assert failing.content == delivery().content
    assert failing.changed_at == NOW


@pytest.mark.parametrize("over", [DeliveryState.SENT, DeliveryState.REFUSED])
def test_what_is_over_forgets_its_content(outbox: OutboxStore, over: DeliveryState) -> None:
    """The ledger says when and where to; the text of strangers is not kept any longer."""
    outbox.add(notification(), [delivery()])
    outbox.finish(delivery(), over, NOW + MINUTE, "words")
    ((_, (held,)),) = outbox.of_incident("i1")
    assert (held.state, held.words, held.content) == (over, "words", None)
    assert held.changed_at == NOW + MINUTE
    assert (outbox.lost(NOW) == [held]) == (over is DeliveryState.REFUSED)


def test_what_is_no_news_any_more_is_given_up(outbox: OutboxStore) -> None:
    """What waits ends when its notification expires; what is held back has a time of its own."""
    held = delivery(to="b@acme.example", state=DeliveryState.HELD)
    sent = delivery(to="c@acme.example")
    outbox.add(notification(), [delivery(), held, sent])
    outbox.finish(sent, DeliveryState.SENT, NOW, "there")
    assert outbox.expire(NOW + 47 * HOUR) == 0
    assert outbox.expire(NOW + 48 * HOUR) == 1
    ((_, found),) = outbox.of_incident("i1")
    assert {one.recipient[0]: one.state.value for one in found} == {
        "a": "expired",
        "b": "held",
        "c": "sent",
    }


def test_a_list_stands_for_what_was_held_back(outbox: OutboxStore) -> None:
    """What was held is over by the list, and the list waits to be sent; doing it again is none."""
    held = delivery(state=DeliveryState.HELD, due=NOW + HOUR)
    outbox.add(notification(), [held])
    assert outbox.held(NOW) == []
    assert outbox.held(NOW + HOUR) == [held]
    summary = replace(notification("held.1", NOW + HOUR), rule=None, incident=None)
    letter = delivery("held.1", due=NOW + HOUR)
    assert outbox.add_list(summary, letter, [held], NOW + HOUR)
    assert outbox.held() == []
    assert [one.key for one in outbox.waiting()] == ["held.1"]
    ((_, (listed,)),) = outbox.of_incident("i1")
    assert (listed.state, listed.content) == (DeliveryState.LISTED, None)


def test_what_is_held_can_be_released(outbox: OutboxStore) -> None:
    """It is due at once, and news for as long as if it were new."""
    held = delivery(state=DeliveryState.HELD, due=NOW + 60 * HOUR)
    outbox.add(notification(), [held])
    monday = NOW + 60 * HOUR
    outbox.release(held, monday, monday + 48 * HOUR)
    assert outbox.expire(monday) == 0
    assert [one.due_at for one in outbox.waiting(monday)] == [monday]
    assert outbox.expire(monday + 48 * HOUR) == 1


def test_what_waits_until_later_can_be_sent_now(outbox: OutboxStore) -> None:
    """Of one incident, and not what failed and waits for its next attempt."""
    for key in ("i1.resolved", "i2.resolved"):
        outbox.add(notification(key), [delivery(key, due=NOW + HOUR)])
    failed = delivery("i1.doubled")
    outbox.add(notification("i1.doubled"), [failed])
    outbox.begin(failed)
    outbox.postpone(failed, NOW + HOUR, "421 busy")
    assert outbox.hasten("i1", NOW) == 1
    assert [one.key for one in outbox.waiting(NOW)] == ["i1.resolved"]


def test_what_was_told_is_counted_by_recipient_and_rule(outbox: OutboxStore) -> None:
    """Sent and waiting count, what was held back or refused does not."""
    for number, state in enumerate(DeliveryState):
        key = f"i{number}.opened"
        outbox.add(notification(key), [delivery(key, state=state)])
    assert outbox.count_told(NOW, "a@acme.example") == 2
    assert outbox.count_told(NOW, "a@acme.example", "spike") == 2
    assert outbox.count_told(NOW, "a@acme.example", "another") == 0
    assert outbox.count_told(NOW, "b@acme.example") == 0
    assert outbox.count_told(NOW + MINUTE, "a@acme.example") == 0


def test_who_unsubscribed_is_remembered_until_taken_back(outbox: OutboxStore) -> None:
    """Muting twice is once, and holds for one rule."""
    outbox.mute("a@acme.example", "spike", NOW)
    outbox.mute("a@acme.example", "spike", NOW + MINUTE)
    assert outbox.muted() == {("a@acme.example", "spike"): NOW + MINUTE}
    outbox.unmute("a@acme.example", "spike")
    assert outbox.muted() == {}


def test_who_unsubscribes_gets_nothing_that_waits_either(outbox: OutboxStore) -> None:
    """What is not sent yet of that rule ends; what was sent, other rules and people stay."""
    held = delivery(state=DeliveryState.HELD)
    outbox.add(notification(), [held, delivery(to="b@acme.example")])
    outbox.add(notification("i2.opened"), [delivery("i2.opened")])
    outbox.add(replace(notification("i3.opened"), rule="other"), [delivery("i3.opened")])
    outbox.add(notification("i4.opened"), [delivery("i4.opened", state=DeliveryState.SENT)])
    outbox.mute("a@acme.example", "spike", NOW + MINUTE)
    assert outbox.held() == []
    waiting = [(one.key, one.recipient) for one in outbox.waiting()]
    assert waiting == [("i1.opened", "b@acme.example"), ("i3.opened", "a@acme.example")]
    (ended,) = [one for one in outbox.of_key("i1.opened") if one.recipient == "a@acme.example"]
    assert (ended.state, ended.content) == (DeliveryState.MUTED, None)
    assert outbox.of_key("i4.opened")[0].state is DeliveryState.SENT
    assert outbox.lost(NOW) == []


def test_what_an_older_release_told_is_not_told_again(tmp_path: Path) -> None:
    """The ledger takes over the messages that incidents used to hold, and incidents are read."""
    from alembic import command
    from alembic.config import Config

    store = StateStore.in_folder(tmp_path)
    store.setup()
    config = Config()
    folder = Path(__file__).parents[2] / "app" / "stores" / "migrations"
    config.set_main_option("script_location", str(folder))
    told = [
        {
            "step": step,
            "at": "2026-11-23T14:20:00Z",
            "subject": "Acme: 4.3 times",
            "destination": words,
            "message_id": f"<i1.{step}@acme.example>",
        }
        for step, words in (("opened", "a@acme.example by mail"), ("resolved", "refused: 550"))
    ]
    with store._transaction(writes=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        insert = sa.text(
            "INSERT INTO incidents (id, rule, opened_at, data)"
            " VALUES ('i1', 'spike', '2026-11-23 14:20:00', :data)"
        )
        connection.execute(insert, {"data": json.dumps({"id": "i1", "told": told})})
    store.setup()
    found = OutboxStore(store).of_incident("i1")
    assert [(one.step, sent[0].state.value) for one, sent in found] == [
        ("opened", "sent"),
        ("resolved", "refused"),
    ]
    assert found[0][0].created_at == NOW
    with store._transaction() as connection:
        data = connection.execute(sa.text("SELECT data FROM incidents")).scalar_one()
    assert json.loads(data) == {"id": "i1"}
    store.close()
