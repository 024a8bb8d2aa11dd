"""Reads back a mail that Groundswell itself wrote into its folder."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

LARGEST_MAIL = 5_000_000
PAPER = "<style>html { background: #fff; color: #1f262b; }</style>"
"""A mail that names no colours is read on white, on a dark page too; its own styles win."""

_PICTURE = re.compile(r"cid:([^\"'\s>]+)")


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One mail as it is shown: its pictures are part of its HTML."""

    subject: str
    html: str


def read_mail(destination: str, folders: Sequence[str | None]) -> StoredMail | None:
    """Return the mail at ``destination``; None unless it is an .eml file in one of ``folders``."""
    path = Path(destination)
    allowed = [Path(folder).resolve() for folder in folders if folder]
    try:
        resolved = path.resolve(strict=True)
        is_ours = resolved.suffix == ".eml" and resolved.parent in allowed
        if not is_ours or resolved.stat().st_size > LARGEST_MAIL:
            return None
        message = message_from_bytes(resolved.read_bytes(), policy=policy.default)
    except (OSError, ValueError):
        return None
    return _shown(message)


def _shown(message: EmailMessage) -> StoredMail | None:
    body = message.get_body(("html", "plain"))
    if body is None:
        return None
    text = body.get_content()
    if body.get_content_subtype() == "plain":
        from dashboard.words import escape

        text = f"<pre>{escape(text)}</pre>"
    pictures = {
        str(part["Content-ID"]).strip("<> "): part
        for part in message.walk()
        if part["Content-ID"] and part.get_content_maintype() == "image"
    }

    def inline(match: re.Match[str]) -> str:
        part = pictures.get(match[1])
        if part is None:
            return match[0]
        data = part.get_payload(decode=True)
        encoded = base64.b64encode(data if isinstance(data, bytes) else b"").decode()
        return f"data:{part.get_content_type()};base64,{encoded}"

    return StoredMail(str(message["Subject"]), PAPER + _PICTURE.sub(inline, text))
