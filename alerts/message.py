"""What all our mails share: templates, parts, and text that is fit for a header.

Pure but for reading the templates: the same values always make the same bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr
from functools import cache
from typing import cast

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from charts.chart import Chart
from charts.render import ChartError, to_png

CHART_SIZE = (420, 180)
"""Narrower than the place in the mail: on a phone its words are still as large as small print."""

EXCERPT = 220
UNFOLDED = ("list-unsubscribe", "in-reply-to", "references")
BOUNDARY_CHARS = 69
"""A boundary is of 70 characters at most (RFC 2046, 5.1.1)."""


class MailPolicy(EmailPolicy):
    """How our mails are written: as the library does, but for headers whose form is fixed.

    Folding makes an encoded word of a long address or id, which those headers must not hold
    (RFC 2047, 5): mail programs would show no button and find no thread.
    """

    def fold(self, name: str, value: str) -> str:
        """Return the header's lines."""
        if name.lower() in UNFOLDED:
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return the header's lines as they are sent."""
        if name.lower() in UNFOLDED:
            return self.fold(name, value).encode("ascii", "surrogateescape")
        return super().fold_binary(name, value)


POLICY = MailPolicy()
"""That of every mail, from its making to the server."""


def read_message(content: bytes) -> EmailMessage:
    """Return the mail that ``content`` is the bytes of; writing it gives them again."""
    return cast("EmailMessage", message_from_bytes(content, policy=POLICY))


def fill(
    message: EmailMessage,
    template: str,
    values: Mapping[str, object],
    key: str,
    picture: bytes | None = None,
) -> None:
    """Give ``message`` a text part, an HTML part and the chart, from the templates of that name.

    ``picture`` is a PNG; ``values`` say under "chart_cid" how the HTML part calls it. The
    boundaries follow from ``key``: the library would draw lots for them, and two sendings of one
    mail would differ.
    """
    message.set_content(templates().get_template(f"{template}.txt").render(values))
    html = templates().get_template(f"{template}.html").render(values)
    message.add_alternative(html, subtype="html")
    if picture is not None:
        part = message.get_payload()[1]  # type: ignore[index]
        part.add_related(  # type: ignore[union-attr]
            picture,
            maintype="image",
            subtype="png",
            cid=f"<{values['chart_cid']}>",
            filename="volume.png",
            disposition="inline",
        )
        part.set_boundary(f"related-{key}"[:BOUNDARY_CHARS])  # type: ignore[union-attr]
    message.set_boundary(f"alternative-{key}"[:BOUNDARY_CHARS])


def picture_of(chart: Chart | None) -> bytes | None:
    """Return the chart as a PNG; None where there is none or it cannot be drawn.

    Its words are missed less than the whole mail would be.
    """
    if chart is None or chart.is_empty:
        return None
    try:
        return to_png(chart)
    except ChartError:
        return None


def excerpt(text: str) -> str:
    """Return the beginning of ``text``, cut between words unless a word is very long."""
    line = one_line(text)
    if len(line) <= EXCERPT:
        return line
    cut = line[: EXCERPT - 3]
    words = cut.rsplit(" ", 1)[0]
    return (words if len(words) > EXCERPT / 2 else cut) + " ..."


def one_line(text: str) -> str:
    """Return ``text`` without line breaks and control characters: it may become a header."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) != "Cf" or char in "\u200d\ufe0f"
    )
    return " ".join(kept.split())


def address_of(text: str) -> Address:
    """Return a checked setting's address with its name."""
    name, spec = parseaddr(text)
    return Address(display_name=name, addr_spec=spec)


@cache
def templates() -> Environment:
    """Return the templates beside this file; what goes into HTML is escaped."""
    return Environment(
        loader=PackageLoader("alerts"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
