"""Shows a mail that Groundswell itself wrote, as a mail program would."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import streamlit as st

LARGEST_MAIL = 5_000_000
MAIL_HEIGHT = 640
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
    return as_shown(message)


def show_mail(mail: StoredMail) -> None:
    """Show a mail in a frame of an origin of its own: it cannot touch this page."""
    encoded = base64.b64encode(mail.html.encode()).decode()
    st.iframe(
        f"data:text/html;charset=utf-8;base64,{encoded}", height=MAIL_HEIGHT, alt=mail.subject
    )


def as_shown(message: EmailMessage) -> StoredMail | None:
    """Return the mail as it is shown; None where it says nothing."""
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
