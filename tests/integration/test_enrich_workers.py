"""`groundswell enrich --workers` with the real models: killed, stopped, and left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from app.bootstrap import open_application
from core.envelope import Envelope
from core.mention import Mention, TopicTag
from core.questions import Selection

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]

MENTIONS = 3_000
"""Enough for several batches: to be stopped and killed in the middle."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose spool holds the mentions."""
    folder = tmp_path / "configs"
    folder.mkdir()
    models = {"entities": False, "sentiment": "sentiment-en"}
    settings = {"models": models, "languages": ["en"]}
    (folder / "settings.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "topics.yml").write_text("- {name: Acme, query: acme}\n", encoding="utf-8")
    application = open_application(folder, producer="test")
    tag = TopicTag(name="Acme", query_version=1, matched=True)
    application.spool.append(
        [
            Envelope.of(
                Mention(
                    id=f"m{number}",
                    service="web",
                    text=f"The acme parcel number {number} came late, and nobody said a word.",
                    topics=(tag,),
                ).with_version(1)
            )
            for number in range(MENTIONS)
        ]
    )
    application.close()
    return folder


def start(config: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start the enricher with two workers."""
    command = [sys.executable, "-m", "app.cli", "--config", str(config), "--json", "enrich"]
    return subprocess.Popen(
        [*command, "--workers", "2", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def children(pid: int) -> set[int]:
    """Return the process ids of the direct children of ``pid``."""
    found: set[int] = set()
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        # A thread may end meanwhile.
        with suppress(FileNotFoundError):
            found.update(map(int, listing.read_text(encoding="ascii").split()))
    return found


def is_running(pid: int) -> bool:
    """Return whether the process lives; one that ended and is not reaped does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until ``condition`` holds; fail when the process ends before."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        if process.poll() is not None:
            pytest.fail(f"it ended before: {process.communicate()[1].decode()}")
        time.sleep(0.01)


def pending(config: Path) -> int:
    """Return how many bytes of the spool wait."""
    application = open_application(config, producer="looking")
    try:
        return application.spool.pending_bytes()
    finally:
        application.close()


def check_stored(config: Path) -> None:
    """Assert that each mention is stored once, enriched, and that nothing waits."""
    application = open_application(config, producer="looking")
    application.index.refresh()
    stored = [mention.id for mention in application.index.scan(Selection())]
    assert sorted(stored) == sorted(f"m{number}" for number in range(MENTIONS))
    assert all(m.enrichment for m in application.index.scan(Selection()))
    assert list(application.spool.quarantined()) == []
    assert application.spool.pending() == 0
    application.close()


def test_killed_workers_lose_and_double_nothing(config: Path) -> None:
    """Both workers are killed, one after the other, while the spool is drained."""
    before = pending(config)
    process = start(config, "--drain")
    wait_for(lambda: pending(config) < before, process)
    first = min(children(process.pid))
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(children(process.pid) - {first}) == 2, process)
    os.kill(min(children(process.pid)), signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()
    report = json.loads(out)
    assert (report["entries"], report["created"], report["quarantined"]) == (MENTIONS, MENTIONS, 0)
    assert err.decode().count("worker_died") == 2
    check_stored(config)


def test_a_stop_ends_between_two_batches_and_leaves_no_process(config: Path) -> None:
    """Ctrl-C ends enricher and workers; a killed enricher's workers end by themselves."""
    before = pending(config)
    process = start(config)
    wait_for(lambda: pending(config) < before, process)
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    stopped = json.loads(out)
    assert 0 < stopped["created"] < MENTIONS
    assert "Traceback" not in err.decode()
    assert not any(map(is_running, workers))

    process = start(config)
    wait_for(lambda: len(children(process.pid)) == 2, process)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, workers))

    process = start(config, "--drain")
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()
    check_stored(config)
