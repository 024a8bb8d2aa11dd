"""Mastodon: public hashtag timelines of one server (and of servers that speak its API)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import JsonValue

from core.errors import FetchError
from core.identity import service_item_id
from core.mention import Author, Engagement, Mention
from core.ports import PollStatus
from core.times import FUTURE_TOLERANCE, published_time
from crawlers.clocks import microseconds
from crawlers.json_values import count, mapping, mappings, moment, parse_json, string
from crawlers.markup import absolute, one_line, read_html
from crawlers.outcome import BlockedError
from crawlers.spider import SourceSpider, Visit, response_headers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.settings import MastodonSource

SERVICE = "mastodon"
PAGE = 40
MAX_PAGES = 250

QUIET = timedelta(days=1)
"""After hearing nothing new for so long, a hashtag's cursor is tried anew: a server that lost its
posts, or lied about an id, gives ids below it, and the cursor would hide them for ever."""

_LINK = re.compile(r'<([^<>]*)>\s*;[^,<]*?\brel="?(next|prev)\b')

Status = dict[str, Any]


class MastodonSpider(SourceSpider):
    """Visits each hashtag: forward from the last visit, or back through the history.

    The cursor holds the newest id a hashtag, and when it was found (``heard``). Going forward it
    moves with every page (``min_id`` gives the items just above an id); going back it is set when
    the whole way is done.
    """

    def own_urls(self, source: MastodonSource) -> tuple[str, ...]:
        """Return the server's URL."""
        return (source.url,)

    async def visit(self, visit: Visit) -> PollStatus:
        """Fetch what is new under each hashtag."""
        source: MastodonSource = visit.source
        cursor = await visit.cursor()
        newest: dict[str, str] = {}
        heard: dict[str, int] = {}
        if cursor.get("url") == source.url:
            newest = {tag: string(at) for tag, at in mapping(cursor.get("newest")).items()}
            heard = {tag: count(at) or 0 for tag, at in mapping(cursor.get("heard")).items()}
        for tag in dict.fromkeys(hashtag.lstrip("#").casefold() for hashtag in source.hashtags):
            walk = _Walk(visit, source, tag, newest, heard)
            if newest.get(tag):
                await walk.forward()
            else:
                await walk.back()
        return PollStatus.OK


class _Walk:
    """One hashtag's timeline on one visit."""

    def __init__(
        self,
        visit: Visit,
        source: MastodonSource,
        tag: str,
        newest: dict[str, str],
        heard: dict[str, int],
    ) -> None:
        self._visit = visit
        self._source = source
        self._tag = tag
        self._newest = newest
        self._heard = heard

    async def forward(self) -> None:
        for number in range(MAX_PAGES):
            known = self._newest[self._tag]
            statuses, cursors = await self._page(min_id=known)
            # A server that ignores `min_id` shows its newest page for ever.
            fresh = [status for status in statuses if order(status.get("id")) > order(known)]
            if not fresh:
                if number == 0 and self._is_quiet():
                    await self.back()
                return
            top = max(*(string(s.get("id")) for s in fresh), cursors.get("min_id", ""), key=order)
            await self._deliver(fresh, top)

    def _is_quiet(self) -> bool:
        return self._now_seconds() - self._heard.get(self._tag, 0) > QUIET.total_seconds()

    def _now_seconds(self) -> int:
        return int(self._visit.now().timestamp())

    async def back(self) -> None:
        history = self._visit.context.history
        oldest = self._visit.now() - history if history else None
        top = ""
        below: str | None = None
        for _ in range(MAX_PAGES):
            statuses, cursors = await self._page(**({"max_id": below} if below else {}))
            if below is not None:
                statuses = [s for s in statuses if order(s.get("id")) < order(below)]
            if not statuses:
                break
            ids = [string(status.get("id")) for status in statuses]
            top = max(top, *ids, key=order)
            times = [at for s in statuses if (at := moment(s.get("created_at"))) is not None]
            is_done = oldest is None or (bool(times) and min(times) < oldest)
            kept = [s for s in statuses if oldest is None or not _is_older(s, oldest)]
            await self._deliver(kept, None)
            if is_done:
                break
            below = cursors.get("max_id") or min(ids, key=order)
        await self._deliver((), top)

    async def _deliver(self, statuses: Sequence[Status], top: str | None) -> None:
        cursor: dict[str, JsonValue] | None = None
        if top is not None:
            self._newest[self._tag] = top
            self._heard[self._tag] = self._now_seconds()
            cursor = {
                "url": self._source.url,
                "newest": {**self._newest},
                "heard": {**self._heard},
            }
        mentions, skipped = read_statuses(statuses, self._source, self._visit.now())
        if mentions or cursor or skipped:
            await self._visit.deliver(mentions, cursor, skipped=skipped)

    async def _page(self, **position: str) -> tuple[list[Status], dict[str, str]]:
        """Return one page of the timeline and the ids its Link header names."""
        base = f"{self._source.url.rstrip('/')}/api/v1/timelines/tag/{quote(self._tag, safe='')}"
        try:
            response = await self._visit.fetch(f"{base}?{urlencode({'limit': PAGE, **position})}")
        except BlockedError as err:
            raise BlockedError(
                f"the server does not show hashtag timelines without an account ({err})"
            ) from err
        statuses = parse_json(response.body)
        if not isinstance(statuses, list):
            raise FetchError("the answer is no timeline: is this a server with Mastodon's API?")
        return mappings(statuses), link_cursors(response_headers(response).get("link", ""))


def order(status_id: object) -> tuple[int, str]:
    """Return the sort key of an id: numbers by size, other servers' ids by length, then text."""
    text = string(status_id)
    return len(text), text


def link_cursors(header: str) -> dict[str, str]:
    """Return ``max_id`` and ``min_id`` out of a Link header.

    Only these values are used: the addresses may name another host than the one that is visited,
    behind a proxy even one that is not reachable.
    """
    found: dict[str, str] = {}
    for target, relation in _LINK.findall(header):
        name = "max_id" if relation == "next" else "min_id"
        # Not urlsplit: it refuses some broken hosts, and the host does not matter here.
        values = parse_qs(target.partition("?")[2].partition("#")[0]).get(name)
        if values:
            found[name] = values[0]
    return found


def _is_older(status: Status, oldest: datetime) -> bool:
    at = moment(status.get("created_at"))
    return at is not None and at < oldest


def read_statuses(
    statuses: Sequence[Status], source: MastodonSource, now: datetime
) -> tuple[list[Mention], dict[str, int]]:
    """Return the mentions of ``statuses``, and counts of those that are none, by reason."""
    uris = {string(s.get("id")): string(s.get("uri")) for s in statuses}
    mentions: list[Mention] = []
    skipped: dict[str, int] = {}
    for status in statuses:
        reason = why_not(status)
        if reason is None:
            mentions.append(mention_of(status, source, now, uris))
        else:
            skipped[reason] = skipped.get(reason, 0) + 1
    return mentions, skipped


def why_not(status: Status) -> str | None:
    """Return why ``status`` must not or cannot be taken, None where it can.

    An author says in the profile whether public posts may be searched (``indexable``) and
    whether the profile may be indexed (``noindex``). Servers that know neither have the older
    ``discoverable``.
    """
    account = mapping(status.get("account"))
    indexable = account.get("indexable")
    if indexable is None:
        indexable = account.get("discoverable")
    if account.get("noindex") is True or indexable is False:
        return "not_indexable"
    if status.get("reblog") or status.get("visibility", "public") != "public":
        return "not_public"
    if not string(status.get("uri")):
        return "no_id"
    return None


def mention_of(
    status: Status, source: MastodonSource, now: datetime, uris: Mapping[str, str]
) -> Mention:
    """Return the mention of ``status``; ``uris`` maps ids of this server to what they name."""
    url = absolute(string(status.get("url")) or string(status.get("uri")), "")
    content = read_html(string(status.get("content")), url or "")
    published = published_time(moment(status.get("created_at")), now)
    observed_us = microseconds(now)
    parent_uri = uris.get(string(status.get("in_reply_to_id")))
    quoted_uri = string(mapping(mapping(status.get("quote")).get("quoted_status")).get("uri"))
    around = [*mappings(status.get("tags")), *mappings(status.get("mentions"))]
    not_links = {string(part.get("url")) for part in around}
    media = (absolute(string(m.get("url")), "") for m in mappings(status.get("media_attachments")))
    mention = Mention(
        id=service_item_id(SERVICE, string(status.get("uri"))),
        service=SERVICE,
        channel=source.channel,
        url=url,
        title=one_line(string(status.get("spoiler_text"))) or None,
        text=content.text,
        published_at=published.at,
        published_estimated=published.is_estimated,
        author=author_of(mapping(status.get("account"))),
        parent_id=service_item_id(SERVICE, parent_uri) if parent_uri else None,
        quoted_id=service_item_id(SERVICE, quoted_uri) if quoted_uri else None,
        links=tuple(link for link in content.links if link not in not_links),
        media=tuple(address for address in media if address),
        synthetic=source.synthetic,
        sources=(source.name,),
        collected_at=now.replace(microsecond=0),
        engagement=Engagement(
            reactions=count(status.get("favourites_count")),
            comments=count(status.get("replies_count")),
            shares=count(status.get("reblogs_count")),
            observed_us=observed_us,
        ),
    )
    return mention.with_version(observed_us, revision_of(status, source, now))


def revision_of(status: Status, source: MastodonSource, now: datetime) -> int:
    """Return the revision of ``status``: above 0 only as told by the server it was written on.

    Another server shows a copy. However new it says that is, it does not outrank the original,
    or one server could put words into the mouths of all others' authors. A time of edit that
    has not come yet counts as ``now``.
    """
    if host_of(string(status.get("uri"))) != host_of(source.url):
        return 0
    edited = moment(status.get("edited_at"))
    if edited is None:
        return 1
    latest = now if edited > now + FUTURE_TOLERANCE else edited
    return max(microseconds(latest), 1)


def host_of(url: str) -> str:
    """Return host and port of ``url`` as written, nothing where it is no URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def author_of(account: Mapping[str, Any]) -> Author | None:
    """Return the author, with the id and handle that hold on every server."""
    url = string(account.get("url"))
    author_id = string(account.get("uri")) or url
    if not author_id:
        return None
    handle = string(account.get("acct"))
    if handle and "@" not in handle:
        handle = f"{handle}@{host_of(url)}"
    return Author(
        service=SERVICE,
        id=author_id,
        handle=handle or None,
        name=one_line(string(account.get("display_name"))) or None,
        url=absolute(url, "") if url else None,
        followers=count(account.get("followers_count")),
    )
