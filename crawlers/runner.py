"""Runs the spiders: several Scrapy crawls and the websocket in one asyncio event loop.

Scrapy runs without a Twisted reactor, so that collecting can start again in one process and in
any thread.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.ports import PollStatus
from core.settings import SourceSettings
from crawlers.outcome import SourceReport
from crawlers.policy import FetchPolicy
from crawlers.registry import spider_class
from crawlers.spider import CollectContext, Crew

__all__ = ["CollectContext", "SourceReport", "collect"]


def collect(
    sources: Sequence[SourceSettings], context: CollectContext, *, once: bool
) -> list[SourceReport]:
    """Visit ``sources`` and deliver what they bring; return how the last visits ended.

    With ``once`` every source is visited one time, else each at its own interval until
    ``context.stop`` is set. One report a source, in the order given; a source that was not
    visited to its end reports an error. Raises FatalError when the sink does.
    """
    return asyncio.run(_collect(sources, context, once))


async def _collect(
    sources: Sequence[SourceSettings], context: CollectContext, is_once: bool
) -> list[SourceReport]:
    from scrapy.crawler import AsyncCrawlerRunner

    by_type: dict[str, list[SourceSettings]] = defaultdict(list)
    for source in sources:
        by_type[str(getattr(source, "type", ""))].append(source)
    classes = {kind: spider_class(kind) for kind in by_type}
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="collect") as worker:
        crew = Crew(context, is_once, worker)
        runner = AsyncCrawlerRunner(_scrapy_settings(context.policy))
        crawls = [
            runner.crawl(classes[kind], sources=group, crew=crew, name=kind)
            for kind, group in by_type.items()
        ]
        await asyncio.gather(*crawls)
    if crew.fatal is not None:
        raise crew.fatal
    return [
        crew.reports.get(source.name)
        or SourceReport(source.name, PollStatus.ERROR, reason="stopped before the first answer")
        for source in sources
    ]


def _scrapy_settings(policy: FetchPolicy) -> dict[str, Any]:
    from crawlers.downloading import REQUESTS_PER_HOST

    handler = "crawlers.downloading.GuardedDownloadHandler"
    return {
        "TWISTED_REACTOR_ENABLED": False,
        "GROUNDSWELL_POLICY": policy,
        "USER_AGENT": policy.user_agent,
        "DOWNLOAD_HANDLERS": {
            "http": handler,
            "https": handler,
            # Nothing but the web is fetched, whatever a redirect says.
            **dict.fromkeys(("data", "file", "ftp", "s3")),
        },
        "DOWNLOADER_MIDDLEWARES": {"crawlers.downloading.ConditionalHeaders": 560},
        "DOWNLOAD_MAXSIZE": policy.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "REDIRECT_MAX_TIMES": policy.max_redirects,
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": REQUESTS_PER_HOST,
        # Feeds and APIs are made for programs; pages, which robots.txt is about, are not fetched.
        "ROBOTSTXT_OBEY": False,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        # A visit that failed is repeated as a whole, after a pause.
        "RETRY_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "DEFAULT_REQUEST_HEADERS": {},
        "EXTENSIONS_BASE": {},
        "STATS_DUMP": False,
        "LOG_ENABLED": False,
    }
