"""The id of a mention: a hash of nothing but what was delivered.

In this order: the service's own id; the canonical URL, as long as page and URL share a
registrable domain; the feed's URL with the item's guid; author, date and text as delivered. The
configured name of a source is no part of it, so one item met on two paths is one mention.
"""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "mtm_", "_hs")
TRACKING_NAMES = frozenset(
    {"fbclid", "gclid", "dclid", "msclkid", "igshid", "yclid", "ref_src", "cmpid", "ncid", "smid"}
)


def hashed_id(*parts: str) -> str:
    """Return 32 hexadecimal digits for ``parts``; no two different lists of parts share them."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def service_item_id(service: str, item_id: str) -> str:
    """Return the id for an item that its service names itself (at:// URI, ActivityPub uri, ...)."""
    return hashed_id("item", service, item_id)


def page_id(url: str) -> str:
    """Return the id for a page known by its URL."""
    return hashed_id("url", canonical_url(url))


def feed_item_id(feed_url: str, guid: str) -> str:
    """Return the id for a feed item that has a guid and no URL of its own."""
    return hashed_id("guid", feed_url, guid)


def content_id(author: str, date: str, text: str) -> str:
    """Return the id for an item that has nothing but its raw author, raw date and text."""
    return hashed_id("content", author, date, text)


def canonical_url(url: str) -> str:
    """Return ``url`` without what does not change the page it names.

    Scheme and host in lower case, no default port, no fragment, no tracking parameters, the
    others sorted, no empty path. http and https count as one. What is no URL stays as it is.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # unbalanced brackets of an IPv6 address
        return url.strip()
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    try:
        port = parts.port
    except ValueError:
        port = None
    if port and port not in (80, 443):
        host = f"{host}:{port}"
    scheme = "https" if parts.scheme in ("http", "https") else parts.scheme
    pairs = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in TRACKING_NAMES and not name.lower().startswith(TRACKING_PREFIXES)
    ]
    query = urlencode(sorted(pairs), errors="surrogatepass")
    # What was cut off may have stood behind a space; the canonical form of a canonical form is it.
    return urlunsplit((scheme, host, parts.path or "/", query, "")).strip()
