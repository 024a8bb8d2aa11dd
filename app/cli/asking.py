"""Commands that ask: search, stats, trends, detect."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.text import Text

from app.cli.session import session, table
from app.instants import parse_instant
from app.scope import Preset, Scope
from core.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from app.answers import MentionPage
    from app.bootstrap import Application
    from core.mention import Mention
    from insights.detect import DetectedPoint

EXCERPT = 90

DETECTED = (
    "timestamp",
    "value",
    "expected",
    "lower",
    "upper",
    "p_value",
    "anomaly_score",
    "is_alert",
)
"""Columns that ``detect`` writes."""

Since = Annotated[
    str | None, typer.Option(help="From then on: a date, an instant, or an age such as 7d.")
]
Until = Annotated[str | None, typer.Option(help="Before then: a date, an instant, or an age.")]
TopicOption = Annotated[
    list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(search)
    app.command()(stats)
    app.command()(trends)
    app.command()(detect)


def make_scope(
    application: Application,
    since: str | None,
    until: str | None,
    topics: list[str] | None,
    query: str = "",
) -> Scope:
    """Return the scope that the options name. Raises UsageError for an unknown topic."""
    now = application.clock()
    for name in topics or []:
        if application.configuration.topic(name) is None:
            allowed = ", ".join(topic.name for topic in application.configuration.topics) or "none"
            raise UsageError(f"no topic is named {name!r} (topics: {allowed})")
    return Scope(
        topics=tuple(topics or ()),
        preset=Preset.ALL,
        since=parse_instant(since, now) if since else None,
        until=parse_instant(until, now, is_end=True) if until else None,
        query=query,
        zone=application.configuration.settings.time_zone,
    )


def search(
    query: Annotated[str, typer.Argument(help="In the query language; *:* finds everything.")],
    since: Since = None,
    until: Until = None,
    topic: TopicOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show.")] = 20,
) -> None:
    """Find mentions: groundswell search '("late parcel" OR #acme) AND sentiment:negative'."""
    from app.queries import Queries

    with session.application() as application:
        scope = make_scope(application, since, until, topic, query)
        page = Queries(application).search(scope, size=limit)
        data = {"total": page.total, "mentions": [mention_data(row.mention) for row in page.rows]}
        session.show(data, mention_table(page, application.clock()))


def mention_data(mention: Mention) -> dict[str, Any]:
    """Return the mention as plain data, with what holds after people's corrections."""
    return {
        **mention.model_dump(mode="json"),
        "sentiment": mention.sentiment,
        "status": mention.status,
        "is_irrelevant": mention.is_irrelevant,
        "tags": mention.overlay.tags,
    }


def mention_table(page: MentionPage, now: datetime) -> Table:
    """Return the mentions of a page as a table for people."""
    from app.phrasing import age

    shown = table(f"{page.total:,} mentions", ">when", "sentiment", "channel", "author", "text")
    for row in page.rows:
        mention = row.mention
        author = mention.author.handle or mention.author.name if mention.author else None
        text = " ".join(f"{mention.title or ''} {mention.text}".split())
        shown.add_row(
            age(mention.published_at, now),
            mention.sentiment.value if mention.sentiment else "-",
            mention.channel.value,
            Text(author or "-"),
            Text(text[:EXCERPT] + ("..." if len(text) > EXCERPT else "")),
        )
    return shown


def stats(since: Since = None, until: Until = None, topic: TopicOption = None) -> None:
    """Count mentions, stories, authors and sentiment, for all and for each topic.

    Example: groundswell stats --since 7d --topic Acme
    """
    from app.queries import Queries

    with session.application() as application:
        answer = Queries(application).stats(make_scope(application, since, until, topic))
    shown = table(
        "",
        "topic",
        ">mentions",
        ">stories",
        ">authors",
        ">negative",
        ">neutral",
        ">positive",
        ">net",
    )
    for name, held in (("all", answer.all), *answer.topics.items()):
        net = held.net_sentiment
        shown.add_row(
            Text(name),
            *(f"{count:,}" for count in (held.mentions, held.stories, held.authors)),
            *(f"{held.sentiment.get(label, 0):,}" for label in ("negative", "neutral", "positive")),
            f"{net.value:+.2f}" if net else "no data",
        )
    session.show(answer.as_data(), shown)


def trends(
    since: Since = None,
    until: Until = None,
    topic: TopicOption = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to show.")] = 20,
) -> None:
    """Show which hashtags, names, phrases, links and stories burst now, by evidence.

    Example: groundswell trends --since 24h --limit 10
    """
    from app.queries import Queries

    with session.application() as application:
        rows = Queries(application).trends(make_scope(application, since, until, topic), limit)
    shown = table("", "kind", "term", ">mentions", ">expected", ">factor", "direction", ">q")
    for row in rows:
        shown.add_row(
            row.kind,
            Text(row.label[:60]),
            str(row.observed),
            f"{row.expected:.1f}",
            f"{row.factor:.1f}",
            row.direction.value,
            f"{row.q:.2g}",
        )
    session.show({"trends": [row.as_data() for row in rows]}, shown if rows else "Nothing bursts.")


def detect(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns timestamp and value.")],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write there instead of to standard output.")
    ] = None,
) -> None:
    """Find what is unusual in any regular series; row n depends on rows up to n alone.

    Example: groundswell detect visits.csv --out judged.csv
    """
    from insights.detect import detect as find_unusual

    stamps: list[str] = []
    points = find_unusual(_series(file, stamps))
    # Read first: a file that cannot be read at all leaves no output, nor an emptied one.
    first = _next(points, file)
    if session.is_json and out_file is None:
        session.show({"rows": [_row(p, stamps.pop(0)) for p in _from(first, points, file)]})
        return
    with out_file.open("w", newline="", encoding="utf-8") if out_file else _stdout() as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(DETECTED)
        for point in _from(first, points, file):
            writer.writerow(map(_cell, _row(point, stamps.pop(0)).values()))
    if out_file:
        session.show({"file": out_file}, Text(f"wrote {out_file}"))


def _stdout() -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout)


def _from(
    first: DetectedPoint | None, points: Iterator[DetectedPoint], file: Path
) -> Iterator[DetectedPoint]:
    """Yield the first point and those after it. Raises UsageError that names the file."""
    while first is not None:
        yield first
        first = _next(points, file)


def _next(points: Iterator[DetectedPoint], file: Path) -> DetectedPoint | None:
    try:
        return next(points, None)
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error


def _row(point: DetectedPoint, stamp: str) -> dict[str, str | float | bool | None]:
    """Return the columns of DETECTED; the unknown is None, as in the first row."""
    values = (
        stamp, point.value, point.expected, point.lower, point.upper, point.p_value,
        point.anomaly_score, point.is_alert,
    )  # fmt: skip
    return dict(zip(DETECTED, values, strict=True))


def _cell(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.9g}"
    return value or ""


def _series(file: Path, stamps: list[str]) -> Iterator[tuple[datetime, float]]:
    """Yield the file's rows; ``stamps`` gets each timestamp as it was written.

    Raises UsageError that names the row for anything else than an instant and a number.
    """
    number = 1
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"timestamp", "value"} - set(reader.fieldnames or ())
            if missing:
                raise UsageError(f"{file}: has no column {', '.join(sorted(missing))}")
            for number, row in enumerate(reader, start=1):
                point = _point(file, number, row)
                stamps.append(row["timestamp"])
                yield point
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: after row {number}: is no CSV in UTF-8: {error}") from error


def _point(file: Path, number: int, row: Mapping[str, str | None]) -> tuple[datetime, float]:
    stamp, value = row["timestamp"], row["value"]
    if not stamp or not value:
        lacking = "value" if stamp else "timestamp"
        raise UsageError(f"{file}: row {number}: has no {lacking}")
    try:
        at = _instant(stamp)
    except ValueError as error:
        message = f"{stamp!r} is no time; write 2026-11-22 13:00:00"
        raise UsageError(f"{file}: row {number}: {message}") from error
    try:
        return at, float(value)
    except ValueError as error:
        raise UsageError(f"{file}: row {number}: {value!r} is no number") from error


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
