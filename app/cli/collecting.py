"""Commands that bring mentions in: track, collect, import, enrich."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.session import err, out, plain, progress_bar, session, table
from core.errors import LockedError, UsageError
from core.mention import Channel

if TYPE_CHECKING:
    from app.again import AgainReport
    from app.bootstrap import Application
    from core.settings import Topic
    from crawlers.importing.importer import ImportReport

ENRICH_CHILD = "enrich-child"
"""The hidden command that analyses one mention after the other in a child process."""

ENRICH_WORKER = "enrich-worker"
"""The hidden command that analyses beside others of its kind."""


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(track)
    app.command()(collect)
    app.command(name="import")(import_)
    app.command()(enrich)
    app.command(name=ENRICH_CHILD, hidden=True)(enrich_child)
    app.command(name=ENRICH_WORKER, hidden=True)(enrich_worker)


def stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C or a termination sets, so that work ends between two steps."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def let_others_write(application: Application) -> None:
    """Only read the index where another process writes it, as `groundswell run` does."""
    try:
        application.index.setup()
    except LockedError:
        application.writes = False


def named_topic(application: Application, name: str | None) -> Topic | None:
    """Return the topic called ``name``, None without one. Raises UsageError if there is none."""
    found = application.configuration.topic(name) if name else None
    if name and found is None:
        allowed = ", ".join(known.name for known in application.configuration.topics) or "none"
        raise UsageError(f"no topic is named {name!r} (topics: {allowed})")
    return found


def track(
    name: Annotated[str, typer.Argument(help='The brand, as people write it, e.g. "Acme".')],
    handle: Annotated[str | None, typer.Option(help="Its handle; else made from the name.")] = None,
    hashtag: Annotated[
        str | None, typer.Option(help="Its hashtag; else made from the name.")
    ] = None,
) -> None:
    """Begin here: track a brand and see what was said about it: groundswell track "Acme".

    Writes a topic and its sources into the configuration folder (which is made if there is none),
    fetches what every source without a key has of the last 30 days, and shows the first mentions.
    """
    from app.cli.asking import mention_data, mention_table
    from app.configuring import ensure_folder
    from app.queries import Queries
    from app.scope import Preset, Scope
    from app.tracking import add_brand, fetch_history

    ensure_folder(session.config_folder)
    with session.application() as application:
        added = add_brand(application, name, handle=handle, hashtag=hashtag)
    session.say(f"Tracking {added.topic.name}: {added.topic.query}")
    with session.application(writes=True, producer="track") as application:
        let_others_write(application)
        report = fetch_history(application, added, tell=session.say)
        scope = Scope(topics=(added.topic.name,), preset=Preset.MONTH)
        page = Queries(application).search(scope, size=10)
        data = {
            "topic": added.topic,
            "sources": report.sources,
            "stored": report.stored,
            "total": page.total,
            "mentions": [mention_data(row.mention) for row in page.rows],
        }
        session.show(data, mention_table(page, application.clock()))
    if page.total:
        session.say("Next: `groundswell run` goes on collecting and opens the dashboard.")
    else:
        session.say("Nothing yet. `groundswell run` goes on listening; or name another --handle.")


def collect(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source; may be repeated.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Visit every source once and end.")] = False,
) -> None:
    """Collect from the configured sources, until stopped or --once.

    Example: groundswell collect --once --source "Acme blog"
    """
    from app.collecting import collect_sources

    stop = stop_on_signals()
    with session.application(producer="collect") as application:
        reports = collect_sources(application, source or [], once=once, stop=stop)
    shown = table("", "source", "status", ">fetched", ">new", "reason")
    for report in reports:
        shown.add_row(
            report.name,
            report.status.value,
            str(report.fetched),
            str(report.new),
            report.reason or "",
        )
    session.show({"sources": reports}, shown)
    if once and reports and all(report.status.value in ("error", "blocked") for report in reports):
        raise typer.Exit(1)


def import_(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, JSON Lines or Parquet file.")],
    source: Annotated[
        str, typer.Option(help="Name of the source that the rows came from.")
    ] = "import",
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
    channel: Annotated[Channel, typer.Option(help="Kind of source.")] = Channel.SOCIAL,
    service: Annotated[
        str | None, typer.Option(help="Service of the ids and authors; else the source's name.")
    ] = None,
    date_format: Annotated[
        str | None,
        typer.Option(help="How dates are written, e.g. %d/%m/%Y; else it is found out."),
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Zone of dates that name none.")] = "UTC",
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the file; else it is found out.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="What separates columns; else it is found out.")
    ] = None,
) -> None:
    """Import mentions from a file; rows that were imported before change nothing.

    Example: groundswell import tweets.csv --source tweets --map text=tweet,published_at=date
    """
    from crawlers.importing.importer import import_file
    from crawlers.importing.mapping import ImportOptions

    options = ImportOptions(
        source=source,
        mapping=_mapping(map_),
        encoding=encoding,
        delimiter=delimiter,
        date_format=date_format,
        time_zone=time_zone,
        channel=channel,
        service=service,
    )
    with session.application(producer="import") as application, progress_bar("bytes") as bar:
        forced = named_topic(application, topic)
        task = bar.add_task(file.name, total=None, count="")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, count=f"{done:,}")

        intake = application.intake(forced, is_budgeted=False)
        report = import_file(file, options, intake, show, application.clock)
    _show_import(report)


def _show_import(report: ImportReport) -> None:
    for note in report.notes:
        err.print(Text(note))
    shown = table("", "rows", ">")
    shown.add_row("read", f"{report.rows:,}")
    shown.add_row("stored", f"{report.stored:,}")
    shown.add_row("duplicates", f"{report.duplicates:,}")
    for reason, count in sorted(report.skipped.items()):
        where = "; ".join(report.examples.get(reason, []))
        shown.add_row(Text(f"skipped: {reason}"), f"{count:,}", Text(where))
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
    replay_quarantine: Annotated[
        bool,
        typer.Option(
            "--replay-quarantine", help="Try what is in quarantine again, after a mend or upgrade."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Processes that analyse; else models.workers of settings.yml."
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Tag and score what is stored again, after another query or model."
        ),
    ] = False,
    topic: Annotated[str | None, typer.Option(help="With --again: only this topic.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="With --again: only what was published since, e.g. 30d or 2026-11-01."),
    ] = None,
) -> None:
    """Enrich what was collected and bring it into the index.

    With --workers each process loads the models, and this one only writes the index: about as
    many mentions a second more as there are processors to spare, and as much memory.

    With --again what is stored is tagged by the queries of now and read by the models of now, so
    that rules can compare with it. It may be stopped and begun anew: what is done is skipped. Where
    `groundswell run` goes on, its enricher does the work.

    Examples: groundswell enrich --drain --workers 2; groundswell enrich --again --topic Acme
    """
    from app.careful import child_command

    if again:
        enrich_again(topic, since, workers)
        return
    if topic or since:
        raise UsageError("--topic and --since say what to do again: give --again as well")
    stop = stop_on_signals()
    config = ["--config", str(session.config_folder)]
    with session.application(writes=True, producer="enrich") as application:
        if replay_quarantine:
            count = application.spool.replay_quarantine()
            session.say(f"{count:,} entries of the quarantine are tried again")
        waiting = application.spool.pending() + application.later.pending() if drain else 0
        with progress_bar("mentions") as bar:
            task = bar.add_task("enrich", total=waiting or None, count=0)
            enricher = application.enricher(
                child_command(*config, ENRICH_CHILD),
                workers=workers or application.configuration.settings.models.workers,
                worker_command=child_command(*config, ENRICH_WORKER),
            )
            report = enricher.run(
                drain=drain,
                stop=stop,
                progress=lambda r: bar.update(task, completed=r.entries, count=r.entries),
            )
    shown = table("", "mentions", ">")
    for name in ("entries", "created", "updated", "unchanged", "quarantined", "in_full_later"):
        shown.add_row(name.replace("_", " "), str(getattr(report, name)))
    for reason, count in report.reasons.most_common():
        shown.add_row(f"quarantined: {reason}", str(count))
    session.show(report, shown)


def enrich_again(topic: str | None, since: str | None, workers: int | None) -> None:
    """Tag and score what is stored again, and say what became of it."""
    from app.again import do_again, stored_since, worker_for
    from app.careful import child_command
    from app.instants import parse_instant

    stop = stop_on_signals()
    config = ["--config", str(session.config_folder)]
    with session.application(writes=True, producer="again") as application:
        settings, now = application.configuration.settings, application.clock()
        asked = named_topic(application, topic)
        begin = parse_instant(since, now, settings.time_zone) if since else None
        application.note_versions()
        let_others_write(application)
        work = worker_for(
            application,
            lambda: application.enricher(
                child_command(*config, ENRICH_CHILD),
                workers=workers or settings.models.workers,
                worker_command=child_command(*config, ENRICH_WORKER),
            ),
            stop,
        )
        with progress_bar("mentions") as bar:
            task = bar.add_task(
                "again", total=application.index.count(stored_since(begin, now)), count=0
            )

            def show(done: AgainReport) -> None:
                bar.update(task, completed=done.read, count=done.read)

            report = do_again(application, work, topic=asked, since=begin, stop=stop, progress=show)
    _show_again(report, is_part=begin is not None)


def _show_again(report: AgainReport, *, is_part: bool) -> None:
    shown = table("", "mentions", ">")
    for name in ("read", "done", "unchanged"):
        shown.add_row(name, f"{getattr(report, name):,}")
    for name, count in sorted(report.gained.items()):
        shown.add_row(Text(f"{name}: given to"), f"{count:,}")
    for name, count in sorted(report.lost.items()):
        shown.add_row(Text(f"{name}: taken off"), f"{count:,}")
    ends = {name: one.window.end for name, one in report.unlike.items()}
    session.show({**plain(report), "unlike": ends}, shown)
    for name, end in ends.items():
        why = (
            "what is older was not done again"
            if is_part
            else "its query of that time let pass what the one of now finds"
        )
        session.say(f"{name}: before {end:%Y-%m-%d %H:%M} there is still no history, as {why}")
    if report.is_stopped:
        session.say("Stopped; the same command goes on where it was.")
        raise typer.Exit(1)


def enrich_child(now: str) -> None:
    """Analyse mentions that come as JSON lines, one by one (started by enrich)."""
    from app.careful import answer

    with session.application() as application:
        answer(
            application.analyser, datetime.fromisoformat(now), sys.stdin.buffer, sys.stdout.buffer
        )


def enrich_worker() -> None:
    """Analyse batches of mentions that come as JSON lines (started by enrich --workers)."""
    from app.workers import serve

    with session.application() as application:
        serve(application.analyser, sys.stdin.buffer, sys.stdout.buffer)
