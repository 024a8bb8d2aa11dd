"""Runs the real system on the demo's servers, and watches it fill."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from app.answers import StatsAnswer
from app.audience import ExportKind, export_folder, export_segment
from app.bootstrap import Application, child_environment, open_application
from app.careful import child_command
from app.queries import Queries
from app.scope import Preset, Scope
from core.errors import GroundswellError
from demo.config import CAMPAIGN_SEGMENT, write_configuration
from demo.home import (
    Beginning,
    check_home,
    is_fresh,
    read_beginning,
    remove_home,
    write_beginning,
)
from demo.server import DemoServer

SEED = 7
PORT, JETSTREAM_PORT = 28611, 28612
"""Where the demo serves if nobody else does: feeds keep their addresses from start to start."""

LOG = "demo.log"
MAIL = "mail"
LOOK = 0.5
"""Seconds between looks at the index."""

FILLED = 0.97
"""Share of what is published that is found when the history is in; the rest are namesakes, posts
in which the brand is misspelt, and what arrives meanwhile."""

GRACE_SECONDS = 20.0


class DemoError(GroundswellError):
    """The demo cannot go on; the message says where to look."""


@dataclass
class Replay:
    """A running demo: the servers, the system on top of them, and the questions to ask it."""

    home: Path
    server: DemoServer
    application: Application
    process: subprocess.Popen[bytes]
    is_second_start: bool

    @property
    def mails(self) -> list[Path]:
        """The mails that alerts have sent, oldest first."""
        return sorted((self.home / MAIL).glob("*.eml"), key=lambda path: path.stat().st_mtime)

    @property
    def served(self) -> int:
        """How many items the servers have published by now."""
        archive = self.server.archive
        shelves = [*archive.feeds.values(), archive.hacker_news, archive.bluesky, archive.all_tags]
        return sum(shelf.published(self.server.clock()) for shelf in shelves)

    def count(self) -> int:
        """Return how many mentions can be found, the brand's own included."""
        queries = Queries(self.application)
        return queries.count(Scope(preset=Preset.ALL, include_own=True, include_irrelevant=True))

    def stats(self) -> StatsAnswer:
        """Return the statistics of everything."""
        return Queries(self.application).stats(Scope(preset=Preset.ALL))

    def export(self) -> Path:
        """Write the campaign's segment as an activation kit and return its folder.

        Raises UsageError while the segment is too small for a kit.
        """
        folder = export_folder(self.application, None)
        report = export_segment(self.application, CAMPAIGN_SEGMENT, ExportKind.KIT, folder)
        return report.manifest.parent

    def fill(self, seconds: float, tell: Callable[[int, int], None]) -> bool:
        """Wait until the history is in and return whether it is; ``tell`` hears found and served.

        Raises DemoError if the system stops.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            found, served = self.count(), self.served
            tell(found, served)
            if found >= FILLED * served:
                return True
            time.sleep(LOOK)
        return False

    def await_mail(self, seconds: float) -> bool:
        """Wait for an alert's mail and return whether one came. Raises DemoError as ``fill``."""
        deadline = time.monotonic() + seconds
        while not self.mails and time.monotonic() < deadline:
            self.check()
            time.sleep(LOOK)
        return bool(self.mails)

    def check(self) -> None:
        """Raise DemoError if the system has stopped."""
        code = self.process.poll()
        if code is not None:
            raise DemoError(f"Groundswell stopped with code {code}; see {self.home / LOG}")


@contextmanager
def replay(home: Path, dashboard_port: int | None) -> Iterator[Replay]:
    """Serve the stream and run the system on it; both end with the block.

    ``dashboard_port`` is None for a demo without its dashboard. Raises UsageError if ``home``
    holds something else, OSError if it cannot be written.
    """
    check_home(home)
    now = datetime.now(UTC).replace(microsecond=0)
    known = read_beginning(home)
    if known is not None and not is_fresh(known, now):
        remove_home(home)
        known = None
    server = _serve(known or Beginning(now, SEED, PORT, JETSTREAM_PORT), home)
    try:
        folder = home / "config"
        write_configuration(folder, server, dashboard_port or 8501)
        application = open_application(folder, home)
        try:
            with _running(application, dashboard_port) as process:
                yield Replay(home, server, application, process, known is not None)
        finally:
            application.close()
    finally:
        server.stop()


def _serve(beginning: Beginning, home: Path) -> DemoServer:
    """Start the servers where they were, or on free ports if others are there now."""
    for ports in ((beginning.port, beginning.jetstream_port), (0, 0)):
        server = DemoServer(*ports, clock=lambda: datetime.now(UTC))
        try:
            server.start(beginning.now, beginning.seed)
        except OSError:
            server.stop()
            if ports == (0, 0):
                raise
            continue
        break
    port, jetstream_port = server.ports
    write_beginning(home, Beginning(beginning.now, beginning.seed, port, jetstream_port))
    return server


@contextmanager
def _running(
    application: Application, dashboard_port: int | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the whole system beside this process; its output goes to the log in the home."""
    part = ["--no-dashboard"] if dashboard_port is None else ["--port", str(dashboard_port)]
    command = child_command("--config", str(application.config_folder), "run", *part)
    environment = {**os.environ, **child_environment(application)}
    with (application.home / LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_dashboard(port: int, seconds: float) -> bool:
    """Wait until the dashboard answers on ``port`` and return whether it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).is_success:
                return True
        except httpx.HTTPError:
            time.sleep(LOOK)
            continue
        time.sleep(LOOK)
    return False
