"""What strangers write must not hang a reader, break a visit or pose as another site."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import BadInputError
from core.identity import page_id
from core.settings import BlueskySource, FeedSource, MastodonSource
from crawlers.bluesky import Batch
from crawlers.clocks import microseconds
from crawlers.feed_reading import MAX_DECLARATIONS, read_feed
from crawlers.feeds import Reading
from crawlers.markup import absolute, has_markup, read_html
from crawlers.mastodon import link_cursors, read_statuses
from tests.recording import NOW

FEED = FeedSource(name="news", type="feed", url="https://news.example.com/feed.json")
SOCIAL = MastodonSource(
    name="social", type="mastodon", url="https://social.test", hashtags=("acme",)
)
SKY = BlueskySource(name="sky", type="bluesky")
BARELY = 5.0
"""Seconds; quadratic readers take minutes for these inputs."""


def _status(**fields: Any) -> dict[str, Any]:
    account = {"acct": "ann", "url": "https://social.test/@ann", "uri": "https://social.test/ann"}
    return {
        "id": "1",
        "uri": "https://social.test/ann/1",
        "content": "<p>Acme</p>",
        "account": account,
        **fields,
    }


def _json_feed(*items: dict[str, Any]) -> bytes:
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "items": items}).encode()


@pytest.mark.parametrize(
    "read",
    [
        lambda: has_markup("<a" * 500_000),
        lambda: has_markup("&" + "a" * 1_000_000),
        lambda: has_markup("&#" * 500_000),
        lambda: read_html("<div>" * 200_000),
        lambda: read_html("<b></p>" * 150_000),
        lambda: read_html("<table><a>" * 100_000),
    ],
    ids=["tags", "name", "references", "nested", "misnested", "tables"],
)
def test_markup_of_a_megabyte_is_read_in_time(read: Callable[[], object]) -> None:
    """Neither unclosed nor endlessly nested tags take more than a moment."""
    started = time.monotonic()
    read()
    assert time.monotonic() - started < BARELY


def test_tags_up_to_the_limit_are_read() -> None:
    """A long page is read whole; what stands after the limit of tags is left out."""
    assert read_html("<p>a</p>" * 4_000 + "end").text.endswith("end")
    assert not read_html("<br>" * 20_000 + "end").text.endswith("end")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_feed_of_declarations_is_refused(encoding: str) -> None:
    """Broken declarations, each read to the end of the document, would never end."""
    text = "<rss><channel><item><title>" + "<!" * (MAX_DECLARATIONS + 1) + "</title></item>"
    with pytest.raises(BadInputError, match="1001 declarations"):
        read_feed(text.encode(encoding), FEED.url, {})


def test_feed_of_comments_and_sections_is_read() -> None:
    """Comments and CDATA sections are no declarations."""
    items = "<item><title><![CDATA[a]]></title><!-- b --></item>" * 1_500
    body = f"<rss version='2.0'><channel>{items}</channel></rss>".encode()

    assert len(read_feed(body, FEED.url, {}).items) == 1_500


@pytest.mark.parametrize(
    "item",
    [
        {"url": "https://news.example.com/a\ud800?q=\udc00"},
        {"attachments": 5},
        {"url": "https://[/"},
        {"authors": [{"name": "\ud800", "url": "https://["}]},
    ],
)
def test_broken_json_item_does_not_break_its_feed(item: dict[str, Any]) -> None:
    """Values of the wrong type and lone surrogates cost nothing but themselves."""
    body = _json_feed({"id": "1", "content_text": "Acme", **item}, {"id": "2", "title": "Other"})

    items = read_feed(body, FEED.url, {}).items

    mentions = Reading(FEED, NOW, {}, is_live=False).mentions(items)
    assert [mention.text or mention.title for mention in mentions] == ["Acme", "Other"]


def test_json_item_without_outside_link_has_no_link() -> None:
    """The feed's own address is no link of an item that names none."""
    (item,) = read_feed(_json_feed({"id": "1", "content_text": "Acme"}), FEED.url, {}).items

    assert (item.link, item.links) == (None, ())


def test_lone_surrogate_in_an_address_has_an_id() -> None:
    """An imported address that no encoding can write still names one page."""
    assert page_id("https://a.test/?q=\ud800") == page_id("https://a.test/?q=\ud800")


@pytest.mark.parametrize(
    "target", [r"https://evil.test\@news.example.com/a", "http:///evil.test", "https://[", "//["]
)
def test_address_that_readers_understand_differently_is_none(target: str) -> None:
    """A link never shows one site and leads a browser to another."""
    assert absolute(target, FEED.url) is None


def test_mastodon_reads_past_broken_addresses() -> None:
    """One account with a broken address, or a broken Link header, does not stop the timeline."""
    broken = {"acct": "eve", "url": "http://[", "uri": "https://eve.test/eve"}

    mentions, _ = read_statuses([_status(account=broken)], SOCIAL, NOW)

    assert mentions[0].author is not None
    assert mentions[0].author.handle == "eve@"
    assert link_cursors('<http://[bad?max_id=7>; rel="next"') == {"max_id": "7"}


@pytest.mark.parametrize(
    ("uri", "edited", "low", "high"),
    [
        ("https://social.test/1", None, 1, 1),
        ("https://social.test/1", "2026-11-20T00:00:00Z", 2, microseconds(NOW) - 1),
        ("https://social.test/1", "9999-01-01T00:00:00Z", microseconds(NOW), microseconds(NOW)),
        ("https://social.test/1", "0001-01-01T00:00:00Z", 1, 1),
        ("https://other.test/1", "2026-11-20T00:00:00Z", 0, 0),
        ("https://social.test@other.test/1", None, 0, 0),
    ],
)
def test_only_its_own_server_revises_a_post(
    uri: str, edited: str | None, low: int, high: int
) -> None:
    """Another server's copy never outranks the original, and no edit comes from the future."""
    (mention,), _ = read_statuses([_status(uri=uri, edited_at=edited)], SOCIAL, NOW)

    assert low <= mention.version[0] <= high


@pytest.mark.parametrize("time_us", [2**63 - 1, microseconds(NOW) + 10**12])
def test_stream_time_ahead_of_us_counts_as_now(time_us: int) -> None:
    """A time far ahead neither breaks the batch nor carries the cursor past what is between."""
    record = {"text": "Acme", "createdAt": "2026-11-20T00:00:00Z"}
    commit = {
        "operation": "update",
        "collection": "app.bsky.feed.post",
        "rkey": "a",
        "record": record,
    }
    event = {"did": "did:plc:a", "kind": "commit", "time_us": time_us, "commit": commit}
    batch = Batch()

    batch.add(json.dumps(event), SKY, NOW)

    (mention,) = batch.mentions.values()
    assert batch.time_us == mention.version[0] == microseconds(NOW)
