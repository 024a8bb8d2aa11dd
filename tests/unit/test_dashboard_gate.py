import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.gate import (
    FREE_ATTEMPTS,
    LOCK_SECONDS,
    SESSION_SECONDS,
    Access,
    Gate,
    Throttle,
    hash_password,
    is_loopback,
    load_secret,
)

PASSWORD = "tide tables"
HASH = hash_password(PASSWORD)
OUTSIDE = "https://listen.example"
BROWSER = {"accept": "text/html"}


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
    ) -> TestClient:
        async def inside(_: object) -> PlainTextResponse:
            return PlainTextResponse("inside")

        async def stream(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("inside")
            await socket.close()

        access = Access(public_url, password_hash, b"k" * 32, clock)
        routes = [Route("/{path:path}", inside), WebSocketRoute("/_stcore/stream", stream)]
        app = Gate(Starlette(routes=routes), lambda: access, Throttle(clock))
        return TestClient(app, f"http://{host}", headers=headers, follow_redirects=False)

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


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"])
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
    old = Access(None, HASH, b"k" * 32)
    assert old.holds(old.session())
    assert not Access(None, hash_password("another"), b"k" * 32).holds(old.session())


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


def test_without_a_password_the_page_says_how_to_set_one(visit: Visit) -> None:
    """From outside, an unset password is explained and opens nothing."""
    client = visit("listen.example", password_hash=None)
    assert client.get("/").status_code == 401
    answer = client.post("/sign-in", data={"password": ""})
    assert answer.status_code == 403
    assert "groundswell dashboard --hash-password" in answer.text


def test_a_form_of_another_site_is_refused(visit: Visit) -> None:
    """Nobody signs a person in from elsewhere."""
    client = visit("listen.example", headers={"origin": "https://evil.example"})
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
    key = load_secret(tmp_path)
    assert len(key) == 32
    assert load_secret(tmp_path) == key
    assert (tmp_path / "dashboard.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("host", ["", "a b", "[::1", "127.0.0.1@evil.example", "::1"])
def test_strange_hosts_are_not_this_machine(host: str) -> None:
    """What cannot be read as a host is outside."""
    assert not is_loopback(host)
