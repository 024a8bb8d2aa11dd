"""HTML of strangers to plain text, and the links and media in it."""

from __future__ import annotations

import html
import itertools
import re
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

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
_TAG_START = re.compile(r"<[a-zA-Z/!]")
_REFERENCE = re.compile(r"&(?:#\d{1,9}|#x[0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{0,40});")

MAX_MARKUP_CHARS = 2_000_000
MAX_TAGS = 10_000
"""What stands after is left out: tags nested without end take a parser quadratic time."""

MAX_LINKS = 100
"""A page with more links is a list of links; the first ones say enough."""


class Content(NamedTuple):
    """What a piece of HTML says: its text, and the web addresses of its links and pictures."""

    text: str
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


def has_markup(text: str) -> bool:
    """Return whether ``text`` holds a tag or a character reference."""
    start = _TAG_START.search(text)
    # One look from the end instead of one from each "<": linear, whatever the text.
    if start is not None and text.rfind(">") > start.start():
        return True
    return _REFERENCE.search(text) is not None


def read_html(source: str, base_url: str = "") -> Content:
    """Return the text of ``source`` with a line a block, and its absolute http(s) addresses.

    Scripts, styles and embedded documents go with all they hold.
    """
    if not has_markup(source):
        return Content(plain(source))
    # ammonia parses like a browser: what comes back is well-formed and holds only what is named.
    clean = nh3.clean(
        _bounded(source.replace("\x00", "")),
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


def _bounded(source: str) -> str:
    """Return as much of ``source`` as is read: so many characters, so many tags."""
    source = source[:MAX_MARKUP_CHARS]
    if source.count("<") <= MAX_TAGS:
        return source
    starts = itertools.islice(re.finditer("<", source), MAX_TAGS, None)
    return source[: next(starts).start()]


def one_line(source: str) -> str:
    """Return the text of a title or a name, which may hold markup, on one line."""
    return " ".join(read_html(source).text.split())


def plain(text: str) -> str:
    """Return ``text`` with single spaces, at most one empty line's worth of break, no ends."""
    text = text.replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", text.replace("\x00", ""))).strip()


def absolute(target: str, base_url: str) -> str | None:
    """Return ``target`` as an absolute http(s) URL, None where it is none.

    None too for a host with a backslash: browsers end the host there and other readers do not,
    so it would be shown as one site and lead to another.
    """
    try:
        url = urljoin(base_url, target.strip()).encode("utf-8", "ignore").decode()
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    is_plain = len(url) <= 2_000 and "\\" not in parts.netloc and not re.search(r"\s", url)
    return url if is_web and is_plain else None
