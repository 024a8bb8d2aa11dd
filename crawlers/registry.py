"""Which spider collects which type of source. A new type is one line here and one file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from core.errors import UsageError

if TYPE_CHECKING:
    from crawlers.spider import SourceSpider

SPIDERS = {
    "feed": "crawlers.feeds:FeedSpider",
    "hackernews": "crawlers.hackernews:HackerNewsSpider",
    "mastodon": "crawlers.mastodon:MastodonSpider",
    "bluesky": "crawlers.bluesky:BlueskySpider",
    "self_test": "crawlers.canary:CanarySpider",
}
"""Type of source -> module and class, imported when a source of the type is collected."""


def spider_class(source_type: str) -> type[SourceSpider]:
    """Return the spider for ``source_type``. Raises UsageError when there is none."""
    path = SPIDERS.get(source_type)
    if path is None:
        raise UsageError(
            f"no spider for sources of type {source_type!r}; there are {', '.join(SPIDERS)}"
        )
    module, _, name = path.partition(":")
    found: type[SourceSpider] = getattr(import_module(module), name)
    return found
