"""A notification: one thing that is to be told, and what became of it for each recipient."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
"""Servers that greylist take a second attempt after one to five minutes."""

JITTER = 0.2
"""So that what failed together is not tried together again."""

CHAT = "notify:"
"""What the recipient of a chat message begins with; the name of its address follows."""

PROBE = "self-test:"
"""What the recipient of a message begins with that is offered to the mail server, but not sent."""

SELF_TEST = "self-test"
"""The step of the self-test's messages, and what their keys begin with."""


class DeliveryState(StrEnum):
    """What became of a notification for one recipient."""

    WAITING = "waiting"
    HELD = "held"
    LISTED = "listed"
    SENT = "sent"
    REFUSED = "refused"
    EXPIRED = "expired"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Notification:
    """What is to be told, once for ever under its ``key``.

    ``rule`` and ``incident`` say what it is about, where it is about one. After ``expires_at`` it
    is no news any more.
    """

    key: str
    step: str
    subject: str
    message_id: str
    created_at: datetime
    expires_at: datetime
    rule: str | None = None
    incident: str | None = None
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient's part of a notification.

    ``words`` say where it went or why it did not; ``content`` is what is still to be handed over.
    """

    key: str
    recipient: str
    state: DeliveryState
    due_at: datetime
    changed_at: datetime
    attempts: int = 0
    words: str = ""
    content: bytes | None = None

    @property
    def is_chat(self) -> bool:
        """Whether it goes to a chat or another service instead of a mailbox."""
        return self.recipient.startswith(CHAT)

    @property
    def is_probe(self) -> bool:
        """Whether nobody is to get it: it only shows that the mail server would take it."""
        return self.recipient.startswith(PROBE)


def backoff(key: str, attempts: int) -> timedelta:
    """Return how long to wait after ``attempts`` that failed.

    Doubles from half a minute to a quarter of an hour, give or take a fifth that follows from the
    key: the same failure always waits as long.
    """
    pause = min(FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 10), LONGEST_PAUSE)
    digest = hashlib.blake2b(f"{key}\n{attempts}".encode(), digest_size=2).digest()
    share = 1 - JITTER + 2 * JITTER * int.from_bytes(digest, "big") / 0xFFFF
    return timedelta(seconds=pause.total_seconds() * share)
