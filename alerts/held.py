"""The list of what was held back: one mail or message instead of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from alerts.message import POLICY, address_of, fill, one_line
from core.settings import MailSettings

SHOWN = 30
COLOUR = "#0b6b77"


@dataclass(frozen=True, slots=True)
class HeldItem:
    """One notification that was held back: what it said, when, and what became of it since."""

    at: datetime
    subject: str
    state: str
    link: str


@dataclass(frozen=True, slots=True)
class HeldFacts:
    """What the list says: the items, why they were held back, and until when."""

    key: str
    items: Sequence[HeldItem]
    reason: str
    now: datetime
    zone: str
    link: str


def subject_of_list(facts: HeldFacts) -> str:
    """Return the subject: how many, and of how many the incident is still open."""
    count = len(facts.items)
    still = sum(item.state == "still open" for item in facts.items)
    noun = "alert" if count == 1 else "alerts"
    ends = f"{still} still open" if still else "all over"
    return f"{count} {noun} held back, {ends}"


def compose_list(facts: HeldFacts, mail: MailSettings, recipient: str) -> EmailMessage:
    """Return the mail that lists what was held back, text and HTML."""
    sender = address_of(mail.sender)
    message = EmailMessage(POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject_of_list(facts)
    message["Date"] = format_datetime(facts.now)
    message["Message-ID"] = f"<{facts.key}@{sender.domain or 'groundswell.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"
    fill(message, "held", _values(facts), facts.key)
    return message


def _values(facts: HeldFacts) -> dict[str, object]:
    """Return what the templates show."""
    zone = ZoneInfo(facts.zone)
    return {
        "subject": subject_of_list(facts),
        "colour": COLOUR,
        "reason": facts.reason,
        "items": [
            {
                "at": f"{item.at.astimezone(zone):%a %H:%M}",
                "subject": one_line(item.subject),
                "state": item.state,
                "link": item.link,
            }
            for item in facts.items[:SHOWN]
        ],
        "more": max(len(facts.items) - SHOWN, 0),
        "link": facts.link,
        "zone": facts.zone,
    }
