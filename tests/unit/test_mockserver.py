import gzip
import http.client
import time
from pathlib import Path

import httpx
import pytest

from tests import mockserver
from tests.mockserver import MockServer


def test_records_each_request_before_it_answers(mock_server: MockServer) -> None:
    """Method, path, query, headers and body of a request are kept in order."""
    url = mock_server.route("/in", mockserver.text("thanks"))

    answer = httpx.post(url + "?a=1&b=", content=b"hello", headers={"X-Probe": "yes"})

    assert answer.text == "thanks"
    (request,) = mock_server.requests_to("/in")
    assert (request.method, request.query, request.body) == ("POST", {"a": "1", "b": ""}, b"hello")
    assert request.headers["x-probe"] == "yes"


def test_unknown_paths_are_404(mock_server: MockServer) -> None:
    """A path without a route is an error that the client sees."""
    assert httpx.get(mock_server.url + "/nothing").status_code == 404


def test_cached_answers_304_to_its_validators(mock_server: MockServer) -> None:
    """ETag and Last-Modified are honoured, the tag before the date."""
    date = "Mon, 02 Mar 2026 10:00:00 GMT"
    url = mock_server.route("/f", mockserver.cached("<rss/>", "text/xml", last_modified=date))
    tag = httpx.get(url).headers["etag"]

    assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert httpx.get(url, headers={"If-Modified-Since": date}).status_code == 304
    both = {"If-None-Match": '"old"', "If-Modified-Since": date}
    assert httpx.get(url, headers=both).status_code == 200


def test_serves_a_folder_and_nothing_beside_it(mock_server: MockServer, tmp_path: Path) -> None:
    """Files come with type and validators; a path that climbs out of the folder does not."""
    (tmp_path / "secret").write_text("no", encoding="utf-8")
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "a b.xml").write_text("<rss/>", encoding="utf-8")
    mock_server.serve_folder(feeds, "/feeds")

    answer = httpx.get(mock_server.url + "/feeds/a%20b.xml")

    assert (answer.text, answer.headers["content-type"]) == ("<rss/>", "application/xml")
    unchanged = {"If-None-Match": answer.headers["etag"]}
    assert httpx.get(mock_server.url + "/feeds/a%20b.xml", headers=unchanged).status_code == 304
    connection = http.client.HTTPConnection(mock_server.address)
    connection.request("GET", "/feeds/../secret")
    assert connection.getresponse().status == 404
    connection.close()


def test_drip_never_ends_until_the_client_leaves(mock_server: MockServer) -> None:
    """A dripping body gives piece after piece and no end."""
    url = mock_server.route("/slow", mockserver.drip(b"x", every=0.01))

    received = b""
    with httpx.stream("GET", url) as answer:
        for piece in answer.iter_raw():
            received += piece
            if len(received) >= 20:
                break

    assert set(received) == {ord("x")}


def test_huge_tells_its_length_or_not(mock_server: MockServer) -> None:
    """The body has the size that was asked for, with and without a Content-Length."""
    told = mock_server.route("/told", mockserver.huge(3_000_000))
    untold = mock_server.route("/untold", mockserver.huge(3_000_000, is_length_told=False))

    first, second = httpx.get(told), httpx.get(untold)

    assert first.headers["content-length"] == "3000000"
    assert "content-length" not in second.headers
    assert len(first.content) == len(second.content) == 3_000_000


def test_gzip_bomb_is_small_on_the_wire(mock_server: MockServer) -> None:
    """The bomb unpacks to a hundred times what was sent, at least."""
    url = mock_server.route("/bomb", mockserver.gzip_bomb(5_000_000))

    with httpx.stream("GET", url) as answer:
        packed = b"".join(answer.iter_raw())

    assert len(gzip.decompress(packed)) == 5_000_000
    assert len(packed) < 50_000


def test_drop_resets_the_connection(mock_server: MockServer) -> None:
    """The client sees a broken connection, not a short body."""
    url = mock_server.route("/drop", mockserver.drop(b"half", promised=100))

    with pytest.raises(httpx.TransportError):
        httpx.get(url)


def test_redirect_loop_goes_on(mock_server: MockServer) -> None:
    """Every turn of the loop is a new address, so no client sees it by comparing."""
    url = mock_server.route("/loop", mockserver.redirect_loop())

    with pytest.raises(httpx.TooManyRedirects):
        httpx.get(url, follow_redirects=True)

    paths = [request.path for request in mock_server.requests]
    assert len(set(paths)) == len(paths) > 10


def test_sequence_goes_step_by_step_and_stays_at_the_last(mock_server: MockServer) -> None:
    """A source that is throttled, broken and then well."""
    url = mock_server.route(
        "/s",
        mockserver.sequence(mockserver.throttle(7), mockserver.error(503), mockserver.text("ok")),
    )

    answers = [httpx.get(url) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [429, 503, 200, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_bad_bodies_have_the_types_that_mislead(mock_server: MockServer) -> None:
    """The XML bomb is a feed by its type, and the web page stands where a feed should be."""
    bomb = httpx.get(mock_server.route("/x", mockserver.xml_bomb()))
    page = httpx.get(mock_server.route("/h", mockserver.html_page()))

    assert bomb.headers["content-type"] == "application/rss+xml"
    assert bomb.text.count("<!ENTITY") == 10
    assert page.headers["content-type"].startswith("text/html")


def test_closing_does_not_wait_for_clients() -> None:
    """A server with a client in mid-body closes at once."""
    with MockServer() as server:
        url = server.route("/slow", mockserver.drip(every=0.01))
        client = httpx.Client()
        with client.stream("GET", url) as answer:
            next(answer.iter_raw())
            start = time.monotonic()
            server.__exit__()
            elapsed = time.monotonic() - start
        client.close()

    assert elapsed < 2
