import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.bootstrap import Application
from app.secret import kept_key
from dashboard.act_page import ActPage
from dashboard.gate import (
    FREE_ATTEMPTS,
    LOCK_SECONDS,
    MAX_VERIFYING,
    SESSION_SECONDS,
    Access,
    Gate,
    Throttle,
    hash_password,
    is_loopback,
)

PASSWORD = "tide tables"
HASH = hash_password(PASSWORD)
OUTSIDE = "https://listen.example"
BROWSER = {"accept": "text/html"}
HERE = "127.0.0.1"
STRANGER = "203.0.113.9"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens in these tests


def open_nothing() -> Application:
    """Fail: the links of mails have tests of their own."""
    raise AssertionError("no test here follows a link of a mail")


NOTHING = ActPage(open_nothing)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def visit(clock: Clock) -> Callable[..., TestClient]:
    """Return a way to visit a page behind the gate from some address."""

    def visiting(
        host: str = "127.0.0.1:8501",
        *,
        public_url: str | None = None,
        password_hash: str | None = HASH,
        headers: dict[str, str] | None = None,
        bound: str = HERE,
        client: str = HERE,
    ) -> TestClient:
        async def inside(_: object) -> PlainTextResponse:
            return PlainTextResponse("inside")

        async def stream(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("inside")
            await socket.close()

        access = Access(bound, public_url, password_hash, b"k" * 32, clock)
        routes = [Route("/{path:path}", inside), WebSocketRoute("/_stcore/stream", stream)]
        app = Gate(Starlette(routes=routes), lambda: access, Throttle(clock), NOTHING)
        return TestClient(
            app,
            f"http://{host}",
            headers=headers,
            follow_redirects=False,
            client=(client, 50_000),
        )

    return visiting


Visit = Callable[..., TestClient]


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "[::1]:8501", "127.9.9.9"])
def test_this_machine_is_let_in(visit: Visit, host: str) -> None:
    """On loopback, without a proxy and a public address, no password is asked."""
    assert visit(host).get("/").text == "inside"


@pytest.mark.parametrize(
    "host", ["listen.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.4", "0"]
)
def test_another_host_name_needs_the_password(visit: Visit, host: str) -> None:
    """A name that is rebound to this machine, or its network address, is not this machine."""
    assert visit(host).get("/").status_code == 401


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "localhost"])
@pytest.mark.parametrize("client", ["127.0.0.1", "127.0.0.53", "::1"])
def test_every_loopback_address_is_this_machine(visit: Visit, bound: str, client: str) -> None:
    """Which of them is listened on and asked from makes no difference."""
    assert visit("localhost:8501", bound=bound, client=client).get("/").text == "inside"


@pytest.mark.parametrize(
    ("bound", "client"),
    [
        (EVERYWHERE, STRANGER),
        (EVERYWHERE, HERE),
        ("::", "::1"),
        ("", HERE),
        ("192.0.2.7", HERE),
        (HERE, STRANGER),
        (HERE, "2001:db8::9"),
        (HERE, ""),
    ],
)
def test_a_made_up_host_does_not_open(visit: Visit, bound: str, client: str) -> None:
    """Whoever can reach the server can say localhost: where it listens and who asks count too."""
    inside = visit("localhost:8501", bound=bound, client=client)
    assert inside.get("/").status_code == 401
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        inside.websocket_connect("ws://localhost:8501/_stcore/stream"),
    ):
        pass
    assert refused.value.code == 4401


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Server",
        "X-Original-Host",
        "X-Original-Forwarded-For",
        "CF-Connecting-IP",
        "CF-Ray",
        "Via",
        "X-Real-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "Fastly-Client-IP",
    ],
)
def test_a_proxy_in_between_needs_the_password(visit: Visit, name: str) -> None:
    """A forwarded request is from outside, whatever its host says."""
    assert visit(headers={name: "x"}).get("/").status_code == 401


def test_a_public_address_needs_the_password(visit: Visit) -> None:
    """Once the configuration names a public address, loopback is no longer open."""
    assert visit(public_url=OUTSIDE).get("/").status_code == 401
    assert visit(public_url="http://localhost:8501").get("/").text == "inside"


def test_a_browser_is_sent_to_the_sign_in_page(visit: Visit) -> None:
    """People get a form, with no script and nothing of the dashboard."""
    client = visit("listen.example")
    answer = client.get("/mentions", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    page = client.get("/sign-in").text
    assert "<form" in page
    assert "<script" not in page


def test_the_stream_is_behind_the_gate_too(visit: Visit) -> None:
    """The websocket that carries every page opens only to who is let in."""
    with visit().websocket_connect("ws://127.0.0.1:8501/_stcore/stream") as socket:
        assert socket.receive_text() == "inside"
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        visit("listen.example").websocket_connect("ws://listen.example/_stcore/stream"),
    ):
        pass
    assert refused.value.code == 4401


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8501@evil.example",
        "http://[x",
        "null",
        "",
    ],
)
def test_a_page_of_another_site_gets_no_stream(visit: Visit, origin: str) -> None:
    """A browser on this machine that shows a stranger's page does not open ours to it."""
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        visit().websocket_connect("ws://127.0.0.1:8501/_stcore/stream", headers={"origin": origin}),
    ):
        pass
    assert refused.value.code == 4403


def test_our_own_page_gets_its_stream(visit: Visit) -> None:
    """The origin of our pages is the host that they are asked from."""
    own = {"origin": "http://127.0.0.1:8501"}
    with visit().websocket_connect("ws://127.0.0.1:8501/_stcore/stream", headers=own) as socket:
        assert socket.receive_text() == "inside"


def test_the_password_opens_every_page_for_a_day(visit: Visit, clock: Clock) -> None:
    """Signing in sets a cookie that scripts cannot read, and that ends."""
    client = visit("listen.example", public_url=OUTSIDE)
    client.base_url = client.base_url.copy_with(scheme="https")
    answer = client.post("/sign-in", data={"password": PASSWORD})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/").text == "inside"
    clock.now += SESSION_SECONDS + 1
    assert client.get("/").status_code == 401


def test_a_session_cannot_be_made_up(visit: Visit) -> None:
    """A changed end or signature opens nothing."""
    client = visit("listen.example")
    client.post("/sign-in", data={"password": PASSWORD})
    (good,) = [value for name, value in client.cookies.items()]
    end, _, signature = good.partition(".")
    for bad in (f"{int(end) + 1}.{signature}", f"{end}.{'0' * 64}", "x", "", f"{end}."):
        other = visit("listen.example", headers={"cookie": f"groundswell_session={bad}"})
        assert other.get("/").status_code == 401


def test_a_new_password_ends_every_session() -> None:
    """Sessions are signed over the hash that was in force."""
    old = Access(HERE, None, HASH, b"k" * 32)
    assert old.holds(old.session())
    assert not Access(HERE, None, hash_password("another"), b"k" * 32).holds(old.session())


def test_a_session_ends_in_plain_digits() -> None:
    """Digits of another script are no time, even well signed."""
    access = Access(HERE, None, HASH, b"k" * 32)
    end = str(int(access.clock()) + SESSION_SECONDS).replace("1", "\u0661")
    assert not access.holds(f"{end}.{access._sign(end)}")


def test_wrong_passwords_are_slowed_down(visit: Visit, clock: Clock) -> None:
    """After five the address waits, even with the right password; then it may try again."""
    client = visit("listen.example")
    for _ in range(FREE_ATTEMPTS):
        assert client.post("/sign-in", data={"password": "guess"}).status_code == 401
    refused = client.post("/sign-in", data={"password": PASSWORD})
    assert refused.status_code == 429
    assert re.search(r"in 6\d seconds", refused.text)
    clock.now += LOCK_SECONDS + 1
    assert client.post("/sign-in", data={"password": PASSWORD}).status_code == 303


def test_each_further_failure_doubles_the_wait() -> None:
    """The wait grows, up to an hour."""
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(FREE_ATTEMPTS + 8):
        throttle.failed("a")
        waits.append(throttle.wait("a"))
    assert waits[FREE_ATTEMPTS - 2] == 0
    assert waits[FREE_ATTEMPTS - 1 : FREE_ATTEMPTS + 2] == [60, 120, 240]
    assert waits[-1] == 3600
    assert throttle.wait("b") == 0


def test_thousands_of_failures_still_wait_an_hour() -> None:
    """However long somebody goes on, the wait can be told."""
    throttle = Throttle(Clock())
    for _ in range(2000):
        throttle.failed("a")
    assert throttle.wait("a") == 3600


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    """Who has a /64 cannot try five passwords from each of its addresses."""
    throttle = Throttle(Clock())
    for last in range(FREE_ATTEMPTS):
        throttle.failed(f"2001:db8:0:1::{last:x}")
    assert throttle.wait("2001:db8:0:1:ffff::1") == LOCK_SECONDS
    assert throttle.wait("2001:db8:0:2::1") == 0
    throttle.succeeded("2001:db8:0:1::ffff")
    assert throttle.wait("2001:db8:0:1::1") == 0


def test_an_ipv4_address_counts_alike_in_both_notations() -> None:
    """A server that listens on both tells IPv4 inside IPv6; neighbours stay apart."""
    throttle = Throttle(Clock())
    for _ in range(FREE_ATTEMPTS):
        throttle.failed(f"::ffff:{STRANGER}")
    assert throttle.wait(STRANGER) == LOCK_SECONDS
    assert throttle.wait("::ffff:203.0.113.10") == 0


class Slow(Access):
    """Takes its time for each password, and remembers how many it had in hand at once."""

    lock = threading.Lock()
    running = most = 0

    def verify(self, password: str) -> bool:
        with self.lock:
            Slow.running += 1
            Slow.most = max(Slow.most, Slow.running)
        threading.Event().wait(0.02)
        with self.lock:
            Slow.running -= 1
        return password == PASSWORD


def _at_once(addresses: list[str]) -> list[int]:
    """Return how each of many wrong passwords, sent all at once, was answered."""
    access = Slow(EVERYWHERE, None, HASH, b"k" * 32)
    gate = Gate(Starlette(), lambda: access, Throttle(), NOTHING)

    async def post(address: str) -> int:
        transport = httpx.ASGITransport(gate, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://x.example") as client:
            return (await client.post("/sign-in", data={"password": "guess"})).status_code

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(post(address) for address in addresses))

    return asyncio.run(all_of_them())


def test_passwords_tried_all_at_once_are_slowed_down_too() -> None:
    """Attempts find each other counted before any of them is answered."""
    answers = _at_once([STRANGER] * 40)
    assert answers.count(401) == FREE_ATTEMPTS
    assert answers.count(429) == 40 - FREE_ATTEMPTS


def test_few_passwords_are_verified_at_a_time() -> None:
    """A crowd at the door does not take the machine's memory and cores."""
    Slow.most = 0
    assert _at_once([f"198.51.100.{last}" for last in range(20)]) == [401] * 20
    assert Slow.most == MAX_VERIFYING


def test_without_a_password_the_page_says_how_to_set_one(visit: Visit) -> None:
    """From outside, an unset password is explained and opens nothing."""
    client = visit("listen.example", password_hash=None)
    assert client.get("/").status_code == 401
    answer = client.post("/sign-in", data={"password": ""})
    assert answer.status_code == 403
    assert "groundswell dashboard --hash-password" in answer.text


def test_a_form_of_another_site_is_refused(visit: Visit) -> None:
    """Nobody signs a person in from elsewhere."""
    for origin in ("https://evil.example", "http://[x", "null"):
        client = visit("listen.example", headers={"origin": origin})
        assert client.post("/sign-in", data={"password": PASSWORD}).status_code == 403


def test_signing_out_ends_the_session(visit: Visit) -> None:
    """The cookie goes."""
    client = visit("listen.example")
    client.post("/sign-in", data={"password": PASSWORD})
    client.get("/sign-out")
    assert client.get("/").status_code == 401


def test_pages_may_not_load_anything_from_elsewhere(visit: Visit) -> None:
    """The content policy keeps pictures and scripts of strangers out."""
    headers = visit().get("/").headers
    policy = headers["content-security-policy"]
    assert "img-src 'self' data: blob:;" in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_flood_of_a_body_is_cut(visit: Visit) -> None:
    """A huge form is answered like a wrong password."""
    answer = visit("listen.example").post("/sign-in", content=b"password=" + b"x" * 10**6)
    assert answer.status_code == 401


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    """Sessions outlive a restart, and others on the machine cannot read the key."""
    key = kept_key(tmp_path, "dashboard.key")
    assert len(key) == 32
    assert kept_key(tmp_path, "dashboard.key") == key
    assert (tmp_path / "dashboard.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("broken", [b"", b"half a key", b"k" * 33])
def test_a_broken_key_is_made_anew(tmp_path: Path, broken: bytes) -> None:
    """A key that was cut by a full disk or a crash signs nothing: an empty one is known to all."""
    (tmp_path / "dashboard.key").write_bytes(broken)
    key = kept_key(tmp_path, "dashboard.key")
    assert len(key) == 32
    assert key != broken
    assert kept_key(tmp_path, "dashboard.key") == key
    assert (tmp_path / "dashboard.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["dashboard.key"]


def test_processes_that_start_together_hold_one_key(tmp_path: Path) -> None:
    """Whoever comes second takes the first one's key, and never reads half of it."""
    keys: list[bytes] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        keys.append(kept_key(tmp_path, "dashboard.key"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("host", ["", "a b", "[::1", "127.0.0.1@evil.example", "::1"])
def test_strange_hosts_are_not_this_machine(host: str) -> None:
    """What cannot be read as a host is outside."""
    assert not is_loopback(host)
