"""Keeps the parts of Groundswell running: each a process, restarted when it dies."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from app.bootstrap import Application, child_environment
from app.careful import child_command
from app.self_test import canary_source
from app.watching import ConfigurationWatch
from core.errors import ConfigurationError, RetryableError

log = structlog.get_logger()

NOW_VARIABLE = "GROUNDSWELL_NOW"
"""Tells the dashboard, which takes no options, of a clock set by ``--now``."""

DASHBOARD = "dashboard"

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
HEALTHY_SECONDS = 120.0
"""A part that ran this long before it died is restarted at once, as if for the first time."""

SET_PARENT_DEATH_SIGNAL = 1
"""The option of Linux's prctl(2) that names the signal a process gets when its parent dies."""

STDERR = 2

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
    application: Application,
    *,
    port: int | None = None,
    has_dashboard: bool = True,
    now: datetime | None = None,
) -> list[PartCommand]:
    """Return the processes that make up a running Groundswell; ``now`` sets their clocks."""
    environment, sources = child_environment(application), application.configuration.sources
    config = ["--config", str(application.config_folder)]
    if now is not None:
        config += ["--now", now.isoformat()]
    parts = [
        PartCommand("enricher", child_command(*config, "enrich"), environment),
        PartCommand("alerts", child_command(*config, "alerts", "evaluate", "--watch"), environment),
    ]
    if any(source.enabled for source in sources) or canary_source(application):
        parts.append(PartCommand("collector", child_command(*config, "collect"), environment))
    if has_dashboard:
        settings = application.configuration.settings.dashboard
        parts.append(dashboard_part(application, settings.host, port or settings.port, now))
    return parts


def dashboard_part(
    application: Application, host: str, port: int, now: datetime | None = None
) -> PartCommand:
    """Return what serves the dashboard, which this folder may start, not import."""
    environment = child_environment(application)
    if now is not None:
        environment[NOW_VARIABLE] = now.isoformat()
    words = [sys.executable, "-m", "dashboard", host, str(port)]
    return PartCommand(DASHBOARD, words, environment)


def check_port(host: str, port: int) -> None:
    """Raise RetryableError when something else already listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a connection that closed a moment ago keeps nobody out.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            message = f"the dashboard cannot listen on {host}:{port}: {err.strerror}"
            raise RetryableError(f"{message}; name another port with --port") from err


def supervise(
    parts: Sequence[PartCommand],
    stop: threading.Event,
    poll_seconds: float = 0.3,
    renew: Callable[[], Sequence[PartCommand] | None] = lambda: None,
) -> None:
    """Start every part, restart what dies with growing pauses, and end all when ``stop`` is set.

    ``renew`` is asked at each look and returns other parts when the configuration has changed: all
    but the dashboard, which reads it anew by itself, are then ended and started as they are now.

    On Linux the parts end with this process also when it is killed; call it from a thread that
    lives as long as the process.
    """
    running = [_Running(part) for part in parts]
    try:
        while not stop.is_set():
            for one in running:
                _tend(one)
            stop.wait(poll_seconds)
            changed = renew()
            if changed is not None:
                running = _exchange(running, changed)
    finally:
        _end([one.process for one in running if one.process is not None])


def renewal(
    config: Path, load: Callable[[], Sequence[PartCommand]]
) -> Callable[[], Sequence[PartCommand] | None]:
    """Return what asks whether the folder ``config`` changed, and then loads its parts.

    A change that is wrong is told, and everything goes on as it was.
    """
    watch = ConfigurationWatch(config)

    def renew() -> Sequence[PartCommand] | None:
        if not watch.has_changed():
            return None
        try:
            parts = load()
        except ConfigurationError as err:
            log.warning("changed_configuration_is_wrong", problems=[str(p) for p in err.problems])
            return None
        log.info("configuration_changed")
        return parts

    return renew


def _exchange(running: list[_Running], parts: Sequence[PartCommand]) -> list[_Running]:
    """End every part but the dashboard and return what is to run from now on."""
    kept = [one for one in running if one.part.name == DASHBOARD]
    _end([one.process for one in running if one not in kept and one.process is not None])
    return kept + [_Running(part) for part in parts if not kept or part.name != DASHBOARD]


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
        one.process = _start(one.part)
        one.started = now
        log.info("part_started", part=one.part.name, pid=one.process.pid)


def run_part(part: PartCommand, stop: threading.Event, poll_seconds: float = 0.2) -> int:
    """Run one part until it ends or ``stop`` is set; return its exit code, 0 after a stop."""
    process = _start(part)
    try:
        while not stop.wait(poll_seconds):
            code = process.poll()
            if code is not None:
                return code
    finally:
        _end([process])
    return 0


def _start(part: PartCommand) -> subprocess.Popen[bytes]:
    """Start the part in a session of its own, so that Ctrl-C reaches the supervisor alone."""
    return subprocess.Popen(  # noqa: S603 - our own commands
        part.command,
        env=part.environment,
        # What parts say is no result of the command that keeps them.
        stdout=STDERR,
        start_new_session=True,
        preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, no lock is taken
    )


def _end_with_parent() -> Callable[[], None] | None:
    """Return what makes a new process get a SIGTERM when this one dies, where the system can."""
    if sys.platform != "linux":
        return None
    set_option = ctypes.CDLL(None).prctl

    def ask() -> None:
        set_option(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)

    return ask


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
