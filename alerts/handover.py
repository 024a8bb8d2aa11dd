"""An incident that somebody gives to somebody else: who is mailed about it, and in which words.

Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from alerts.handling import Event
from alerts.message import one_line

STEP = "assigned"
BY_CHARS = 60

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_NAMED = re.compile(r"[^<>@]*<[^<>]+>")


@dataclass(frozen=True, slots=True)
class Handover:
    """Who gave an incident to the reader of a mail, when, and the mail's key."""

    by: str
    at: datetime
    key: str

    @property
    def lead(self) -> str:
        """The sentence that the mail begins with."""
        return f"{one_line(self.by)[:BY_CHARS]} gave you this incident."


def recipient_of(event: Event) -> str | None:
    """Return the address that an assignment is mailed to, None where nobody is.

    That is where it names no single address, as ``anna@acme.example`` or ``Anna <...>``, or the
    one who assigns.
    """
    to = address_in(event.text)
    by = address_in(event.by)
    return None if to is None or (by is not None and to.casefold() == by.casefold()) else to


def handover_key(incident: str, recipient: str, earlier: int) -> str:
    """Return the key of one handover's mail, ``earlier`` having gone before it.

    It follows from what was done so far: to do it again after a crash finds it known, to give the
    incident back later does not.
    """
    digest = hashlib.blake2b(recipient.casefold().encode(), digest_size=6).hexdigest()
    return f"{incident}.{STEP}-{earlier + 1}-{digest}"


def address_in(text: str) -> str | None:
    """Return the single address that a text is, as ``anna@acme.example`` or ``Anna <...>``."""
    spec = parseaddr(text)[1] if _NAMED.fullmatch(text.strip()) else text.strip()
    return spec if _ADDRESS.fullmatch(spec) else None
