"""The command that says how the model does on the operator's own mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Group
from rich.text import Text

from app.cli.session import session, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from insights.quality import Accuracy, QualityReport


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(quality)


def quality() -> None:
    """Say how often the model's sentiment was right on your own mentions.

    From the answers of the last 90 days to "was this right?", which the dashboard asks of five
    random mentions a day. Corrections that people make on their own do not count.

    Example: groundswell quality --json
    """
    from app.quality import Quality, report_data
    from app.queries import Queries

    with session.application() as application:
        report = Quality(application, Queries(application)).report()
    session.show(report_data(report), _written(report))


def _written(report: QualityReport) -> Group:
    """Return the report for people."""
    from app.phrasing import accuracy_words, drift_words

    parts: list[Text | Table] = [Text(accuracy_words(report.overall))]
    if report.overall.n:
        parts += [
            Text(drift_words(report.drift)),
            _groups("channel", report.by_channel),
            _groups("language", report.by_language),
            _groups("model", report.by_model),
            _confusion(report),
        ]
    else:
        parts.append(Text("The page Quality of the dashboard asks: `groundswell dashboard`."))
    return Group(*parts)


def _groups(name: str, found: Mapping[str, Accuracy]) -> Table:
    from app.phrasing import accuracy_cell

    shown = table("", name, "accuracy", ">answers", ">could not tell")
    for key, held in found.items():
        shown.add_row(Text(key), accuracy_cell(held), str(held.n), str(held.unclear))
    return shown


def _confusion(report: QualityReport) -> Table:
    from insights.quality import LABELS

    names = [label.value for label in LABELS]
    shown = table("", "people said", *(f">the model: {name}" for name in names))
    for name, row in zip(names, report.confusion.counts, strict=True):
        shown.add_row(name, *map(str, row))
    return shown
