"""The command that measures what the models say on labelled files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from app.cli.session import session, table
from core.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from core.settings import Configuration

MEASURES = ("accuracy", "macro_recall", "macro_f1", "micro_f1", "precision", "recall", "f1")
"""What is shown where it was measured, in this order."""


def register(app: typer.Typer) -> None:
    """Add this module's command to ``app``."""
    app.command()(evaluate)


def evaluate(
    what: Annotated[
        str,
        typer.Argument(
            help="sentiment, emotion, offensive, target, language, entities or themes.",
            metavar="KIND",
        ),
    ],
    file: Annotated[Path, typer.Argument(help="The labelled file; see below.")],
) -> None:
    """Measure what the configured models say on labelled texts, with bootstrap intervals.

    A tab-separated file with the columns text and label; for target also target, the words that
    name it; for language: text and language. An additional column language gives rows by
    language. For entities a CoNLL file: a token, a tab and its tag (O, B-person, I-person) a
    line, an empty line between sentences. For themes text and label (several separated by |),
    or JSON lines with text and a list of topics.

    Every row is given to the model. Beside that stand the share of rows about which the product
    would say something, and the accuracy on those.

    Example: groundswell evaluate sentiment labelled.tsv --json
    """
    from nlp.evaluation_kinds import KINDS, measure_file

    if what not in KINDS:
        raise UsageError(f"cannot evaluate {what!r} (allowed: {', '.join(KINDS)})")
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; wanted is {KINDS[what].file}")
    configuration = _configuration()
    result = measure_file(what, file, configuration.settings, configuration.themes)
    session.show(result, _shown(result))


def _configuration() -> Configuration:
    """Return the configuration of the folder; the defaults where there is none."""
    from core.settings import Configuration

    if session.config is None and not session.config_folder.is_dir():
        return Configuration()
    with session.application() as application:
        return application.configuration


def _shown(result: Mapping[str, Any]) -> Group:
    """Return the measures as tables for people."""
    parts = [_overall(result)]
    if result.get("per_class"):
        parts.append(_classes(result["per_class"]))
    if result.get("languages"):
        parts.append(_languages(result["languages"]))
    return Group(*(part for table_ in parts for part in (table_, Text())))


def _overall(result: Mapping[str, Any]) -> Table:
    shown = table(f"{result['n']:,} texts, {result['model']}", "measure", ">value", "95 % interval")
    for name in MEASURES:
        if name in result:
            shown.add_row(name, _value(result[name]), _interval(result, name))
    span_only = result.get("span_only")
    if span_only:
        for name in ("precision", "recall", "f1"):
            shown.add_row(f"span only: {name}", _value(span_only[name]), _interval(span_only, name))
    answered = result.get("answered")
    if answered:
        note = f"of {answered['n']:,} rows that the product answers"
        shown.add_row("after abstention: coverage", _value(answered["coverage"]), "")
        shown.add_row("after abstention: accuracy", _value(answered["accuracy"]), note)
    configured = result.get("as_configured")
    if configured:
        listed = ", ".join(configured["languages"])
        shown.add_row("as configured: accuracy", _value(configured["accuracy"]), f"of {listed}")
        others = f"of {configured['others']:,} texts in other languages"
        share = _value(configured["others_taken_for_one"])
        shown.add_row("as configured: taken for one of them", share, others)
    shown.add_row("texts_per_second", f"{result['texts_per_second']:,.0f}", "")
    return shown


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> Table:
    shown = table("", "class", ">precision", ">recall", ">f1", ">rows")
    for name, held in classes.items():
        values = (_value(held[key]) for key in ("precision", "recall", "f1"))
        shown.add_row(Text(name), *values, f"{held['support']:,}")
    return shown


def _languages(languages: Mapping[str, Mapping[str, Any]]) -> Table:
    shown = table("", "language", ">rows", ">accuracy", ">macro_recall", ">macro_f1", "macro_f1's")
    for code, held in languages.items():
        values = (_value(held[name]) for name in ("accuracy", "macro_recall", "macro_f1"))
        shown.add_row(Text(code), f"{held['n']:,}", *values, _interval(held, "macro_f1"))
    return shown


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(result: Mapping[str, Any], name: str) -> str:
    found = result["interval_95"].get(name)
    return f"[{found[0]:.4f}, {found[1]:.4f}]" if found else ""
