"""Keeps the parts of Groundswell running: each a process, restarted when it dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from app.bootstrap import Application, child_environment
from app.careful import child_command

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
HEALTHY_SECONDS = 120.0
"""A part that ran this long before it died is restarted at once, as if for the first time."""

GRACE_SECONDS = 15.0
"""Time to end a batch after a stop; then a part is killed, which loses nothing either."""


@dataclass(frozen=True, slots=True)
class PartCommand:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]


@dataclass
class _Running:
    part: PartCommand
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default_factory=time.monotonic)


def parts_of(
    application: Application, *, port: int | None = None, has_dashboard: bool = True
) -> list[PartCommand]:
    """Return the processes that make up a running Groundswell."""
    environment = child_environment(application)
    config = ["--config", str(application.config_folder)]
    parts = [
        PartCommand("enricher", child_command(*config, "enrich"), environment),
        PartCommand("alerts", child_command(*config, "alerts", "evaluate", "--watch"), environment),
    ]
    if any(source.enabled for source in application.configuration.sources):
        parts.append(PartCommand("collector", child_command(*config, "collect"), environment))
    if has_dashboard:
        settings = application.configuration.settings.dashboard
        words = dashboard_command(settings.host, port or settings.port)
        parts.append(PartCommand("dashboard", words, environment))
    return parts


def dashboard_command(host: str, port: int) -> list[str]:
    """Return the command that serves the dashboard, which this folder may start, not import."""
    return [sys.executable, "-m", "dashboard", host, str(port)]


def supervise(
    parts: Sequence[PartCommand], stop: threading.Event, poll_seconds: float = 0.3
) -> None:
    """Start every part, restart what dies with growing pauses, and end all when ``stop`` is set."""
    running = [_Running(part) for part in parts]
    try:
        while not stop.is_set():
            for one in running:
                _tend(one)
            stop.wait(poll_seconds)
    finally:
        _end([one.process for one in running if one.process is not None])


def _tend(one: _Running) -> None:
    now = time.monotonic()
    if one.process is not None:
        code = one.process.poll()
        if code is None:
            return
        was_healthy = now - one.started >= HEALTHY_SECONDS
        one.pause = FIRST_PAUSE if was_healthy else min(one.pause * 2, LONGEST_PAUSE)
        one.due = now + one.pause
        one.process = None
        log.warning("part_died", part=one.part.name, code=code, restart_in=one.pause)
    if now >= one.due:
        one.process = subprocess.Popen(  # noqa: S603 - our own commands
            one.part.command, env=one.part.environment, start_new_session=True
        )
        one.started = now
        log.info("part_started", part=one.part.name, pid=one.process.pid)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask every process to end, and kill what has not after the time of grace."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
