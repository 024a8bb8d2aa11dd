"""Feeds: RSS, Atom, RDF and JSON Feed, fetched conditionally."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.errors import BadInputError, FetchError
from core.identity import canonical_url, content_id, feed_item_id, page_id
from core.mention import Author, Mention
from core.ports import PollStatus
from core.times import published_time
from crawlers.clocks import instant, microseconds
from crawlers.feed_reading import FeedItem, read_feed
from crawlers.policy import without_credentials
from crawlers.sites import same_site, site_of
from crawlers.spider import SourceSpider, Visit, response_headers

if TYPE_CHECKING:
    from core.settings import FeedSource

SERVICE = "web"
MAX_REMEMBERED = 5_000
ACCEPT = {
    "Accept": "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """When an item was first seen, whether as news, and when it last changed, in microseconds.

    An item stays in a feed for days. Remembering how it was seen first makes every later reading
    of it equal to the first, down to the estimated date of an undated item.
    """

    first_us: int
    is_live: bool
    changed_us: int
    digest: str


class FeedSpider(SourceSpider):
    """Visits feeds. The cursor holds validators by full URL, and the items seen last time."""

    def own_urls(self, source: FeedSource) -> tuple[str, ...]:
        """Return the feed's URL."""
        return (source.url,)

    async def visit(self, visit: Visit) -> PollStatus:
        """Fetch the feed, unless it says that it did not change."""
        source: FeedSource = visit.source
        url, _ = without_credentials(source.url)
        cursor = await visit.cursor()
        if cursor.get("url") != url:
            cursor = {}
        validators: Any = cursor.get("validators") or {}
        response = await visit.fetch(source.url, headers=ACCEPT, validators=validators)
        if response.status == 304:
            problem = cursor.get("problem")
            visit.reason = f"unchanged; {problem}" if problem else None
            return PollStatus.NOT_MODIFIED
        headers = response_headers(response)
        moved: dict[str, Any] = {"url": url, "validators": {response.url: validators_of(headers)}}
        seen: Any = cursor.get("seen")
        try:
            feed = await asyncio.to_thread(read_feed, response.body, response.url, headers)
        except BadInputError as err:
            await visit.deliver((), {**moved, "seen": seen, "problem": str(err)})
            raise FetchError(str(err)) from err
        reading = Reading(source, visit.now(), seen or {}, is_live=seen is not None)
        mentions = reading.mentions(feed.items)
        await visit.deliver(
            mentions,
            {**moved, "seen": reading.remembered(), "problem": feed.problem},
            skipped=reading.skipped,
        )
        visit.reason = feed.problem
        return PollStatus.OK


def validators_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that make the next request conditional."""
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    return {name: headers[told] for name, told in pairs if headers.get(told)}


class Reading:
    """One reading of one feed: items to mentions, remembering how each was seen first."""

    def __init__(
        self, source: FeedSource, now: datetime, seen: Mapping[str, Any], *, is_live: bool
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self._source = source
        self._now = now
        self._now_us = microseconds(now)
        self._seen = seen
        self._is_live = is_live
        self._sightings: dict[str, Sighting] = {}

    def mentions(self, items: Iterable[FeedItem]) -> list[Mention]:
        """Return a mention an item; items without any content are counted as skipped."""
        kept = list(items)
        shared = Counter(canonical(item.link) for item in kept if item.link)
        found: dict[str, Mention] = {}
        for item in kept:
            if not (item.title or item.text):
                self.skipped["no_text"] += 1
                continue
            mention = self._mention(item, shared)
            if mention.id in found:
                self.skipped["repeated"] += 1
                continue
            found[mention.id] = mention
        return list(found.values())

    def remembered(self) -> dict[str, Any]:
        """Return the sightings of this reading, for the cursor."""
        newest = list(self._sightings.items())[:MAX_REMEMBERED]
        return {
            key: [seen.first_us, seen.is_live, seen.changed_us, seen.digest] for key, seen in newest
        }

    def _mention(self, item: FeedItem, shared: Mapping[str, int]) -> Mention:
        feed_url = canonical_url(self._source.url)
        mention_id, copy_of = identify(item, feed_url, shared)
        remembered = self._seen.get(mention_id)
        first_us, is_live = remembered[:2] if remembered else (self._now_us, self._is_live)
        first_seen = instant(first_us)
        published = published_time(item.published, first_seen, live=is_live)
        mention = Mention(
            id=mention_id,
            service=SERVICE,
            channel=self._source.channel,
            url=item.link,
            title=item.title,
            text=item.text,
            published_at=published.at,
            published_estimated=published.is_estimated,
            backdated=published.is_backdated,
            author=author_of(item, feed_url),
            copy_of=copy_of,
            links=item.links,
            media=item.media,
            synthetic=self._source.synthetic,
            sources=(self._source.name,),
            collected_at=first_seen,
        )
        digest = mention.digest()
        changed_us = self._now_us
        if remembered and remembered[3] == digest:
            changed_us = remembered[2]
        self._sightings[mention_id] = Sighting(first_us, is_live, changed_us, digest)
        return mention.model_copy(update={"version": (0, changed_us, digest)})


def identify(item: FeedItem, feed_url: str, shared: Mapping[str, int]) -> tuple[str, str | None]:
    """Return the id of ``item`` and, where it copies another site's page, that page's URL.

    A link names the item only when it leads to the feed's own site, to a page of its own:
    not to the front page, not to a part of a page, and not where other items lead too
    (``shared`` counts the canonical links of the feed).
    """
    link = item.link
    copy_of = None
    if link is not None:
        canonical_link = canonical(link)
        if same_site(link, feed_url):
            parts = urlsplit(link)
            is_page = bool(parts.path.strip("/") or parts.query) and not parts.fragment
            if is_page and shared[canonical_link] == 1:
                return page_id(link), None
        else:
            copy_of = canonical_link
    if item.guid:
        return feed_item_id(feed_url, item.guid), copy_of
    if link is not None and shared[canonical(link)] == 1:
        return feed_item_id(feed_url, link), copy_of
    text = f"{item.title or ''}\n{item.text}"
    author = item.author_name or ""
    return content_id(f"{feed_url} {author}", item.date, text), copy_of


def canonical(link: str) -> str:
    """Return the canonical form of ``link``, or the link where it has none."""
    try:
        return canonical_url(link)
    except ValueError:
        return link


def author_of(item: FeedItem, feed_url: str) -> Author | None:
    """Return the author; a name means the same person only within one site."""
    name = item.author_name
    if name is None:
        return None
    site = site_of(item.link or feed_url) or feed_url
    return Author(service=SERVICE, id=f"{site}/{name.casefold()}", name=name, url=item.author_url)
