"""What all spiders share: visiting sources when they are due, and handing over what they bring.

A spider is one Scrapy crawl over all sources of its type. Its requests go through Scrapy's
downloader (middlewares, per-host slots, our download handler); what makes up one visit to a
source is a coroutine, so that its outcome is known when it returns.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import scrapy
from pydantic import JsonValue
from scrapy.exceptions import IgnoreRequest, NotSupported, UnsupportedURLSchemeError

from core.errors import FatalError, FetchError, GroundswellError
from core.ports import Delivery, Poll, PollStatus, Receipt
from crawlers.downloading import ALLOWED, VALIDATORS
from crawlers.outcome import (
    BlockedError,
    RateLimitedError,
    SourceReport,
    raise_for_status,
    wait_asked_for,
)
from crawlers.policy import FetchPolicy, Origin, redacted, without_credentials

if TYPE_CHECKING:
    import threading

    from scrapy.http import Response

    from core.mention import Mention
    from core.ports import Cursors, Sink
    from core.settings import SourceSettings

CONCURRENT_VISITS = 64
LONGEST_BACKOFF = timedelta(hours=6)
STOP_CHECK_SECONDS = 0.2

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectContext:
    """What collecting needs from outside.

    ``sink``, ``cursors`` and ``record_poll`` are called from one thread of their own, one call at
    a time. ``history`` asks for items up to this age where a source was never visited before;
    None takes what the source shows. ``stop`` ends collecting when it is set.
    """

    sink: Sink
    cursors: Cursors
    clock: Callable[[], datetime]
    record_poll: Callable[[Poll], None]
    history: timedelta | None = None
    stop: threading.Event | None = None
    policy: FetchPolicy = field(default_factory=FetchPolicy)

    @property
    def is_stopped(self) -> bool:
        """Whether collecting was asked to end."""
        return self.stop is not None and self.stop.is_set()


@dataclass
class Crew:
    """What the spiders of one collection share: the worker thread, the reports, a fatal error."""

    context: CollectContext
    is_once: bool
    worker: ThreadPoolExecutor
    reports: dict[str, SourceReport] = field(default_factory=dict)
    fatal: BaseException | None = None

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Call ``function`` in the worker thread, after the calls before it."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, function, *args)


@dataclass
class Visit:
    """One visit to one source: its requests, its deliveries, its counts.

    ``source`` holds the settings of the type that the spider is for.
    """

    source: Any
    spider: SourceSpider
    crew: Crew
    allowed: frozenset[Origin]
    fetched: int = 0
    new: int = 0
    reason: str | None = None
    retry_after: timedelta | None = None
    has_answer: bool = False

    @property
    def context(self) -> CollectContext:
        """What collecting needs from outside."""
        return self.crew.context

    @property
    def is_once(self) -> bool:
        """Whether the source is visited once, and not until collecting is stopped."""
        return self.crew.is_once

    def now(self) -> datetime:
        """Return the collection's time."""
        return self.context.clock()

    async def cursor(self) -> dict[str, JsonValue]:
        """Return where the source is to go on, empty at first."""
        return await self.crew.call(self.context.cursors.load, self.source.name)

    async def deliver(
        self,
        mentions: Sequence[Mention],
        cursor: Mapping[str, JsonValue] | None = None,
        deleted: Sequence[str] = (),
        skipped: Mapping[str, int] | None = None,
    ) -> Receipt:
        """Hand mentions over, and with them the cursor that moves once they are durable."""
        counts = {reason: n for reason, n in (skipped or {}).items() if n}
        delivery = Delivery(self.source.name, mentions, cursor, deleted, counts)
        receipt = await self.crew.call(self.context.sink.deliver, delivery)
        self.fetched += len(mentions) + sum(counts.values())
        self.new += receipt.new
        return receipt

    async def wanted(self, mentions: Sequence[Mention]) -> list[Mention]:
        """Return those that any topic matches."""
        sink = self.context.sink
        return await self.crew.call(lambda: [m for m in mentions if sink.wanted(m)])

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        validators: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Response:
        """Return the answer of ``url``: 2xx, or 304 where ``validators`` still hold.

        ``validators`` maps one exact URL to conditional headers. Raises FetchError (also
        RateLimitedError, BlockedError) with a reason for people.
        """
        bare_url, authorization = without_credentials(url)
        request = scrapy.Request(
            bare_url,
            headers={
                **(headers or {}),
                # Scrapy drops it when a redirect leads to another site.
                **({"Authorization": authorization} if authorization else {}),
            },
            meta={ALLOWED: self.allowed, VALIDATORS: validators or {}},
            dont_filter=True,
        )
        response = await self.spider.download(request)
        told = response_headers(response)
        now = self.now()
        raise_for_status(response.status, told, response.body, now)
        self.has_answer = True
        remaining = told.get("ratelimit-remaining") or told.get("x-ratelimit-remaining")
        if remaining == "0":
            self.retry_after = wait_asked_for(told, now)
        return response

    async def checkpoint(self) -> None:
        """Note that a visit without end goes well, and begin its counts anew."""
        self.crew.reports[self.source.name] = await self.record(PollStatus.OK)
        self.fetched = self.new = 0

    async def record(self, status: PollStatus, reason: str | None = None) -> SourceReport:
        """Note how the visit goes or went, for the source's health and coverage."""
        await self.crew.call(self.context.record_poll, self._poll(status, reason))
        return self._report(status, reason)

    def cut_short(self) -> SourceReport:
        """Note that collecting was stopped during the visit."""
        status = PollStatus.OK if self.has_answer else PollStatus.ERROR
        reason = None if self.has_answer else "stopped before the first answer"
        self.crew.worker.submit(self.context.record_poll, self._poll(status, reason))
        return self._report(status, reason)

    def _poll(self, status: PollStatus, reason: str | None) -> Poll:
        return Poll(self.source.name, self.now(), status, self.fetched, self.new, reason)

    def _report(self, status: PollStatus, reason: str | None) -> SourceReport:
        name = self.source.name
        return SourceReport(name, status, self.fetched, self.new, reason, self.retry_after)


def response_headers(response: Response) -> dict[str, str]:
    """Return the headers with lower-case names; of a repeated one, all values with commas."""
    return {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }


class SourceSpider(scrapy.Spider):
    """Visits the sources of one type, each at its own interval.

    A subclass says what one visit does (``visit``) and which URLs of a source are its own
    (``own_urls``, the only ones that ``allow_private`` opens).
    """

    def __init__(self, sources: Sequence[Any], crew: Crew, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sources = sources
        self.crew = crew
        self._room = asyncio.Semaphore(CONCURRENT_VISITS)

    @abstractmethod
    async def visit(self, visit: Visit) -> PollStatus:
        """Visit the source once; return OK or NOT_MODIFIED, raise FetchError otherwise."""

    @abstractmethod
    def own_urls(self, source: Any) -> tuple[str, ...]:
        """Return the addresses that the configuration names for ``source``."""

    async def start(self) -> AsyncIterator[Any]:
        """Visit all sources, once or until stopped. Yields nothing: visits deliver themselves."""
        no_requests: tuple[scrapy.Request, ...] = ()
        tasks = [asyncio.create_task(self._follow(source)) for source in self.sources]
        watch = asyncio.create_task(self._cancel_when_stopped(tasks))
        results = await asyncio.gather(*tasks, return_exceptions=True)
        watch.cancel()
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                self.crew.fatal = self.crew.fatal or result
        for request in no_requests:
            yield request

    async def download(self, request: scrapy.Request) -> Response:
        """Return the answer to ``request`` after redirects. Raises FetchError."""
        engine = self.crawler.engine
        try:
            return await engine.download_async(request)
        except (NotSupported, UnsupportedURLSchemeError) as err:
            raise FetchError(f"{redacted(request.url)} leads to no web address") from err
        except IgnoreRequest as err:
            raise FetchError(f"{redacted(request.url)} was given up: {err}") from err

    async def _follow(self, source: SourceSettings) -> None:
        failures = 0
        while True:
            async with self._room:
                report = await self._visit_safely(source)
            self.crew.reports[source.name] = report
            if self.crew.is_once:
                return
            is_good = report.status in (PollStatus.OK, PollStatus.NOT_MODIFIED)
            failures = 0 if is_good else failures + 1
            await asyncio.sleep(pause(source.every, failures, report.retry_after).total_seconds())

    async def _visit_safely(self, source: SourceSettings) -> SourceReport:
        """Visit; a mistake of ours about one source's answer leaves the other sources running."""
        (result,) = await asyncio.gather(self._visit(source), return_exceptions=True)
        if isinstance(result, SourceReport):
            return result
        if not isinstance(result, Exception) or isinstance(result, GroundswellError):
            raise result
        log.error("visit of %s failed", source.name, exc_info=result)
        visit = Visit(source, self, self.crew, frozenset())
        return await visit.record(PollStatus.ERROR, f"unexpected {type(result).__name__}: {result}")

    async def _visit(self, source: SourceSettings) -> SourceReport:
        visit = Visit(source, self, self.crew, self._allowed(source))
        try:
            status = await self.visit(visit)
        except asyncio.CancelledError:
            self.crew.reports[source.name] = visit.cut_short()
            raise
        except RateLimitedError as err:
            visit.retry_after = err.retry_after
            return await visit.record(PollStatus.RATE_LIMITED, str(err))
        except BlockedError as err:
            return await visit.record(PollStatus.BLOCKED, str(err))
        except FatalError:
            raise
        except GroundswellError as err:
            return await visit.record(PollStatus.ERROR, str(err))
        return await visit.record(status, visit.reason)

    def _allowed(self, source: SourceSettings) -> frozenset[Origin]:
        if not source.allow_private:
            return frozenset()
        return frozenset(Origin.of(url) for url in self.own_urls(source))

    async def _cancel_when_stopped(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Cancel the visits when collecting is stopped or one of them met a fatal error."""
        while not self.crew.context.is_stopped and self.crew.fatal is None:
            for task in tasks:
                if task.done() and not task.cancelled() and task.exception() is not None:
                    self.crew.fatal = task.exception()
            await asyncio.sleep(STOP_CHECK_SECONDS)
        for task in tasks:
            task.cancel()


def pause(every: timedelta, failures: int, retry_after: timedelta | None) -> timedelta:
    """Return how long to wait before the next visit.

    Twice as long after each failure in a row, up to six hours (or the interval itself), never
    shorter than the source asked for, and up to a tenth longer by chance, so that sources that
    failed together do not come back together.
    """
    wait = every
    if failures:
        wait = max(every, min(every * 2 ** min(failures, 16), LONGEST_BACKOFF))
    if retry_after is not None:
        wait = max(wait, retry_after)
    return wait * secrets.SystemRandom().uniform(1.0, 1.1)
