"""A file to its rows, one at a time: CSV, TSV, JSON Lines, Parquet.

A row that is broken is reported and the next one is read: an unclosed quote does not swallow the
rest of the file, a line without end is not held in memory.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import BadInputError, UsageError
from crawlers.importing.encodings import Encoding

MAX_LINE_CHARS = 2_000_000
MAX_RECORD_LINES = 1_000
"""A quoted field with more lines is taken for a quote that was never closed."""

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_ROWS_PER_BATCH = 1_000
_SENTINEL = "\x00end"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number in the file (1 is the first after the header), values by column."""

    row: int
    values: dict[str, Any]
    position: int


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One row that cannot be read or used, and why."""

    row: int
    reason: str
    detail: str = ""
    position: int = 0


def kind_of(path: Path) -> str:
    """Return csv, tsv, jsonl or parquet, by the file's extension. Raises UsageError."""
    kinds = {
        ".csv": "csv",
        ".txt": "csv",
        ".tsv": "tsv",
        ".tab": "tsv",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "jsonl",
        ".parquet": "parquet",
    }
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"{path.name}: the name must end in .csv, .tsv, .jsonl, .ndjson or .parquet"
        )
    return kind


def read_records(
    path: Path, encoding: Encoding | None, delimiter: str | None = None
) -> Iterator[Record | SkippedRow]:
    """Yield the rows of ``path``. ``encoding`` is None for Parquet.

    Raises UsageError where the file as a whole cannot be read.
    """
    kind = kind_of(path)
    if kind == "parquet" or encoding is None:
        return _read_parquet(path)
    if kind == "jsonl":
        return _read_json_lines(path, encoding)
    return _read_delimited(path, encoding, delimiter or ("\t" if kind == "tsv" else None))


def columns_of(path: Path, encoding: Encoding | None, delimiter: str | None = None) -> list[str]:
    """Return the names of the columns; of JSON Lines, those of the first rows."""
    names: dict[str, None] = {}
    for count, record in enumerate(read_records(path, encoding, delimiter)):
        if isinstance(record, Record):
            names.update(dict.fromkeys(_paths(record.values)))
        if count >= 100:
            break
    return list(names)


def _paths(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")


# --- CSV and TSV ---------------------------------------------------------------------------------


class _Lines:
    """Physical lines with push-back; a line longer than the limit comes as None."""

    def __init__(self, file: BinaryIO, encoding: Encoding, newline: str) -> None:
        self._raw = file
        self._file = TextIOWrapper(file, encoding.name, errors="replace", newline=newline)
        self._waiting: deque[str] = deque()

    @property
    def position(self) -> int:
        """Bytes read from the file so far, ahead of the line by at most one buffer."""
        return self._raw.tell()

    def next(self) -> str | None:
        """Return the next line with its end, None for one too long; raise StopIteration."""
        if self._waiting:
            return self._waiting.popleft()
        line = self._file.readline(MAX_LINE_CHARS)
        if not line:
            raise StopIteration
        if len(line) < MAX_LINE_CHARS or line.endswith("\n"):
            return line
        while line and not line.endswith("\n"):
            line = self._file.readline(MAX_LINE_CHARS)
        return None

    def give_back(self, lines: Sequence[str]) -> None:
        self._waiting.extendleft(reversed(lines))


def _read_delimited(
    path: Path, encoding: Encoding, delimiter: str | None
) -> Iterator[Record | SkippedRow]:
    csv.field_size_limit(MAX_LINE_CHARS * 2)
    with path.open("rb") as file:
        lines = _Lines(file, encoding, newline="")
        try:
            first = lines.next() or ""
        except StopIteration:
            raise UsageError(f"{path.name} is empty") from None
        mark = delimiter or _delimiter(first)
        lines.give_back([first])
        header: list[str] | None = None
        row = 0
        for fields in _split(lines, mark, first.lstrip("\ufeff")):
            if header is None:
                if isinstance(fields, str):
                    raise UsageError(f"{path.name}: the header cannot be read: {fields}")
                header = _header(fields, path)
                continue
            row += 1
            position = lines.position
            if isinstance(fields, str):
                yield SkippedRow(row, fields, position=position)
                continue
            extra = fields[len(header) :]
            if len(fields) < len(header) or any(extra):
                detail = f"{len(fields)} fields where the header has {len(header)}"
                yield SkippedRow(row, "wrong_columns", detail, position)
                continue
            yield Record(row, dict(zip(header, fields, strict=False)), position)


def _header(fields: list[str], path: Path) -> list[str]:
    names = [name.strip().lstrip("\ufeff") for name in fields]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UsageError(f"{path.name}: the header names {', '.join(doubled)} more than once")
    return names


def _delimiter(header: str) -> str:
    counts = {mark: header.count(mark) for mark in DELIMITERS}
    return max(counts, key=lambda mark: counts[mark]) if any(counts.values()) else ","


def _split(lines: _Lines, delimiter: str, header: str) -> Iterator[list[str] | str]:
    """Yield the fields of each record, or the reason why it has none."""
    width = len(next(csv.reader([header], delimiter=delimiter), []))
    while True:
        try:
            line = lines.next()
        except StopIteration:
            return
        if line is None:
            yield "row_too_long"
        elif line.strip("\r\n"):
            yield _record(line, lines, delimiter, width)


def _record(line: str, lines: _Lines, delimiter: str, width: int) -> list[str] | str:
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    if not _is_open(line, delimiter):
        return _fields(line, delimiter)
    more: list[str] = []
    size = len(line)
    while len(more) < MAX_RECORD_LINES and size < MAX_LINE_CHARS:
        try:
            following = lines.next()
        except StopIteration:
            break
        if following is None:
            break
        more.append(following)
        size += len(following)
        # The line goes on inside the quotes, as if it began with one.
        if '"' in following and not _is_open('"' + following, delimiter):
            fields = _fields(line + "".join(more), delimiter, is_strict=True)
            if isinstance(fields, list) and len(fields) == width:
                return fields
            break
    # The quote was never meant to be closed: this line alone is broken, the others are rows.
    lines.give_back(more)
    return "unclosed_quote"


def _is_open(text: str, delimiter: str) -> bool:
    """Return whether ``text`` ends inside a quoted field, as the csv module sees it."""
    try:
        parsed = list(csv.reader([text, _SENTINEL], delimiter=delimiter))
    except csv.Error:
        return False
    return not parsed or parsed[-1] != [_SENTINEL]


def _fields(text: str, delimiter: str, *, is_strict: bool = False) -> list[str] | str:
    """Return the fields of one record; a strict reading wants a delimiter after each quote."""
    try:
        rows = csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=is_strict)
        return next(rows, [])
    except csv.Error:
        return "broken_row"


# --- JSON Lines ----------------------------------------------------------------------------------


def _read_json_lines(path: Path, encoding: Encoding) -> Iterator[Record | SkippedRow]:
    with path.open("rb") as file:
        lines = _Lines(file, encoding, newline="\n")
        row = 0
        while True:
            try:
                line = lines.next()
            except StopIteration:
                return
            if line is not None and not line.strip():
                continue
            row += 1
            yield _json_record(line, row, lines.position, path)


def _json_record(line: str | None, row: int, position: int, path: Path) -> Record | SkippedRow:
    if line is None:
        return SkippedRow(row, "row_too_long", position=position)
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as err:
        if row == 1 and line.lstrip()[:1] == "[":
            raise UsageError(f"{path.name}: write one JSON object a line, not one list") from err
        return SkippedRow(row, "broken_row", str(err)[:100], position)
    if not isinstance(values, dict):
        if row == 1 and isinstance(values, list):
            raise UsageError(f"{path.name}: write one JSON object a line, not one list")
        return SkippedRow(row, "broken_row", "no JSON object", position)
    return Record(row, values, position)


# --- Parquet -------------------------------------------------------------------------------------


def _read_parquet(path: Path) -> Iterator[Record | SkippedRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            total = max(file.metadata.num_rows, 1)
            size = path.stat().st_size
            row = 0
            for batch in file.iter_batches(batch_size=_ROWS_PER_BATCH):
                for values in batch.to_pylist():
                    row += 1
                    yield Record(row, values, size * row // total)
    except (pa.ArrowException, OSError) as err:
        raise BadInputError(f"{path.name} cannot be read as Parquet: {err}") from err
