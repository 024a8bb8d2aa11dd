"""Commands that bring mentions in: track, collect, import, enrich."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import err, out, progress_bar, session, table
from core.errors import UsageError

ENRICH_CHILD = "enrich-child"
"""The hidden command that analyses in a child process."""


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(track)
    app.command()(collect)
    app.command(name="import")(import_)
    app.command()(enrich)
    app.command(name=ENRICH_CHILD, hidden=True)(enrich_child)


def stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C or a termination sets, so that work ends between two steps."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def track(
    name: Annotated[str, typer.Argument(help='The brand, as people write it, e.g. "Acme".')],
    handle: Annotated[
        str | None, typer.Option(help="Its handle; else made from the name.")
    ] = None,
    hashtag: Annotated[
        str | None, typer.Option(help="Its hashtag; else made from the name.")
    ] = None,
) -> None:
    """Begin here: track a brand and see what was said about it in the last 30 days.

    Writes a topic and its sources into the configuration folder (which is made if there is none),
    fetches what every source without a key has of the last 30 days, and shows the first mentions.
    """
    from app.cli.asking import mention_table  # noqa: PLC0415 - commands load what they need
    from app.configuring import ensure_folder  # noqa: PLC0415
    from app.queries import Queries  # noqa: PLC0415
    from app.scope import Preset, Scope  # noqa: PLC0415
    from app.tracking import add_brand, fetch_history  # noqa: PLC0415

    ensure_folder(session.config_folder)
    with session.application() as application:
        added = add_brand(application, name, handle=handle, hashtag=hashtag)
    session.say(f"Tracking {added.topic.name}: {added.topic.query}")
    with session.application(writes=True, producer="track") as application:
        report = fetch_history(application, added, tell=session.say)
        scope = Scope(topics=(added.topic.name,), preset=Preset.MONTH)
        page = Queries(application).search(scope, size=10)
        data = {
            "topic": added.topic,
            "sources": report.sources,
            "stored": report.stored,
            "total": page.total,
            "mentions": [row.mention for row in page.rows],
        }
        session.show(data, mention_table(page, application.clock()))
    session.say(
        "Next: `groundswell run` goes on collecting and opens the dashboard."
        if page.total
        else "Nothing yet. `groundswell run` goes on listening; or try another spelling with --handle."
    )


def collect(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Visit every source once and end.")] = False,
) -> None:
    """Collect from the configured sources, until stopped or --once."""
    from app.collecting import collect_sources  # noqa: PLC0415

    stop = stop_on_signals()
    with session.application(producer="collect") as application:
        reports = collect_sources(application, source or [], once=once, stop=stop)
    shown = table("", "source", "status", ">fetched", ">new", "reason")
    for report in reports:
        shown.add_row(
            report.name, report.status.value, str(report.fetched), str(report.new), report.reason or ""
        )
    session.show({"sources": reports}, shown)
    if once and reports and all(report.status.value in ("error", "blocked") for report in reports):
        raise typer.Exit(1)


def import_(  # noqa: PLR0913 - one parameter an option
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, JSON Lines or Parquet file.")],
    source: Annotated[str, typer.Option(help="Name of the source that the rows came from.")] = "import",
    map_: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN,...",
            help="Which column holds which field: text, title, published_at, author, id, url, ...",
        ),
    ] = "",
    topic: Annotated[
        str | None, typer.Option(help="Tag every row with this topic, whatever its query says.")
    ] = None,
    channel: Annotated[str, typer.Option(help="news, blog, forum, social, review or video.")] = "social",
    service: Annotated[
        str | None, typer.Option(help="Service the ids and authors belong to; else the source's name.")
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(help="How dates are written, e.g. %d/%m/%Y; else it is found out.")
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Zone of dates that name none.")] = "UTC",
    encoding: Annotated[str | None, typer.Option(help="Encoding of the file; else found out.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates columns; else found out.")] = None,
) -> None:
    """Import mentions from a file; rows that were imported before change nothing.

    groundswell import tweets.csv --source tweets --map text=tweet,published_at=date,author=user
    """
    from app.importing import ImportRequest, import_mentions  # noqa: PLC0415

    request = ImportRequest(
        file, source, _mapping(map_), topic, channel, service, date_format, time_zone, encoding, delimiter
    )  # fmt: skip
    with session.application(producer="import") as application, progress_bar("rows") as bar:
        task = bar.add_task(file.name, total=None, count=0)
        report = import_mentions(
            application,
            request,
            lambda done, total, rows: bar.update(task, completed=done, total=total, count=rows),
            tell=lambda note: err.print(note),
        )
    shown = table("", "rows", ">")
    shown.add_row("read", str(report.rows))
    shown.add_row("stored", str(report.stored))
    shown.add_row("duplicates", str(report.duplicates))
    for reason, count in sorted(report.skipped.items()):
        shown.add_row(f"skipped: {reason}", str(count))
    data = {
        "rows": report.rows,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "skipped": dict(report.skipped),
    }
    session.show(data, shown)
    if not session.is_json and report.stored:
        out.print("Next: `groundswell enrich --drain` brings them into the index.")


def _mapping(text: str) -> dict[str, str]:
    """Return field -> column. Raises UsageError for a part without '='."""
    mapping: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        field, separator, column = part.partition("=")
        if not separator or not field.strip() or not column.strip():
            raise UsageError(f"--map: {part!r} must be FIELD=COLUMN, e.g. text=tweet")
        mapping[field.strip()] = column.strip()
    return mapping


def enrich(
    drain: Annotated[
        bool, typer.Option("--drain", help="End when nothing waits; else go on until stopped.")
    ] = False,
) -> None:
    """Enrich what was collected and bring it into the index."""
    from app.careful import child_command  # noqa: PLC0415

    stop = stop_on_signals()
    config = ["--config", str(session.config_folder)]
    with session.application(writes=True, producer="enrich") as application:
        waiting = application.spool.pending() if drain else 0
        with progress_bar("mentions") as bar:
            task = bar.add_task("enrich", total=waiting or None, count=0)
            enricher = application.enricher(child_command(*config, ENRICH_CHILD))
            report = enricher.run(
                drain=drain,
                stop=stop,
                progress=lambda r: bar.update(task, completed=r.entries, count=r.entries),
            )
    shown = table("", "mentions", ">")
    for name in ("entries", "created", "updated", "unchanged", "quarantined"):
        shown.add_row(name, str(getattr(report, name)))
    for reason, count in report.reasons.most_common():
        shown.add_row(f"quarantined: {reason}", str(count))
    session.show(report, shown)


def enrich_child(now: str) -> None:
    """Analyse mentions that come as JSON lines, one by one (started by enrich)."""
    from app.careful import answer  # noqa: PLC0415
    from app.cli.session import parse_instant  # noqa: PLC0415

    with session.application() as application:
        answer(application.analyser, parse_instant(now), sys.stdin.buffer, sys.stdout.buffer)
