"""What a chat is told: the mail's first words, without what a chat would make something of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import EmailMessage

from alerts.plain import without_calls

PARAGRAPHS = 3
"""The lead, the numbers, and who does something about it; the rest is behind the link."""


@dataclass(frozen=True, slots=True)
class Note:
    """A message to a chat: a title and a text, both harmless, and a link of our own."""

    title: str
    body: str


def note_of(message: EmailMessage, base: str) -> Note:
    """Return the note that says what a mail says first; ``base`` is what our own links begin with.

    Every other address in it is made unusable, and nobody is called.
    """
    part = message.get_body(("plain",))
    text = str(part.get_content()) if part is not None else ""
    lines = [line.strip() for line in text.splitlines()]
    links = [line for line in lines if line.startswith(f"{base}/")]
    blocks = [block for block in "\n".join(lines).split("\n\n") if block.strip()]
    shown = [
        without_calls(line)
        for block in blocks[:PARAGRAPHS]
        for line in block.splitlines()
        if not line.startswith(f"{base}/")
    ]
    main = next((link for link in links if "/act?" not in link and "q=id" not in link), None)
    return Note(without_calls(str(message["Subject"])), "\n".join([*shown, *filter(None, [main])]))


def to_bytes(note: Note) -> bytes:
    """Return the note as the outbox keeps it."""
    return json.dumps({"title": note.title, "body": note.body}).encode()


def from_bytes(content: bytes) -> Note:
    """Return the note that ``to_bytes`` wrote."""
    data = json.loads(content)
    return Note(data["title"], data["body"])
