"""A server that lies once must not keep its source from being collected ever after."""

import json
from datetime import timedelta

from core.ports import PollStatus
from core.settings import BlueskySource, HackerNewsSource, MastodonSource
from tests.mockserver import MockServer, Reply, Request, text
from tests.recording import NOW, RecordingSink


def test_story_dated_ahead_does_not_move_the_cursor_ahead(mock_server: MockServer) -> None:
    """The next visit still asks for what was published since."""
    ahead = int((NOW + timedelta(days=3650)).timestamp())
    hit = {"objectID": "1", "title": "Acme", "author": "eve", "created_at_i": ahead}
    mock_server.route("/api/v1/search_by_date", text({"hits": [hit], "nbHits": 1}))
    source = HackerNewsSource(
        name="hn", type="hackernews", query="acme", url=f"{mock_server.url}/api/v1",
        allow_private=True,
    )  # fmt: skip
    sink = RecordingSink()
    sink.collect(source)
    assert sink.cursors["hn"]["newest"] == int(NOW.timestamp())

    sink.cursors["hn"]["newest"] = ahead  # as an earlier version kept it
    mock_server.forget_requests()
    sink.collect(source, now=NOW + timedelta(hours=1))

    asked = mock_server.requests[0].query["numericFilters"]
    assert f"created_at_i>={int(NOW.timestamp())}," in asked


def test_mastodon_id_ahead_of_all_others_is_forgotten(mock_server: MockServer) -> None:
    """After a day without news the timeline is read from its top, and the cursor comes back."""
    shown = ["9" * 30]

    def answer(request: Request) -> Reply:
        least = int(request.query.get("min_id", "0"))
        statuses = [
            {"id": key, "uri": f"{mock_server.url}/{key}", "content": f"Acme {key}"}
            for key in shown
            if int(key) > least
        ]
        return text(json.loads(json.dumps(statuses)))

    mock_server.route("/api/v1/timelines/tag/acme", answer)
    source = MastodonSource(
        name="social", type="mastodon", url=mock_server.url, hashtags=("acme",),
        allow_private=True,
    )  # fmt: skip
    sink = RecordingSink()
    sink.collect(source)
    shown[:] = ["1001"]

    sink.collect(source, now=NOW + timedelta(hours=1))
    assert "Acme 1001" not in sink.texts
    sink.collect(source, now=NOW + timedelta(hours=26))
    assert "Acme 1001" in sink.texts
    shown.append("1002")
    sink.collect(source, now=NOW + timedelta(hours=27))

    assert "Acme 1002" in sink.texts
    assert len(mock_server.requests) == 1 + 1 + 2 + 2


def test_stream_that_redirects_is_reported(mock_server: MockServer) -> None:
    """A websocket is not led elsewhere, and the reason says so."""
    target = "ws://127.0.0.1:9/inside"
    mock_server.route("/subscribe", Reply(302, headers={"Location": target}))
    url = mock_server.url.replace("http://", "ws://") + "/subscribe"
    source = BlueskySource(
        name="sky", type="bluesky", url=url, api_url=mock_server.url, allow_private=True
    )
    sink = RecordingSink()

    (report,) = sink.collect(source)

    assert report.status is PollStatus.ERROR
    assert report.reason is not None
    assert "does not open a stream: cannot follow redirect" in report.reason
