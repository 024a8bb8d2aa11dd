"""What every command shares: the global options, the application they open, and the output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.home import config_folder

if TYPE_CHECKING:
    from app.bootstrap import Application

VALUE_OPTIONS = ("--config", "--now")
FLAG_OPTIONS = ("--json",)


@dataclass
class Session:
    """The global options of one call, and what they lead to."""

    config: Path | None = None
    now: datetime | None = None
    is_json: bool = False

    @property
    def config_folder(self) -> Path:
        """The configuration folder of this call."""
        return config_folder(self.config)

    @contextmanager
    def application(self, *, writes: bool = False, producer: str = "app") -> Iterator[Application]:
        """Open the application of the configuration folder, and close it at the end."""
        from app.bootstrap import open_application

        application = open_application(
            self.config_folder, now=self.now, writes=writes, producer=producer
        )
        try:
            yield application
        finally:
            application.close()

    def show(self, data: object, text: Any = None) -> None:
        """Print ``data`` as the one JSON document, or ``text`` (anything rich prints) to people."""
        if self.is_json:
            sys.stdout.write(json.dumps(plain(data), ensure_ascii=False, indent=2) + "\n")
        else:
            out.print(text if text is not None else json.dumps(plain(data), indent=2))

    def say(self, message: str) -> None:
        """Tell people something that is not the result; goes to stderr with --json."""
        (err if self.is_json else out).print(Text(message))


session = Session()
WIDTH_OF_A_FILE = 200
"""Columns of tables where the output is no terminal that says its own."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_OF_A_FILE)


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return ``arguments`` with the global options moved before the command.

    They may stand anywhere up to ``--``; the parser itself wants them first.
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            rest += [word, *waiting]
            break
        if word in FLAG_OPTIONS or word.startswith(tuple(f"{name}=" for name in VALUE_OPTIONS)):
            front.append(word)
        elif word in VALUE_OPTIONS:
            front += [word, *waiting[:1]]
            del waiting[:1]
        else:
            rest.append(word)
    return front + rest


def plain(value: object) -> Any:
    """Return ``value`` made of nothing but what JSON knows."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        names = value.__dataclass_fields__
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _plain_leaf(value)


def _plain_leaf(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, date | Path) else value


def table(title: str, *columns: str) -> Table:
    """Return an empty table in the one style of all commands; '>' before a name aligns right."""
    made = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 2)
    )
    for column in columns:
        made.add_column(
            column.removeprefix(">"), justify="right" if column.startswith(">") else "left"
        )
    return made


def progress_bar(unit: str) -> Progress:
    """Return a progress bar on stderr, which is left out where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[count]} " + unit),
        TimeElapsedColumn(),
        console=err,
        disable=not err.is_terminal,
    )
