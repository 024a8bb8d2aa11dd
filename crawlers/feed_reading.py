"""A feed's bytes to its items: RSS, Atom, RDF and CDF by feedparser, JSON Feed by ourselves."""

from __future__ import annotations

import io
import json
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import struct_time
from typing import Any

from parsel import Selector

from core.errors import BadInputError
from crawlers.json_values import mappings
from crawlers.markup import absolute, one_line, plain, read_html

MAX_EXPANSION = 1_000_000
"""Characters that the entities a document declares may expand to, in all."""

_ENTITY = re.compile(
    rb"""<!ENTITY\s+([^\s%"'<>]{1,200})\s+(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE
)
_REFERENCE = re.compile(rb"&([^\s;&#]{1,200});")
MAX_DECLARATIONS = 1_000
"""Declarations in one document: for each broken one, feedparser reads on to the end."""

_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")
_HTML_START = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_SNIFFED_BYTES = 200_000
_HEAD_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One item as delivered, its markup already text. ``date`` is the raw claim."""

    guid: str | None = None
    link: str | None = None
    title: str | None = None
    text: str = ""
    author_name: str | None = None
    author_url: str | None = None
    date: str = ""
    published: datetime | None = None
    links: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """What could be read. ``problem`` says what is wrong with a feed that was read anyway."""

    items: list[FeedItem] = field(default_factory=list)
    problem: str | None = None


def read_feed(body: bytes, url: str, headers: Mapping[str, str]) -> Feed:
    """Return the items of the feed ``body`` that was fetched from ``url``.

    Raises BadInputError with the reason where it is no feed that can be read.
    """
    if not body.strip():
        raise BadInputError("an empty answer where a feed should be")
    if body.lstrip()[:1] == b"{":
        return _read_json(body, url)
    _refuse_entity_bomb(body)
    _refuse_declarations(body)
    import feedparser

    told = {"content-location": url}
    if "content-type" in headers:
        told["content-type"] = headers["content-type"]
    try:
        parsed = feedparser.parse(
            io.BytesIO(body),
            response_headers=told,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        AssertionError,
    ) as err:
        raise BadInputError(f"malformed feed: {_short(err)}") from err
    problem = f"malformed feed: {_short(parsed.get('bozo_exception'))}" if parsed.bozo else None
    if not parsed.entries:
        if not parsed.get("version"):
            raise BadInputError(_why_no_feed(body, url))
        if parsed.bozo and not parsed.feed:
            raise BadInputError(problem or "malformed feed")
    base = parsed.feed.get("link") or url
    items = [_item(entry, absolute(base, url) or url, parsed.feed) for entry in parsed.entries]
    return Feed(items, problem if not items else None)


def _refuse_entity_bomb(body: bytes) -> None:
    """Raise BadInputError when the entities that ``body`` declares expand beyond measure."""
    if b"<!ENTITY" not in body and b"<!entity" not in body:
        return
    values = {name: double or single for name, double, single in _ENTITY.findall(body)}
    sizes: dict[bytes, int] = {}

    def size(name: bytes, depth: int) -> int:
        if name not in values:
            return 0
        if depth > len(values) or depth > 50:
            return MAX_EXPANSION + 1
        if name not in sizes:
            inner = sum(size(inner, depth + 1) for inner in _REFERENCE.findall(values[name]))
            sizes[name] = min(len(values[name]) + inner, MAX_EXPANSION + 1)
        return sizes[name]

    total = 0
    for reference in _REFERENCE.finditer(body):
        total += size(reference[1], 0)
        if total > MAX_EXPANSION:
            raise BadInputError(
                "the document declares XML entities that expand to more than "
                f"{MAX_EXPANSION / 1e6:g} MB (an XML bomb)"
            )


def _refuse_declarations(body: bytes) -> None:
    """Raise BadInputError when ``body`` holds so many declarations that reading them never ends."""
    # Two bytes a character, or four: the zeros between them hide what is looked for.
    plain_body = body.replace(b"\x00", b"") if b"\x00" in body[:4] else body
    found = sum(1 for _ in _DECLARATION.finditer(plain_body))
    if found > MAX_DECLARATIONS:
        raise BadInputError(
            f"the document holds {found} declarations (<!...), where a feed has one or none"
        )


def _why_no_feed(body: bytes, url: str) -> str:
    if not _HTML_START.search(body[:_HEAD_BYTES]):
        return "neither RSS, Atom, RDF nor JSON Feed"
    found = advertised_feed(body, url)
    return "an HTML page where a feed should be" + (f"; it names the feed {found}" if found else "")


def advertised_feed(body: bytes, url: str) -> str | None:
    """Return the feed that the HTML page ``body`` names in its head, if any."""
    page = Selector(body=body[:_SNIFFED_BYTES], type="html")
    for link in page.xpath("//link[@href]"):
        kind = link.attrib.get("type", "").strip().lower()
        if kind in _FEED_TYPES and "alternate" in link.attrib.get("rel", "").lower().split():
            return absolute(link.attrib["href"], url)
    return None


def _item(entry: Any, base_url: str, feed: Any) -> FeedItem:
    contents = [part for part in entry.get("content", ()) if part.get("value")]
    detail = max(contents, key=lambda part: len(part["value"]), default=None)
    if detail is None:
        detail = entry.get("summary_detail") or {"value": entry.get("summary", "")}
    base = absolute(detail.get("base") or "", base_url) or base_url
    content = read_html(detail.get("value") or "", base)
    date, published = _date(entry)
    name, url = _author(entry, feed)
    link = entry.get("link")
    return FeedItem(
        guid=entry.get("id") or None,
        link=absolute(link, base_url) if link else None,
        title=_title(entry),
        text=content.text,
        author_name=name,
        author_url=absolute(url, base_url) if url else None,
        date=date,
        published=published,
        links=content.links,
        media=tuple(dict.fromkeys((*_media(entry, base_url), *content.media))),
    )


def _title(entry: Any) -> str | None:
    detail = entry.get("title_detail") or {}
    value = detail.get("value") or entry.get("title") or ""
    is_text = detail.get("type") == "text/plain"
    return (" ".join(plain(value).split()) if is_text else one_line(value)) or None


def _date(entry: Any) -> tuple[str, datetime | None]:
    for name in ("published", "created", "updated"):
        # `in` alone: feedparser answers a missing date with another one and a warning.
        if name in entry.keys() and entry[name]:  # noqa: SIM118
            return str(entry[name]), _instant(dict(entry).get(f"{name}_parsed"))
    return "", None


def _instant(parsed: struct_time | None) -> datetime | None:
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _author(entry: Any, feed: Any) -> tuple[str | None, str | None]:
    for holder in (entry, feed):
        detail = holder.get("author_detail") or {}
        name = detail.get("name") or holder.get("author") or detail.get("email")
        if name:
            return one_line(name) or None, detail.get("href")
    return None, None


def _media(entry: Any, base_url: str) -> list[str]:
    named = [*entry.get("media_content", ()), *entry.get("media_thumbnail", ())]
    targets = [part.get("url") for part in named]
    targets += [part.get("href") for part in entry.get("enclosures", ())]
    found = (absolute(target, base_url) for target in targets if target)
    return [url for url in found if url is not None]


# --- JSON Feed (https://www.jsonfeed.org/version/1.1/) -------------------------------------------


def _read_json(body: bytes, url: str) -> Feed:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise BadInputError(f"malformed JSON Feed: {_short(err)}") from err
    version = feed.get("version")
    if not isinstance(version, str) or "jsonfeed.org/version/" not in version:
        raise BadInputError("JSON, but no JSON Feed: `version` names none")
    items = feed.get("items")
    if not isinstance(items, list):
        raise BadInputError("malformed JSON Feed: `items` is no list")
    base = absolute(_text(feed.get("home_page_url")), url) or url
    return Feed([_json_item(item, base, feed) for item in items if isinstance(item, dict)])


def _json_item(item: dict[str, Any], base_url: str, feed: dict[str, Any]) -> FeedItem:
    markup = _text(item.get("content_html"))
    content = read_html(markup, base_url)
    text = content.text or plain(_text(item.get("content_text")) or _text(item.get("summary")))
    date = _text(item.get("date_published")) or _text(item.get("date_modified"))
    author = _json_author(item) or _json_author(feed)
    files = mappings(item.get("attachments"))
    media = [item.get("image"), item.get("banner_image"), *(part.get("url") for part in files)]
    found = (absolute(_text(target), base_url) for target in media if target)
    told_outside = _text(item.get("external_url"))
    outside = absolute(told_outside, base_url) if told_outside else None
    raw_id = item.get("id")
    return FeedItem(
        guid=str(raw_id) if raw_id not in (None, "") else None,
        link=absolute(_text(item.get("url")), base_url) if item.get("url") else outside,
        title=one_line(_text(item.get("title"))) or None,
        text=text,
        author_name=one_line(_text(author.get("name"))) or None,
        author_url=absolute(_text(author.get("url")), base_url) if author.get("url") else None,
        date=date,
        published=_iso(date),
        links=tuple(dict.fromkeys((*content.links, *((outside,) if outside else ())))),
        media=tuple(dict.fromkeys((*(u for u in found if u is not None), *content.media))),
    )


def _json_author(holder: dict[str, Any]) -> dict[str, Any]:
    authors = holder.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else holder.get("author")
    return first if isinstance(first, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _iso(value: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _short(problem: object) -> str:
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text[:200]
