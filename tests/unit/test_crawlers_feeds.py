from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BadInputError, UsageError
from core.identity import feed_item_id, page_id
from core.settings import FeedSource
from crawlers.feed_reading import FeedItem, read_feed
from crawlers.feeds import Reading, identify
from crawlers.markup import has_markup, one_line, read_html
from crawlers.registry import SPIDERS, spider_class
from crawlers.sites import same_site, site_of
from tests.recording import NOW

URL = "https://news.example.com/feed.xml"
SOURCE = FeedSource(name="news", type="feed", url=URL)


def _rss(items: str, declaration: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{declaration}<rss version="2.0"><channel><title>News</title>'
        f"<link>https://news.example.com/</link>{items}</channel></rss>"
    ).encode()


def _read(items: str) -> list[FeedItem]:
    return read_feed(_rss(items), URL, {}).items


# --- markup ------------------------------------------------------------------------------------


def test_html_becomes_text_links_and_media() -> None:
    """Blocks are lines, links and pictures are absolute, what runs is gone."""
    content = read_html(
        '<p>Hello <b>w</b>orld &amp; <a href="/x?a=1&amp;b=2">you</a></p><script>evil()</script>'
        '<style>p{}</style><img src="b.png" onerror="x()"><ul><li>one<li>two</ul> 3 &lt; 5'
        '<a href="javascript:alert(1)">no</a>',
        "https://example.com/page/",
    )

    assert content.text == "Hello world & you\none\ntwo\n3 < 5no"
    assert content.links == ("https://example.com/x?a=1&b=2",)
    assert content.media == ("https://example.com/page/b.png",)


@pytest.mark.parametrize("text", ["AT&T <3 you", "a < b", "x & y", "1 &lt 2"])
def test_plain_text_with_odd_characters_stays(text: str) -> None:
    """Text that is no HTML is left as it is."""
    assert not has_markup(text)
    assert read_html(text).text == text


def test_attributes_cannot_smuggle_text() -> None:
    """A closing bracket in an attribute is part of the attribute."""
    assert read_html('<a href="https://e.com/?a=>b" title="x>y">word</a>').text == "word"


def test_titles_are_one_line() -> None:
    """Markup and line breaks do not survive in a title."""
    assert one_line("<b>Acme</b>\n&amp; co\u2028!") == "Acme & co !"


def test_sites_are_registrable_domains() -> None:
    """Subdomains are one site, blogs of one hoster are not, addresses are themselves."""
    assert same_site("https://a.bbc.co.uk/x", "http://bbc.co.uk/feed")
    assert not same_site("https://a.blogspot.com/", "https://b.blogspot.com/")
    assert not same_site("nonsense", "nonsense")
    assert site_of("http://127.0.0.1:80/") == "127.0.0.1"
    assert site_of("http://[broken") is None


# --- identity ----------------------------------------------------------------------------------


def _identify(item: FeedItem, *others: FeedItem) -> tuple[str, str | None]:
    links = [each.link for each in (item, *others) if each.link]
    return identify(item, URL, {link: links.count(link) for link in links})


def test_own_page_names_the_item() -> None:
    """A link to a page of the feed's own site is the id, however the feed is reached."""
    item = FeedItem(guid="g", link="https://www.example.com/story")

    assert _identify(item) == (page_id("https://www.example.com/story"), None)


def test_foreign_page_is_a_copy_and_no_identity() -> None:
    """A feed cannot claim another site's page: the guid names the item, the page is `copy_of`."""
    item = FeedItem(guid="g", link="https://victim.org/story")

    assert _identify(item) == (feed_item_id(URL, "g"), "https://victim.org/story")


@pytest.mark.parametrize("link", ["https://example.com/", "https://example.com/log#v2"])
def test_link_that_is_no_page_of_its_own_names_nothing(link: str) -> None:
    """The front page and a part of a page are shared by many items."""
    item = FeedItem(guid="g", link=link)

    assert _identify(item) == (feed_item_id(URL, "g"), None)


def test_items_with_one_link_stay_apart() -> None:
    """Where several items lead to one page, guid or content keeps them apart."""
    first = FeedItem(link="https://example.com/all", title="one")
    second = FeedItem(link="https://example.com/all", title="two")
    links = {"https://example.com/all": 2}

    assert identify(first, URL, links)[0] != identify(second, URL, links)[0]


# --- items -------------------------------------------------------------------------------------


def test_undated_and_impossible_dates() -> None:
    """Undated, year 1 and year 2106 count as seen now, and say so."""
    items = [
        FeedItem(guid="a", title="undated"),
        FeedItem(guid="b", title="old", published=datetime(1, 1, 1, tzinfo=UTC)),
        FeedItem(guid="c", title="far", published=datetime(2106, 2, 7, tzinfo=UTC)),
        FeedItem(guid="d", title="fine", published=NOW - timedelta(days=9)),
    ]

    mentions = Reading(SOURCE, NOW, {}, is_live=False).mentions(items)

    assert [m.published_at for m in mentions] == [NOW, NOW, NOW, NOW - timedelta(days=9)]
    assert [m.published_estimated for m in mentions] == [True, True, True, False]


def test_old_news_in_a_known_feed_is_backdated() -> None:
    """On the first visit an old item is history; later it is counted when it arrives."""
    old = FeedItem(guid="a", title="old", published=NOW - timedelta(days=9))

    (first,) = Reading(SOURCE, NOW, {}, is_live=False).mentions([old])
    (later,) = Reading(SOURCE, NOW, {}, is_live=True).mentions([old])

    assert (first.published_at, first.backdated) == (NOW - timedelta(days=9), False)
    assert (later.published_at, later.backdated) == (NOW, True)


def test_reading_again_gives_the_same_mention() -> None:
    """What was seen before keeps the way it was first seen."""
    items = [FeedItem(guid="a", title="undated"), FeedItem(guid="b", title="", text="")]
    first = Reading(SOURCE, NOW, {}, is_live=False)
    mentions = first.mentions(items)

    again = Reading(SOURCE, NOW + timedelta(days=3), first.remembered(), is_live=True)

    assert again.mentions(items) == mentions
    assert first.skipped == {"no_text": 1}


def test_rss_item_is_read_whole() -> None:
    """Title, text, author, links, media and date of an RSS item."""
    (item,) = _read(
        "<item><guid isPermaLink='false'>x1</guid><link>/story</link><title>A &amp;amp; B</title>"
        "<dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>Ann Lee</dc:creator>"
        "<description>short</description><content:encoded "
        "xmlns:content='http://purl.org/rss/1.0/modules/content/'>"
        "<![CDATA[<p>Long <a href='https://acme.test/'>text</a></p>]]></content:encoded>"
        "<enclosure url='https://e.com/a.mp3' type='audio/mpeg' length='1'/>"
        "<pubDate>Sun, 22 Nov 2026 11:00:00 +0100</pubDate></item>"
    )

    assert item.guid == "x1"
    assert item.link == "https://news.example.com/story"
    assert item.title == "A & B"
    assert item.text == "Long text"
    assert item.author_name == "Ann Lee"
    assert item.links == ("https://acme.test/",)
    assert item.media == ("https://e.com/a.mp3",)
    assert item.published == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_json_feed_is_read() -> None:
    """Items of a JSON Feed, with odd types in places, become items."""
    body = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "n", "items": [
      {"id": 7, "url": "/a", "title": "One", "content_html": "<p>Text <a href='/b'>b</a></p>",
       "date_published": "2026-11-22T11:00:00+01:00", "authors": [{"name": "Ann"}],
       "image": "https://e.com/i.png", "attachments": [{"url": "https://e.com/a.mp3"}, 5]},
      {"id": "8", "content_text": "Plain", "external_url": "https://other.org/x", "authors": 5,
       "date_published": 12},
      "nonsense"]}"""

    first, second = read_feed(body, URL, {}).items

    assert (first.guid, first.link, first.text) == ("7", "https://news.example.com/a", "Text b")
    assert first.author_name == "Ann"
    assert first.media == ("https://e.com/i.png", "https://e.com/a.mp3")
    assert first.published == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert (second.text, second.link) == ("Plain", "https://other.org/x")
    assert second.published is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty answer"),
        (b"{", "malformed JSON Feed"),
        (b'{"version": 1}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 5}', "`items` is no list"),
        (b"hello", "neither RSS"),
        (b"<!DOCTYPE html><title>x</title>", "an HTML page"),
        (b"\x00\x01\x02\xff", "neither RSS"),
        (b"[" * 100_000, "neither RSS"),
    ],
)
def test_what_is_no_feed_says_why(body: bytes, reason: str) -> None:
    """Anything else than a feed is an error with a reason."""
    with pytest.raises(BadInputError, match=reason):
        read_feed(body, URL, {})


@pytest.mark.parametrize("count", [1, 5_000])
def test_entities_that_expand_too_far_are_refused(count: int) -> None:
    """One entity repeated thousands of times is a bomb as well as a nested one; one use is none."""
    declaration = f'<!DOCTYPE rss [<!ENTITY e "{"x" * 1_000}">]>'
    body = _rss(f"<item><title>{'&e;' * count}</title></item>", declaration)

    if count == 1:
        assert read_feed(body, URL, {}).items
    else:
        with pytest.raises(BadInputError, match="XML bomb"):
            read_feed(body, URL, {})


def test_truncated_feed_gives_what_it_holds() -> None:
    """A feed that breaks off is read as far as it goes."""
    body = _rss("<item><title>one</title></item><item><title>two</title></item>")[:-40]

    assert next(item.title for item in read_feed(body, URL, {}).items) == "one"


def test_every_registered_type_has_its_spider() -> None:
    """The registry names classes that exist; an unknown type says what there is."""
    assert all(spider_class(kind).__name__.endswith("Spider") for kind in SPIDERS)
    with pytest.raises(UsageError, match="there are feed, hackernews, mastodon, bluesky"):
        spider_class("telegram")
