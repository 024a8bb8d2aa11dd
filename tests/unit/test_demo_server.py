"""The demo's server speaks each service's wire format."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import feedparser
import httpx
import pytest
from websockets.sync.client import connect

from demo.archive import parse_filters, parse_tags
from demo.post import Service
from demo.server import DemoServer
from demo.world import DEAD_FEED, FEEDS, OWN, FeedSource

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The clock that the module's server reads."""
    return Clock()


@pytest.fixture(scope="module")
def server(clock: Clock) -> Iterator[DemoServer]:
    """One server for the module."""
    server = DemoServer(clock=clock)
    server.start(NOW)
    yield server
    server.stop()


@pytest.fixture
def client(server: DemoServer, clock: Clock) -> Iterator[httpx.Client]:
    """A client of the server, with the clock back at the start."""
    clock.now = NOW
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_a_feed_holds_every_published_entry(
    client: httpx.Client, server: DemoServer, feed: FeedSource
) -> None:
    """Each format parses, is complete and newest first, and says that it is synthetic."""
    shelf = server.archive.feeds[feed.path]
    response = client.get(feed.path)
    links = _links(response)
    assert "synthetic" in response.text
    assert len(links) == shelf.published(NOW) > 50
    assert links[0] == shelf.posts[len(links) - 1].url


def _links(response: httpx.Response) -> list[str]:
    if "json" in response.headers["content-type"]:
        return [item["url"] for item in response.json()["items"]]
    parsed = feedparser.parse(response.content)
    assert not parsed.bozo
    return [entry.link for entry in parsed.entries]


def test_a_feed_answers_conditional_requests(client: httpx.Client, clock: Clock) -> None:
    """Unchanged validators give a 304 without a body; a new entry gives a new body."""
    first = client.get("/feeds/parcel-forum.atom")
    by_etag = client.get(
        "/feeds/parcel-forum.atom", headers={"If-None-Match": first.headers["etag"]}
    )
    by_date = client.get(
        "/feeds/parcel-forum.atom", headers={"If-Modified-Since": first.headers["last-modified"]}
    )
    assert (by_etag.status_code, by_etag.content) == (304, b"")
    assert by_date.status_code == 304
    clock.now = NOW + timedelta(minutes=20)
    later = client.get("/feeds/parcel-forum.atom", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    assert len(_links(later)) > len(_links(first))


def test_a_source_dies_and_catches_up(client: httpx.Client, clock: Clock) -> None:
    """During the outage one feed alone answers 503; afterwards it has what was missed."""
    path = next(feed.path for feed in FEEDS if feed.name == DEAD_FEED)
    before = len(_links(client.get(path)))
    clock.now = NOW + timedelta(seconds=40)
    down = client.get(path)
    assert (down.status_code, down.headers["retry-after"]) == (503, "10")
    assert client.get("/feeds/parcel-forum.atom").status_code == 200
    clock.now = NOW + timedelta(minutes=10)
    assert len(_links(client.get(path))) > before


def test_the_timeline_pages_back_by_its_links(client: httpx.Client, server: DemoServer) -> None:
    """Following rel=next reaches every published status once, 40 a page, newest first."""
    url: str | None = f"/api/v1/timelines/tag/{OWN}?limit=40"
    ids: list[int] = []
    while url:
        response = client.get(url)
        page = response.json()
        assert len(page) <= 40
        ids += [int(status["id"]) for status in page]
        url = response.links.get("next", {}).get("url")
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids) == server.archive.tags[OWN].published(NOW)


def test_min_id_gives_the_items_just_newer(client: httpx.Client, server: DemoServer) -> None:
    """min_id pages forward from an id, since_id gives the newest above it."""
    known = [int(post.id) for post in server.archive.tags[OWN].posts]
    path = f"/api/v1/timelines/tag/{OWN}"
    forward = client.get(path, params={"limit": 5, "min_id": known[99]}).json()
    newest = client.get(path, params={"limit": 5, "since_id": known[99]}).json()
    assert [int(s["id"]) for s in forward] == known[104:99:-1]
    assert int(newest[0]["id"]) > known[104]
    last = client.get(path, params={"limit": 1}).json()[0]["id"]
    nothing = client.get(path, params={"min_id": last})
    assert nothing.json() == []
    assert "link" not in nothing.headers


def test_a_status_is_complete_and_says_that_it_is_synthetic(client: httpx.Client) -> None:
    """A status holds the fields that a collector reads, its hashtag as a link, and a marker."""
    status = client.get(f"/api/v1/timelines/tag/{OWN}").json()[0]
    assert "synthetic" in status["application"]["name"]
    assert f'/tags/{OWN}" class="mention hashtag"' in status["content"]
    assert status["account"]["followers_count"] >= 0
    assert urlsplit(status["url"]).hostname.endswith(".example")
    assert OWN in [tag["name"] for tag in status["tags"]]


def test_search_pages_through_hacker_news(client: httpx.Client) -> None:
    """search_by_date pages newest first and honours the bounds of time and the tags."""
    start = int((NOW - timedelta(days=20)).timestamp())
    params: dict[str, str | int] = {
        "query": "pendrake",
        "tags": "(story,comment)",
        "numericFilters": f"created_at_i>{start},created_at_i<={int(NOW.timestamp())}",
        "hitsPerPage": 10,
    }
    first = client.get("/api/v1/search_by_date", params=params).json()
    pages = [
        client.get("/api/v1/search_by_date", params=params | {"page": n}).json()["hits"]
        for n in range(first["nbPages"])
    ]
    hits = [hit for page in pages for hit in page]
    assert len({hit["objectID"] for hit in hits}) == first["nbHits"] > 20
    times = [hit["created_at_i"] for hit in hits]
    assert times == sorted(times, reverse=True)
    assert min(times) > start
    stories = client.get("/api/v1/search_by_date", params={"query": "", "tags": "story"}).json()
    assert all(hit["title"] and "story" in hit["_tags"] for hit in stories["hits"])
    comments = [hit for hit in hits if "comment" in hit["_tags"]]
    assert all(hit["parent_id"] and hit["story_title"] for hit in comments)


def test_a_filter_that_does_not_parse_is_refused(client: httpx.Client) -> None:
    """A numeric filter without a comparison is a 400, as it is at the real service."""
    answer = client.get("/api/v1/search_by_date", params={"query": "", "numericFilters": "soon"})
    assert answer.status_code == 400


def test_tags_and_filters_parse() -> None:
    """Brackets mean any of, commas mean all of."""
    assert parse_tags("(story,comment),author_ann") == [["story", "comment"], ["author_ann"]]
    assert parse_filters("created_at_i>5,points<=10") == [
        ("created_at_i", ">", 5),
        ("points", "<=", 10),
    ]


def test_the_stream_replays_from_a_cursor_and_goes_on_live(
    server: DemoServer, clock: Clock
) -> None:
    """From a cursor on, every event comes once and in order; then new ones as they happen."""
    clock.now = NOW
    shelf = server.archive.bluesky
    known = shelf.published(NOW)
    assert known > 40
    cursor = shelf.times_us[known - 10]
    url = f"{server.jetstream_url}?wantedCollections=app.bsky.feed.post&cursor={cursor}"
    with connect(url) as stream:
        assert json.loads(stream.recv(timeout=5))["kind"] == "identity"
        events = [json.loads(stream.recv(timeout=5)) for _ in range(10)]
        assert [event["time_us"] for event in events] == shelf.times_us[known - 10 : known]
        clock.now = shelf.posts[known].published_at
        fresh = json.loads(stream.recv(timeout=5))
    assert fresh["time_us"] == shelf.times_us[known]
    record = fresh["commit"]["record"]
    assert fresh["commit"]["collection"] == record["$type"] == "app.bsky.feed.post"
    assert record["labels"]["values"] == [{"val": "synthetic"}]
    for facet in record["facets"]:
        index = facet["index"]
        piece = record["text"].encode()[index["byteStart"] : index["byteEnd"]].decode()
        assert piece == "#" + facet["features"][0]["tag"]


def test_the_stream_sends_only_wanted_collections(server: DemoServer, clock: Clock) -> None:
    """Who asks for likes gets no posts."""
    clock.now = NOW
    with (
        connect(f"{server.jetstream_url}?wantedCollections=app.bsky.feed.like&cursor=1") as stream,
        pytest.raises(TimeoutError),
    ):
        stream.recv(timeout=0.5)


def test_profiles_come_in_batches_of_25(client: httpx.Client, server: DemoServer) -> None:
    """Known accounts are answered with followers; 26 at once are refused."""
    dids = list({post.author.id for post in server.archive.bluesky.posts})
    path = "/xrpc/app.bsky.actor.getProfiles"
    found = client.get(path, params={"actors": dids[:25]}).json()["profiles"]
    assert {profile["did"] for profile in found} == set(dids[:25])
    assert all(profile["followersCount"] >= 0 for profile in found)
    assert client.get(path, params={"actors": dids[:26]}).status_code == 400
    assert client.get(path, params={"actors": ["did:plc:nobody"]}).json() == {"profiles": []}


def test_the_clock_runs_on_from_now() -> None:
    """Without a clock of its own, the server's time goes on from the given moment."""
    server = DemoServer()
    with pytest.raises(RuntimeError):
        _ = server.url
    server.start(NOW)
    try:
        first = server.clock()
        time.sleep(0.05)
        assert NOW <= first < server.clock() < NOW + timedelta(minutes=1)
        assert parse_qs(urlsplit(server.jetstream_url).query) == {}
    finally:
        server.stop()


def test_unknown_paths_are_not_found(client: httpx.Client) -> None:
    """A path that no service has is a 404; an unknown hashtag is an empty timeline."""
    assert client.get("/robots.txt").status_code == 404
    assert client.get("/api/v1/timelines/tag/nothing").json() == []


def test_every_service_has_items_before_and_after_now(server: DemoServer) -> None:
    """No service of the demo is empty, and each goes on in the live part."""
    archive = server.archive
    shelves = [*archive.feeds.values(), archive.hacker_news, archive.bluesky, archive.tags[OWN]]
    assert all(shelf.published(NOW) for shelf in shelves)
    assert {post.service for post in archive.bluesky.posts} == {Service.BLUESKY}
    assert archive.bluesky.published(NOW) < len(archive.bluesky.posts)
    assert archive.tags[OWN].published(NOW) < len(archive.tags[OWN].posts)
