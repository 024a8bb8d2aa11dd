"""The self-test: a mention of our own that goes the whole way, and is counted nowhere.

A collector brings it as it brings any other; it is spooled, enriched and indexed. Whoever evaluates
the rules finds it and puts a mail about it into the outbox; when the mail server has taken that, it
has arrived, and how long it took is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING

from pydantic import JsonValue

from alerts.message import POLICY, address_of
from alerts.notification import PROBE, SELF_TEST, Delivery, DeliveryState, Notification
from alerts.outage import SelfTest
from app.delivering import STILL_OF_INTEREST
from app.stores.outbox import OutboxStore
from core.rules import SelfTestRule
from core.self_test import CANARY_CURSOR, CANARY_ID, CanarySource
from core.window import EPOCH

if TYPE_CHECKING:
    from app.bootstrap import Application

ARRIVED = "|self-test-arrived"
"""Where the state keeps what arrived; no source can be named so."""

MICROSECOND = timedelta(microseconds=1)

RECIPIENT_CHARS = 1000
"""What the ledger has room for."""


def canary_source(application: Application) -> CanarySource | None:
    """Return the source of the self-test, None where no rule asks for one."""
    from app.own_rules import all_rules

    every = [
        known.rule.every for known in all_rules(application) if isinstance(known.rule, SelfTestRule)
    ]
    return CanarySource(every=min(every)) if every else None


def read_self_test(application: Application) -> SelfTest:
    """Return what is known of the self-test, without looking whether anything arrived."""
    sent = application.state.load(CANARY_CURSOR)
    held = application.state.load(ARRIVED)
    seconds, reason = held.get("seconds"), held.get("reason")
    return SelfTest(
        sent_at=_instant(sent.get("sent_at")),
        waiting_since=_instant(held.get("waiting_since")),
        arrived_at=_instant(held.get("arrived_at")),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        reason=reason if isinstance(reason, str) else None,
    )


def observe(application: Application, rule: SelfTestRule, now: datetime) -> SelfTest:
    """Look how far the last mention came, and let it go on: into the outbox, to the mail server.

    One mail waits at a time: while the server takes none, later mentions wait behind it.
    """
    sent = application.state.load(CANARY_CURSOR).get("sent_at")
    if not isinstance(sent, str):
        return read_self_test(application)
    before = application.state.load(ARRIVED)
    held, is_waiting = _with_answer(before, OutboxStore(application.state))
    is_new = sent not in (held.get("sent_at"), held.get("queued"))
    if is_new and not is_waiting and _is_indexed(application, datetime.fromisoformat(sent)):
        _queue(application, rule, sent, now)
        held["queued"] = sent
    if held.get("sent_at") != sent and held.get("waiting_since") is None:
        # What waited behind another begins to count when that one was gone.
        held["waiting_since"] = max(sent, str(held.get("arrived_at", "")))
    if held != before:
        application.state.save(ARRIVED, held)
    return read_self_test(application)


def _with_answer(
    before: Mapping[str, JsonValue], store: OutboxStore
) -> tuple[dict[str, JsonValue], bool]:
    """Return what is known with what became of the mail, and whether that waits still."""
    held = dict(before)
    queued = held.get("queued")
    letters = store.of_key(_key(queued)) if isinstance(queued, str) else []
    if not isinstance(queued, str) or not letters:
        return held, False
    (letter,) = letters
    if letter.state is DeliveryState.SENT:
        took = letter.changed_at - datetime.fromisoformat(queued)
        arrived = letter.changed_at.isoformat()
        return {"sent_at": queued, "arrived_at": arrived, "seconds": took.total_seconds()}, False
    elsewhere = next((one.words for one in store.failing()), None)
    held["reason"] = letter.words or elsewhere or "it waits in the outbox, and nothing sends it"
    return held, letter.state is DeliveryState.WAITING


def _is_indexed(application: Application, sent_at: datetime) -> bool:
    """Return whether what is stored is as new as what was sent, and went through enrichment."""
    found = application.index.known([CANARY_ID]).get(CANARY_ID)
    return (
        found is not None
        and found.version[1] >= (sent_at - EPOCH) // MICROSECOND
        and found.enrichment is not None
        and found.enrichment.content_version == found.version
    )


def _queue(application: Application, rule: SelfTestRule, sent: str, now: datetime) -> None:
    """Put the mail of the mention that was sent at ``sent`` into the outbox, in place of others.

    Nobody gets it unless the rule names somebody: it is offered to the mail server as far as its
    recipients.
    """
    mail = application.configuration.settings.mail
    everybody = ", ".join(dict.fromkeys(rule.recipients or mail.recipients)) or mail.sender
    to = rule.mail_to or everybody
    key = _key(sent)
    message = _mail(sent, to, mail.sender)
    told = Notification(
        key=key,
        step=SELF_TEST,
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]),
        created_at=now,
        expires_at=now + STILL_OF_INTEREST,
        is_urgent=True,
    )
    recipient = rule.mail_to or f"{PROBE}{everybody}"[:RECIPIENT_CHARS]
    waits = Delivery(key, recipient, DeliveryState.WAITING, now, now, content=bytes(message))
    OutboxStore(application.state).forget_self_tests(but=key)
    application.outbox.add(told, [waits])


def _key(sent: str) -> str:
    return f"{SELF_TEST}.{sent}"


def _mail(sent: str, to: str, sender: str) -> EmailMessage:
    address, sent_at = address_of(sender), datetime.fromisoformat(sent)
    message = EmailMessage(POLICY)
    message["From"] = address
    message["To"] = to
    message["Subject"] = "Groundswell self-test"
    message["Date"] = sent_at
    stamp = (sent_at - EPOCH) // MICROSECOND
    message["Message-ID"] = f"<{SELF_TEST}.{stamp}@{address.domain or 'groundswell.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"Sent at {sent}. Nobody needs to read this.\n")
    return message


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
