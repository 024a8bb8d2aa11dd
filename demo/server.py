"""A server on loopback that speaks the wire formats of the real services.

Feeds, Hacker News' Algolia search, Mastodon's hashtag timelines and Bluesky's profiles answer on
``url``, the Jetstream on ``jetstream_url``. An item is there once its time has come by the
server's clock. Everything else is as the services do it: conditional GET, Link paging, replay
from a cursor.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from core.window import require_utc
from demo.archive import MASTODON_LIMIT, Archive, FeedShelf
from demo.stream import BLUESKY_REACH, generate
from demo.wire_feeds import CONTENT_TYPES, render_feed
from demo.wire_services import Json, bluesky_profile, identity_event, mastodon_status
from demo.world import DEAD_FEED

HOST = "127.0.0.1"
PROFILES_A_CALL = 25
POLL = 0.1
"""Seconds between looks of the stream at the clock."""

OUTAGE = (timedelta(seconds=25), timedelta(seconds=70))
"""When, after the start, the reviews' server is down: it stands for an hour of a dead source."""

POSTS = "app.bsky.feed.post"
_DEFAULT_PAGE = 20
_MOST_HITS = 1000


class DemoServer:
    """Serves the stream of ``now`` and ``seed`` from ``start`` until ``stop``."""

    def __init__(
        self,
        port: int = 0,
        jetstream_port: int = 0,
        *,
        clock: Callable[[], datetime] | None = None,
        outage: tuple[timedelta, timedelta] = OUTAGE,
        replay: timedelta = BLUESKY_REACH,
    ) -> None:
        """Choose the ports (0: any free one).

        ``clock`` tells the server's time; without it, it runs on from the ``now`` of ``start``.
        ``replay`` is how far back a stream begins that asks for no cursor: the real service begins
        at the present, the demo has only this one chance to show its posts.
        """
        self._ports = port, jetstream_port
        self._clock = clock
        self._outage = outage
        self._replay = replay
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._http: _Server | None = None
        self._stream: Server | None = None

    def start(self, now: datetime, seed: int = 7) -> None:
        """Generate the stream and begin to serve it. Raises OSError if a port is taken."""
        self.now = require_utc(now)
        begun = time.monotonic()
        if self._clock is None:
            self._clock = lambda: self.now + timedelta(seconds=time.monotonic() - begun)
        self.archive = Archive(generate(self.now, seed))
        self._stopping.clear()
        http = _Server((HOST, self._ports[0]), _Handler, self)
        try:
            self._stream = serve(self._send_stream, HOST, self._ports[1], compression=None)
        except OSError:
            http.server_close()
            raise
        self._http = http
        for target in (self._http.serve_forever, self._stream.serve_forever):
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Close every connection and free the ports. Harmless if not started."""
        self._stopping.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        if self._stream is not None:
            self._stream.shutdown()
        for thread in self._threads:
            thread.join(timeout=5)
        self._threads.clear()
        self._http = self._stream = None

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the HTTP side and of the stream. Raises RuntimeError before ``start``."""
        if self._http is None or self._stream is None:
            raise RuntimeError("the demo server has not been started")
        return self._http.server_address[1], self._stream.socket.getsockname()[1]

    @property
    def url(self) -> str:
        """The address of the HTTP side. Raises RuntimeError before ``start``."""
        return f"http://{HOST}:{self.ports[0]}"

    @property
    def jetstream_url(self) -> str:
        """The address of the stream. Raises RuntimeError before ``start``."""
        return f"ws://{HOST}:{self.ports[1]}/subscribe"

    def clock(self) -> datetime:
        """Return the server's time. Raises RuntimeError before ``start``."""
        if self._clock is None:
            raise RuntimeError("the demo server has not been started")
        return self._clock().astimezone(UTC)

    def is_down(self, feed: str) -> bool:
        """Return whether the server of ``feed`` is out of order at this moment."""
        first, last = self._outage
        return feed == DEAD_FEED and first <= self.clock() - self.now < last

    # --- the stream ---------------------------------------------------------------------------

    def _send_stream(self, connection: ServerConnection) -> None:
        request = connection.request
        query = parse_qs(urlsplit(request.path if request else "").query)
        wanted = query.get("wantedCollections", [])
        shelf = self.archive.bluesky
        cursor = query.get("cursor", [""])[0]
        start = int(cursor) if cursor.isdigit() else _micros(self.clock() - self._replay)
        index = shelf.from_cursor(start)
        if wanted and not any(_covers(pattern) for pattern in wanted):
            index = len(shelf.posts)
        try:
            if index < shelf.published(self.clock()):
                first = identity_event(shelf.posts[index].author, shelf.times_us[index])
                connection.send(json.dumps(first))
            while not self._stopping.is_set():
                while index < shelf.published(self.clock()):
                    connection.send(shelf.message(index))
                    index += 1
                self._stopping.wait(POLL)
                connection.ping()
        except ConnectionClosed:
            return


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _covers(pattern: str) -> bool:
    return pattern == POSTS or (pattern.endswith(".*") and POSTS.startswith(pattern[:-1]))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], demo: DemoServer
    ) -> None:
        self.demo = demo
        super().__init__(address, handler)


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection; the route decides the service."""

    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qs(parts.query).items())
        shelf = self.server.demo.archive.feeds.get(parts.path)
        if shelf is not None:
            self._feed(shelf, parts.path)
        elif parts.path.startswith("/api/v1/timelines/tag/"):
            self._timeline(parts.path.rsplit("/", 1)[-1].lower(), query)
        elif (answer := self._ROUTES.get(parts.path)) is not None:
            answer(self, query)
        else:
            self._json({"error": "Record not found"}, HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay silent: the demo's own output is for its reader."""

    # --- feeds --------------------------------------------------------------------------------

    def _feed(self, shelf: FeedShelf, path: str) -> None:
        demo = self.server.demo
        if demo.is_down(shelf.source.name):
            self._send(
                b"down for maintenance",
                "text/plain",
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"Retry-After": "10"},
            )
            return
        count = shelf.published(demo.clock())
        updated = shelf.posts[count - 1].published_at if count else demo.now
        validators = {
            "ETag": f'W/"{shelf.source.name}-{int(demo.now.timestamp())}-{count}"',
            "Last-Modified": format_datetime(updated, usegmt=True),
        }
        if self._is_unchanged(validators["ETag"], updated):
            self._send(b"", "", HTTPStatus.NOT_MODIFIED, validators)
            return
        text = render_feed(shelf.source, shelf.entries(count), demo.url + path, updated)
        self._send(text.encode(), CONTENT_TYPES[shelf.source.format], HTTPStatus.OK, validators)

    def _is_unchanged(self, etag: str, updated: datetime) -> bool:
        """Return whether the client's validators still hold; an ETag counts before a date."""
        if (known := self.headers.get("If-None-Match")) is not None:
            return etag in (tag.strip() for tag in known.split(","))
        if (since := self.headers.get("If-Modified-Since")) is None:
            return False
        try:
            return updated <= parsedate_to_datetime(since)
        except ValueError:
            return False

    # --- services -----------------------------------------------------------------------------

    def _timeline(self, tag: str, query: dict[str, list[str]]) -> None:
        demo = self.server.demo
        limit = min(_number(query, "limit") or _DEFAULT_PAGE, MASTODON_LIMIT)
        shelf = demo.archive.tags.get(tag)
        posts = (
            shelf.page(
                demo.clock(),
                limit,
                max_id=_number(query, "max_id"),
                since_id=_number(query, "since_id"),
                min_id=_number(query, "min_id"),
            )
            if shelf
            else []
        )
        headers = {}
        if posts:
            base = f"{demo.url}/api/v1/timelines/tag/{tag}"
            older = urlencode({"limit": limit, "max_id": posts[-1].id})
            newer = urlencode({"limit": limit, "min_id": posts[0].id})
            headers["Link"] = f'<{base}?{older}>; rel="next", <{base}?{newer}>; rel="prev"'
        self._json([mastodon_status(post) for post in posts], HTTPStatus.OK, headers)

    def _search(self, query: dict[str, list[str]]) -> None:
        demo = self.server.demo
        try:
            answer = demo.archive.hacker_news.search(
                demo.clock(),
                query.get("query", [""])[0],
                query.get("tags", [""])[0],
                ",".join(query.get("numericFilters", [])),
                _number(query, "page") or 0,
                min(_number(query, "hitsPerPage") or _DEFAULT_PAGE, _MOST_HITS),
            )
        except ValueError as err:
            self._json({"message": str(err), "status": 400}, HTTPStatus.BAD_REQUEST)
            return
        self._json(answer)

    def _profiles(self, query: dict[str, list[str]]) -> None:
        actors = query.get("actors", []) + query.get("actors[]", [])
        if not 0 < len(actors) <= PROFILES_A_CALL:
            message = f"Error: actors must have 1 to {PROFILES_A_CALL} elements"
            self._json({"error": "InvalidRequest", "message": message}, HTTPStatus.BAD_REQUEST)
            return
        people = self.server.demo.archive.bluesky_people
        profiles = [bluesky_profile(people[actor]) for actor in actors if actor in people]
        self._json({"profiles": profiles})

    _ROUTES: ClassVar = {
        "/api/v1/search_by_date": _search,
        "/xrpc/app.bsky.actor.getProfiles": _profiles,
    }

    # --- answering ----------------------------------------------------------------------------

    def _json(
        self,
        body: Json | list[Json],
        status: HTTPStatus = HTTPStatus.OK,
        headers: dict[str, str] | None = None,
    ) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self._send(data, "application/json; charset=utf-8", status, headers or {})

    def _send(
        self, body: bytes, content_type: str, status: HTTPStatus, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _number(query: dict[str, list[str]], name: str) -> int | None:
    value = query.get(name, [""])[0]
    return int(value) if value.isdigit() else None
