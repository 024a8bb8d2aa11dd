"""Who may come in: everything the dashboard serves, its websocket included, passes this gate.

The dashboard is open when it listens on this machine alone, is asked for on it, by its loopback
name, without a proxy in between, and no public address is configured. Otherwise it asks for the
password.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.handling import ACT_PATH
from dashboard.act_page import ActPage

SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
COOKIE = "groundswell_session"
SESSION_SECONDS = 12 * 3600
"""A working day: long enough not to be asked at lunch, short enough for a lost laptop."""

FREE_ATTEMPTS = 5
LOCK_SECONDS = 60
"""After five wrong passwords in a row an address waits a minute, twice as long each time after."""

MAX_LOCK_SECONDS = 3600
MAX_DOUBLINGS = 6
"""From here on the wait is as long as it gets."""

MAX_BODY_BYTES = 4096
MAX_ADDRESSES = 10_000
MAX_VERIFYING = 2
"""Passwords verified at a time: each takes 64 MB and all of a core."""

FORWARDING_HEADERS = frozenset({b"forwarded", b"via", b"x-real-ip"})
FORWARDING_STARTS = (b"x-forwarded", b"x-original-", b"cf-")
FORWARDING_ENDS = (b"client-ip",)
"""True-Client-IP, X-Client-IP, X-Cluster-Client-IP and their like."""

# Pictures and scripts of strangers are never loaded. Charts are compiled in the page, which needs
# unsafe-eval; Streamlit styles its elements inline.
CONTENT_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; "
    b"font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    b"frame-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    b"frame-ancestors 'self'"
)

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: browsers would then hide where our own sign-in form was sent from.
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", CONTENT_POLICY),
)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address, with or without a port, is this machine's own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_open(
    bound: str, client: str, headers: Iterable[tuple[bytes, bytes]], public_url: str | None
) -> bool:
    """Return whether a request needs no sign-in.

    ``bound`` is the address that the server listens on, ``client`` the one the request comes from.
    The names of ``headers`` are in lower case.
    """
    if not (_is_own_address(bound) and _is_own_address(client)):
        return False
    headers = list(headers)
    named = [value for key, value in headers if key == b"host"]
    if len(named) != 1 or not is_loopback(named[0].decode("latin-1")):
        return False
    if any(_is_forwarding(key) for key, _ in headers):
        return False
    return public_url is None or is_loopback(urlsplit(public_url).netloc)


def _is_own_address(address: str) -> bool:
    """Return whether an address, here without a port, is this machine's own."""
    return is_loopback(f"[{address}]" if ":" in address else address)


def _is_forwarding(header: bytes) -> bool:
    return (
        header in FORWARDING_HEADERS
        or header.startswith(FORWARDING_STARTS)
        or header.endswith(FORWARDING_ENDS)
    )


@dataclass
class Throttle:
    """Counts wrong passwords by address; ``clock`` gives seconds that only grow.

    Of IPv6, whose users are given whole networks, a /64 counts as one address.
    """

    clock: Callable[[], float] = time.monotonic
    _failures: dict[str, tuple[int, float]] = field(default_factory=dict)

    def wait(self, address: str) -> float:
        """Return how many seconds the address still has to wait."""
        count, last = self._failures.get(_network(address), (0, 0.0))
        if count < FREE_ATTEMPTS:
            return 0.0
        doublings = min(count - FREE_ATTEMPTS, MAX_DOUBLINGS)
        lock = min(LOCK_SECONDS * 2**doublings, MAX_LOCK_SECONDS)
        return max(last + lock - self.clock(), 0.0)

    def failed(self, address: str) -> None:
        """Remember a wrong password."""
        network = _network(address)
        count, _ = self._failures.pop(network, (0, 0.0))
        self._failures[network] = (count + 1, self.clock())
        while len(self._failures) > MAX_ADDRESSES:
            self._failures.pop(next(iter(self._failures)))

    def succeeded(self, address: str) -> None:
        """Forget what the address did before."""
        self._failures.pop(_network(address), None)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed) >> 64 << 64))


@dataclass(frozen=True)
class Access:
    """What the gate goes by.

    ``bound`` is the address that the server listens on. ``secret`` signs sessions; a new password
    ends all of them.
    """

    bound: str
    public_url: str | None
    password_hash: str | None
    secret: bytes
    clock: Callable[[], float] = time.time

    def session(self) -> str:
        """Return a new session: when it ends, signed."""
        end = str(int(self.clock()) + SESSION_SECONDS)
        return f"{end}.{self._sign(end)}"

    def holds(self, session: str) -> bool:
        """Return whether a session was made here and has not ended."""
        end, _, signature = session.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(end).encode()):
            return False
        return end.isascii() and end.isdecimal() and int(end) > self.clock()

    def _sign(self, end: str) -> str:
        message = f"{end}|{self.password_hash}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()

    def verify(self, password: str) -> bool:
        """Return whether the password fits the configured hash."""
        from argon2 import PasswordHasher
        from argon2.exceptions import InvalidHashError, VerificationError

        if self.password_hash is None:
            return False
        try:
            return PasswordHasher().verify(self.password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


class Gate:
    """ASGI middleware that lets in who may see the dashboard, and nobody else.

    ``is_standing`` says that this process has one: a page served without it shows nothing to
    requests from outside.
    """

    is_standing = False

    def __init__(
        self, app: ASGIApp, access: Callable[[], Access], throttle: Throttle, act_page: ActPage
    ) -> None:
        Gate.is_standing = True
        self._app = app
        self._access = access
        self._throttle = throttle
        self._act_page = act_page
        self._verifying = asyncio.Semaphore(MAX_VERIFYING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with the sign-in page."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        access = self._access()
        send = _with_security_headers(send)
        is_in = is_open(
            access.bound, _client(scope), scope["headers"], access.public_url
        ) or access.holds(_cookie(scope))
        if scope["type"] == "websocket":
            if not is_in:
                await send({"type": "websocket.close", "code": 4401, "reason": "sign in first"})
            elif not _same_origin(scope):
                # Streamlit would ask a server on the internet for this machine's address, to
                # compare a strange origin with it.
                await send({"type": "websocket.close", "code": 4403, "reason": "another origin"})
            else:
                await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == SIGN_IN_PATH:
            response = await self._sign_in(access, scope, receive)
        elif path == ACT_PATH:
            # The link is signed; who has it need not sign in.
            body = await _body(receive) if scope["method"] == "POST" else b""
            response = await self._act_page.answer(scope, body)
        elif path == SIGN_OUT_PATH:
            response = RedirectResponse(SIGN_IN_PATH, status_code=303)
            response.delete_cookie(COOKIE)
        elif is_in or path == "/_stcore/health":
            await self._app(scope, receive, send)
            return
        elif scope["method"] == "GET" and b"text/html" in _header(scope, b"accept"):
            response = RedirectResponse(SIGN_IN_PATH, status_code=303)
        else:
            response = PlainTextResponse("sign in first", status_code=401)
        await response(scope, receive, send)

    async def _sign_in(self, access: Access, scope: Scope, receive: Receive) -> Response:
        if access.password_hash is None:
            return HTMLResponse(_page(HOW_TO_SET_ONE, None, with_form=False), status_code=403)
        if scope["method"] != "POST":
            return HTMLResponse(_page("", None))
        if not _same_origin(scope):
            return HTMLResponse(_page("", "Send the form from this page."), status_code=403)
        body = await _body(receive)
        password = parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0]
        address = _client(scope)
        wait = self._throttle.wait(address)
        if wait > 0:
            text = f"Too many attempts. Try again in {int(wait) + 1} seconds."
            return HTMLResponse(_page("", text), status_code=429)
        # Counted before it is known, and with nothing awaited since the wait was asked for:
        # attempts that come all at once find each other counted.
        self._throttle.failed(address)
        # Argon2 takes its time; the event loop serves others meanwhile.
        from starlette.concurrency import run_in_threadpool

        async with self._verifying:
            fits = await run_in_threadpool(access.verify, password)
        if not fits:
            return HTMLResponse(_page("", "That is not the password."), status_code=401)
        self._throttle.succeeded(address)
        response = RedirectResponse("/", status_code=303)
        is_secure = (access.public_url or "").startswith("https://")
        response.set_cookie(
            COOKIE,
            access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            secure=is_secure,
            samesite="lax",
        )
        return response


def hash_password(password: str) -> str:
    """Return the Argon2 hash that ``dashboard.password_hash`` in settings.yml takes."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            held = {key for key, _ in message.get("headers", [])}
            added = [(key, value) for key, value in SECURITY_HEADERS if key not in held]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return sending


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _client(scope: Scope) -> str:
    """Return the address that a request comes from; empty where the server does not tell."""
    address: str = (scope.get("client") or ("", 0))[0]
    return address


def _cookie(scope: Scope) -> str:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(_header(scope, b"cookie").decode("latin-1"))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _same_origin(scope: Scope) -> bool:
    """Return whether a request was sent from a page of this server, or by no page at all."""
    host = _header(scope, b"host").decode("latin-1")
    origins = [value for key, value in scope["headers"] if key == b"origin"]
    try:
        return all(urlsplit(origin.decode("latin-1")).netloc == host for origin in origins)
    except ValueError:
        return False


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body[:MAX_BODY_BYTES]


HOW_TO_SET_ONE = """
<p>This dashboard can be reached from outside its own machine, and no password is set.</p>
<p>On the machine that runs it, type <code>groundswell dashboard --hash-password</code>, put what
it prints into <code>settings.yml</code> as <code>dashboard.password_hash</code>, and start the
dashboard again.</p>
"""

_FORM = """
<form method="post" action="/sign-in">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 autofocus maxlength="512">
<button type="submit">Sign in</button>
</form>
"""


def _page(text: str, problem: str | None, *, with_form: bool = True) -> str:
    """Return the sign-in page: plain HTML, no script."""
    alert = f'<p role="alert" class="problem">{problem}</p>' if problem else ""
    style = (Path(__file__).parent / "sign_in.css").read_text(encoding="utf-8")
    form = _FORM if with_form else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sign in - Groundswell</title><style>{style}</style></head>"
        f"<body><main><h1>Groundswell</h1>{text}{alert}{form}</main></body></html>"
    )
