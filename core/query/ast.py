"""The syntax tree of a query. Leaves are already tokenised and folded: no evaluator does that.

``scope`` says where a text leaf looks: ``None`` in title and text (a match never crosses from one
to the other), else in that one. ``is_cased`` leaves read the tokens that keep their case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scope = Literal["title", "text"] | None


@dataclass(frozen=True, slots=True)
class Everything:
    """``*:*``: matches every mention."""


@dataclass(frozen=True, slots=True)
class Word:
    """One token. A bare word arrives as an Or of the word, its hashtag and its handle."""

    token: str
    scope: Scope = None
    is_cased: bool = False


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A token pattern: ``?`` stands for one character, ``*`` for any number of them."""

    pattern: str
    scope: Scope = None


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A token within ``distance`` (1 or 2) edits: insert, delete, replace, swap neighbours."""

    token: str
    distance: int
    scope: Scope = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two or more tokens in order, with at most ``slop`` moves as Lucene counts them."""

    tokens: tuple[str, ...]
    slop: int = 0
    scope: Scope = None
    is_cased: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Both operands, in either order, with at most ``distance`` tokens between them.

    An operand is a choice of token sequences (a word is a sequence of one).
    """

    left: tuple[tuple[str, ...], ...]
    right: tuple[tuple[str, ...], ...]
    distance: int
    scope: Scope = None


@dataclass(frozen=True, slots=True)
class FieldIs:
    """A keyword or flag field holds ``value`` (folded; "true" or "false" for flags)."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class FieldLike:
    """A keyword field holds a value that fits the pattern of ``?`` and ``*``."""

    field: str
    pattern: str


@dataclass(frozen=True, slots=True)
class FieldExists:
    """The field has any value (``field:*``)."""

    field: str


@dataclass(frozen=True, slots=True)
class FieldRange:
    """A number or date field lies between two bounds; None is unbounded."""

    field: str
    low: float | datetime | None
    high: float | datetime | None
    includes_low: bool = True
    includes_high: bool = True


@dataclass(frozen=True, slots=True)
class Not:
    """What ``operand`` does not match."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And:
    """What all operands match."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What any operand matches."""

    operands: tuple[Node, ...]


Node = (
    Everything
    | Word
    | Wildcard
    | Fuzzy
    | Phrase
    | Near
    | FieldIs
    | FieldLike
    | FieldExists
    | FieldRange
    | Not
    | And
    | Or
)


def walk(node: Node) -> Iterator[Node]:
    """Yield ``node`` and everything below it, parents first, left to right."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, And | Or):
            waiting.extend(reversed(current.operands))
        elif isinstance(current, Not):
            waiting.append(current.operand)
