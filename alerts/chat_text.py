"""What a chat is told: the mail's first words, without what a chat would make something of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import EmailMessage

from alerts.plain import without_calls

BODY_CHARS = 1800
"""Under the shortest limit of the usual chats (Discord's 2,000), with room for the title."""

PARAGRAPHS = 3
"""The lead, the numbers, and who does something about it; the rest is behind the link."""


@dataclass(frozen=True, slots=True)
class Note:
    """A message to a chat: a title and a text, both harmless, and a link of our own."""

    title: str
    body: str


def note_of(message: EmailMessage, base: str, paragraphs: int | None = PARAGRAPHS) -> Note:
    """Return the note that says what a mail says first; ``base`` is what our own links begin with.

    ``paragraphs`` is how many it says, None for all. Every other address in it is made unusable,
    and nobody is called. Its last line is the link that the mail's button has.
    """
    part = message.get_body(("plain",))
    text = str(part.get_content()) if part is not None else ""
    lines = [line.strip() for line in text.splitlines()]
    # The button stands below everything but what can be done.
    links = [line for line in lines if line.startswith(f"{base}/") and "/act?" not in line]
    blocks = [block for block in "\n".join(lines).split("\n\n") if _says_something(block, base)]
    shown = [
        without_calls(_without_link(line, base))
        for block in blocks[:paragraphs]
        for line in block.splitlines()
        if not line.startswith(f"{base}/")
    ]
    main = links[-1:]
    room = BODY_CHARS - sum(len(link) + 1 for link in main)
    body = "\n".join(shown)
    if len(body) > room:
        body = body[: room - 1].rstrip() + "…"
    return Note(without_calls(str(message["Subject"])), "\n".join([body, *main]))


def _says_something(block: str, base: str) -> bool:
    """Return whether a block is more than a heading, or a link with its name."""
    told = [line for line in block.splitlines() if line and not line.startswith(f"{base}/")]
    return bool(told) and not (len(told) == 1 and (told[0].isupper() or told[0].endswith(":")))


def _without_link(line: str, base: str) -> str:
    """Return a line without a link of ours at its end: the note has its own."""
    return line.partition(f"{base}/")[0].rstrip(": ") if f"{base}/" in line else line


def to_bytes(note: Note) -> bytes:
    """Return the note as the outbox keeps it."""
    return json.dumps({"title": note.title, "body": note.body}).encode()


def from_bytes(content: bytes) -> Note:
    """Return the note that ``to_bytes`` wrote."""
    data = json.loads(content)
    return Note(data["title"], data["body"])
