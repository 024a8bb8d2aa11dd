import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.asyncio.server import ServerConnection, serve

from core.identity import service_item_id
from core.ports import PollStatus
from core.settings import BlueskySource, HackerNewsSource, MastodonSource
from crawlers.clocks import microseconds
from crawlers.policy import FetchPolicy
from crawlers.runner import CollectContext, collect
from tests.mockserver import MockServer, Reply, Request, error, text, throttle
from tests.recording import NOW, RecordingSink, skipped

DATA = Path(__file__).resolve().parent.parent / "data" / "collect"
MONTH = timedelta(days=30)

# --- Hacker News -------------------------------------------------------------------------------


def _hacker_news(server: MockServer, query: str = "acme") -> HackerNewsSource:
    return HackerNewsSource(
        name="hn", type="hackernews", query=query, url=server.url + "/api/v1", allow_private=True
    )


def _serve_hits(server: MockServer, hits: list[dict[str, Any]], *, most: int = 1_000) -> None:
    """Answer as the documentation says: newest first, time bounds, a cap on hits shown."""

    def answer(request: Request) -> Reply:
        asked = request.query
        low, high = (part.split("=")[1] for part in asked["numericFilters"].split(","))
        found = [hit for hit in hits if int(low) <= hit["created_at_i"] <= int(high)]
        found.sort(key=lambda hit: -hit["created_at_i"])
        page = found[: min(int(asked["hitsPerPage"]), most)]
        return text({"hits": page, "nbHits": len(found), "page": 0, "hitsPerPage": len(page)})

    server.route("/api/v1/search_by_date", answer)


def _story(number: int, age_minutes: int) -> dict[str, Any]:
    at = int((NOW - timedelta(minutes=age_minutes)).timestamp())
    return {
        "objectID": str(number),
        "title": f"Acme story {number}",
        "url": f"https://example.com/{number}",
        "author": "ann",
        "points": 3,
        "num_comments": 1,
        "created_at_i": at,
    }


def test_hacker_news_pages_past_the_cap_on_hits(mock_server: MockServer) -> None:
    """More hits than one search shows are all fetched, several of them in one second."""
    hits = [_story(number, number // 3) for number in range(1_300)]
    _serve_hits(mock_server, hits, most=100)
    sink = RecordingSink()

    (report,) = sink.collect(_hacker_news(mock_server), history=MONTH)

    assert report.status is PollStatus.OK
    assert len(sink.mentions) == report.new == 1_300


def test_hacker_news_goes_on_where_it_stopped(mock_server: MockServer) -> None:
    """The next visit asks only for what is newer, with an overlap that ids make harmless."""
    hits = [_story(number, 60 * number) for number in range(48)]
    _serve_hits(mock_server, hits)
    sink = RecordingSink()
    sink.collect(_hacker_news(mock_server), history=MONTH)

    hits.append(_story(100, -30))
    (second,) = sink.collect(_hacker_news(mock_server), now=NOW + timedelta(hours=1))

    assert second.new == 1
    assert second.fetched <= 4
    assert len(sink.mentions) == 49


def test_hacker_news_reads_the_documented_answer(mock_server: MockServer) -> None:
    """A story and a comment of the synthetic answer become mentions with thread and counts."""
    answer = json.loads((DATA / "hackernews_synthetic.json").read_text(encoding="utf-8"))
    mock_server.route("/api/v1/search_by_date", text(answer))
    sink = RecordingSink()

    sink.collect(_hacker_news(mock_server))

    story = sink.mentions[service_item_id("hackernews", "44000001")]
    comment = sink.mentions[service_item_id("hackernews", "44000002")]
    assert story.title == "Acme recalls its fast charger"
    assert story.url == "https://news.ycombinator.com/item?id=44000001"
    assert story.links == ("https://example.com/acme-recall?x=1",)
    assert (story.engagement.reactions, story.engagement.comments) == (57, 12)
    assert story.author is not None
    assert story.author.handle == "jane"
    assert comment.title is None
    assert comment.text == 'I said "no" & returned mine.\nSee example.org'
    assert comment.root_id == comment.parent_id == story.id
    assert comment.links == ("https://example.org/acme",)
    assert skipped(sink.deliveries) == {"no_text": 1}


def test_hacker_news_answers_of_another_kind_are_errors(mock_server: MockServer) -> None:
    """What is no answer of the search API is an error with a reason, and moves no cursor."""
    mock_server.route("/api/v1/search_by_date", text("<html>down</html>", "text/html"))
    sink = RecordingSink()

    (report,) = sink.collect(_hacker_news(mock_server))

    assert report.status is PollStatus.ERROR
    assert "no JSON" in (report.reason or "")
    assert sink.cursors == {}


# --- Mastodon ----------------------------------------------------------------------------------


def _mastodon(server: MockServer, *hashtags: str) -> MastodonSource:
    return MastodonSource(
        name="social",
        type="mastodon",
        url=server.url,
        hashtags=hashtags or ("acme",),
        allow_private=True,
    )


def _status(number: int, **fields: Any) -> dict[str, Any]:
    at = NOW - timedelta(hours=200) + timedelta(minutes=number)
    account = {
        "acct": "ann",
        "url": "https://social.test/@ann",
        "uri": "https://social.test/users/ann",
        "display_name": "Ann",
        "followers_count": 7,
        "indexable": True,
    }
    return {
        "id": str(10_000 + number),
        "uri": f"https://social.test/users/ann/statuses/{number}",
        "url": f"https://social.test/@ann/{number}",
        "created_at": at.isoformat(),
        "visibility": "public",
        "content": f"<p>Toot {number} on Acme</p>",
        "account": account,
        **fields,
    }


def _serve_timeline(server: MockServer, statuses: list[dict[str, Any]], tag: str = "acme") -> None:
    """Answer as Mastodon does: newest first; `min_id` gives the items just above an id."""

    def answer(request: Request) -> Reply:
        asked, found = request.query, sorted(statuses, key=lambda s: -int(s["id"]))
        limit = int(asked["limit"])
        if "min_id" in asked:
            found = [s for s in found if int(s["id"]) > int(asked["min_id"])][-limit:]
        if "max_id" in asked:
            found = [s for s in found if int(s["id"]) < int(asked["max_id"])]
        page = found[:limit]
        headers = {}
        if page:
            # Another host than the one that was asked, as behind a proxy.
            link = f"https://elsewhere.test/api/v1/timelines/tag/{tag}?limit={limit}"
            headers["Link"] = (
                f'<{link}&max_id={page[-1]["id"]}>; rel="next", '
                f'<{link}&min_id={page[0]["id"]}>; rel="prev"'
            )
        return text(page, headers=headers)

    server.route(f"/api/v1/timelines/tag/{tag}", answer)


def test_mastodon_walks_back_through_history_then_forward(mock_server: MockServer) -> None:
    """The first visit takes the history that is asked for, the next ones what is newer."""
    statuses = [_status(number) for number in range(0, 12_000, 60)]
    _serve_timeline(mock_server, statuses)
    sink = RecordingSink()

    (first,) = sink.collect(_mastodon(mock_server), history=timedelta(hours=150))
    statuses.extend(_status(number) for number in range(12_001, 12_101))
    mock_server.forget_requests()
    (second,) = sink.collect(_mastodon(mock_server), now=NOW + timedelta(hours=4))

    assert first.new == 150
    assert second.new == second.fetched == 100
    assert all("min_id" in request.query for request in mock_server.requests)
    assert len(sink.mentions) == 250


def test_mastodon_cursor_moves_with_every_page_going_forward(mock_server: MockServer) -> None:
    """Breaking off in the middle loses nothing: the next visit begins after the last page."""
    statuses = [_status(0)]
    _serve_timeline(mock_server, statuses)
    sink = RecordingSink()
    sink.collect(_mastodon(mock_server))
    statuses.extend(_status(number) for number in range(1, 91))

    sink.collect(_mastodon(mock_server))

    cursors = [delivery.cursor for delivery in sink.deliveries if delivery.cursor]
    newest = [cursor["newest"] for cursor in cursors]
    assert newest == [{"acme": str(10_000 + n)} for n in (0, 40, 80, 90)]


def test_mastodon_several_hashtags_have_cursors_of_their_own(mock_server: MockServer) -> None:
    """Each hashtag goes on where it stopped; a post under both is one mention."""
    both = _status(5)
    _serve_timeline(mock_server, [_status(1), both], "acme")
    _serve_timeline(mock_server, [both, _status(9)], "acmelaunch")
    sink = RecordingSink()

    sink.collect(_mastodon(mock_server, "#Acme", "acmelaunch"))

    assert len(sink.mentions) == 3
    assert sink.cursors["social"]["newest"] == {"acme": "10005", "acmelaunch": "10009"}


def test_mastodon_server_that_ignores_min_id_ends(mock_server: MockServer) -> None:
    """The same page again and again is noticed."""
    mock_server.route("/api/v1/timelines/tag/acme", text([_status(2), _status(1)]))
    sink = RecordingSink()

    for _ in range(2):
        (report,) = sink.collect(_mastodon(mock_server), history=MONTH)

    assert report.status is PollStatus.OK
    assert len(mock_server.requests) <= 4


def test_mastodon_honours_wishes_and_replies(mock_server: MockServer) -> None:
    """Authors who do not want to be indexed are left out; a reply names its parent."""
    hidden = {**_status(3)["account"], "indexable": False}
    noindex = {**_status(3)["account"], "noindex": True}
    older = {k: v for k, v in hidden.items() if k != "indexable"} | {"discoverable": False}
    statuses = [
        _status(1),
        _status(2, in_reply_to_id="10001"),
        _status(3, account=hidden),
        _status(4, account=noindex),
        _status(5, account=older),
        _status(6, reblog=_status(1)),
        _status(7, visibility="private"),
    ]
    _serve_timeline(mock_server, statuses)
    sink = RecordingSink()

    sink.collect(_mastodon(mock_server))

    assert sink.texts == ["Toot 1 on Acme", "Toot 2 on Acme"]
    first, second = (
        sink.mentions[service_item_id("mastodon", f"https://social.test/users/ann/statuses/{n}")]
        for n in (1, 2)
    )
    assert second.parent_id == first.id
    assert first.author is not None
    assert first.author.handle == "ann@social.test"
    assert first.author.followers == 7
    assert skipped(sink.deliveries) == {"not_indexable": 3, "not_public": 2}


def test_mastodon_without_an_account_may_be_blocked(mock_server: MockServer) -> None:
    """401 is a block that says why; plain text of a 429 or a 500 is the reason."""
    tag = "/api/v1/timelines/tag/acme"
    sink = RecordingSink()

    mock_server.route(tag, text({"error": "identity_token_required"}, status=401))
    (blocked,) = sink.collect(_mastodon(mock_server))
    mock_server.route(tag, throttle("Sun, 22 Nov 2026 12:10:00 GMT"))
    (limited,) = sink.collect(_mastodon(mock_server))
    mock_server.route(tag, error(500))
    (broken,) = sink.collect(_mastodon(mock_server))

    assert blocked.status is PollStatus.BLOCKED
    assert "without an account (HTTP 401: identity_token_required)" in (blocked.reason or "")
    assert limited.status is PollStatus.RATE_LIMITED
    assert limited.retry_after == timedelta(minutes=10)
    assert broken.reason == "HTTP 500: status 500"


@pytest.mark.public_data
def test_mastodon_recorded_timelines_are_read(public_data: Path, mock_server: MockServer) -> None:
    """Answers recorded from Mastodon, a big server and Takahe become mentions."""
    payloads = public_data / "payloads"
    takahe = payloads / "recorded/takahe-0.11.0/tag1.body"
    mock_server.route("/api/v1/timelines/tag/acme", text(takahe.read_bytes()))
    cassette = payloads / "mastodon/rtoot/fixtures/get_timeline_hashtag_default.yml"
    recorded = yaml.safe_load(cassette.read_text(encoding="utf-8"))["http_interactions"][0]
    body = recorded["response"]["body"]["string"].encode()
    mock_server.route("/api/v1/timelines/tag/rstats", text(body))
    sink = RecordingSink()

    (report,) = sink.collect(_mastodon(mock_server, "acme", "rstats"))

    assert report.status is PollStatus.OK
    authors = [m.author for m in sink.mentions.values() if m.author]
    assert len(authors) == len(sink.mentions) == 22
    assert all(author.handle and "@" in author.handle for author in authors)
    assert not any(
        "<p>" in mention.text or "</" in mention.text
        for mention in sink.mentions.values()
        if "rstats" in mention.text
    )


# --- Bluesky -----------------------------------------------------------------------------------


@contextmanager
def _jetstream(events: list[dict[str, Any]], asked: list[str]) -> Iterator[str]:
    """Serve a stream on loopback: replays events from the cursor on, then stays silent."""
    ready, address = threading.Event(), list[str]()
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        asked.append(path)
        since = int(path.split("cursor=")[1].split("&")[0]) if "cursor=" in path else 0
        for event in events:
            if event.get("time_us", 0) >= since:
                await connection.send(json.dumps(event))
        await connection.wait_closed()

    async def run() -> None:
        async with serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            address.append(f"ws://127.0.0.1:{port}/subscribe")
            ready.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        loop.close()


def _bluesky(url: str, api: MockServer) -> BlueskySource:
    return BlueskySource(name="sky", type="bluesky", url=url, api_url=api.url, allow_private=True)


def _post(number: int, words: str, **record: Any) -> dict[str, Any]:
    at = NOW - timedelta(minutes=10) + timedelta(seconds=number)
    return {
        "did": f"did:plc:{number % 30}",
        "time_us": microseconds(at),
        "kind": "commit",
        "commit": {
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": f"key{number}",
            "record": {"text": words, "createdAt": at.isoformat(), **record},
        },
    }


def _serve_profiles(server: MockServer, *, hidden: str = "") -> None:
    from urllib.parse import parse_qs

    def answer(request: Request) -> Reply:
        dids = parse_qs(request.path.partition("?")[2])["actors"]
        assert len(dids) <= 25
        profiles = [
            {
                "did": did,
                "handle": f"user{did.rpartition(':')[2]}.bsky.social",
                "followersCount": 11,
                "labels": [{"val": "!no-unauthenticated"}] if did == hidden else [],
            }
            for did in dids
        ]
        return text({"profiles": profiles})

    server.route("/xrpc/app.bsky.actor.getProfiles", answer)


def test_bluesky_replays_from_its_cursor_and_looks_up_matching_authors(
    mock_server: MockServer,
) -> None:
    """Only authors of posts that a topic matches are looked up, 25 at once."""
    events = [_post(number, f"Acme {number}") for number in range(30)]
    events += [_post(100 + number, "something else") for number in range(30)]
    _serve_profiles(mock_server)
    sink, asked = RecordingSink(only="Acme"), list[str]()

    with _jetstream(events, asked) as url:
        (first,) = sink.collect(_bluesky(url, mock_server))
        (second,) = sink.collect(_bluesky(url, mock_server))

    assert first.status is second.status is PollStatus.OK
    assert (first.new, second.new) == (30, 0)
    assert len(mock_server.requests_to("/xrpc/app.bsky.actor.getProfiles")) == 2
    mention = sink.mentions[service_item_id("bluesky", "at://did:plc:7/app.bsky.feed.post/key7")]
    assert mention.author is not None
    assert (mention.author.handle, mention.author.followers) == ("user7.bsky.social", 11)
    assert mention.url == "https://bsky.app/profile/did:plc:7/post/key7"
    last = events[-1]["time_us"]
    assert sink.cursors["sky"] == {"time_us": last}
    assert "cursor=" not in asked[0]
    assert f"cursor={last - 5_000_000}" in asked[1]


def test_bluesky_deletions_edits_and_wishes(mock_server: MockServer) -> None:
    """A deletion goes by id, an edit is a newer revision, hidden authors are left out."""
    edited = _post(1, "Acme edited")
    edited["commit"]["operation"] = "update"
    edited["time_us"] += 10
    deletion = _post(2, "")
    deletion["commit"] = {**deletion["commit"], "operation": "delete", "record": None}
    wish = {"labels": {"values": [{"val": "!no-unauthenticated"}]}}
    events = [
        _post(1, "Acme first"),
        _post(2, "Acme to be deleted"),
        edited,
        deletion,
        _post(3, "Acme hidden by the author"),
        _post(4, "Acme hidden by a label", **wish),
        {"kind": "identity", "did": "did:plc:1", "time_us": 1},
        {"kind": "commit", "commit": "nonsense"},
    ]
    _serve_profiles(mock_server, hidden="did:plc:3")
    sink = RecordingSink()

    with _jetstream(events, []) as url:
        sink.collect(_bluesky(url, mock_server))

    assert sink.texts == ["Acme edited"]
    assert next(iter(sink.mentions.values())).version[0] == edited["time_us"]
    assert sink.deleted == [service_item_id("bluesky", "at://did:plc:2/app.bsky.feed.post/key2")]
    assert skipped(sink.deliveries) == {"not_indexable": 2}


def test_bluesky_waits_where_authors_cannot_be_looked_up(mock_server: MockServer) -> None:
    """Whether an author may be shown is not known then: the cursor stays, nothing is lost."""
    mock_server.route("/xrpc/app.bsky.actor.getProfiles", error(500))
    sink = RecordingSink()

    with _jetstream([_post(1, "Acme")], []) as url:
        (failed,) = sink.collect(_bluesky(url, mock_server))
        _serve_profiles(mock_server)
        (worked,) = sink.collect(_bluesky(url, mock_server))

    assert failed.status is PollStatus.ERROR
    assert "cannot be looked up: HTTP 500" in (failed.reason or "")
    assert (worked.status, worked.new) == (PollStatus.OK, 1)


def test_bluesky_stream_that_is_not_there_is_an_error(mock_server: MockServer) -> None:
    """A server that speaks no websocket, and a private address, are errors with reasons."""
    plain = "ws" + mock_server.route("/subscribe", text("hello")).removeprefix("http")
    sink = RecordingSink()

    (no_stream,) = sink.collect(_bluesky(plain, mock_server))
    closed = BlueskySource(name="sky", type="bluesky", url=plain, api_url=mock_server.url)
    (private,) = sink.collect(closed)

    assert no_stream.status is private.status is PollStatus.ERROR
    assert "does not open a stream" in (no_stream.reason or "")
    assert "private address" in (private.reason or "")


def test_collecting_goes_on_until_it_is_stopped(mock_server: MockServer) -> None:
    """Without `once` sources are visited again and again, and a stop ends it within a second."""
    _serve_hits(mock_server, [_story(1, 5)])
    _serve_profiles(mock_server)
    sink, stop = RecordingSink(), threading.Event()
    hn = _hacker_news(mock_server).model_copy(update={"every": timedelta(seconds=0.2)})
    with _jetstream([_post(1, "Acme")], []) as url:
        context = CollectContext(
            sink, sink, lambda: NOW, sink.polls.append, stop=stop, policy=FetchPolicy()
        )
        threading.Timer(2.0, stop.set).start()
        reports = collect([hn, _bluesky(url, mock_server)], context, once=False)

    assert [report.status for report in reports] == [PollStatus.OK, PollStatus.OK]
    assert len(mock_server.requests_to("/api/v1/search_by_date")) > 3
    assert len(sink.mentions) == 2
    # A stream that answers is reported at once, not when its first minute is over.
    assert [poll.status for poll in sink.polls if poll.source == "sky"][:1] == [PollStatus.OK]
    assert sum(poll.source == "sky" for poll in sink.polls) >= 2


@pytest.mark.public_data
def test_bluesky_recorded_stream_is_read(public_data: Path, mock_server: MockServer) -> None:
    """Lines captured from a production server: posts become mentions, the deletion an id."""
    corpus = public_data / "payloads/bluesky/jetstream/internal/corpus/testdata"
    lines = (corpus / "expected_v1.jsonl").read_text(encoding="utf-8").split("\n")
    events = [json.loads(line) for line in lines if line]
    _serve_profiles(mock_server)
    sink = RecordingSink()

    with _jetstream(events, []) as url:
        (report,) = sink.collect(_bluesky(url, mock_server))

    assert report.status is PollStatus.OK
    # One of the 17 posts is a picture without words.
    assert report.new == len(sink.mentions) == 16
    assert skipped(sink.deliveries) == {"no_text": 1}
    assert len(sink.deleted) == 1
    replies = [mention for mention in sink.mentions.values() if mention.parent_id]
    assert len(replies) == 7
    assert any(
        "https://www.youtube.com/watch?v=V5lDo-jw8mA" in m.links for m in sink.mentions.values()
    )
