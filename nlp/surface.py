"""What stands in a text in so many words: hashtags, handles, links and the domains linked to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.text import Token, domains_of, tokenise

MAX_ITEMS: Final = 100
"""Of each kind; a text with more is a list or spam, and its tail adds nothing."""

MAX_LINK: Final = 2_048
"""Longer addresses are data in disguise; browsers and servers refuse them too."""

CHARACTERS: Final = 50_000
"""Of a longer text the rest is not read."""

_LINK = re.compile(r"""https?://[^\s<>"'`{}|\\^]+""", re.IGNORECASE)
_TRAILING = ".,;:!?*_…»”’"


@dataclass(frozen=True, slots=True)
class Surface:
    """Each in order of appearance, once. Hashtags and handles are folded and without # and @."""

    hashtags: tuple[str, ...]
    handles: tuple[str, ...]
    links: tuple[str, ...]
    domains: tuple[str, ...]


def read_surface(
    text: str, delivered_links: Sequence[str] = (), tokens: Sequence[Token] | None = None
) -> Surface:
    """Return the hashtags, handles and links of ``text``, and the registrable domains linked to.

    ``delivered_links`` are what the source said beside the text; they come first. ``tokens`` are
    those of the text's first CHARACTERS where they are known already.
    """
    text = text[:CHARACTERS]
    tags: dict[str, None] = {}
    handles: dict[str, None] = {}
    if any(sign in text for sign in "#@＃＠"):
        for token in tokenise(text) if tokens is None else tokens:
            if token.folded[0] == "#" and len(token.folded) > 1:
                tags[token.folded[1:]] = None
            elif token.folded[0] == "@" and len(token.folded) > 1:
                handles[token.folded[1:]] = None
    links = dict.fromkeys((*delivered_links, *find_links(text)))
    kept = tuple(links)[:MAX_ITEMS]
    domains = dict.fromkeys(found[-1] for link in kept if (found := domains_of([link])))
    return Surface(tuple(tags)[:MAX_ITEMS], tuple(handles)[:MAX_ITEMS], kept, tuple(domains))


def find_links(text: str) -> list[str]:
    """Return the http and https addresses in ``text`` without the punctuation around them."""
    if "://" not in text:
        return []
    found = (match.group() for match in _LINK.finditer(text))
    return [_trim(link) for link in found if len(link) <= MAX_LINK]


def _trim(link: str) -> str:
    """Drop what ends the sentence, and a bracket that was opened before the link."""
    while link:
        last = link[-1]
        closes_outside = (last == ")" and link.count("(") < link.count(")")) or (
            last == "]" and link.count("[") < link.count("]")
        )
        if last not in _TRAILING and not closes_outside:
            break
        link = link[:-1]
    return link
