"""The mock server: threads of http.server, a table of routes, a record of requests."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from tests.mockserver.replies import Reply, Request, Responder, cached, error

FEED_TYPES = {".json": "application/json", ".xml": "application/xml"}


class MockServer:
    """Serves scripted routes and folders at a loopback address, and records what was asked.

    >>> with MockServer() as server:
    ...     server.route("/feed", cached("<rss/>", "application/rss+xml"))
    ...     fetch(server.url + "/feed")
    ...     assert server.requests_to("/feed")[0].method == "GET"

    A route is a path without query string, answered for every method. What has no route and is
    in no folder gets a 404. Requests are recorded before they are answered.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._routes: dict[str, Responder] = {}
        self._folders: list[tuple[str, Path]] = []
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._is_closing = threading.Event()
        self._server = _Server((host, port), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port, as a source with `allow_private: true` names them."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def url(self) -> str:
        """The address as a URL, without a slash at the end."""
        return f"http://{self.address}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, oldest first."""
        with self._lock:
            return list(self._requests)

    def requests_to(self, route: str) -> list[Request]:
        """Return the requests to one path, whatever their query string, oldest first."""
        return [request for request in self.requests if request.route == route]

    def forget_requests(self) -> None:
        """Empty the record, before the second pass of a test."""
        with self._lock:
            self._requests.clear()

    def route(self, path: str, answer: Reply | Responder) -> str:
        """Answer `path` so from now on; return its full URL."""
        self._routes[path] = (lambda _: answer) if isinstance(answer, Reply) else answer
        return self.url + path

    def serve_folder(self, folder: Path, prefix: str = "/") -> None:
        """Serve the files below `folder` under `prefix`, with ETag, Last-Modified and 304."""
        self._folders.append((prefix.rstrip("/") + "/", folder.resolve()))

    def answer(self, request: Request) -> Reply:
        """Record one request and return what its route says."""
        with self._lock:
            self._requests.append(request)
        responder = self._routes.get(request.route)
        if responder is not None:
            return responder(request)
        for prefix, folder in self._folders:
            if request.route.startswith(prefix):
                return _answer_from_folder(folder, request.route.removeprefix(prefix), request)
        return error(404)

    @property
    def is_closing(self) -> bool:
        """Whether endless answers should come to an end."""
        return self._is_closing.is_set()


def _answer_from_folder(folder: Path, name: str, request: Request) -> Reply:
    path = (folder / unquote(name)).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        return error(404)
    kind = FEED_TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    changed = formatdate(path.stat().st_mtime, usegmt=True)
    return cached(path.read_bytes(), kind, last_modified=changed)(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread that still writes to a client that stopped reading must not hold up the test's end.
    block_on_close = False
    request_queue_size = 128
    owner: MockServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up early are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # A client that opens a connection and says nothing more.
    timeout = 30

    def do_GET(self) -> None:
        """Answer any method by the route's reply."""
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._send(self.server.owner.answer(request))

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - names that the base calls

    def _send(self, reply: Reply) -> None:
        names = {name.lower() for name in reply.headers}
        is_whole = isinstance(reply.body, bytes)
        is_chunked = not is_whole and "content-length" not in names
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(reply.body, bytes) and "content-length" not in names and reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command != "HEAD":
            pieces = iter([reply.body]) if isinstance(reply.body, bytes) else reply.body
            self._send_pieces(pieces, is_chunked=is_chunked)
        if reply.is_cut:
            self._reset_connection()

    def _send_pieces(self, pieces: Iterator[bytes], *, is_chunked: bool) -> None:
        for piece in pieces:
            if self.server.owner.is_closing:
                self.close_connection = True
                return
            # An empty chunk would end the body.
            if piece:
                framed = b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
                self.wfile.write(framed)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _reset_connection(self) -> None:
        self.wfile.flush()
        # Lingering for zero seconds makes close() send RST where FIN would be usual.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the test's output to the test."""
