"""Whether two addresses belong to one site."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tldextract import TLDExtract


@cache
def _extractor() -> TLDExtract:
    from tldextract import TLDExtract

    # The list that comes with the package: nothing is fetched. Private suffixes count, so that
    # two blogs of one hoster are two sites.
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def site_of(url: str) -> str | None:
    """Return the registrable domain of ``url``'s host, or the host where it has none.

    None where the URL names no host.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    if not host:
        return None
    found = _extractor()(host)
    return found.top_domain_under_public_suffix or host


def same_site(left: str, right: str) -> bool:
    """Return whether both URLs belong to one registrable domain."""
    site = site_of(left)
    return site is not None and site == site_of(right)
