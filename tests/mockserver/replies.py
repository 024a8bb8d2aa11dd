"""What the mock server can answer: each function makes a reply, or a responder that makes one.

A responder is called with each request of its route, in the order they arrive.
"""

import gzip
import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names in lower case, `path` with its query string."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def route(self) -> str:
        """The path without its query string."""
        return self.path.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query string's fields; of a repeated one, the last."""
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """One answer. A body of bytes is sent with its length, an iterator's pieces as chunks."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    # Reset the connection after the body, however much of it was promised.
    is_cut: bool = False


Responder = Callable[[Request], Reply]


def text(
    body: str | bytes | object,
    content_type: str = "",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return a body with its type; what is neither str nor bytes is sent as JSON."""
    if isinstance(body, bytes):
        content, guess = body, "application/octet-stream"
    elif isinstance(body, str):
        content, guess = body.encode(), "text/plain; charset=utf-8"
    else:
        content, guess = json.dumps(body).encode(), "application/json"
    return Reply(status, content, {"Content-Type": content_type or guess, **(headers or {})})


def cached(
    body: str | bytes,
    content_type: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
) -> Responder:
    """Answer 304 where a validator matches, else the body with its validators.

    `etag` defaults to a hash of the body; "" leaves it out. `last_modified` is an HTTP date,
    compared as text, as many servers do.
    """
    content = body.encode() if isinstance(body, str) else body
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"' if etag is None else etag
    validators = {"ETag": tag} if tag else {}
    if last_modified:
        validators["Last-Modified"] = last_modified

    def respond(request: Request) -> Reply:
        wanted_tag = request.headers.get("if-none-match")
        wanted_date = request.headers.get("if-modified-since")
        # RFC 9110, 13.2.2: the date counts only where no tag was sent.
        if wanted_tag is not None:
            is_unchanged = wanted_tag == tag
        else:
            is_unchanged = wanted_date is not None and wanted_date == last_modified
        if is_unchanged:
            return Reply(304, headers=validators)
        return Reply(200, content, {"Content-Type": content_type, **validators})

    return respond


def redirect(target: str, status: int = 302) -> Reply:
    """Send the client on to `target`, which may be a private address or another scheme."""
    return Reply(status, headers={"Location": target})


def redirect_loop() -> Responder:
    """Send the client to a new address of the same route for ever."""
    counter = itertools.count(1)
    return lambda request: redirect(f"{request.route}?turn={next(counter)}")


def drip(
    piece: bytes = b" ",
    *,
    every: float = 0.2,
    first: bytes = b"",
    content_type: str = "application/rss+xml",
) -> Responder:
    """Send one small piece after another, for ever (until the client or the server leaves)."""

    def flow() -> Iterator[bytes]:
        yield first or piece
        while True:
            time.sleep(every)
            yield piece

    return lambda _: Reply(200, flow(), {"Content-Type": content_type})


def huge(
    size: int = 100 * MEGABYTE,
    content_type: str = "application/rss+xml",
    *,
    is_length_told: bool = True,
) -> Responder:
    """Send `size` bytes of a feed that never closes its first item."""
    start = b'<?xml version="1.0"?><rss version="2.0"><channel><title>big</title><item><title>'

    def flow() -> Iterator[bytes]:
        yield start
        left = size - len(start)
        while left > 0:
            piece = b"x" * min(left, MEGABYTE)
            left -= len(piece)
            yield piece

    headers = {"Content-Type": content_type}
    if is_length_told:
        headers["Content-Length"] = str(size)
    return lambda _: Reply(200, flow(), headers)


def gzip_bomb(size: int = 100 * MEGABYTE, content_type: str = "application/rss+xml") -> Reply:
    """Return about a thousandth of `size`, which unpacks to `size` bytes of spaces."""
    packed = gzip.compress(b" " * size, compresslevel=9)
    return Reply(200, packed, {"Content-Type": content_type, "Content-Encoding": "gzip"})


def xml_bomb(levels: int = 9) -> Reply:
    """Return a feed whose title is an entity that unfolds to 10 ** levels words."""
    entities = ['<!ENTITY e0 "spam">'] + [
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, levels + 1)
    ]
    body = (
        f'<?xml version="1.0"?><!DOCTYPE rss [{"".join(entities)}]>'
        f'<rss version="2.0"><channel><title>&e{levels};</title></channel></rss>'
    )
    return text(body, "application/rss+xml")


def html_page(title: str = "Please sign in") -> Reply:
    """Return a web page, as captive portals and expired feeds do where a feed should be."""
    return text(
        f"<!doctype html><html><head><title>{title}</title></head><body>{title}</body></html>",
        "text/html; charset=utf-8",
    )


def drop(sent: bytes = b"", *, promised: int = 1000) -> Reply:
    """Reset the connection after `sent`, of the `promised` number of bytes."""
    return Reply(200, sent, {"Content-Length": str(promised)}, is_cut=True)


def throttle(retry_after: float | str = 1) -> Reply:
    """Answer 429 with a Retry-After of seconds or an HTTP date."""
    return text("slow down", status=429, headers={"Retry-After": str(retry_after)})


def error(status: int = 500) -> Reply:
    """Answer with an error status and a plain sentence."""
    return text(f"status {status}", status=status)


def sequence(*steps: Reply | Responder) -> Responder:
    """Answer the first request with the first step and so on; the last step stays."""
    lock = threading.Lock()
    left = list(steps)

    def respond(request: Request) -> Reply:
        with lock:
            step = left.pop(0) if len(left) > 1 else left[0]
        return step if isinstance(step, Reply) else step(request)

    return respond
