"""The outbox over a real state database: what is sent to whom, when again, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from alerts.notification import DeliveryState, backoff
from app.delivering import Outbox
from app.stores.outbox import OutboxStore
from app.stores.state import StateStore
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.settings import Settings

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
THREE = ("a@acme.example", "b@acme.example", "c@acme.example")


@dataclass
class MoodyMailer:
    """Keeps whom it sent to; fails for some, or for everybody."""

    failures: dict[str, Exception] = field(default_factory=dict)
    down: Exception | None = None
    sent: list[EmailMessage] = field(default_factory=list)
    attempts: int = 0

    def send(self, message: EmailMessage) -> str:
        self.attempts += 1
        if self.down is not None:
            raise self.down
        if failure := self.failures.get(str(message["To"])):
            raise failure
        self.sent.append(message)
        return f"{message['To']} by test"

    @property
    def to(self) -> list[str]:
        """To whom it sent, in order."""
        return [str(message["To"]) for message in self.sent]


class Desk:
    """An outbox whose time and mail server the test decides."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.now, self.mailer, self.home = NOW, MoodyMailer(), home
        self.state = StateStore.in_folder(home)
        self.state.setup()
        self.store = OutboxStore(self.state)
        mail = {"host": "mail.example", "recipients": THREE[:1]}
        self.settings = Settings.model_validate({"mail": mail, **settings})
        self.outbox = self.open()

    def open(self) -> Outbox:
        """Return the outbox as another process opens it."""
        return Outbox(self.store, self.mailer, self.settings, lambda: self.now, self.home)

    def states(self, incident: str = "i1") -> dict[str, str]:
        """Return the state of each delivery about an incident."""
        return {
            one.recipient: one.state.value
            for _, deliveries in self.store.of_incident(incident)
            for one in deliveries
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return an outbox of the test's own."""
    made = Desk(tmp_path)
    yield made
    made.state.close()


def mail(key: str = "i1.opened") -> EmailMessage:
    """Return a message."""
    message = EmailMessage()
    message["From"] = "groundswell@acme.example"
    message["To"] = "nobody@acme.example"
    message["Subject"] = "Grüße: 4.3 times the volume"
    message["Date"] = "Mon, 23 Nov 2026 14:00:00 +0000"
    message["Message-ID"] = f"<{key}@acme.example>"
    message.set_content("words — and more\n")
    message.add_alternative("<p>words</p>", subtype="html")
    return message


def test_each_recipient_gets_a_mail_addressed_to_nobody_else(desk: Desk) -> None:
    """Three recipients are three letters with one Message-ID, and sending again sends none."""
    assert desk.outbox.enqueue(mail(), "i1.opened", THREE, incident="i1")
    desk.outbox.deliver_due()
    desk.outbox.deliver_due()
    assert desk.mailer.to == list(THREE)
    assert {str(one["Message-ID"]) for one in desk.mailer.sent} == {"<i1.opened@acme.example>"}
    assert desk.mailer.sent[0]["Subject"] == "Grüße: 4.3 times the volume"


def test_message_may_be_made_for_each(desk: Desk) -> None:
    """A function of the recipient writes what only that one is to see."""

    def compose(recipient: str) -> EmailMessage:
        message = mail()
        message.replace_header("Subject", f"for {recipient}")
        return message

    desk.outbox.enqueue(compose, "i1.opened", THREE)
    desk.outbox.deliver_due()
    assert [str(one["Subject"]) for one in desk.mailer.sent] == [f"for {to}" for to in THREE]


def test_nobody_named_is_who_the_settings_name(desk: Desk) -> None:
    """Without recipients of its own a message goes to those of all mails."""
    desk.outbox.enqueue(mail(), "i1.opened")
    desk.outbox.deliver_due()
    assert desk.mailer.to == [THREE[0]]


def test_where_mails_become_files_all_share_one(tmp_path: Path) -> None:
    """Without a mail server a notification is one file, addressed to everybody."""
    desk = Desk(tmp_path, mail={"recipients": THREE})
    desk.outbox.enqueue(mail(), "i1.opened")
    desk.outbox.deliver_due()
    assert desk.mailer.to == [", ".join(THREE)]
    desk.state.close()


def test_one_of_three_is_refused_and_told(desk: Desk) -> None:
    """The others get the mail; the refusal stands in the ledger and is not tried again."""
    desk.mailer.failures = {THREE[1]: QuarantineError("550 gone")}
    desk.outbox.enqueue(mail(), "i1.opened", THREE, incident="i1")
    desk.outbox.deliver_due()
    desk.mailer.failures = {}
    desk.now += 60 * MINUTE
    desk.outbox.deliver_due()
    assert desk.mailer.to == [THREE[0], THREE[2]]
    assert desk.states() == {THREE[0]: "sent", THREE[1]: "refused", THREE[2]: "sent"}
    (lost,) = desk.store.lost(NOW)
    assert lost.words == "refused: 550 gone"


def test_greylisted_recipient_is_tried_again_alone(desk: Desk) -> None:
    """A "later" for one is tried after a pause, and nobody else hears of it twice."""
    desk.mailer.failures = {THREE[1]: RetryableError("451 greylisted")}
    desk.outbox.enqueue(mail(), "i1.opened", THREE, incident="i1")
    desk.outbox.deliver_due()
    assert [one.words for one in desk.store.failing()] == ["451 greylisted"]
    desk.mailer.failures = {}
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 2
    desk.now += MINUTE
    desk.outbox.deliver_due()
    assert desk.mailer.to == [THREE[0], THREE[2], THREE[1]]


def test_server_that_is_down_is_asked_once_a_pause(desk: Desk) -> None:
    """Twenty waiting mails cost one attempt, not twenty timeouts, and none is lost."""
    desk.mailer.down = MailUnavailable("nobody listens")
    for number in range(20):
        desk.outbox.enqueue(mail(f"i{number}.opened"), f"i{number}.opened")
    for _ in range(10):
        desk.outbox.deliver_due()
    assert desk.mailer.attempts == 1
    desk.now += MINUTE
    desk.outbox.deliver_due()
    assert desk.mailer.attempts == 2
    desk.mailer.down = None
    desk.now += 2 * MINUTE
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 20


def test_what_waits_outlives_the_process(desk: Desk) -> None:
    """Another process finds what this one could not send."""
    desk.mailer.down = MailUnavailable("nobody listens")
    desk.outbox.enqueue(mail(), "i1.opened", incident="i1")
    desk.outbox.deliver_due()
    desk.mailer.down = None
    desk.now += MINUTE
    desk.open().deliver_due()
    assert desk.states() == {THREE[0]: "sent"}


def test_after_two_days_it_is_given_up(desk: Desk) -> None:
    """What is no news any more is told as given up, and sent to nobody."""
    desk.mailer.down = MailUnavailable("nobody listens")
    desk.outbox.enqueue(mail(), "i1.opened", incident="i1")
    desk.outbox.deliver_due()
    desk.mailer.down = None
    desk.now += timedelta(days=2)
    assert desk.outbox.deliver_due() == []
    assert desk.states() == {THREE[0]: "expired"}
    assert [one.state for one in desk.store.lost(NOW)] == [DeliveryState.EXPIRED]


def test_pauses_grow_and_end_growing() -> None:
    """From about half a minute they double to about a quarter of an hour, always alike."""
    pauses = [backoff("a", attempt) for attempt in range(1, 12)]
    assert timedelta(seconds=24) <= pauses[0] <= timedelta(seconds=36)
    assert pauses[1] > pauses[0]
    assert all(pause <= timedelta(minutes=18) for pause in pauses)
    assert pauses[-1] >= timedelta(minutes=12)
    assert pauses == [backoff("a", attempt) for attempt in range(1, 12)]
    assert backoff("a", 1) != backoff("b", 1)
