"""The outbox: what is to be told is made durable first, then sent, and its ledger never forgets.

Dying anywhere sends a message again at most: the content is kept until the server took it, so the
second one is the same bytes under the same Message-ID. Nothing that was kept is ever lost.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from alerts.chat_text import from_bytes, note_of, to_bytes
from alerts.held import HeldFacts, HeldItem, compose_list
from alerts.incident import Incident
from alerts.message import read_message
from alerts.notification import CHAT, SELF_TEST, Delivery, DeliveryState, Notification, backoff
from alerts.quiet import day_of, quiet_until
from app.alone import alone
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.ports import Mailer, Notifier
from core.rules import Rule, RuleKind
from core.settings import Settings

if TYPE_CHECKING:
    from app.handling import Links
    from app.stores.outbox import OutboxStore

log = structlog.get_logger()

STILL_OF_INTEREST = timedelta(days=2)
"""A message that could not be sent for this long is found on the dashboard instead."""

LOCK = "outbox.lock"

LIST = "list."
"""What the keys of lists begin with."""

LATE = timedelta(hours=1)
LATE_AT_ONCE = 3
"""More than this many mails that are late go out as one list."""

UNLISTED = (LIST, SELF_TEST, *(f"{kind.value}." for kind in (RuleKind.DIGEST, RuleKind.ALL_CLEAR)))
"""What the keys of mails begin with that no list stands for: a letter is read nowhere else."""

LATE_WORDS = "They could not be sent earlier."

Composer = Callable[[str], EmailMessage]
"""Makes the message for one recipient."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who is told: by mail, each in a mail of their own, and by which other addresses."""

    everybody: str
    mailed: tuple[str, ...]
    chats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one attempt: the delivery, its rule, its state now, and words about it."""

    delivery: Delivery
    rule: str | None
    state: DeliveryState
    words: str

    @property
    def is_over(self) -> bool:
        """Whether it will not be tried again."""
        return self.state is not DeliveryState.WAITING


class Outbox:
    """Takes what is to be told and sends it. Safe to use from several threads and processes."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        mailer: Mailer,
        notifier: Notifier,
        settings: Settings,
        clock: Callable[[], datetime],
        home: Path,
        links: Links | None = None,
        find_incident: Callable[[str], Incident | None] = lambda _: None,
    ) -> None:
        """``home`` holds the lock by which one process at a time sends."""
        self._store, self._mailer, self._notifier = store, mailer, notifier
        self._settings, self._clock, self._home = settings, clock, home
        self._links, self._find_incident = links, find_incident
        self._server_failures = 0
        self._server_due: datetime | None = None
        self.wake = threading.Event()
        """Set when something was added: whoever sends in a thread of its own waits for it."""

    # --- adding

    def has(self, key: str) -> bool:
        """Return whether a notification of this key was ever added."""
        return self._store.has(key)

    def enqueue(
        self,
        message: EmailMessage | Composer,
        key: str,
        recipients: Sequence[str] = (),
        *,
        step: str = "",
        rule: Rule | None = None,
        incident: str | None = None,
        is_urgent: bool = False,
        not_before: datetime | None = None,
    ) -> bool:
        """Keep a message to be sent to each of ``recipients``; return False if the key is known.

        ``message`` is one for all, or makes the one for a recipient; each is addressed to that
        recipient alone. No recipients are those of the settings. ``key`` names the notification
        for ever: what is told again needs another one, and its Message-ID must follow from it.
        Who unsubscribed from ``rule`` gets none. What is not urgent is held back in quiet hours
        and above the caps, and listed when those end; nothing goes out before ``not_before``.
        """
        if self._store.has(key):
            return False
        now = self._clock()
        told = self.recipients(recipients, rule)
        letters = {to: _addressed(message, to) for to in told.mailed}
        sample = next(iter(letters.values()), None) or _addressed(message, told.everybody)
        notification = Notification(
            key=key,
            step=step or key.rpartition(".")[2],
            subject=str(sample["Subject"]),
            message_id=str(sample["Message-ID"]),
            created_at=now,
            expires_at=max(now, not_before or now) + STILL_OF_INTEREST,
            rule=rule.name if rule else None,
            incident=incident,
            is_urgent=is_urgent,
        )
        note = to_bytes(note_of(sample, self._settings.link_base))
        contents = {to: bytes(self._with_way_out(one, to, rule)) for to, one in letters.items()}
        contents |= dict.fromkeys(told.chats, note)
        deliveries = [
            self._planned(
                Delivery(key, to, DeliveryState.WAITING, not_before or now, now, content=content),
                None if is_urgent else rule,
                is_urgent=is_urgent,
            )
            for to, content in contents.items()
        ]
        return self.add(notification, deliveries)

    def add(self, notification: Notification, deliveries: Sequence[Delivery]) -> bool:
        """Keep what is ready to be sent as it is; return False if its key is known.

        Neither quiet hours nor caps hold it back, and no chat is told.
        """
        is_new = self._store.add(notification, deliveries)
        self.wake.set()
        return is_new

    def recipients(self, named: Sequence[str], rule: Rule | None) -> Recipients:
        """Return who is told by mail and where else, without those who unsubscribed.

        All share one mail where mails become files.
        """
        mail = self._settings.mail
        everybody = list(dict.fromkeys(named or mail.recipients)) or [mail.sender]
        muted = self._store.muted() if rule is not None else {}
        wanted = [to for to in everybody if rule is None or (to, rule.name) not in muted]
        names = self._settings.notify if rule is None or rule.notify is None else rule.notify
        return Recipients(
            everybody=", ".join(everybody),
            mailed=tuple(wanted if mail.host else [", ".join(wanted)] if wanted else []),
            chats=tuple(f"{CHAT}{name}" for name in names),
        )

    def _planned(self, delivery: Delivery, rule: Rule | None, *, is_urgent: bool) -> Delivery:
        """Return the delivery, held back where quiet hours or a cap say so."""
        if is_urgent:
            return delivery
        settings, now = self._settings, delivery.due_at
        until = quiet_until(now, settings.quiet_hours, settings.time_zone)
        words = "quiet hours"
        if until is None and self._is_capped(delivery.recipient, rule, now):
            midnight = day_of(now, settings.time_zone)[1]
            until = quiet_until(midnight, settings.quiet_hours, settings.time_zone) or midnight
            words = "more than the cap of a day"
        if until is None:
            return delivery
        return replace(delivery, state=DeliveryState.HELD, due_at=until, words=words)

    def _is_capped(self, recipient: str, rule: Rule | None, now: datetime) -> bool:
        since = day_of(now, self._settings.time_zone)[0]
        if self._store.count_told(since, recipient) >= self._settings.mail.per_day:
            return True
        if rule is None:
            return False
        # Rules that tell single mentions count for themselves, and say so in their last mail.
        cap = getattr(rule, "mails_a_day", self._settings.mail.rule_per_day)
        return self._store.count_told(since, recipient, rule.name) >= cap

    def _with_way_out(self, message: EmailMessage, to: str, rule: Rule | None) -> EmailMessage:
        """Return the message with the headers by which mail programs unsubscribe."""
        if rule is not None and self._links is not None:
            link = self._links.unsubscribe(rule.name, to, self._clock())
            message["List-Unsubscribe"] = f"<{link}>"
            if self._links.is_public:
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return message

    def mute(self, recipient: str, rule: str) -> None:
        """Send ``recipient`` no more mails of a rule."""
        self._store.mute(recipient, rule, self._clock())

    def unmute(self, recipient: str, rule: str) -> None:
        """Send ``recipient`` mails of a rule again."""
        self._store.unmute(recipient, rule)

    def muted(self) -> list[tuple[str, str]]:
        """Return who unsubscribed from which rule: (recipient, rule)."""
        return sorted(self._store.muted())

    def stuck(self, since: datetime) -> list[Delivery]:
        """Return what was tried, failed, and waits since before ``since``, longest first."""
        return [one for one in self._store.failing() if one.changed_at <= since]

    def lost(self, since: datetime) -> list[Delivery]:
        """Return what was refused or given up at or after ``since``."""
        return self._store.lost(since)

    def raise_urgency(self, incident: str) -> int:
        """Send at once what is held back about an incident that became urgent; count it."""
        held = [
            delivery
            for delivery in self._store.held()
            if (told := self._store.notification(delivery.key)) and told.incident == incident
        ]
        now = self._clock()
        for delivery in held:
            self._store.release(delivery, now, now + STILL_OF_INTEREST)
        if held:
            self.wake.set()
        return len(held)

    def hasten(self, incident: str) -> None:
        """Send at once what was to wait until nobody wants quiet about an incident any more."""
        if self._store.hasten(incident, self._clock()):
            self.wake.set()

    # --- sending

    def deliver_due(self) -> list[Sent]:
        """Send everything that is due and return what became of it.

        A failure is told in words and tried again later; nothing is raised for it.
        """
        with alone(self._home / LOCK):
            now = self._clock()
            if expired := self._store.expire(now):
                log.error("mails_given_up", count=expired, after=str(STILL_OF_INTEREST))
            self._list_what_was_held(now)
            done = []
            for delivery in self._store.waiting(now):
                is_down = self._server_due is not None and now < self._server_due
                if delivery.is_chat or not is_down:
                    done.append(self._attempt(delivery))
            return done

    def _list_what_was_held(self, now: datetime) -> None:
        """Put what was held back into one list for each recipient, or send a single one as it is.

        So too what could not be sent for long: whoever was away is not met by a storm of mails.
        """
        late = [
            one
            for one in self._store.waiting(now)
            if one.changed_at < now - LATE and not one.key.startswith(UNLISTED)
        ]
        by_recipient: dict[tuple[str, bool], list[Delivery]] = {}
        for delivery in (*self._store.held(now), *late):
            is_held = delivery.state is DeliveryState.HELD
            by_recipient.setdefault((delivery.recipient, is_held), []).append(delivery)
        for (recipient, is_held), deliveries in by_recipient.items():
            if len(deliveries) <= (1 if is_held else LATE_AT_ONCE):
                for delivery in deliveries if is_held else ():
                    self._store.release(delivery, now, now + STILL_OF_INTEREST)
                continue
            words = {one.words for one in deliveries}
            reason = f"Held back: {', '.join(sorted(words))}." if is_held else LATE_WORDS
            self._add_list(recipient, deliveries, reason, now)

    def _add_list(
        self, recipient: str, deliveries: Sequence[Delivery], reason: str, now: datetime
    ) -> None:
        base, zone = self._settings.link_base, self._settings.time_zone
        items = []
        for delivery in deliveries:
            told = self._store.notification(delivery.key)
            if told is not None:
                state, link = self._state_of(told), f"{base}/alerts"
                if told.incident:
                    link += f"?incident={told.incident}"
                items.append(HeldItem(told.created_at, told.subject, state, link))
        digest = hashlib.blake2b(f"{recipient}\n{now}".encode(), digest_size=8).hexdigest()
        key = f"{LIST}{digest}"
        facts = HeldFacts(key, items, reason, now, zone, f"{base}/alerts")
        message = compose_list(facts, self._settings.mail, recipient)
        is_chat = recipient.startswith(CHAT)
        content = to_bytes(note_of(message, base, None)) if is_chat else bytes(message)
        self._store.add_list(
            Notification(
                key=key,
                step="list",
                subject=str(message["Subject"]),
                message_id=str(message["Message-ID"]),
                created_at=now,
                expires_at=now + STILL_OF_INTEREST,
            ),
            Delivery(key, recipient, DeliveryState.WAITING, now, now, content=content),
            deliveries,
            now,
        )

    def _state_of(self, told: Notification) -> str:
        incident = self._find_incident(told.incident) if told.incident else None
        if incident is None:
            return "told"
        return "over" if incident.resolved_at else "still open"

    def _attempt(self, delivery: Delivery) -> Sent:
        self._store.begin(delivery)
        try:
            words = self._hand_over(delivery)
        except MailUnavailable as err:
            self._server_failures += 1
            pause = backoff(delivery.key, self._server_failures)
            self._server_due = self._clock() + pause
            return self._failed(delivery, str(err))
        except RetryableError as err:
            self._server_is_up(delivery)
            return self._failed(delivery, str(err))
        except QuarantineError as err:
            self._server_is_up(delivery)
            log.error("mail_refused", key=delivery.key, to=delivery.recipient, reason=str(err))
            return self._over(delivery, DeliveryState.REFUSED, f"refused: {err}")
        except Exception as err:
            # A fault of ours over one message keeps no other back.
            log.exception("mail_failed", key=delivery.key, to=delivery.recipient)
            return self._failed(delivery, f"failed: {type(err).__name__}")
        self._server_is_up(delivery)
        return self._over(delivery, DeliveryState.SENT, words)

    def _hand_over(self, delivery: Delivery) -> str:
        content = delivery.content or b""
        if delivery.is_chat:
            note = from_bytes(content)
            return self._notifier.send(delivery.recipient, note.title, note.body)
        message = read_message(content)
        return self._mailer.probe(message) if delivery.is_probe else self._mailer.send(message)

    def _server_is_up(self, delivery: Delivery) -> None:
        if not delivery.is_chat:
            self._server_failures, self._server_due = 0, None

    def _failed(self, delivery: Delivery, reason: str) -> Sent:
        log.warning("mail_waits", key=delivery.key, to=delivery.recipient, reason=reason)
        pause = backoff(f"{delivery.key} {delivery.recipient}", delivery.attempts + 1)
        self._store.postpone(delivery, self._clock() + pause, reason)
        return self._sent(delivery, DeliveryState.WAITING, reason)

    def _over(self, delivery: Delivery, state: DeliveryState, words: str) -> Sent:
        self._store.finish(delivery, state, self._clock(), words)
        return self._sent(delivery, state, words)

    def _sent(self, delivery: Delivery, state: DeliveryState, words: str) -> Sent:
        notification = self._store.notification(delivery.key)
        return Sent(delivery, notification.rule if notification else None, state, words)


def _addressed(message: EmailMessage | Composer, recipient: str) -> EmailMessage:
    """Return the message for one recipient, addressed to nobody else."""
    if not isinstance(message, EmailMessage):
        message = message(recipient)
    copy = read_message(bytes(message))
    del copy["To"]
    copy["To"] = recipient
    return copy
