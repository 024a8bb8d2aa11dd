"""Which column fills which field, and how a row becomes a mention."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import UsageError
from core.identity import content_id, page_id, service_item_id
from core.mention import Author, Channel, Engagement, Mention
from core.times import EARLIEST_CLAIM, published_time
from crawlers.clocks import microseconds
from crawlers.importing.dates import DateFormat
from crawlers.importing.records import Record, SkippedRow
from crawlers.markup import absolute

FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "status_id", "tweet_id", "post_id", "id_str", "uri"),
    "text": ("text", "body", "content", "message", "full_text", "tweet", "texto"),
    "title": ("title", "headline"),
    "published_at": ("published_at", "created_at", "date", "timestamp", "time", "criado_em"),
    "author": ("author", "handle", "screen_name", "username", "user", "perfil"),
    "author_id": ("author_id", "user_id"),
    "author_name": ("author_name", "user_name", "display_name"),
    "followers": ("followers", "user_followers", "followers_count", "follower_count"),
    "url": ("url", "link", "permalink"),
    "language": ("language", "lang"),
    "reactions": ("reactions", "likes", "favorites", "favourites", "favorite_count", "num_points"),
    "comments": ("comments", "replies", "reply_count", "num_comments", "comment_count"),
    "shares": ("shares", "retweets", "retweet_count", "reposts", "share_count"),
    "views": ("views", "impressions", "view_count", "impression_count"),
    "parent_id": ("parent_id", "in_reply_to_id", "in_reply_to_status_id", "reply_to"),
    "hashtags": (),
    "service": (),
}
"""Field -> names of columns that are taken for it where the mapping says nothing."""

LATEST_CLAIM = timedelta(days=366)
"""How far ahead a date may lie; beyond it is a mistake of the file, not of a clock."""

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][A-Za-z]+)?")
_HASHTAG = re.compile(r"\w+")
_NUMBER = re.compile(r"(\d{1,15})(?:\.0*)?")


@dataclass(frozen=True)
class ImportOptions:
    """How a file is to be read. ``mapping`` is field -> column; None elsewhere means: find out.

    ``time_zone`` is the zone of dates that name none.
    """

    source: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    date_format: str | None = None
    time_zone: str = "UTC"
    channel: Channel = Channel.SOCIAL
    service: str | None = None
    synthetic: bool = False


def complete_mapping(
    given: Mapping[str, str], columns: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Return the mapping with well-known columns added, and a note a column that was added.

    Raises UsageError, naming what there is, for unknown fields and columns, and where no column
    is left for the text or the date.
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise UsageError(f"--map {unknown[0]}: no such field; there are {', '.join(FIELDS)}")
    for name, column in given.items():
        if column not in columns:
            raise UsageError(f"--map {name}={column}: the file's columns are {', '.join(columns)}")
    mapping = dict(given)
    notes = []
    by_folded = {column.casefold(): column for column in reversed(columns)}
    for name, guesses in FIELDS.items():
        taken = set(mapping.values())
        if name in mapping or (name == "title" and "text" in given):
            continue
        found = (by_folded[known] for known in guesses if known in by_folded)
        guess = next((column for column in found if column not in taken), None)
        if guess is not None:
            mapping[name] = guess
            notes.append(f"column {guess} is taken for {name}")
    if not {"text", "title"} & mapping.keys():
        raise UsageError(f"no column is the text; say which with --map text=COLUMN ({columns})")
    if "published_at" not in mapping:
        raise UsageError(
            f"no column is the date; say which with --map published_at=COLUMN ({columns})"
        )
    return mapping, notes


class RowReader:
    """Turns the rows of one file into mentions."""

    def __init__(
        self, options: ImportOptions, mapping: Mapping[str, str], dates: DateFormat, now: datetime
    ) -> None:
        self._options = options
        self._columns = dict(mapping)
        self._dates = dates
        self._zone = ZoneInfo(options.time_zone)
        self._now = now
        self._now_us = microseconds(now)

    def mention(self, record: Record) -> Mention | SkippedRow:
        """Return the row's mention, or why there is none: no_text, no_date or bad_date."""
        values = {name: cell(record.values, column) for name, column in self._columns.items()}
        text = _words(values.get("text"))
        title = _words(values.get("title")) or None
        if not (text or title):
            return SkippedRow(record.row, "no_text", position=record.position)
        raw_date = values.get("published_at")
        if raw_date in (None, ""):
            return SkippedRow(record.row, "no_date", position=record.position)
        claim = self.instant(raw_date)
        if claim is None or not EARLIEST_CLAIM <= claim <= self._now + LATEST_CLAIM:
            return SkippedRow(record.row, "bad_date", str(raw_date)[:40], record.position)
        return self._build(values, text, title, str(raw_date), claim)

    def instant(self, value: object) -> datetime | None:
        """Return the time that a cell names, None where it cannot be read."""
        if isinstance(value, datetime):
            read: datetime | None = value
        else:
            read = self._dates.parse(str(value).strip())
        if read is None:
            return None
        try:
            return (read if read.tzinfo else read.replace(tzinfo=self._zone)).astimezone(UTC)
        except (OverflowError, ValueError):
            return None

    def _build(
        self, values: Mapping[str, Any], text: str, title: str | None, date: str, claim: datetime
    ) -> Mention:
        options = self._options
        service = _string(values.get("service")) or options.service or options.source
        author = _author(service, values)
        url = absolute(_string(values.get("url")), "")
        parent = _string(values.get("parent_id"))
        published = published_time(claim, self._now)
        mention = Mention(
            id=_identity(service, values, url, author, date, text or title or ""),
            service=service,
            channel=options.channel,
            url=url,
            title=title,
            text=_with_hashtags(text, values.get("hashtags")),
            language=_language(values.get("language")),
            published_at=published.at,
            published_estimated=published.is_estimated,
            author=author,
            parent_id=service_item_id(service, parent) if parent else None,
            synthetic=options.synthetic,
            sources=(options.source,),
            collected_at=self._now,
            engagement=self._engagement(values),
        )
        return mention.with_version(self._now_us)

    def _engagement(self, values: Mapping[str, Any]) -> Engagement:
        counts = {
            name: _count(values.get(name)) for name in ("reactions", "comments", "shares", "views")
        }
        is_known = any(count is not None for count in counts.values())
        return Engagement(**counts, observed_us=self._now_us) if is_known else Engagement()


def cell(values: Mapping[str, Any], column: str) -> Any:
    """Return the value of ``column``; ``a.b`` is the part b of the part a where no column is."""
    found = values.get(column)
    if found is not None or "." not in column:
        return found
    inner: Any = values
    for step in column.split("."):
        inner = inner.get(step) if isinstance(inner, dict) else None
    return inner


def _identity(
    service: str,
    values: Mapping[str, Any],
    url: str | None,
    author: Author | None,
    date: str,
    text: str,
) -> str:
    item_id = _string(values.get("id"))
    if item_id:
        return service_item_id(service, item_id)
    if url:
        return page_id(url)
    return content_id(author.id if author else "", date, text)


def _author(service: str, values: Mapping[str, Any]) -> Author | None:
    handle = _string(values.get("author")).lstrip("@") or None
    name = _string(values.get("author_name")) or None
    author_id = _string(values.get("author_id")) or handle or name
    if not author_id:
        return None
    followers = _count(values.get("followers"))
    return Author(service=service, id=author_id, handle=handle, name=name, followers=followers)


def _string(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - a missing number in Parquet is NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _words(value: object) -> str:
    """Return a cell's text; exports of web tools leave HTML's character references in it."""
    text = _string(value).replace("\u2028", "\n").replace("\u2029", "\n").replace("\x00", "")
    return html.unescape(text) if "&" in text else text


def _count(value: object) -> int | None:
    match = _NUMBER.fullmatch(_string(value).replace(",", ""))
    return int(match[1]) if match else None


def _language(value: object) -> str | None:
    match = _LANGUAGE.fullmatch(_string(value))
    return match[1] if match else None


def _with_hashtags(text: str, cell: object) -> str:
    """Return ``text`` with the hashtags of their own column that it does not show.

    Exports cut long texts, and the hashtags at their end with them.
    """
    parts = cell if isinstance(cell, list) else _HASHTAG.findall(_string(cell))
    shown = text.casefold()
    missing = [f"#{part}" for part in map(str, parts) if f"#{part}".casefold() not in shown]
    return f"{text}\n{' '.join(missing)}" if missing else text
