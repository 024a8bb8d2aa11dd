"""The part of Scrapy that touches the network: a download handler that keeps the fetch policy."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpcore
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Headers, Response

from core.errors import FetchError
from crawlers.policy import FetchPolicy, GuardedBackend, Origin, redacted

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

ALLOWED = "groundswell_allowed"
"""Key of a request's meta: the origins of its source that may have a private address."""

VALIDATORS = "groundswell_validators"
"""Key of a request's meta: for one exact URL, the headers that make the request conditional."""

REQUESTS_PER_HOST = 4
"""At one time; what more there is waits."""

_CONDITIONAL = ("If-None-Match", "If-Modified-Since")
_NO_BODY = frozenset({204, 304})


class ConditionalHeaders:
    """Downloader middleware: sends validators to the exact URL they came from and no other.

    Some sites give all their feeds one ETag, so after a redirect the validators of another URL
    would make the site answer that nothing changed.
    """

    def process_request(self, request: Request) -> None:
        """Set or remove the conditional headers of ``request``."""
        for name in _CONDITIONAL:
            request.headers.pop(name, None)
        for name, value in request.meta.get(VALIDATORS, {}).get(request.url, {}).items():
            request.headers[name] = value


class GuardedDownloadHandler(BaseDownloadHandler):
    """Fetches http and https URLs within the policy of the setting ``GROUNDSWELL_POLICY``.

    Connections are kept in pools by what they may reach: one pool for the public internet, and
    one for each origin that a source opened. A connection into the inside is therefore never
    there to be used by another source's redirect.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        policy = crawler.settings["GROUNDSWELL_POLICY"]
        if not isinstance(policy, FetchPolicy):
            raise TypeError("the setting GROUNDSWELL_POLICY must hold a FetchPolicy")
        self._policy = policy
        self._ssl_context = ssl.create_default_context()
        self._pools: dict[Origin | None, httpcore.AsyncConnectionPool] = {}
        # Scrapy's slots let through at once whatever was asked for in one turn of the loop.
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def download_request(self, request: Request) -> Response:
        """Fetch one hop. Raises FetchError, with a message for people, for everything."""
        host = Origin.of(request.url).host
        room = self._rooms.get(host)
        if room is None:
            room = self._rooms[host] = asyncio.Semaphore(REQUESTS_PER_HOST)
        async with room:
            return await self._download_in_time(request)

    async def _download_in_time(self, request: Request) -> Response:
        seconds = self._policy.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await self._download(request)
        except TimeoutError as err:
            raise FetchError(
                f"{redacted(request.url)} did not answer in full within {seconds:g} s"
            ) from err
        except httpcore.TimeoutException as err:
            raise FetchError(f"{redacted(request.url)} did not answer in time") from err
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as err:
            reason = str(err) or type(err).__name__
            raise FetchError(f"{redacted(request.url)} broke off: {reason}") from err

    async def _download(self, request: Request) -> Response:
        origin = Origin.of(request.url)
        allowed: frozenset[Origin] = request.meta.get(ALLOWED, frozenset())
        pool = self._pool(origin if origin in allowed else None)
        seconds = self._policy.timeout.total_seconds()
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        async with pool.stream(
            request.method,
            request.url,
            headers=[*_host_header(request.url), *_header_pairs(request.headers)],
            content=request.body or None,
            extensions={"timeout": timeouts},
        ) as answer:
            headers = Headers()
            for name, value in answer.headers:
                headers.appendlist(name, value)
            body = b"" if answer.status in _NO_BODY else await self._body(request, answer)
            return Response(request.url, answer.status, headers, body, request=request)

    async def _body(self, request: Request, answer: httpcore.Response) -> bytes:
        limit = self._policy.max_bytes
        body = bytearray()
        async for chunk in answer.aiter_stream():
            body += chunk
            if len(body) > limit:
                raise FetchError(
                    f"{redacted(request.url)} is larger than the limit of {limit / 1e6:g} MB"
                )
        return bytes(body)

    def _pool(self, allowed: Origin | None) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(allowed)
        if pool is None:
            pool = self._pools[allowed] = httpcore.AsyncConnectionPool(
                ssl_context=self._ssl_context,
                max_connections=64,
                max_keepalive_connections=8,
                keepalive_expiry=5,
                network_backend=GuardedBackend(allowed),
            )
        return pool

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()


def _host_header(url: str) -> list[tuple[bytes, bytes]]:
    netloc = urlsplit(url).netloc.rpartition("@")[2]
    return [(b"Host", netloc.encode("idna" if not netloc.isascii() else "ascii"))]


def _header_pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in headers.items() for value in values]
