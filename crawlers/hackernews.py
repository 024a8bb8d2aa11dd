"""Hacker News: stories and comments by the search API of hn.algolia.com, with history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from core.errors import FetchError
from core.identity import service_item_id
from core.mention import Author, Engagement, Mention
from core.ports import PollStatus
from core.times import published_time
from crawlers.clocks import microseconds
from crawlers.json_values import count, epoch, mapping, mappings, parse_json, string
from crawlers.markup import absolute, one_line, read_html
from crawlers.spider import SourceSpider, Visit

if TYPE_CHECKING:
    from datetime import datetime

    from core.settings import HackerNewsSource

SERVICE = "hackernews"
ITEM_URL = "https://news.ycombinator.com/item?id="
USER_URL = "https://news.ycombinator.com/user?id="

PAGE = 500
"""Hits asked for at once. The API never shows more than 1,000 of one search."""

MAX_PAGES = 400
OVERLAP_SECONDS = 3_600
"""The search index lags behind the site; what it shows twice is known by its id."""

FIRST_VISIT = timedelta(days=1)


class HackerNewsSpider(SourceSpider):
    """Walks the search from now back to the newest item of the last visit.

    Each page begins where the last one ended in time, so the cap on hits of one search does not
    matter. The cursor moves when the whole way is done: a visit that breaks off is repeated.
    """

    def own_urls(self, source: HackerNewsSource) -> tuple[str, ...]:
        """Return the API's URL."""
        return (source.url,)

    async def visit(self, visit: Visit) -> PollStatus:
        """Fetch what is newer than the last visit, or as much history as is asked for."""
        source: HackerNewsSource = visit.source
        cursor = await visit.cursor()
        if cursor.get("query") != source.query:
            cursor = {}
        now = visit.now()
        present = int(now.timestamp())
        newest = count(cursor.get("newest"))
        if newest is None:
            since = int((now - (visit.context.history or FIRST_VISIT)).timestamp())
        else:
            since = min(newest, present) - OVERLAP_SECONDS
        until = present
        newest = newest or 0
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            hits, total = await self._page(visit, source, since, until)
            fresh = [hit for hit in hits if string(hit.get("objectID")) not in seen]
            seen = {string(hit.get("objectID")) for hit in hits}
            mentions = [mention_of(hit, source, now) for hit in fresh]
            kept = [mention for mention in mentions if mention is not None]
            await visit.deliver(kept, skipped={"no_text": len(fresh) - len(kept)})
            times = [at for hit in hits if (at := count(hit.get("created_at_i"))) is not None]
            # An item dated ahead of us must not move the cursor past those to come.
            newest = min(max([newest, *times]), present)
            if not fresh or not times or len(hits) >= total:
                break
            # The same second again, unless a whole page lies within it.
            until = min(times) if min(times) < until else until - 1
        await visit.deliver((), {"query": source.query, "newest": newest or until})
        return PollStatus.OK

    async def _page(
        self, visit: Visit, source: HackerNewsSource, since: int, until: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the newest hits between two seconds, and how many there are in all."""
        asked = {
            "query": source.query,
            "tags": "(story,comment)",
            "numericFilters": f"created_at_i>={since},created_at_i<={until}",
            "hitsPerPage": PAGE,
        }
        response = await visit.fetch(f"{source.url.rstrip('/')}/search_by_date?{urlencode(asked)}")
        answer = mapping(parse_json(response.body))
        if not isinstance(answer.get("hits"), list):
            raise FetchError("the answer holds no hits: is this the search API of Hacker News?")
        hits = mappings(answer["hits"])
        total = count(answer.get("nbHits"))
        return hits, len(hits) // PAGE * PAGE + 1 if total is None else total


def mention_of(hit: dict[str, Any], source: HackerNewsSource, now: datetime) -> Mention | None:
    """Return the mention of one hit of the search; None where it says nothing."""
    item_id = string(hit.get("objectID"))
    content = read_html(
        string(hit.get("comment_text")) or string(hit.get("story_text")), ITEM_URL + item_id
    )
    is_comment = bool(hit.get("comment_text"))
    title = None if is_comment else one_line(string(hit.get("title"))) or None
    if not item_id or not (title or content.text):
        return None
    published = published_time(epoch(hit.get("created_at_i")), now)
    observed_us = microseconds(now)
    page = absolute(string(hit.get("url")), "") if hit.get("url") else None
    story, parent = string(hit.get("story_id")), string(hit.get("parent_id"))
    name = string(hit.get("author"))
    author = Author(service=SERVICE, id=name, handle=name, url=USER_URL + name) if name else None
    mention = Mention(
        id=service_item_id(SERVICE, item_id),
        service=SERVICE,
        channel=source.channel,
        url=ITEM_URL + item_id,
        title=title,
        text=content.text,
        published_at=published.at,
        published_estimated=published.is_estimated,
        author=author,
        parent_id=service_item_id(SERVICE, parent) if is_comment and parent else None,
        root_id=service_item_id(SERVICE, story) if is_comment and story else None,
        links=tuple(dict.fromkeys((*([page] if page else []), *content.links))),
        media=content.media,
        synthetic=source.synthetic,
        sources=(source.name,),
        collected_at=now.replace(microsecond=0),
        engagement=Engagement(
            reactions=count(hit.get("points")),
            comments=count(hit.get("num_comments")),
            observed_us=observed_us,
        ),
    )
    return mention.with_version(observed_us)
