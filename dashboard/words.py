"""How values are written on a page: escaped, short, in the viewer's zone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts.incident import Evidence
from core.mention import Author
from insights.measures import Estimate
from insights.sentence import format_factor, format_range

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

EXCERPT_CHARS = 420
"""Longest piece of a text on a card: six lines of a phone."""

CONTEXT_CHARS = 160
"""How much stands before the first match in an excerpt of a long text."""

TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Unicode's marks, embeddings, overrides and isolates of reading direction."""


def escape(text: str) -> str:
    """Return text of strangers safe inside HTML, also inside an attribute.

    Characters that would turn the reading direction of what is around them are dropped.
    """
    return html.escape(TURNING.sub("", text), quote=True)


def ago(instant: datetime, now: datetime, zone: str) -> str:
    """Return ``14 min ago``, ``3 h ago``, ``yesterday 13:05`` or a date."""
    passed = now - instant
    local, today = instant.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    days = (today.date() - local.date()).days
    if passed < MINUTE:
        return "just now"
    if passed < HOUR:
        return f"{passed // MINUTE} min ago"
    if passed < 12 * HOUR or days == 0:
        return f"{passed // HOUR} h ago"
    if days == 1:
        return f"yesterday {local:%H:%M}"
    if days < 7:
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def exact(instant: datetime, zone: str) -> str:
    """Return an instant in full, for a tooltip."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M:%S} {local.tzname() or ''}".strip()


def number(value: int) -> str:
    """Return a count with thin groups: ``12,284``."""
    return f"{value:,}"


def short(value: int) -> str:
    """Return ``950``, ``4.2k`` or ``1.3M``."""
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            text = f"{value / limit:.1f}" if value < 10 * limit else f"{value / limit:.0f}"
            return f"{text.removesuffix('.0')}{unit}"
    return str(value)


def short_time(length: timedelta) -> str:
    """Return ``42 min``, ``3.5 h`` or ``2 days``."""
    if length < 90 * MINUTE:
        return f"{round(length / MINUTE)} min"
    return f"{length / HOUR:.1f} h" if length < 2 * DAY else f"{round(length / DAY)} days"


def signed(value: float) -> str:
    """Return net sentiment (-1..1) as ``+0.12`` or ``−0.31``."""
    rounded = round(value, 2)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded):.2f}"


def interval(estimate: Estimate) -> str:
    """Return an estimate's interval: ``−0.38 to −0.24``."""
    return f"{signed(estimate.low)} to {signed(estimate.high)}"


def percents(estimate: Estimate) -> str:
    """Return the interval of a share: ``31 to 37 %``."""
    return f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f} %"


def host_of(url: str) -> str:
    """Return the host that a link goes to, as people know it; empty where that is unsure."""
    href = safe_href(url)
    return (urlsplit(href).hostname or "").removeprefix("www.") if href else ""


def safe_href(url: str | None) -> str | None:
    """Return an address that may be linked to, None for anything but http and https.

    One with a backslash before its path is none: browsers take that for a slash, and would go to
    another host than we would show.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url.strip())
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return url.strip() if is_web and "\\" not in parts.netloc else None


def author_name(author: Author) -> str:
    """Return the name to show: the display name, else the handle, else the id."""
    return author.name or author.handle or author.id


def highlighted(text: str, spans: Sequence[tuple[int, int]], limit: int = EXCERPT_CHARS) -> str:
    """Return an excerpt of ``text`` as safe HTML in which ``spans`` are marked.

    A long text is cut around its first match. ``spans`` are sorted and do not overlap.
    """
    start = 0
    if spans and len(text) > limit and spans[0][0] > limit - CONTEXT_CHARS:
        start = _word_start(text, spans[0][0] - CONTEXT_CHARS)
    end = min(start + limit, len(text))
    pieces, at = ["…" if start else ""], start
    for first, last in spans:
        if last <= start or first >= end:
            continue
        begin, stop = max(first, at), min(last, end)
        pieces += [escape(text[at:begin]), "<mark>", escape(text[begin:stop]), "</mark>"]
        at = stop
    pieces += [escape(text[at:end]), "…" if end < len(text) else ""]
    return "".join(pieces).strip().replace("\n", "<br>")


def excerpt(text: str, limit: int) -> str:
    """Return the beginning of ``text`` on one line, not escaped."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _word_start(text: str, at: int) -> int:
    space = text.find(" ", at)
    return space + 1 if 0 <= space < at + 40 else at


def compared(seen: Evidence) -> str:
    """Return how far that is from what is usual, as far as it is known."""
    text = ""
    if seen.factor:
        text += f", {format_factor(seen.factor)} times what is usual"
        if seen.low is not None and seen.high is not None:
            text += f", {format_range(round(seen.low), round(seen.high))}"
    if seen.p is not None:
        is_rare = seen.p < 1e-6
        text += f" ({'by chance less than once in a million' if is_rare else f'p = {seen.p:.1g}'})"
    return text
