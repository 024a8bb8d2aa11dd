import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.home import CONFIG_VARIABLE, HOME_VARIABLE
from tests.servers.ports import find_free_port

START_SECONDS = 60
GREETING_SECONDS = 1.5
"""The server answers before it has greeted."""


class Recorder:
    """A proxy that passes nothing on, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(1000).decode("latin-1").partition("\r\n")[0])

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Recorder]:
    """Where the dashboard would call out to."""
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def dashboard(
    proxy: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A dashboard that others on the network could reach, and its port."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "configs").mkdir()
    port = find_free_port()
    told = {
        CONFIG_VARIABLE: str(folder / "configs"),
        HOME_VARIABLE: str(folder / "home"),
        "HTTP_PROXY": proxy.url,
        "HTTPS_PROXY": proxy.url,
        "NO_PROXY": "",
    }
    hidden = {name.lower() for name in told}
    around = {name: value for name, value in os.environ.items() if name.lower() not in hidden}
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "0.0.0.0", str(port)],  # noqa: S104 - asks to sign in
        env={**around, **told},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        umask=0o022,
    )
    deadline = time.monotonic() + START_SECONDS
    while _status(port, "/_stcore/health") != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    yield process, port
    process.terminate()
    process.wait(20)


def _status(port: int, path: str, **headers: str) -> int | None:
    try:
        url = f"http://127.0.0.1:{port}{path}"
        return httpx.get(url, headers=headers, trust_env=False).status_code
    except httpx.TransportError:
        return None


def _shake_hands(port: int, origin: str) -> bytes:
    """Ask for the stream from a page of ``origin`` and return the answer's first line."""
    lines = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: localhost:{port}",
        f"Origin: {origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "",
        "",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(1000).partition(b"\r\n")[0]


def test_what_others_can_reach_is_never_open(
    dashboard: tuple[subprocess.Popen[bytes], int],
) -> None:
    """Bound to more than loopback, the real server asks everybody to sign in."""
    _, port = dashboard
    assert _status(port, "/", host=f"localhost:{port}") == 401
    assert b" 403 " in _shake_hands(port, f"http://localhost:{port}")


def test_the_dashboard_calls_nobody(
    dashboard: tuple[subprocess.Popen[bytes], int], proxy: Recorder
) -> None:
    """Neither to greet nor for a stranger's origin does it ask the internet who it is."""
    _, port = dashboard
    assert b" 403 " in _shake_hands(port, "https://evil.example")
    time.sleep(GREETING_SECONDS)
    assert proxy.asked == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads how the process runs from /proc")
def test_what_the_dashboard_writes_is_private(
    dashboard: tuple[subprocess.Popen[bytes], int],
) -> None:
    """It was started by somebody whose files others may read, and does not do so itself."""
    process, _ = dashboard
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    assert re.search(r"^Umask:\s*0077$", status, re.MULTILINE)
