"""What the demo's servers hold, and what of it is published by a given moment."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from demo.post import DemoPost, Person, Service
from demo.wire_feeds import render_item
from demo.wire_services import Json, hacker_news_hit, jetstream_event
from demo.world import FEEDS

MASTODON_LIMIT = 40
ALGOLIA_DEPTH = 1000
"""Hits that the real search lets one page through; for more one narrows the time."""

_WORD = re.compile(r'"([^"]+)"|(\S+)')
_FILTER = re.compile(r"\s*(\w+)\s*(<=|>=|<|>|=|!=)\s*(-?\d+)\s*")


class Shelf:
    """Posts of one place in order of time, with what was rendered of them."""

    def __init__(self, posts: Iterable[DemoPost]) -> None:
        """Sort ``posts`` by time."""
        self.posts = sorted(posts, key=lambda post: (post.published_at, post.id))
        self._times = [post.published_at for post in self.posts]

    def published(self, now: datetime) -> int:
        """Return how many posts are out at ``now``: those before that index."""
        return bisect_right(self._times, now)


class FeedShelf(Shelf):
    """The entries of one feed, rendered once."""

    def __init__(self, name: str, posts: Iterable[DemoPost]) -> None:
        """Render lazily: an entry costs nothing before somebody asks for it."""
        super().__init__(posts)
        self.source = next(feed for feed in FEEDS if feed.name == name)
        self._items: list[str] = []

    def entries(self, count: int) -> list[str]:
        """Return the oldest ``count`` entries, newest first."""
        while len(self._items) < count:
            self._items.append(render_item(self.source, self.posts[len(self._items)]))
        return self._items[:count][::-1]


class TagShelf(Shelf):
    """The statuses of one hashtag, by id."""

    def __init__(self, posts: Iterable[DemoPost]) -> None:
        """Order by id, which on Mastodon is the order of time."""
        super().__init__(posts)
        self.posts.sort(key=lambda post: int(post.id))
        self._ids = [int(post.id) for post in self.posts]

    def page(
        self,
        now: datetime,
        limit: int,
        *,
        max_id: int | None = None,
        since_id: int | None = None,
        min_id: int | None = None,
    ) -> list[DemoPost]:
        """Return at most ``limit`` statuses, newest first.

        ``since_id`` gives the newest above it, ``min_id`` those just above it, ``max_id`` those
        just below it: exactly as Mastodon does.
        """
        end = self.published(now)
        if max_id is not None:
            end = min(end, bisect_left(self._ids, max_id))
        floor = max((n for n in (since_id, min_id) if n is not None), default=None)
        start = 0 if floor is None else bisect_right(self._ids, floor)
        if min_id is not None:
            end = min(end, start + limit)
        return self.posts[max(start, end - limit) : end][::-1]


class Archive:
    """Everything that the demo publishes, by service."""

    def __init__(self, posts: Sequence[DemoPost]) -> None:
        """Sort ``posts`` onto their services."""
        by_service: defaultdict[Service, list[DemoPost]] = defaultdict(list)
        for post in posts:
            by_service[post.service].append(post)
        self.feeds = {
            feed.path: FeedShelf(
                feed.name, (p for p in by_service[Service.FEED] if p.feed == feed.name)
            )
            for feed in FEEDS
        }
        by_tag: defaultdict[str, list[DemoPost]] = defaultdict(list)
        for post in by_service[Service.MASTODON]:
            for tag in post.tags:
                by_tag[tag].append(post)
        self.tags = {tag: TagShelf(tagged) for tag, tagged in by_tag.items()}
        self.all_tags = TagShelf(by_service[Service.MASTODON])
        self.hacker_news = HackerNewsShelf(by_service[Service.HACKERNEWS])
        self.bluesky = JetstreamShelf(by_service[Service.BLUESKY])
        self.bluesky_people: dict[str, Person] = {}
        for post in self.bluesky.posts:
            self.bluesky_people[post.author.id] = post.author
            self.bluesky_people[post.author.handle] = post.author


class JetstreamShelf(Shelf):
    """The events of the stream; their times in microseconds are strictly increasing."""

    def __init__(self, posts: Iterable[DemoPost]) -> None:
        """Number the posts of one second apart."""
        super().__init__(posts)
        self.times_us: list[int] = []
        for post in self.posts:
            claimed = int(post.published_at.timestamp() * 1_000_000)
            before = self.times_us[-1] if self.times_us else 0
            self.times_us.append(max(claimed, before + 1))

    def from_cursor(self, cursor: int) -> int:
        """Return the index of the first event at or after ``cursor`` (microseconds)."""
        return bisect_left(self.times_us, cursor)

    def message(self, index: int) -> str:
        """Return the event at ``index`` as the stream sends it."""
        event = jetstream_event(self.posts[index], self.times_us[index])
        return json.dumps(event, ensure_ascii=False)


class HackerNewsShelf(Shelf):
    """Stories and comments, searchable by word."""

    def __init__(self, posts: Iterable[DemoPost]) -> None:
        """Prepare each item's hit and its searchable text."""
        super().__init__(posts)
        by_id = {post.id: post for post in self.posts}
        self._hits = [
            hacker_news_hit(post, by_id[post.root_id] if post.root_id else None)
            for post in self.posts
        ]
        self._texts = [f"{post.title or ''} {post.text}".lower() for post in self.posts]

    def search(
        self, now: datetime, query: str, tags: str, filters: str, page: int, per_page: int
    ) -> Json:
        """Return the answer of ``search_by_date``: newest first.

        Raises ValueError for a numeric filter that does not parse.
        """
        wanted = [(quoted or word).lower() for quoted, word in _WORD.findall(query)]
        bounds = parse_filters(filters)
        groups = parse_tags(tags)
        hits = [
            hit
            for hit, text in zip(
                reversed(self._hits[: self.published(now)]),
                reversed(self._texts[: self.published(now)]),
                strict=True,
            )
            if all(word in text for word in wanted)
            and all(any(tag in hit["_tags"] for tag in group) for group in groups)
            and all(_holds(hit.get(field), sign, value) for field, sign, value in bounds)
        ]
        within = hits[:ALGOLIA_DEPTH]
        return {
            "hits": within[page * per_page : (page + 1) * per_page],
            "nbHits": len(hits),
            "nbPages": -(-len(within) // per_page),
            "page": page,
            "hitsPerPage": per_page,
            "exhaustiveNbHits": True,
            "query": query,
            "params": "",
            "processingTimeMS": 1,
        }


def parse_filters(filters: str) -> list[tuple[str, str, int]]:
    """Return the (field, sign, value) triples of ``numericFilters``.

    Raises ValueError for a part that is no comparison.
    """
    bounds = []
    for part in filter(None, filters.split(",")):
        match = _FILTER.fullmatch(part)
        if match is None:
            raise ValueError(f"invalid numericFilters: {part!r}")
        bounds.append((match[1], match[2], int(match[3])))
    return bounds


def parse_tags(tags: str) -> list[list[str]]:
    """Return groups of tags: all groups must hold, of each group one tag is enough."""
    groups = []
    for bracket, single in re.findall(r"\(([^)]*)\)|([^,()]+)", tags):
        names = [name.strip() for name in (bracket or single).split(",") if name.strip()]
        if names:
            groups.append(names)
    return groups


def _holds(actual: int | None, sign: str, value: int) -> bool:
    if actual is None:
        return False
    return {
        "<": actual < value,
        "<=": actual <= value,
        ">": actual > value,
        ">=": actual >= value,
        "=": actual == value,
        "!=": actual != value,
    }[sign]
