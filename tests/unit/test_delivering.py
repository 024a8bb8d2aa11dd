"""The outbox over a real state database: what is sent to whom, when again, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from alerts.incident import Incident
from alerts.notification import (
    PROBE,
    SELF_TEST,
    Delivery,
    DeliveryState,
    Notification,
    backoff,
)
from app.delivering import Outbox
from app.handling import Links
from app.stores.outbox import OutboxStore
from app.stores.state import StateStore
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.rules import RuleKind, VolumeSpikeRule
from core.settings import Settings

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
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

    def probe(self, message: EmailMessage) -> str:
        self.attempts += 1
        if self.down is not None:
            raise self.down
        return "would take it"

    @property
    def to(self) -> list[str]:
        """To whom it sent, in order."""
        return [str(message["To"]) for message in self.sent]


@dataclass
class RecordingNotifier:
    """Keeps what it was told to whom; a failure is raised instead."""

    failure: Exception | None = None
    sent: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, recipient: str, title: str, body: str) -> str:
        if self.failure is not None:
            raise self.failure
        self.sent.append((recipient, title, body))
        return f"{recipient} took it"


class Desk:
    """An outbox whose time and mail server the test decides."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.now, self.mailer, self.home = NOW, MoodyMailer(), home
        self.notifier = RecordingNotifier()
        self.incidents: dict[str, Incident] = {}
        self.links: Links | None = None
        self.state = StateStore.in_folder(home)
        self.state.setup()
        self.store = OutboxStore(self.state)
        mail = {"host": "mail.example", "recipients": THREE[:1], "rule_per_day": 3}
        self.settings = Settings.model_validate({"mail": mail, **settings})
        self.outbox = self.open()

    def open(self) -> Outbox:
        """Return the outbox as another process opens it."""
        return Outbox(
            store=self.store,
            mailer=self.mailer,
            notifier=self.notifier,
            settings=self.settings,
            clock=lambda: self.now,
            home=self.home,
            links=self.links,
            find_incident=self.incidents.get,
        )

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


# --- who is told, and when


RULE = VolumeSpikeRule(name="Acme volume", kind=RuleKind.VOLUME_SPIKE, topic="Acme")
NIGHT = {"start": "22:00", "end": "07:00"}


def test_quiet_hours_hold_back_and_a_list_follows(tmp_path: Path) -> None:
    """What happened in the night is one mail in the morning that says what became of each."""
    desk = Desk(tmp_path, quiet_hours=NIGHT)
    desk.now = NOW + timedelta(hours=9)
    for number in range(3):
        key = f"i{number}.opened"
        desk.outbox.enqueue(mail(key), key, rule=RULE, incident=f"i{number}")
    desk.outbox.deliver_due()
    assert desk.mailer.sent == []
    assert desk.states("i0") == {THREE[0]: "held"}
    desk.now = NOW + timedelta(hours=17)
    desk.outbox.deliver_due()
    desk.outbox.deliver_due()
    (letter,) = desk.mailer.sent
    assert letter["Subject"] == "3 alerts held back, all over"
    body = letter.get_body(("plain",))
    assert body is not None
    assert body.get_content().count("Grüße: 4.3 times the volume") == 3
    assert "alerts?incident=i2" in body.get_content()
    assert desk.states("i0") == {THREE[0]: "listed"}
    desk.state.close()


def test_a_single_alert_held_back_comes_as_it_was(tmp_path: Path) -> None:
    """One is no list: the mail itself arrives when the quiet hours end."""
    desk = Desk(tmp_path, quiet_hours=NIGHT)
    desk.now = NOW + timedelta(hours=9)
    desk.outbox.enqueue(mail(), "i1.opened", rule=RULE, incident="i1")
    desk.now = NOW + timedelta(hours=17)
    desk.outbox.deliver_due()
    assert [str(one["Message-ID"]) for one in desk.mailer.sent] == ["<i1.opened@acme.example>"]
    desk.state.close()


def test_a_quiet_weekend_loses_nothing(tmp_path: Path) -> None:
    """What is held back from Friday night to Monday, which is longer than news waits otherwise."""
    desk = Desk(tmp_path, quiet_hours={**NIGHT, "weekends": True})
    desk.now = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    assert desk.now.strftime("%a") == "Fri"
    for number in range(3):
        key = f"i{number}.opened"
        desk.outbox.enqueue(mail(key), key, rule=RULE, incident=f"i{number}")
    single = RULE.model_copy(update={"recipients": (THREE[1],)})
    desk.outbox.enqueue(mail("i9.opened"), "i9.opened", THREE[1:2], rule=single, incident="i9")
    for hours in range(0, 80, 4):
        desk.now = datetime(2026, 11, 27, 23, 30, tzinfo=UTC) + hours * HOUR
        desk.outbox.deliver_due()
    subjects = {str(one["To"]): str(one["Subject"]) for one in desk.mailer.sent}
    assert subjects == {
        THREE[0]: "3 alerts held back, all over",
        THREE[1]: "Grüße: 4.3 times the volume",
    }
    assert desk.store.lost(NOW) == []
    desk.state.close()


def test_a_fault_over_one_mail_keeps_no_other_back(desk: Desk) -> None:
    """An exception that nobody foresaw waits as a failure does, and the next mail goes out."""
    desk.mailer.failures = {THREE[0]: ZeroDivisionError("of ours")}
    desk.outbox.enqueue(mail(), "i1.opened", THREE[:2], incident="i1")
    desk.outbox.deliver_due()
    assert desk.mailer.to == [THREE[1]]
    assert [one.words for one in desk.store.failing()] == ["failed: ZeroDivisionError"]
    desk.mailer.failures = {}
    desk.now += MINUTE
    desk.outbox.deliver_due()
    assert desk.states() == {THREE[0]: "sent", THREE[1]: "sent"}


def test_what_is_urgent_breaks_through(tmp_path: Path) -> None:
    """An urgent message goes out at night, and one that becomes urgent does then."""
    desk = Desk(tmp_path, quiet_hours=NIGHT)
    desk.now = NOW + timedelta(hours=9)
    desk.outbox.enqueue(mail("i1.opened"), "i1.opened", rule=RULE, incident="i1", is_urgent=True)
    desk.outbox.enqueue(mail("i2.opened"), "i2.opened", rule=RULE, incident="i2")
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 1
    assert desk.outbox.raise_urgency("i2") == 1
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 2
    desk.state.close()


def test_above_a_rules_cap_the_rest_of_the_day_is_a_list(desk: Desk) -> None:
    """Three mails a day are three; the others come as one list after midnight."""
    for number in range(6):
        key = f"i{number}.opened"
        desk.outbox.enqueue(mail(key), key, rule=RULE, incident=f"i{number}")
        desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 3
    desk.now = NOW + timedelta(hours=10)
    desk.outbox.deliver_due()
    assert str(desk.mailer.sent[3]["Subject"]).startswith("3 alerts held back")


def test_above_a_recipients_cap_too(tmp_path: Path) -> None:
    """The cap of all mails holds for a recipient whatever the rule."""
    mails = {"host": "mail.example", "recipients": THREE[:1], "per_day": 2}
    desk = Desk(tmp_path, mail=mails)
    for number in range(4):
        key = f"i{number}.opened"
        rule = RULE.model_copy(update={"name": f"rule {number}"})
        desk.outbox.enqueue(mail(key), key, rule=rule, incident=f"i{number}")
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 2
    desk.state.close()


def probe_of(desk: Desk, key: str) -> tuple[Notification, list[Delivery]]:
    """Return a self-test that waits to be offered to the mail server."""
    told = Notification(key, SELF_TEST, "self-test", f"<{key}@x>", desk.now, desk.now + 48 * HOUR)
    to = f"{PROBE}{THREE[0]}"
    waits = Delivery(key, to, DeliveryState.WAITING, desk.now, desk.now, content=bytes(mail(key)))
    return told, [waits]


def test_a_self_test_is_offered_and_never_sent(desk: Desk) -> None:
    """It is tried until the server takes it, on no list however late, and leaves no trace."""
    for number in range(5):
        assert desk.outbox.add(*probe_of(desk, f"self-test.{number}"))
    assert not desk.outbox.add(*probe_of(desk, "self-test.0"))
    desk.mailer.down = MailUnavailable("mail.example:587 cannot be used: refused")
    desk.outbox.deliver_due()
    (failed,) = desk.outbox.stuck(desk.now)
    assert failed.words == "mail.example:587 cannot be used: refused"
    desk.mailer.down = None
    desk.now += 2 * HOUR
    assert {one.state for one in desk.outbox.deliver_due()} == {DeliveryState.SENT}
    assert not desk.mailer.sent
    desk.outbox.enqueue(mail(), "i1.opened", THREE[:1], incident="i1")
    desk.store.forget_self_tests(but="self-test.4")
    assert [bool(desk.store.of_key(f"self-test.{n}")) for n in range(5)] == [False] * 4 + [True]
    assert desk.states() == {THREE[0]: "waiting"}


def test_a_self_test_counts_for_no_cap(tmp_path: Path) -> None:
    """An address that the self-test mails to gets its alerts all the same."""
    desk = Desk(tmp_path, mail={"host": "mail.example", "recipients": THREE[:1], "per_day": 1})
    for number in range(3):
        told, (letter,) = probe_of(desk, f"self-test.{number}")
        desk.outbox.add(told, [replace(letter, recipient=THREE[0])])
    desk.outbox.enqueue(mail(), "i1.opened", incident="i1")
    desk.outbox.deliver_due()
    assert desk.states() == {THREE[0]: "sent"}
    assert len(desk.mailer.sent) == 4
    desk.state.close()


def test_after_a_long_sleep_no_storm(desk: Desk) -> None:
    """Mails that could not be sent for hours come as one list, not as ten at once."""
    desk.mailer.down = MailUnavailable("no network")
    for number in range(10):
        key = f"i{number}.opened"
        desk.outbox.enqueue(mail(key), key, incident=f"i{number}")
    desk.outbox.deliver_due()
    desk.mailer.down = None
    desk.now += timedelta(hours=8)
    desk.outbox.deliver_due()
    (letter,) = desk.mailer.sent
    assert letter["Subject"] == "10 alerts held back, all over"


def test_a_late_letter_stands_on_no_list(desk: Desk) -> None:
    """A digest is read in the mail alone: a line about it would lead nowhere."""
    desk.mailer.down = MailUnavailable("no network")
    for number in range(4):
        key = f"i{number}.opened"
        desk.outbox.enqueue(mail(key), key, incident=f"i{number}")
    desk.outbox.enqueue(mail("digest.x.y"), "digest.x.y")
    desk.outbox.deliver_due()
    desk.mailer.down = None
    desk.now += timedelta(hours=8)
    desk.outbox.deliver_due()
    letter, summary = sorted(desk.mailer.sent, key=lambda one: str(one["Message-ID"]))
    assert letter["Message-ID"] == "<digest.x.y@acme.example>"
    assert summary["Subject"] == "4 alerts held back, all over"


def test_who_unsubscribed_gets_none_of_that_rule(desk: Desk) -> None:
    """The others do, and other rules go on."""
    desk.outbox.mute(THREE[0], RULE.name)
    desk.outbox.enqueue(mail("i1.opened"), "i1.opened", THREE[:2], rule=RULE)
    other = RULE.model_copy(update={"name": "another"})
    desk.outbox.enqueue(mail("i2.opened"), "i2.opened", THREE[:2], rule=other)
    desk.outbox.deliver_due()
    assert desk.mailer.to == [THREE[1], THREE[0], THREE[1]]
    desk.outbox.unmute(THREE[0], RULE.name)
    desk.outbox.enqueue(mail("i3.opened"), "i3.opened", THREE[:1], rule=RULE)
    desk.outbox.deliver_due()
    assert desk.mailer.to[-1] == THREE[0]


def test_all_unsubscribed_is_still_in_the_ledger(desk: Desk) -> None:
    """Nobody is mailed, and the step is not queued again at each round."""
    desk.outbox.mute(THREE[0], RULE.name)
    assert desk.outbox.enqueue(mail(), "i1.opened", rule=RULE)
    assert not desk.outbox.enqueue(mail(), "i1.opened", rule=RULE)
    desk.outbox.deliver_due()
    assert desk.mailer.sent == []


def test_nothing_goes_out_while_snoozed(desk: Desk) -> None:
    """What is not to be told before an instant waits for it."""
    later = NOW + timedelta(hours=4)
    desk.outbox.enqueue(mail(), "i1.resolved", not_before=later)
    desk.outbox.deliver_due()
    assert desk.mailer.sent == []
    desk.now = later
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 1


def test_chats_are_told_beside_mail_and_when_mail_is_down(tmp_path: Path) -> None:
    """Each address gets a short harmless note; a mail server that is away keeps none from it."""
    desk = Desk(tmp_path, notify={"team": "json://localhost", "boss": "json://localhost"})
    desk.mailer.down = MailUnavailable("nobody listens")
    rule = RULE.model_copy(update={"notify": ("team",)})
    desk.outbox.enqueue(mail("i0.opened"), "i0.opened", rule=rule)
    desk.outbox.enqueue(mail("i1.opened"), "i1.opened", rule=RULE)
    desk.outbox.deliver_due()
    assert sorted(to for to, _, _ in desk.notifier.sent) == [
        "notify:boss",
        "notify:team",
        "notify:team",
    ]
    assert desk.notifier.sent[0][1] == "Grüße: 4.3 times the volume"
    assert desk.notifier.sent[0][2] == "words — and more"
    desk.state.close()


def test_chat_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    """It keeps no mail from being sent."""
    desk = Desk(tmp_path, notify={"team": "json://localhost"})
    desk.notifier.failure = RetryableError("team did not take it")
    desk.outbox.enqueue(mail(), "i1.opened", incident="i1")
    desk.outbox.deliver_due()
    assert len(desk.mailer.sent) == 1
    assert desk.states() == {THREE[0]: "sent", "notify:team": "waiting"}
    desk.notifier.failure = None
    desk.now += MINUTE
    desk.outbox.deliver_due()
    assert desk.states() == {THREE[0]: "sent", "notify:team": "sent"}
    desk.state.close()
