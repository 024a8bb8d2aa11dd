"""The outbox: what is to be told is made durable first, then sent, and its ledger never forgets.

Dying anywhere sends a message again at most: the content is kept until the server took it, so the
second one is the same bytes under the same Message-ID. Nothing that was kept is ever lost.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from alerts.notification import Delivery, DeliveryState, Notification, backoff
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.ports import Mailer
from core.settings import Settings

if TYPE_CHECKING:
    from app.stores.outbox import OutboxStore

log = structlog.get_logger()

STILL_OF_INTEREST = timedelta(days=2)
"""A message that could not be sent for this long is found on the dashboard instead."""

LOCK = "outbox.lock"

Composer = Callable[[str], EmailMessage]
"""Makes the message for one recipient."""


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
        store: OutboxStore,
        mailer: Mailer,
        settings: Settings,
        clock: Callable[[], datetime],
        home: Path,
    ) -> None:
        """``home`` holds the lock by which one process at a time sends."""
        self._store, self._mailer, self._settings = store, mailer, settings
        self._clock, self._home = clock, home
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
        rule: str | None = None,
        incident: str | None = None,
        is_urgent: bool = False,
    ) -> bool:
        """Keep a message to be sent to each of ``recipients``; return False if the key is known.

        ``message`` is one for all, or makes the one for a recipient; each is addressed to that
        recipient alone. No recipients are those of the settings. ``key`` names the notification
        for ever: what is told again needs another one, and its Message-ID must follow from it.
        """
        if self._store.has(key):
            return False
        now = self._clock()
        told = self._recipients(recipients)
        letters = {to: _addressed(message, to) for to in told}
        sample = next(iter(letters.values()))
        notification = Notification(
            key=key,
            step=step or key.rpartition(".")[2],
            subject=str(sample["Subject"]),
            message_id=str(sample["Message-ID"]),
            created_at=now,
            expires_at=now + STILL_OF_INTEREST,
            rule=rule,
            incident=incident,
            is_urgent=is_urgent,
        )
        deliveries = [
            Delivery(key, to, DeliveryState.WAITING, now, now, content=bytes(letter))
            for to, letter in letters.items()
        ]
        is_new = self._store.add(notification, deliveries)
        self.wake.set()
        return is_new

    def _recipients(self, named: Sequence[str]) -> list[str]:
        """Return who gets a letter each; all get one together where mails become files."""
        mail = self._settings.mail
        everybody = list(dict.fromkeys(named or mail.recipients)) or [mail.sender]
        return everybody if mail.host else [", ".join(everybody)]

    # --- sending

    def deliver_due(self) -> list[Sent]:
        """Send everything that is due and return what became of it.

        A failure is told in words and tried again later; nothing is raised for it.
        """
        with self._alone():
            now = self._clock()
            if expired := self._store.expire(now):
                log.error("mails_given_up", count=expired, after=str(STILL_OF_INTEREST))
            is_server_down = self._server_due is not None and now < self._server_due
            done = []
            for delivery in self._store.waiting(now):
                if is_server_down:
                    break
                sent = self._attempt(delivery)
                done.append(sent)
                is_server_down = self._server_due is not None
            return done

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process or thread send at a time; the lock ends with the process."""
        with (self._home / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _attempt(self, delivery: Delivery) -> Sent:
        self._store.begin(delivery)
        message = message_from_bytes(delivery.content or b"", policy=policy.default)
        try:
            words = self._mailer.send(message)
        except MailUnavailable as err:
            self._server_failures += 1
            pause = backoff(delivery.key, self._server_failures)
            self._server_due = self._clock() + pause
            return self._failed(delivery, str(err))
        except RetryableError as err:
            self._server_is_up()
            return self._failed(delivery, str(err))
        except QuarantineError as err:
            self._server_is_up()
            log.error("mail_refused", key=delivery.key, to=delivery.recipient, reason=str(err))
            return self._over(delivery, DeliveryState.REFUSED, f"refused: {err}")
        self._server_is_up()
        return self._over(delivery, DeliveryState.SENT, words)

    def _server_is_up(self) -> None:
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
    copy = message_from_bytes(bytes(message), policy=policy.default)
    del copy["To"]
    copy["To"] = recipient
    return copy
