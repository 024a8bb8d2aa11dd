"""From a field and what is written after it to a leaf of the syntax tree.

Every function raises ValueError with a message for the user; the parser adds the column.
"""

from __future__ import annotations

import math
from datetime import datetime
from difflib import get_close_matches

from core.fields import FIELD_NAMES, FIELDS, FieldKind, FieldSpec
from core.mention import Channel, Sentiment, Status
from core.query.ast import FieldExists, FieldIs, FieldLike, FieldRange, Node
from core.query.dates import ALLOWED, Period, is_relative, read_date
from core.window import EPOCH

TEXT_FIELDS = ("title", "text", "case")
"""Fields that hold tokens: their values are written as a query of their own."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "channel": tuple(Channel),
    "sentiment": tuple(Sentiment),
    "status": tuple(Status),
}
_SIGILS = {"author": "@", "handle": "@", "hashtag": "#"}
_TRUTH = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


def is_field(name: str) -> bool:
    """Return whether a query may call a field ``name``."""
    return name.lower() in FIELD_NAMES or name.lower() in TEXT_FIELDS


def field_named(name: str) -> FieldSpec:
    """Return the field that a query calls ``name``. Raises ValueError naming what is allowed."""
    known = FIELD_NAMES.get(name.lower())
    if known is not None:
        return FIELDS[known]
    names = (*TEXT_FIELDS, *FIELD_NAMES)
    near = get_close_matches(name.lower(), names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    listed = ", ".join((*TEXT_FIELDS, *FIELDS))
    raise ValueError(f"there is no field {name!r}{hint}; the fields are {listed}")


def single_value(spec: FieldSpec, written: str, now: datetime | None) -> Node:
    """Return the leaf for ``field:written`` without wildcards."""
    if spec.kind is FieldKind.KEYWORD:
        return FieldIs(spec.name, _keyword(spec, written))
    if spec.kind is FieldKind.FLAG:
        value = _TRUTH.get(written.lower())
        if value is None:
            raise ValueError(f"{spec.name} is true or false, not {written!r}")
        return FieldIs(spec.name, value)
    return value_range(spec, (written, True), (written, True), now)


def value_pattern(spec: FieldSpec, pattern: str) -> Node:
    """Return the leaf for ``field:pattern`` with ``*`` or ``?`` in it."""
    if pattern == "*":
        return FieldExists(spec.name)
    if spec.kind is not FieldKind.KEYWORD:
        raise ValueError(f"{spec.name} holds no words, so * and ? cannot stand in its value")
    return FieldLike(spec.name, _as_kept(spec, pattern))


def value_range(
    spec: FieldSpec, low: tuple[str, bool], high: tuple[str, bool], now: datetime | None
) -> Node:
    """Return the leaf for a range; a bound is (written, included), and ``*`` is no bound.

    A written date covers a period: a range that includes it includes all of it, and one that
    excludes it excludes all of it.
    """
    if spec.kind is FieldKind.NUMBER:
        least, most = _number(spec, low[0]), _number(spec, high[0])
        return FieldRange(spec.name, least, most, low[1], high[1])
    if spec.kind is not FieldKind.DATE:
        ranged = ", ".join(s.name for s in FIELDS.values() if _is_ranged(s))
        raise ValueError(f"{spec.name} has no ranges; {ranged} have")
    first, last = _date(spec, low[0], now), _date(spec, high[0], now)
    return FieldRange(
        spec.name,
        first and (first.start if low[1] else first.end),
        last and (last.end if high[1] else last.start),
        includes_low=True,
        includes_high=False,
    )


def _is_ranged(spec: FieldSpec) -> bool:
    return spec.kind in {FieldKind.NUMBER, FieldKind.DATE}


def _keyword(spec: FieldSpec, written: str) -> str:
    value = _as_kept(spec, written)
    if not value.strip():
        raise ValueError(f"{spec.name} needs a value; {spec.name}:* finds any")
    choices = _CHOICES.get(spec.name)
    if choices and value not in choices:
        raise ValueError(f"{spec.name} is one of {', '.join(choices)}, not {written!r}")
    return value


def _as_kept(spec: FieldSpec, written: str) -> str:
    """Return ``written`` as the field keeps its values."""
    if spec.is_exact:
        return written
    return written.casefold().removeprefix(_SIGILS.get(spec.name, ""))


def _number(spec: FieldSpec, written: str) -> float | None:
    if written == "*":
        return None
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{spec.name} is a number, not {written!r}") from None
    return value


def _date(spec: FieldSpec, written: str, now: datetime | None) -> Period | None:
    if written == "*":
        return None
    if now is None and is_relative(written):
        raise ValueError("a time relative to now is for searches; a topic's query has no now")
    try:
        return read_date(written, now or EPOCH)
    except (ValueError, OverflowError):
        raise ValueError(f"{spec.name} cannot be {written!r}: {ALLOWED}") from None
