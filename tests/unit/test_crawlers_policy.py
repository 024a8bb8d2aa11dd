import asyncio
from datetime import UTC, datetime, timedelta

import httpcore
import pytest

from core.errors import FetchError
from crawlers.outcome import (
    BlockedError,
    RateLimitedError,
    raise_for_status,
    said_in_body,
    wait_asked_for,
)
from crawlers.policy import (
    FetchPolicy,
    GuardedBackend,
    Origin,
    PrivateAddressError,
    is_public,
    permitted_addresses,
    redacted,
)
from crawlers.spider import LONGEST_BACKOFF, pause

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """Global unicast addresses may be connected to."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - an address that is judged, not bound
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff0e::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "3fff::1",
        "192.0.0.192",
        "::ffff:192.0.0.192",
        "192.88.99.1",
        "168.63.129.16",
        "nonsense",
    ],
)
def test_addresses_inside_are_not_public(address: str) -> None:
    """Loopback, private, link-local, reserved and multicast are refused, in every disguise."""
    assert not is_public(address)


def test_name_with_a_private_address_is_refused() -> None:
    """A name is judged by what it resolves to; only public addresses are left."""

    async def resolver(host: str, port: int) -> list[str]:
        return {"mixed.test": ["10.0.0.1", "8.8.8.8"], "inside.test": ["127.0.0.1"]}[host]

    mixed = asyncio.run(permitted_addresses(Origin("mixed.test", 80), None, resolver))
    assert mixed == ["8.8.8.8"]
    with pytest.raises(PrivateAddressError, match=r"inside\.test:80 is a private address"):
        asyncio.run(permitted_addresses(Origin("inside.test", 80), None, resolver))


def test_allowance_is_for_the_exact_host_and_port() -> None:
    """Another port of the same host, or another name for it, is not allowed."""

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    allowed = Origin("inside.test", 8000)
    asyncio.run(permitted_addresses(allowed, allowed, resolver))
    for other in (Origin("inside.test", 8001), Origin("localhost", 8000)):
        with pytest.raises(PrivateAddressError):
            asyncio.run(permitted_addresses(other, allowed, resolver))


def test_name_that_changes_its_address_is_judged_at_every_connection() -> None:
    """A name that was public a moment ago and now leads inside is refused."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])

    async def resolver(host: str, port: int) -> list[str]:
        return next(answers)

    async def connect_twice() -> None:
        origin = Origin("rebinding.test", 80)
        assert await permitted_addresses(origin, None, resolver) == ["8.8.8.8"]
        with pytest.raises(PrivateAddressError):
            await GuardedBackend(None, resolver).connect_tcp(*origin, timeout=1)

    asyncio.run(connect_twice())


def test_sockets_of_this_machine_are_refused() -> None:
    """No request goes to a Unix socket."""
    with pytest.raises(PrivateAddressError):
        asyncio.run(GuardedBackend(None).connect_unix_socket("/run/docker.sock"))
    assert issubclass(GuardedBackend, httpcore.AsyncNetworkBackend)


def test_origin_of_a_url() -> None:
    """Scheme gives the port where none is written; host is in lower case."""
    assert Origin.of("https://Example.com/x") == ("example.com", 443)
    assert Origin.of("ws://example.com:81/x") == ("example.com", 81)
    assert Origin.of("http://[::1]:8080/") == ("::1", 8080)
    for url in ("ftp://example.com/", "http://", "http://example.com:99999/", "nothing"):
        with pytest.raises(FetchError, match="no address"):
            Origin.of(url)


def test_secrets_in_urls_are_left_out_of_reasons() -> None:
    """User, password and query do not reach a log."""
    assert redacted("https://ann:secret@e.com/feed?token=x#y") == "https://e.com/feed"


def test_user_agent_names_the_operator() -> None:
    """A site's owner can find out whom to write to."""
    assert "ops@example.org" in FetchPolicy(contact="ops@example.org").user_agent
    assert FetchPolicy().user_agent.startswith("Groundswell/")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60),
        ({"ratelimit-reset": "1795348830"}, 30),
        ({"ratelimit-reset": "45"}, 45),
        ({"x-ratelimit-reset": "2026-11-22T12:05:00.5Z"}, 300.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "99999999"}, 86_400),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_wait_is_read_from_all_usual_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, dates and epochs are understood; the wait is never negative nor endless."""
    wait = wait_asked_for(headers, NOW)

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_statuses_become_errors_with_reasons() -> None:
    """2xx and 304 pass; the rest says whether to wait, to give up, or to try again."""
    raise_for_status(200, {}, b"", NOW)
    raise_for_status(304, {}, b"", NOW)
    with pytest.raises(RateLimitedError) as limited:
        raise_for_status(503, {"retry-after": "5"}, b"busy", NOW)
    assert limited.value.retry_after == timedelta(seconds=5)
    with pytest.raises(BlockedError, match="HTTP 451"):
        raise_for_status(451, {}, b"", NOW)
    with pytest.raises(FetchError, match="HTTP 500: over capacity"):
        raise_for_status(500, {}, b'{"error": "over capacity"}', NOW)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"plain  words\n", "plain words"),
        (b'{"message": "no"}', "no"),
        (b'{"error": 5}', ""),
        (b"<html>Error</html>", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 5_000, "x" * 200),
    ],
)
def test_words_of_an_error_are_short(body: bytes, said: str) -> None:
    """The reason is the server's own sentence, never a page."""
    assert said_in_body(body) == said


def test_pause_doubles_with_failures_up_to_a_limit() -> None:
    """The interval holds; failures double it up to six hours; the source's wish stands above."""
    every = timedelta(minutes=5)

    assert every <= pause(every, 0, None) <= every * 1.1
    assert every * 4 <= pause(every, 2, None) <= every * 4.4
    assert LONGEST_BACKOFF <= pause(every, 50, None) <= LONGEST_BACKOFF * 1.1
    assert timedelta(hours=9) <= pause(every, 1, timedelta(hours=9))
    assert timedelta(days=1) <= pause(timedelta(days=1), 3, None) <= timedelta(days=1.1)
