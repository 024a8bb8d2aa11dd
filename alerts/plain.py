"""Texts of strangers, made harmless wherever they are shown: no call, no link, no picture."""

from __future__ import annotations

import re
from collections.abc import Collection

from core.mention import Author

JOINER = "\u2060"
"""Takes no room and joins words: what begins with it is read the same and calls nobody."""

_ADDRESS = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}:/{1,3}|www\.)[^\s<>\"'‹›]+")
_DOMAIN = re.compile(r"(?i)\b(?:[\w-]{1,63}\.)+[a-z]{2,24}\b(?=[/:?#]\S)?")
_ANGLES = str.maketrans({"<": "‹", ">": "›"})


def without_links(text: str, own: Collection[str] = ()) -> str:
    """Return ``text`` in which no program makes a link of an address that stands in it.

    ``https://evil.example/pay`` becomes ``evil[.]example/pay``, as security people write it. Names
    of ``own``, such as a topic called ``acme.example``, stay as they are.
    """
    kept = {name.casefold() for name in own}
    text = _ADDRESS.sub(lambda match: _bare(match[0]), text)
    return _DOMAIN.sub(
        lambda match: match[0] if match[0].casefold() in kept else match[0].replace(".", "[.]"),
        text,
    )


def name_of(author: Author) -> str:
    """Return how an author is called, ``@handle`` or a name; empty where neither is known.

    A handle needs its dots; who calls himself an address shall not become a link.
    """
    if author.handle and "/" not in author.handle:
        return f"@{author.handle}"
    return without_links(f"@{author.handle}" if author.handle else author.name or "")


def _bare(address: str) -> str:
    return re.sub(r"(?i)^[a-z][a-z0-9+.-]*:/*", "", address)


def without_calls(text: str) -> str:
    """Return ``text`` for a chat: it calls nobody, links nowhere and is no markup.

    ``<!channel>`` (Slack), ``<@123>`` (Discord), ``<at>`` (Teams) and ``@all`` stay readable.
    """
    return without_links(text).translate(_ANGLES).replace("@", f"@{JOINER}")
