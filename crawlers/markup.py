"""HTML of strangers to plain text, and the links and media in it."""

from __future__ import annotations

import html
import re
from typing import NamedTuple
from urllib.parse import urljoin

import nh3

_LINES = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav"),
    *("ol", "p", "pre", "section", "table", "tr", "ul"),
}
_KEPT = _LINES | {"a", "img", "td", "th"}
_DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "svg", "math", "template"}
_ATTRIBUTES = {"a": {"href"}, "img": {"src"}}

_TAG = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z]+="[^"]*")*)>')
_TARGET = re.compile(r' (?:href|src)="([^"]*)"')
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n[ \n]*")
_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")

MAX_LINKS = 100
"""A page with more links is a list of links; the first ones say enough."""


class Content(NamedTuple):
    """What a piece of HTML says: its text, and the web addresses of its links and pictures."""

    text: str
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


def has_markup(text: str) -> bool:
    """Return whether ``text`` holds a tag or a character reference."""
    return _MARKUP.search(text) is not None


def read_html(source: str, base_url: str = "") -> Content:
    """Return the text of ``source`` with a line a block, and its absolute http(s) addresses.

    Scripts, styles and embedded documents go with all they hold.
    """
    if not has_markup(source):
        return Content(plain(source))
    # ammonia parses like a browser: what comes back is well-formed and holds only what is named.
    clean = nh3.clean(
        source.replace("\x00", ""),
        tags=_KEPT,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel=None,
        strip_comments=True,
    )
    links: dict[str, None] = {}
    media: dict[str, None] = {}

    def replace(tag: re.Match[str]) -> str:
        name = tag[2]
        if name in ("a", "img") and not tag[1]:
            target = _TARGET.search(tag[3])
            address = absolute(html.unescape(target[1]), base_url) if target else None
            if address is not None:
                (links if name == "a" else media)[address] = None
        if name in _LINES:
            return "\n"
        return " " if name in ("td", "th", "img") else ""

    text = plain(html.unescape(_TAG.sub(replace, clean)))
    return Content(text, tuple(links)[:MAX_LINKS], tuple(media)[:MAX_LINKS])


def one_line(source: str) -> str:
    """Return the text of a title or a name, which may hold markup, on one line."""
    return " ".join(read_html(source).text.split())


def plain(text: str) -> str:
    """Return ``text`` with single spaces, at most one empty line's worth of break, no ends."""
    text = text.replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", text.replace("\x00", ""))).strip()


def absolute(target: str, base_url: str) -> str | None:
    """Return ``target`` as an absolute http(s) URL, None where it is none."""
    try:
        url = urljoin(base_url, target.strip())
    except ValueError:
        return None
    is_web = url[:8].lower().startswith(("http://", "https://"))
    return url if is_web and len(url) <= 2_000 and not re.search(r"\s", url) else None
