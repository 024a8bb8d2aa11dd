"""A real HTTP server on loopback that misbehaves as told, for tests of everything that fetches."""

from tests.mockserver.replies import (
    Reply,
    Request,
    Responder,
    cached,
    drip,
    drop,
    error,
    gzip_bomb,
    html_page,
    huge,
    redirect,
    redirect_loop,
    sequence,
    text,
    throttle,
    xml_bomb,
)
from tests.mockserver.server import MockServer

__all__ = [
    "MockServer",
    "Reply",
    "Request",
    "Responder",
    "cached",
    "drip",
    "drop",
    "error",
    "gzip_bomb",
    "html_page",
    "huge",
    "redirect",
    "redirect_loop",
    "sequence",
    "text",
    "throttle",
    "xml_bomb",
]
