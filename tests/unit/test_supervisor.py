"""Parts are restarted when they die, and end when they should."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app import supervisor
from app.supervisor import PartCommand, check_port, renewal, run_part, supervise
from core.errors import ConfigurationError, Problem, RetryableError

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until ``condition`` holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def part(code: str) -> PartCommand:
    """Return a part that runs Python ``code``."""
    return PartCommand("part", [sys.executable, "-c", code], dict(os.environ))


def writes_pid(folder: Path, then: str) -> PartCommand:
    """Return a part that leaves a file with its process id, then goes on."""
    return part(
        f"import os, pathlib, signal, time\n"
        f"pathlib.Path({str(folder)!r}, str(os.getpid())).touch()\n{then}"
    )


def is_running(pid: int) -> bool:
    """Return whether the process runs; one that ended and was not waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def pids(folder: Path) -> list[int]:
    """Return the processes that parts noted."""
    return [int(path.name) for path in folder.iterdir()]


@pytest.fixture
def stop() -> threading.Event:
    """Return what ends the supervision."""
    return threading.Event()


def test_a_killed_part_is_started_again(
    tmp_path: Path, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is killed comes back; after the stop none is left."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
    parts = [writes_pid(tmp_path, "time.sleep(60)")]

    def kill() -> None:
        wait_for(lambda: len(pids(tmp_path)) == 1)
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        wait_for(lambda: len(pids(tmp_path)) == 2)
        stop.set()

    killer = threading.Thread(target=kill)
    killer.start()
    supervise(parts, stop, poll_seconds=0.02)
    killer.join()
    assert len(pids(tmp_path)) == 2
    assert not any(is_running(pid) for pid in pids(tmp_path))


def test_a_part_that_cannot_run_is_tried_ever_more_rarely(
    tmp_path: Path, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each death doubles the pause, so that a broken part does not eat the machine."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.2)

    def halt() -> None:
        wait_for(lambda: len(pids(tmp_path)) >= 3, 60)
        stop.set()

    watcher = threading.Thread(target=halt)
    watcher.start()
    supervise([writes_pid(tmp_path, "raise SystemExit(1)")], stop, poll_seconds=0.02)
    watcher.join()
    starts = sorted(path.stat().st_mtime for path in tmp_path.iterdir())
    # A busy machine makes pauses longer, never shorter than what was asked for.
    assert starts[1] - starts[0] >= 0.39
    assert starts[2] - starts[1] >= 0.79


def test_a_part_that_does_not_listen_is_killed(
    tmp_path: Path, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time of grace nothing is left, whatever a part does with the request to end."""
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.3)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    threading.Timer(1.0, stop.set).start()
    supervise([writes_pid(tmp_path, deaf)], stop, poll_seconds=0.02)
    assert not any(is_running(pid) for pid in pids(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of such a death")
def test_parts_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    """No orphan is left when the supervisor itself is killed."""
    program = (
        "import threading\n"
        "from pathlib import Path\n"
        "from app.supervisor import supervise\n"
        "from tests.unit.test_supervisor import writes_pid\n"
        f"supervise([writes_pid(Path({str(tmp_path)!r}), 'time.sleep(60)')], threading.Event())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as running:
        wait_for(lambda: len(pids(tmp_path)) == 1)
        running.kill()
    wait_for(lambda: not is_running(pids(tmp_path)[0]))


def test_a_changed_configuration_exchanges_the_parts(tmp_path: Path, stop: threading.Event) -> None:
    """All parts but the dashboard are ended and started as they are now."""
    folders = {name: tmp_path / name for name in ("old", "new", "dashboard", "other")}
    for folder in folders.values():
        folder.mkdir()
    sleeping = {name: writes_pid(folder, "time.sleep(60)") for name, folder in folders.items()}
    board = PartCommand("dashboard", sleeping["dashboard"].command, dict(os.environ))
    other_board = PartCommand("dashboard", sleeping["other"].command, dict(os.environ))
    changes: list[list[PartCommand]] = []
    thread = threading.Thread(
        target=supervise,
        args=([sleeping["old"], board], stop, 0.02, lambda: changes.pop() if changes else None),
    )
    thread.start()
    wait_for(lambda: bool(pids(folders["old"]) and pids(folders["dashboard"])))
    changes.append([sleeping["new"], other_board])
    wait_for(lambda: bool(pids(folders["new"])))
    assert not is_running(pids(folders["old"])[0])
    assert is_running(pids(folders["dashboard"])[0])
    assert not pids(folders["other"])
    stop.set()
    thread.join(20)
    assert not is_running(pids(folders["new"])[0])


def test_only_a_right_configuration_is_taken_up(tmp_path: Path) -> None:
    """Parts are loaded anew when a file changed; a mistake leaves everything as it is."""
    (tmp_path / "topics.yml").write_text("[]", encoding="utf-8")
    loaded: list[int] = []

    def load() -> list[PartCommand]:
        loaded.append(1)
        if len(loaded) == 1:
            raise ConfigurationError([Problem("topics.yml", "", "is wrong")])
        return [part("pass")]

    renew = renewal(tmp_path, load)
    assert renew() is None
    assert loaded == []
    (tmp_path / "topics.yml").write_text("[wrong", encoding="utf-8")
    assert renew() is None
    assert loaded == [1]
    assert renew() is None, "the same mistake is told once"
    (tmp_path / "alerts.yml").write_text("[]", encoding="utf-8")
    parts = renew()
    assert parts is not None
    assert len(parts) == 1


def test_one_part_alone_gives_its_exit_code(stop: threading.Event) -> None:
    """A part that ends by itself says how; one that is asked to end did well."""
    assert run_part(part("raise SystemExit(3)"), stop) == 3
    threading.Timer(0.3, stop.set).start()
    assert run_part(part("import time; time.sleep(60)"), stop) == 0


def test_a_port_in_use_is_told() -> None:
    """Who already listens there is found before anything is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RetryableError, match=f"127.0.0.1:{port}: .* --port"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)
