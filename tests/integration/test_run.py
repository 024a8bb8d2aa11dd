"""``groundswell run``: everything in one go, restarted when it dies, gone when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.command_line import groundswell, start, write_topics
from tests.mockserver.replies import cached
from tests.mockserver.server import MockServer
from tests.servers.ports import find_free_port
from tests.unit.test_supervisor import is_running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FEED = (
    "<rss version='2.0'><channel><title>f</title><item><title>Acme opens</title>"
    "<guid>urn:acme:1</guid><description>The acme shop opens.</description></item></channel></rss>"
)
PARTS = {"collector", "enricher", "alerts", "dashboard"}


class Running:
    """A started ``groundswell run`` and what it logs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, object]] = []
        self.other: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.other.append(line)

    def pids(self, name: str) -> list[int]:
        """Return the processes that the part had so far."""
        return [
            int(str(event["pid"]))
            for event in list(self.events)
            if event.get("event") == "part_started" and event.get("part") == name
        ]

    def all_pids(self) -> list[int]:
        """Return the processes of all parts so far."""
        return [pid for name in PARTS for pid in self.pids(name)]

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what stood on stdout."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        code = self.process.wait(60)
        self._reader.join()
        return code, out


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until ``condition`` holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def answers(port: int) -> bool:
    """Return whether the dashboard says that it is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def config(tmp_path: Path, mock_server: MockServer) -> Path:
    """Return a configuration with one feed."""
    url = mock_server.route("/feed", cached(FEED, "application/rss+xml"))
    source = f"- {{name: feed, type: feed, url: '{url}', allow_private: true, every: 1s}}\n"
    return write_topics(tmp_path / "configs", sources=source)


@pytest.fixture
def running(config: Path) -> Iterator[tuple[Running, int]]:
    """Start everything on a free port; kill what a failed test leaves."""
    port = find_free_port()
    process = start("run", "--port", str(port), "--json", "--config", config)
    made = Running(process)
    yield made, port
    for pid in [process.pid, *made.all_pids()]:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def test_everything_runs_and_stops(running: tuple[Running, int], config: Path) -> None:
    """A mention goes all the way; a killed part comes back; a stop leaves nothing, exit code 0."""
    run, port = running
    wait_for(lambda: all(run.pids(name) for name in PARTS))
    wait_for(lambda: answers(port))

    def total() -> int:
        return int(groundswell("search", "acme", "--json", "--config", config).document["total"])

    wait_for(lambda: total() == 1)
    (enricher,) = run.pids("enricher")
    os.kill(enricher, signal.SIGKILL)
    wait_for(lambda: len(run.pids("enricher")) == 2)
    assert not is_running(enricher)
    run.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    code, out = run.finish()
    assert time.monotonic() - began < 20
    assert code == 0
    assert set(json.loads(out)["parts"]) == PARTS
    assert not [pid for pid in run.all_pids() if is_running(pid)]
    assert not answers(port)
    assert "Traceback" not in "".join(run.other)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of such a death")
def test_a_killed_run_leaves_no_orphans(running: tuple[Running, int]) -> None:
    """When the supervisor is killed its parts end by themselves, and a new run can begin."""
    run, port = running
    wait_for(lambda: all(run.pids(name) for name in PARTS))
    wait_for(lambda: answers(port))
    run.process.kill()
    wait_for(lambda: not [pid for pid in run.all_pids() if is_running(pid)], 30)
    run.finish()


def test_a_termination_stops_it_too(config: Path) -> None:
    """SIGTERM, which service managers send, is a clean stop."""
    process = start("run", "--no-dashboard", "--json", "--config", config)
    run = Running(process)
    wait_for(lambda: all(run.pids(name) for name in PARTS - {"dashboard"}))
    process.terminate()
    code, _ = run.finish()
    assert code == 0
    assert not [pid for pid in run.all_pids() if is_running(pid)]
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()


@pytest.mark.parametrize("command", ["run", "dashboard"])
def test_a_port_in_use_is_told(config: Path, command: str) -> None:
    """Nothing is started where the dashboard could not listen; the message names the mend."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = groundswell(command, "--port", port, "--config", config)
    assert ended.code == 1
    assert f"127.0.0.1:{port}" in ended.err
    assert "--port" in ended.err
    assert ended.out == ""
