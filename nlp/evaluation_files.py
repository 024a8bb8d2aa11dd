"""Read labelled files: what ``groundswell evaluate`` measures on, and what training reads.

Tables are tab-separated with a header (further columns are allowed), without any quoting: a
quotation mark is part of the text. Every error names the file, the row (the header is row 1) and
what is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import BadInputError
from core.mention import Sentiment

Labels = npt.NDArray[np.int64]

SENTIMENTS: Final = tuple(
    label.value for label in (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
)
"""The order of sentiment labels, that of every model's columns."""

OPTIONAL_LANGUAGE: Final = "language"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts, the indexes of their labels, and their languages where the file has that column.

    ``targets`` are what each label is about, where the file says.
    """

    texts: tuple[str, ...]
    labels: Labels
    languages: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its number in the file, and its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TaggedText:
    """A text made of a sentence's tokens, and the (start, end, label) of each name in it."""

    text: str
    names: tuple[tuple[int, int, str], ...]


def read_labelled(
    path: Path,
    allowed: Sequence[str] = SENTIMENTS,
    *,
    columns: Sequence[str] = ("text", "label"),
    same: Mapping[str, str] | None = None,
) -> Labelled:
    """Read a table of texts and labels; the labels' indexes are those of ``allowed``.

    ``same`` maps other spellings to those of ``allowed``. Raises BadInputError for a file that
    cannot be read or is no UTF-8, a missing column, a row with too few columns, an unknown label.
    """
    known = {label: index for index, label in enumerate(allowed)}
    rows = read_table(path, columns)
    labels = []
    for row in rows:
        label = row.cells["label"].strip().casefold()
        label = (same or {}).get(label, label)
        if label not in known:
            listed = ", ".join(known)
            raise BadInputError(
                f"{path}: row {row.number}: label {label!r} is unknown; use {listed}"
            )
        labels.append(known[label])
    return Labelled(
        tuple(row.cells["text"] for row in rows),
        np.array(labels, dtype=np.int64),
        _column(rows, OPTIONAL_LANGUAGE, fold=True),
        _column(rows, "target"),
    )


def first_of(data: Labelled) -> Labelled:
    """Return the first row alone, to warm a model up with."""
    targets = data.targets[:1] if data.targets is not None else None
    return Labelled(data.texts[:1], data.labels[:1], targets=targets)


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """Read a tab-separated file that has at least ``columns``; raises BadInputError."""
    lines = _lines(path)
    header = lines[0].rstrip("\r").split("\t")
    for column in columns:
        if column not in header:
            found = ", ".join(repr(name) for name in header)
            raise BadInputError(
                f"{path}: row 1: no column {column!r}; found {found}; "
                f"wanted, separated by tabs: {', '.join(columns)}"
            )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(header):
            message = f"{len(cells)} columns, expected {len(header)}"
            raise BadInputError(f"{path}: row {number}: {message}")
        rows.append(Row(number, dict(zip(header, cells, strict=True))))
    if not rows:
        raise BadInputError(f"{path}: no rows under the header")
    return rows


def read_tagged(path: Path, allowed: Sequence[str]) -> list[TaggedText]:
    """Read a CoNLL file: a token, a tab and its tag a line, an empty line between sentences.

    Tags are ``O``, ``B-LABEL`` and ``I-LABEL`` with a label out of ``allowed`` (in any case). A
    text is its tokens joined by spaces. Raises BadInputError.
    """
    known = {label.casefold(): label for label in allowed}
    sentences: list[TaggedText] = []
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*_lines(path), ""], start=1):
        if not line.strip():
            if tokens:
                sentences.append(_tagged(tokens, tags))
            tokens, tags = [], []
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != 2:
            message = f"{len(cells)} columns; a line is a token, a tab and its tag"
            raise BadInputError(f"{path}: row {number}: {message}")
        tag = cells[1].strip()
        kind, _, label = tag.partition("-")
        if tag != "O" and (kind not in ("B", "I") or label.casefold() not in known):
            message = f"tag {tag!r} is unknown; use O, or B- and I- with {', '.join(allowed)}"
            raise BadInputError(f"{path}: row {number}: {message}")
        tokens.append(cells[0])
        tags.append(tag if tag == "O" else f"{kind}-{known[label.casefold()]}")
    if not sentences:
        raise BadInputError(f"{path}: no sentences: a line is a token, a tab and its tag")
    return sentences


def read_themes(path: Path) -> tuple[tuple[str, ...], tuple[frozenset[str], ...], bool]:
    """Read texts and their themes; returns them and whether a text may have several.

    A JSON-Lines file has ``text`` and ``topics`` (a list of names); any other is a table of text
    and label, one label a text. Raises BadInputError.
    """
    if path.suffix.casefold() not in (".jsonl", ".ndjson"):
        rows = read_table(path, ("text", "label"))
        texts = tuple(row.cells["text"] for row in rows)
        return texts, tuple(frozenset({row.cells["label"].strip()}) for row in rows), False
    found = list(_theme_lines(path))
    if not found:
        raise BadInputError(f"{path}: no rows: a line is an object with text and topics")
    return tuple(text for text, _ in found), tuple(themes for _, themes in found), True


def _theme_lines(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            held = json.loads(line)
        except ValueError as err:
            raise BadInputError(f"{path}: row {number}: no JSON: {err}") from err
        text = held.get("text") if isinstance(held, dict) else None
        topics = held.get("topics") if isinstance(held, dict) else None
        is_list = isinstance(topics, list) and all(isinstance(name, str) for name in topics)
        if not isinstance(text, str) or not is_list:
            message = "an object with text (a string) and topics (a list of strings) is wanted"
            raise BadInputError(f"{path}: row {number}: {message}")
        yield text, frozenset(topics or ())


def _lines(path: Path) -> list[str]:
    """Return the lines of a file; only a line feed ends one. Raises BadInputError."""
    try:
        content = path.read_bytes()
    except OSError as err:
        raise BadInputError(f"{path}: cannot be read: {err.strerror}") from err
    try:
        return content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as err:
        row = content.count(b"\n", 0, err.start) + 1
        raise BadInputError(f"{path}: row {row}: not UTF-8: {err.reason}") from err


def _column(rows: Sequence[Row], name: str, *, fold: bool = False) -> tuple[str, ...] | None:
    if name not in rows[0].cells:
        return None
    values = (row.cells[name].strip() for row in rows)
    return tuple(value.casefold() if fold else value for value in values)


def _tagged(tokens: Sequence[str], tags: Sequence[str]) -> TaggedText:
    """Put a sentence together. An ``I-`` that continues nothing of its label begins a name."""
    names: list[tuple[int, int, str]] = []
    at, before = 0, "O"
    for token, tag in zip(tokens, tags, strict=True):
        end = at + len(token)
        kind, _, label = tag.partition("-")
        if kind == "I" and before.partition("-")[2] == label:
            names[-1] = (names[-1][0], end, label)
        elif kind != "O":
            names.append((at, end, label))
        at, before = end + 1, tag
    return TaggedText(" ".join(tokens), tuple(names))
