"""Signed links: what a mail's reader may do without signing in, for a while.

A link is bound to one action on one subject by one recipient. Whoever has the mail has the link,
so it opens a page that asks once more; nothing is ever changed by opening it. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import astuple, dataclass
from datetime import UTC, datetime

from core.errors import UsageError

PURPOSE = b"groundswell link 1\n"
"""Keeps a signature made for something else from being taken for a link's."""

UNSUBSCRIBE = "unsubscribe"
LONGEST_TOKEN = 4000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link lets its holder do: ``action`` on ``subject`` (an incident or a rule)."""

    action: str
    subject: str
    recipient: str
    expires: int


def sign(grant: Grant, key: bytes) -> str:
    """Return the grant as a token that is fit for an address."""
    payload = json.dumps(astuple(grant), ensure_ascii=False, separators=(",", ":")).encode()
    return f"{_text(payload)}.{_text(_signature(payload, key))}"


def verify(token: str, key: bytes, now: datetime) -> Grant:
    """Return what a token grants. Raises UsageError if it was not signed here, or is over."""
    refused = UsageError("this link is not complete or was not made here")
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise refused
    front, _, back = token.partition(".")
    try:
        payload, signature = _bytes(front), _bytes(back)
    except ValueError as err:
        raise refused from err
    if not hmac.compare_digest(signature, _signature(payload, key)):
        raise refused
    action, subject, recipient, expires = json.loads(payload)
    if expires < now.timestamp():
        ended = datetime.fromtimestamp(expires, UTC)
        raise UsageError(f"this link was good until {ended:%d %B %Y}; use the dashboard instead")
    return Grant(action, subject, recipient, expires)


def _signature(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, PURPOSE + payload, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
