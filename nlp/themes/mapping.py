"""Labelled themes in files: how they are read, and which media topics their labels stand for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import BadInputError
from core.media_topics import MEDIA_TOPICS

_ARTS, _CRIME, _DISASTER, _ECONOMY, _EDUCATION, _ENVIRONMENT = tuple(MEDIA_TOPICS)[:6]
_HEALTH, _HUMAN, _LABOUR, _LEISURE, _POLITICS, _RELIGION = tuple(MEDIA_TOPICS)[6:12]
_SCIENCE, _SOCIETY, _SPORT, _CONFLICT, _WEATHER = tuple(MEDIA_TOPICS)[12:]

NEWS_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "world": frozenset(
        {_POLITICS, _CONFLICT, _DISASTER, _CRIME, _SOCIETY, _RELIGION, _HUMAN, _WEATHER}
    ),
    "business": frozenset({_ECONOMY, _LABOUR}),
    "sci/tech": frozenset({_SCIENCE, _ENVIRONMENT}),
    "sports": frozenset({_SPORT}),
}
"""Classes of AG News -> the media topics of which one is meant."""

_SOCIAL_CONCERN: Final = frozenset(
    {_CONFLICT, _CRIME, _DISASTER, _ENVIRONMENT, _LABOUR, _POLITICS, _RELIGION, _WEATHER}
)
TWEET_TOPICS: Final[Mapping[str, frozenset[str]]] = {
    "arts & culture": frozenset({_ARTS}),
    "business & entrepreneurs": frozenset({_ECONOMY}),
    "celebrity & pop culture": frozenset({_ARTS}),
    # Nothing in the standard says that somebody tells of the day.
    "diaries & daily life": frozenset(),
    "family": frozenset({_SOCIETY}),
    "fashion & style": frozenset({_ARTS}),
    "film, tv & video": frozenset({_ARTS}),
    "fitness & health": frozenset({_HEALTH}),
    "food & dining": frozenset({_LEISURE}),
    "gaming": frozenset({_LEISURE}),
    "learning & educational": frozenset({_EDUCATION}),
    "music": frozenset({_ARTS}),
    "news & social concern": _SOCIAL_CONCERN,
    "other hobbies": frozenset({_LEISURE}),
    "relationships": frozenset({_SOCIETY}),
    "science & technology": frozenset({_SCIENCE}),
    "sports": frozenset({_SPORT}),
    "travel & adventure": frozenset({_LEISURE}),
    "youth & student life": frozenset({_EDUCATION}),
}
"""Topics of TweetTopic -> the media topics of which one is meant; empty where none is."""

_OWN: Final = {name: frozenset({code}) for code, name in MEDIA_TOPICS.items()}
_KNOWN: Final[Mapping[str, frozenset[str]]] = {**TWEET_TOPICS, **NEWS_CLASSES, **_OWN}

LABEL_KEYS: Final = ("topics", "themes", "labels")
"""Keys of a JSON line under which its labels may stand, a list."""

SEPARATOR: Final = "|"
"""Between several labels of one row of a tab-separated file."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and the themes that somebody gave it, as the file names them."""

    text: str
    labels: tuple[str, ...]


def themes_of(label: str) -> frozenset[str]:
    """Return the codes of the media topics that a known label stands for; empty if none."""
    return _KNOWN.get(_plain(label), frozenset())


def is_known(label: str) -> bool:
    """Return whether a label is one of the mapped data sets' or a media topic's name."""
    return _plain(label) in _KNOWN


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").casefold().split())


def read_labelled_themes(path: Path) -> list[Labelled]:
    """Read texts with their themes: tab-separated, or a JSON object a line (``.jsonl``).

    A table has the columns ``text`` and ``label`` (several labels separated by ``|``, none where
    it is empty); an object has ``text`` and a list under ``topics``, ``themes`` or ``labels``.
    Other columns and keys are allowed. Raises BadInputError naming file and row (the header of a
    table is row 1).
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise BadInputError(f"{path}: cannot be read: {err.strerror}") from err
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as err:
        row = content.count(b"\n", 0, err.start) + 1
        raise BadInputError(f"{path}: row {row}: not UTF-8: {err.reason}") from err
    is_json = lines[0].lstrip().startswith("{")
    rows = list(_json_rows(path, lines) if is_json else _table_rows(path, lines))
    if not rows:
        raise BadInputError(f"{path}: no rows with a text and labels")
    return rows


def _json_rows(path: Path, lines: Iterable[str]) -> Iterable[Labelled]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}: row {number}"
        try:
            data: Any = json.loads(line)
        except ValueError as err:
            raise BadInputError(f"{where}: not JSON: {err}") from err
        if not isinstance(data, dict) or not isinstance(data.get("text"), str):
            raise BadInputError(f"{where}: expected an object with a text under 'text'")
        key = next((key for key in LABEL_KEYS if key in data), None)
        labels = data[key] if key else None
        if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
            allowed = ", ".join(map(repr, LABEL_KEYS))
            raise BadInputError(f"{where}: expected a list of labels under one of {allowed}")
        yield Labelled(data["text"], tuple(labels))


def _table_rows(path: Path, lines: list[str]) -> Iterable[Labelled]:
    header = lines[0].rstrip("\r").split("\t")
    for column in ("text", "label"):
        if column not in header:
            found = ", ".join(repr(name) for name in header)
            raise BadInputError(f"{path}: row 1: no column {column!r}; found {found[:200]}")
    at_text, at_label = header.index("text"), header.index("label")
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(header):
            message = f"{len(cells)} columns, expected {len(header)}"
            raise BadInputError(f"{path}: row {number}: {message}")
        labels = (label.strip() for label in cells[at_label].split(SEPARATOR))
        yield Labelled(cells[at_text], tuple(label for label in labels if label))
