"""``python -m demo``: see Groundswell at work on a month of synthetic mentions.

The stream is served on loopback in the services' own formats and goes the whole way: collectors,
models, index, alerts, dashboard. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from core.errors import GroundswellError, UsageError
from demo.home import demo_home, remove_home
from demo.replay import LOG, Replay, await_dashboard, replay

FILL_SECONDS = 240.0
MAIL_SECONDS = 75.0
"""From the start: how long the summary waits for the mail about the crisis that is open."""

SHORTEST_MAIL_SECONDS = 45.0
"""On a busy machine at least: rules begin a while after all history is in."""

DASHBOARD_SECONDS = 60.0
WATCH = 1.0
"""Seconds between looks for a new mail while the dashboard is open."""

out = Console(highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code: 0 done, 1 failed, 2 usage."""
    options = _parser().parse_args(arguments)
    home = demo_home()
    try:
        if options.remove or options.reset:
            remove_home(home)
            out.print(f"Removed {home}.")
        if not options.remove:
            _run(home, None if options.no_serve else options.port)
    except UsageError as err:
        out.print(f"[red]{err}[/red]")
        return 2
    except (GroundswellError, OSError) as err:
        out.print(f"[red]{err}[/red]")
        return 1
    except KeyboardInterrupt:
        out.print("Stopped.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Replay a synthetic month of mentions through the real system.",
        epilog="The demo's data lies in its own folder; --remove deletes it.",
    )
    parser.add_argument("--port", type=int, default=8501, help="port of the dashboard (8501)")
    parser.add_argument("--no-serve", action="store_true", help="end after the summary")
    parser.add_argument(
        "--reset", action="store_true", help="delete the demo's data and begin anew"
    )
    parser.add_argument("--remove", action="store_true", help="delete the demo's data and end")
    return parser


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _run(home: Path, port: int | None) -> None:
    started = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where SIGINT is ignored, as in a shell's background.
        signal.signal(number, _interrupt)
    with replay(home, port) as demo:
        state = "going on with the stored demo" if demo.is_second_start else "a month to replay"
        out.print(f"Synthetic mentions of three invented carriers, {state}.")
        out.print(f"Data and log: {home}")
        if port is not None and await_dashboard(port, DASHBOARD_SECONDS):
            out.print(f"[bold]The dashboard is at http://127.0.0.1:{port}[/bold] and fills live.")
        _fill(demo)
        left = MAIL_SECONDS - (time.monotonic() - started)
        if not demo.await_mail(max(SHORTEST_MAIL_SECONDS, left)):
            out.print("No alert has been mailed so far.")
        _summarise(demo)
        if port is not None:
            _stay(demo, port)


def _fill(demo: Replay) -> None:
    with out.status("Collecting …") as status:

        def tell(found: int, served: int) -> None:
            status.update(f"{found:,} of about {served:,} mentions collected and understood …")

        if not demo.fill(FILL_SECONDS, tell):
            out.print(f"Not everything is in yet; see {demo.home / LOG}")


def _summarise(demo: Replay) -> None:
    stats = demo.stats()
    out.print(f"\n[bold]{stats.all.mentions:,} mentions, {stats.all.stories:,} stories[/bold]")
    for name, topic in stats.topics.items():
        net = topic.net_sentiment
        feeling = "" if net is None else f", net sentiment {net.value:+.2f}"
        out.print(f"  {name}: {topic.mentions:,} mentions by {topic.authors:,} authors{feeling}")
    for path in demo.mails:
        out.print(f"  Alert mailed: {path}")
    try:
        out.print(f"  Audience exported: {demo.export()}")
    except UsageError as err:
        out.print(f"  No audience exported: {err}")


def _stay(demo: Replay, port: int) -> None:
    out.print(f"\nThe dashboard stays at http://127.0.0.1:{port} until Ctrl-C.")
    told = set(demo.mails)
    pause = threading.Event()
    while not pause.wait(WATCH):
        demo.check()
        for path in demo.mails:
            if path not in told:
                told.add(path)
                out.print(f"  Alert mailed: {path}")


if __name__ == "__main__":
    sys.exit(main())
