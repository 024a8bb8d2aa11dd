"""Writing export files: cells that no spreadsheet runs, whole files or none, and a manifest."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UsageError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell (OWASP, "CSV Injection"), full-width forms included."""

_AFTER_SEPARATOR = re.compile(r"(?<=[;\t\r\n])(?=[ \u00a0]*[=+\-@＝＋－＠])")
"""Where a spreadsheet that splits at semicolons or tabs would begin another cell with a formula."""

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file of an export."""

    path: Path
    rows: int
    sha256: str


def neutral(cell: Cell) -> Cell:
    """Return the cell so that a spreadsheet shows it and never runs it."""
    if not isinstance(cell, str):
        return cell
    text = _AFTER_SEPARATOR.sub("'", cell.replace("\x00", ""))
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> WrittenFile:
    """Write the rows under their columns as UTF-8 with a byte order mark, as Excel wants it.

    Raises UsageError when the file cannot be written; then there is no part of it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
        count += 1
    return _write(path, ("\ufeff" + text.getvalue()).encode("utf-8"), count)


def write_text(path: Path, text: str) -> WrittenFile:
    """Write a text file."""
    return _write(path, text.encode("utf-8"), text.count("\n"))


def write_manifest(path: Path, files: Sequence[WrittenFile], facts: Mapping[str, Any]) -> Path:
    """Write what was exported, from which definition, when, and the hash of each file."""
    listed = [{"file": f.path.name, "rows": f.rows, "sha256": f.sha256} for f in files]
    text = json.dumps({**facts, "files": listed}, ensure_ascii=False, indent=2)
    _write(path, (text + "\n").encode("utf-8"), len(files))
    return path


def file_name(text: str) -> str:
    """Return ``text`` as a name that every file system takes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "segment"


def _write(path: Path, data: bytes, rows: int) -> WrittenFile:
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as err:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(f"{path} cannot be written: {err.strerror}") from err
    return WrittenFile(path, rows, hashlib.sha256(data).hexdigest())
