import threading
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core.errors import DurabilityError, GroundswellError, RetryableError
from core.ports import Delivery, PollStatus, Receipt
from core.settings import FeedSource
from crawlers.runner import CollectContext, collect
from tests.mockserver import MockServer, drip, text
from tests.recording import NOW, RecordingSink

RSS = "<rss version='2.0'><channel><item><guid>a</guid><title>Acme</title></item></channel></rss>"
RSS_TYPE = "application/rss+xml"


@dataclass
class FailingSink(RecordingSink):
    """Takes nothing as long as it has an error."""

    error: GroundswellError | None = None

    def deliver(self, delivery: Delivery) -> Receipt:
        if self.error is not None:
            raise self.error
        return super().deliver(delivery)


def _feed(url: str, name: str = "news", **settings: object) -> FeedSource:
    return FeedSource.model_validate(
        {"name": name, "type": "feed", "url": url, "allow_private": True, **settings}
    )


def test_what_cannot_be_taken_is_fetched_again(mock_server: MockServer) -> None:
    """A full disk is an error of the visit; no cursor moves, and the next visit brings it all."""
    url = mock_server.route("/feed", text(RSS, RSS_TYPE, headers={"ETag": '"1"'}))
    sink = FailingSink(error=RetryableError("the disk is nearly full"))

    (failed,) = sink.collect(_feed(url))
    sink.error = None
    (worked,) = sink.collect(_feed(url))

    assert (failed.status, failed.reason) == (PollStatus.ERROR, "the disk is nearly full")
    assert "if-none-match" not in mock_server.requests[1].headers
    assert (worked.status, worked.new) == (PollStatus.OK, 1)


def test_fatal_error_of_the_sink_ends_collecting(mock_server: MockServer) -> None:
    """When durability is in doubt nothing goes on, also sources that would never end."""
    urls = [mock_server.route("/feed", text(RSS, RSS_TYPE)), mock_server.route("/slow", drip())]
    sink = FailingSink(error=DurabilityError("fsync failed"))
    sources = [_feed(url, name, every="1s") for name, url in zip("ab", urls, strict=True)]
    context = CollectContext(sink, sink, lambda: NOW, sink.polls.append)

    with pytest.raises(DurabilityError, match="fsync failed"):
        collect(sources, context, once=False)


def test_stopping_a_visit_in_its_middle_reports_it(mock_server: MockServer) -> None:
    """A stop ends a visit that hangs; the report says that no answer came, and others stand."""
    slow = mock_server.route("/slow", drip())
    good = mock_server.route("/feed", text(RSS, RSS_TYPE))
    sink, stop = RecordingSink(), threading.Event()
    context = CollectContext(sink, sink, lambda: NOW, sink.polls.append, stop=stop)
    threading.Timer(1.0, stop.set).start()

    reports = collect([_feed(slow, "slow"), _feed(good, "good")], context, once=True)

    assert [report.status for report in reports] == [PollStatus.ERROR, PollStatus.OK]
    assert reports[0].reason == "stopped before the first answer"
    assert {poll.source for poll in sink.polls} == {"slow", "good"}


def test_failing_source_is_visited_less_and_less(mock_server: MockServer) -> None:
    """A source that works keeps its interval while one that fails is left alone longer."""
    good = mock_server.route("/feed", text(RSS, RSS_TYPE))
    sink, stop = RecordingSink(), threading.Event()
    every = timedelta(seconds=0.1)
    sources = [
        _feed(good, "good", every=every),
        _feed(mock_server.url + "/none", "bad", every=every),
    ]
    context = CollectContext(sink, sink, lambda: NOW, sink.polls.append, stop=stop)
    threading.Timer(2.0, stop.set).start()

    collect(sources, context, once=False)

    assert len(mock_server.requests_to("/feed")) >= 2 * len(mock_server.requests_to("/none"))
