import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from core.ports import PollStatus
from core.settings import FeedSource
from crawlers.policy import FetchPolicy
from tests.mockserver import (
    MockServer,
    Reply,
    Request,
    cached,
    drip,
    drop,
    error,
    gzip_bomb,
    html_page,
    huge,
    redirect,
    redirect_loop,
    text,
    throttle,
    xml_bomb,
)
from tests.recording import NOW, RecordingSink

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Acme news</title>
<item><guid>a</guid><title>Acme &amp; co</title><description>&lt;p&gt;One&lt;/p&gt;</description>
<pubDate>Sun, 22 Nov 2026 10:00:00 GMT</pubDate></item>
<item><guid>b</guid><title>Undated</title><description>Two</description></item>
</channel></rss>"""
RSS_TYPE = "application/rss+xml"


def _feed(url: str, name: str = "news", *, allow_private: bool = True) -> FeedSource:
    return FeedSource(name=name, type="feed", url=url, allow_private=allow_private)


def test_feed_is_collected_and_then_not_modified(mock_server: MockServer) -> None:
    """The second visit sends the validators and brings nothing, not even a delivery."""
    url = mock_server.route("/feed", cached(RSS, RSS_TYPE, etag='"v1"'))
    sink = RecordingSink()

    first = sink.collect(_feed(url))[0]
    deliveries = len(sink.deliveries)
    second = sink.collect(_feed(url), now=NOW + timedelta(hours=1))[0]

    assert (first.status, first.fetched, first.new) == (PollStatus.OK, 2, 2)
    assert (second.status, second.fetched) == (PollStatus.NOT_MODIFIED, 0)
    assert len(sink.deliveries) == deliveries
    assert mock_server.requests_to("/feed")[1].headers["if-none-match"] == '"v1"'
    assert [poll.status for poll in sink.polls] == [PollStatus.OK, PollStatus.NOT_MODIFIED]
    assert sink.texts == ["One", "Two"]


def test_unchanged_items_are_delivered_equal_byte_for_byte(mock_server: MockServer) -> None:
    """A feed without validators is read again and gives equal mentions, undated ones too."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE))
    sink = RecordingSink()

    sink.collect(_feed(url))
    before = dict(sink.mentions)
    again = sink.collect(_feed(url), now=NOW + timedelta(days=3))[0]

    assert (again.fetched, again.new) == (2, 0)
    assert sink.mentions == before


def test_edited_item_gets_a_newer_version_and_keeps_its_time(mock_server: MockServer) -> None:
    """An edit is a new version of the same mention; when it was first seen stays."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE))
    sink = RecordingSink()
    sink.collect(_feed(url))
    before = {m.title: m for m in sink.mentions.values()}

    mock_server.route("/feed", text(RSS.replace("Two", "Three"), RSS_TYPE))
    sink.collect(_feed(url), now=NOW + timedelta(hours=1))

    after = {m.title: m for m in sink.mentions.values()}
    assert after["Undated"].text == "Three"
    assert after["Undated"].version > before["Undated"].version
    assert after["Undated"].published_at == before["Undated"].published_at == NOW
    assert after["Acme & co"] == before["Acme & co"]


def test_validators_go_only_to_the_url_they_came_from(mock_server: MockServer) -> None:
    """Where a redirect moves on to another feed, the old feed's ETag is not sent to it."""
    mock_server.route("/old", cached(RSS, RSS_TYPE, etag='"shared"'))
    mock_server.route("/new", cached(RSS.replace("One", "Moved"), RSS_TYPE, etag='"shared"'))
    url = mock_server.route("/feed", redirect("/old"))
    sink = RecordingSink()
    sink.collect(_feed(url))
    assert sink.collect(_feed(url))[0].status is PollStatus.NOT_MODIFIED

    mock_server.route("/feed", redirect("/new"))
    sink.collect(_feed(url))

    assert "Moved" in sink.texts


def test_malformed_feed_is_reported_and_its_validators_kept(mock_server: MockServer) -> None:
    """A body that is no feed is fetched once; the reason stays with the 304 that follows."""
    url = mock_server.route("/feed", cached("no feed at all", "text/plain", etag='"x"'))
    sink = RecordingSink()

    first, second = sink.collect(_feed(url))[0], sink.collect(_feed(url))[0]

    assert first.status is PollStatus.ERROR
    assert first.reason == "neither RSS, Atom, RDF nor JSON Feed"
    assert second.status is PollStatus.NOT_MODIFIED
    assert first.reason in (second.reason or "")


def test_first_good_reading_is_history(mock_server: MockServer) -> None:
    """Old items of a feed that could not be read at first are no news of today."""
    old = RSS.replace("22 Nov 2026", "02 Nov 2026").replace("Sun, ", "")
    url = mock_server.route("/feed", text("broken", RSS_TYPE))
    sink = RecordingSink()
    sink.collect(_feed(url))
    mock_server.route("/feed", text(old, RSS_TYPE))

    sink.collect(_feed(url))

    assert not any(mention.backdated for mention in sink.mentions.values())
    assert {mention.published_at.day for mention in sink.mentions.values()} == {2, 22}


def test_credentials_of_a_url_go_to_its_site_alone(mock_server: MockServer) -> None:
    """User and password become a header, appear nowhere else, and follow no redirect away."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE))
    secret = url.replace("http://", "http://ann:geheim@")
    sink = RecordingSink()

    (report,) = sink.collect(_feed(secret))

    assert report.status is PollStatus.OK
    assert mock_server.requests[0].headers["authorization"] == "Basic YW5uOmdlaGVpbQ=="
    assert "geheim" not in repr(sink.cursors)
    assert "geheim" not in repr(sink.mentions)


def test_html_page_names_the_feed_it_advertises(mock_server: MockServer) -> None:
    """A page where a feed should be is an error that says where the feed is."""
    page = (
        "<!doctype html><html><head><link rel='alternate' type='application/rss+xml' "
        "href='/feed.xml'></head><body>Hello</body></html>"
    )
    with_link = mock_server.route("/", text(page, "text/html"))
    without = mock_server.route("/page", html_page())

    found, bare = RecordingSink().collect(_feed(with_link, "a"), _feed(without, "b"))

    assert found.status is bare.status is PollStatus.ERROR
    assert found.reason == (
        f"an HTML page where a feed should be; it names the feed {mock_server.url}/feed.xml"
    )
    assert bare.reason == "an HTML page where a feed should be"


@pytest.mark.parametrize("is_length_told", [True, False])
def test_feed_of_100_megabytes_is_given_up(mock_server: MockServer, is_length_told: bool) -> None:
    """A feed above the limit is an error, whether it says its size or not."""
    url = mock_server.route("/feed", huge(100_000_000, is_length_told=is_length_told))

    (report,) = RecordingSink().collect(_feed(url), policy=FetchPolicy(max_bytes=5_000_000))

    assert report.status is PollStatus.ERROR
    assert "larger than the limit of 5 MB" in (report.reason or "")


def test_gzip_bomb_is_given_up(mock_server: MockServer) -> None:
    """A small body that unpacks to a hundred megabytes is an error."""
    url = mock_server.route("/feed", gzip_bomb())

    (report,) = RecordingSink().collect(_feed(url))

    assert report.status is PollStatus.ERROR
    assert report.reason


def test_broken_compression_is_an_error_of_its_source_alone(mock_server: MockServer) -> None:
    """A body that says gzip and is not leaves the other sources untouched."""
    broken = text(b"\x1f\x8b\x08no", RSS_TYPE, headers={"Content-Encoding": "gzip"})
    bad, good = mock_server.route("/bad", broken), mock_server.route("/good", text(RSS, RSS_TYPE))

    reports = RecordingSink().collect(_feed(bad, "bad"), _feed(good, "good"))

    assert [report.status for report in reports] == [PollStatus.ERROR, PollStatus.OK]


def test_xml_bomb_is_reported(mock_server: MockServer) -> None:
    """Entities that unfold to a billion words are refused before they are parsed."""
    url = mock_server.route("/feed", xml_bomb())

    (report,) = RecordingSink().collect(_feed(url))

    assert report.status is PollStatus.ERROR
    assert "XML bomb" in (report.reason or "")


def test_body_that_never_ends_ends_in_time(mock_server: MockServer) -> None:
    """A body sent a byte at a time is given up when the whole request took too long."""
    url = mock_server.route("/feed", drip(first=b"<rss>"))
    started = time.monotonic()

    (report,) = RecordingSink().collect(
        _feed(url), policy=FetchPolicy(timeout=timedelta(seconds=1))
    )

    assert time.monotonic() - started < 5
    assert report.status is PollStatus.ERROR
    assert "within 1 s" in (report.reason or "")


def test_connection_cut_in_the_body_is_an_error(mock_server: MockServer) -> None:
    """Half a feed is not taken for a feed, and its validators are not kept."""
    url = mock_server.route("/feed", drop(RSS.encode()[:200]))
    sink = RecordingSink()

    (report,) = sink.collect(_feed(url))

    assert report.status is PollStatus.ERROR
    assert sink.cursors == {}


def test_redirect_loop_ends(mock_server: MockServer) -> None:
    """Redirects without end are given up."""
    url = mock_server.route("/feed", redirect_loop())

    (report,) = RecordingSink().collect(_feed(url))

    assert report.status is PollStatus.ERROR
    assert len(mock_server.requests) <= 6


def test_private_address_is_not_fetched_unless_allowed(mock_server: MockServer) -> None:
    """Without `allow_private` no connection is made to loopback."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE))

    (report,) = RecordingSink().collect(_feed(url, allow_private=False))

    assert report.status is PollStatus.ERROR
    assert "private address" in (report.reason or "")
    assert mock_server.requests == []


def test_redirect_to_another_private_address_is_refused(mock_server: MockServer) -> None:
    """Not even the private origin of another source is reached by a redirect."""
    with MockServer() as inside:
        secret = inside.route("/secret", text(RSS, RSS_TYPE))
        url = mock_server.route("/feed", redirect(secret))

        reports = RecordingSink().collect(_feed(url, "outside"), _feed(secret, "inside"))

        assert [report.status for report in reports] == [PollStatus.ERROR, PollStatus.OK]
        assert "private address" in (reports[0].reason or "")
        assert len(inside.requests) == 1


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/", "gopher://x/"])
def test_redirect_to_what_is_no_web_address_is_not_followed(
    mock_server: MockServer, target: str
) -> None:
    """A redirect leaves the web for nothing."""
    url = mock_server.route("/feed", redirect(target))

    (report,) = RecordingSink().collect(_feed(url))

    assert report.status is PollStatus.ERROR
    assert report.reason


def test_statuses_say_what_happened(mock_server: MockServer) -> None:
    """429 is a rate limit with its wait, 401 and 403 a block, 500 and 404 errors."""
    answers = {
        "wait": throttle(120),
        "login": error(401),
        "never": error(403),
        "broken": error(500),
        "gone": error(404),
    }
    sources = [
        _feed(mock_server.route(f"/{name}", answer), name) for name, answer in answers.items()
    ]

    reports = {report.name: report for report in RecordingSink().collect(*sources)}

    assert reports["wait"].status is PollStatus.RATE_LIMITED
    assert reports["wait"].retry_after == timedelta(seconds=120)
    assert reports["login"].status is reports["never"].status is PollStatus.BLOCKED
    assert reports["broken"].status is reports["gone"].status is PollStatus.ERROR
    assert reports["broken"].reason == "HTTP 500: status 500"


def test_says_who_it_is(mock_server: MockServer) -> None:
    """The user agent names Groundswell and the operator's contact; no cookie is sent back."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE, headers={"Set-Cookie": "a=b"}))

    sink = RecordingSink()
    for _ in range(2):
        sink.collect(_feed(url), policy=FetchPolicy(contact="ops@example.org"))

    asked: Request = mock_server.requests[-1]
    assert "Groundswell" in asked.headers["user-agent"]
    assert "ops@example.org" in asked.headers["user-agent"]
    assert "cookie" not in asked.headers


def test_feeds_of_one_host_share_four_requests(mock_server: MockServer) -> None:
    """Feeds are fetched side by side, but never more than four of one host at a time."""
    open_requests, most, lock = 0, 0, threading.Lock()

    def slowly(request: Request) -> Reply:
        nonlocal open_requests, most
        with lock:
            open_requests += 1
            most = max(most, open_requests)
        time.sleep(0.05)
        with lock:
            open_requests -= 1
        return text(RSS, RSS_TYPE)

    sources = [_feed(mock_server.route(f"/{n}", slowly), f"feed {n}") for n in range(40)]

    reports = RecordingSink().collect(*sources)

    assert {report.status for report in reports} == {PollStatus.OK}
    assert most == 4


@pytest.mark.public_data
@pytest.mark.slow
def test_every_real_feed_is_parsed_or_reported(public_data: Path, mock_server: MockServer) -> None:
    """A thousand real and broken feeds: none crashes or hangs, the second pass is all 304s."""
    folder = public_data / "payloads" / "feeds"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    mock_server.serve_folder(folder, "/feeds")
    sources = [
        _feed(f"{mock_server.url}/feeds/{quote(str(path.relative_to(folder)))}", f"feed {n}")
        for n, path in enumerate(files)
    ]
    sink = RecordingSink()

    first = sink.collect(*sources)
    second = sink.collect(*sources, now=NOW + timedelta(hours=1))

    assert len(files) > 1_000
    statuses = Counter(report.status for report in first)
    assert statuses[PollStatus.OK] > 0.95 * len(files)
    assert statuses[PollStatus.OK] + statuses[PollStatus.ERROR] == len(files)
    assert all(report.reason for report in first if report.status is PollStatus.ERROR)
    assert not any("unexpected" in (report.reason or "") for report in first)
    assert sum(report.new for report in first) > 700
    assert {report.status for report in second} == {PollStatus.NOT_MODIFIED}
    assert sum(report.new for report in second) == 0
