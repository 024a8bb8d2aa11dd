"""What is indexed of a mention: the same for every engine.

An engine keeps the whole mention as JSON beside these fields, and answers with it. States without
content (parts that arrived before their mention) and erased ones are kept for joining only: they
have no fields here, so no question can see them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from core.fields import FIELDS, FieldKind, Value
from core.mention import Mention
from core.query.ast import FieldRange
from core.questions import GroupField, View
from core.text import tokenise
from core.window import EPOCH

TEXT_FIELDS = ("title", "text")
CASED_SUFFIX = "_cased"

MAX_KEYWORD_BYTES = 32_000
"""Longer values of a keyword field are not indexed: Lucene refuses terms above 32,766 bytes."""

MAX_NUMBER = 2**63 - 1
"""Largest number either engine holds; greater ones count as this."""

MICROSECOND = timedelta(microseconds=1)
STATE = "state"
"""The whole mention as JSON: what answers are made of."""

SEEN = "seen"
"""What a question may see: ``visible`` has content, ``counted`` is neither own nor irrelevant.

A canary is neither: it is found by its id alone.
"""

VISIBLE, COUNTED = "visible", "counted"

PRESENT = "present"
"""The names of the fields that have a value."""

TOPIC_NAME = "topic_name"
"""Topics as they are spelt, to restrict to them and to group by them; ``topic`` is for queries."""

GROUP_FIELDS = {
    field: TOPIC_NAME if field is GroupField.TOPIC else field.value for field in GroupField
}
"""Which indexed field each question about groups reads."""

TIME_FIELDS = {View.HISTORY: "published", View.LIVE: "known"}
"""Which field a window reads in each view."""


@dataclass(frozen=True, slots=True)
class Document:
    """The indexed fields of one mention.

    ``texts`` maps title, text and their cased twins to tokens joined by single spaces; absent
    when there are none. ``keywords`` are whole strings; ``numbers`` holds counts, and times as
    seconds since 1970; ``flags`` are true or false. ``is_counted`` says that a question sees the
    mention without asking for own or irrelevant ones, ``is_visible`` that any question does.
    """

    texts: dict[str, str]
    keywords: dict[str, tuple[str, ...]]
    numbers: dict[str, int]
    flags: dict[str, bool]
    is_counted: bool
    is_visible: bool = True

    @property
    def seen(self) -> list[str]:
        """The values of the field SEEN."""
        if not self.is_visible:
            return []
        return [VISIBLE, COUNTED] if self.is_counted else [VISIBLE]


def document_of(mention: Mention) -> Document:
    """Return the indexed fields of ``mention``, which must have content."""
    keywords: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, int] = {}
    flags: dict[str, bool] = {}
    for name, spec in FIELDS.items():
        values = spec.read(mention)
        if not values:
            continue
        if spec.kind is FieldKind.KEYWORD:
            kept = _indexable(values)
            if kept:
                keywords[name] = kept
        elif spec.kind is FieldKind.FLAG:
            flags[name] = bool(values[0])
        else:
            numbers[name] = _as_integer(values[0])
    is_counted = not mention.is_own and not mention.is_irrelevant
    return Document(
        _texts(mention), keywords, numbers, flags, is_counted, is_visible=not mention.is_canary
    )


def seconds_of(instant: datetime) -> int:
    """Return whole seconds since 1970, rounded down."""
    delta = instant - EPOCH
    return delta.days * 86_400 + delta.seconds


def _texts(mention: Mention) -> dict[str, str]:
    texts = {}
    for name, written in (("title", mention.title), ("text", mention.text)):
        if written:
            tokens = tokenise(written)
            if tokens:
                texts[name] = " ".join(token.folded for token in tokens)
                texts[name + CASED_SUFFIX] = " ".join(token.cased for token in tokens)
    return texts


def _indexable(values: Sequence[Value]) -> tuple[str, ...]:
    """Return the different values that are not too long for a term."""
    if len(values) == 1:
        value = str(values[0])
        return (value,) if _fits(value) else ()
    return tuple(dict.fromkeys(value for value in map(str, values) if _fits(value)))


def _fits(value: str) -> bool:
    return len(value) * 4 <= MAX_KEYWORD_BYTES or len(value.encode()) <= MAX_KEYWORD_BYTES


def _as_integer(value: Value) -> int:
    if isinstance(value, datetime):
        return seconds_of(value)
    return min(int(value), MAX_NUMBER)


def whole_bounds(wanted: FieldRange) -> tuple[int | None, int | None]:
    """Return the least and the greatest whole number that lie in the range; None is unbounded.

    Numbers are whole and times whole seconds, so every bound can be said as an inclusive one.
    """
    low, high = wanted.low, wanted.high
    least = greatest = None
    if low is not None:
        exact = _exact(low)
        least = math.ceil(exact) if wanted.includes_low else math.floor(exact) + 1
    if high is not None:
        exact = _exact(high)
        greatest = math.floor(exact) if wanted.includes_high else math.ceil(exact) - 1
    return least, greatest


def _exact(bound: float | datetime) -> Fraction:
    if isinstance(bound, datetime):
        return Fraction((bound - EPOCH) // MICROSECOND, 1_000_000)
    return Fraction(bound)
