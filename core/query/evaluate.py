"""Whether a mention matches a query, without an index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import assert_never

from core.fields import FIELDS, Value
from core.mention import Mention
from core.query.ast import (
    And,
    Everything,
    FieldExists,
    FieldIs,
    FieldLike,
    FieldRange,
    Node,
    Not,
    Or,
    Word,
)
from core.query.occurrences import Stream, TextLeaf, occurrences
from core.query.patterns import wildcard


class TokenisedMention:
    """A mention and what evaluators read of it, worked out once however many queries ask."""

    def __init__(self, mention: Mention) -> None:
        self.mention = mention
        self._values: dict[str, Sequence[Value]] = {}

    @cached_property
    def title(self) -> Stream | None:
        """The title's tokens; None without a title."""
        return Stream(self.mention.title) if self.mention.title else None

    @cached_property
    def text(self) -> Stream:
        """The text's tokens."""
        return Stream(self.mention.text)

    def values(self, field: str) -> Sequence[Value]:
        """Return the values of ``field``; none where it is missing."""
        found = self._values.get(field)
        if found is None:
            found = self._values[field] = FIELDS[field].read(self.mention)
        return found


def matches(node: Node, mention: Mention | TokenisedMention) -> bool:
    """Return whether ``mention`` matches. Pass a TokenisedMention to ask several queries."""
    if isinstance(mention, Mention):
        mention = TokenisedMention(mention)
    return _holds(node, mention)


def _holds(node: Node, mention: TokenisedMention) -> bool:
    match node:
        case Or(operands):
            return any(_holds(operand, mention) for operand in operands)
        case And(operands):
            return all(_holds(operand, mention) for operand in operands)
        case Not(operand):
            return not _holds(operand, mention)
        case Everything():
            return True
        case FieldIs() | FieldLike() | FieldExists() | FieldRange():
            return _field_holds(node, mention)
        case _:
            return _text_holds(node, mention)


def _text_holds(leaf: TextLeaf, mention: TokenisedMention) -> bool:
    if leaf.scope != "title" and _stands_in(leaf, mention.text):
        return True
    return leaf.scope != "text" and mention.title is not None and _stands_in(leaf, mention.title)


def _stands_in(leaf: TextLeaf, stream: Stream) -> bool:
    if isinstance(leaf, Word):
        return leaf.token in (stream.cased if leaf.is_cased else stream.folded)
    return next(occurrences(leaf, stream), None) is not None


def _field_holds(
    leaf: FieldIs | FieldLike | FieldExists | FieldRange, mention: TokenisedMention
) -> bool:
    values = mention.values(leaf.field)
    match leaf:
        case FieldIs(_, wanted):
            return any(_written(value) == wanted for value in values)
        case FieldLike(_, pattern):
            fits = wildcard(pattern).fullmatch
            return any(fits(_written(value)) is not None for value in values)
        case FieldExists():
            return bool(values)
        case FieldRange():
            return any(_lies_in(value, leaf) for value in values)
        case _:
            assert_never(leaf)


def _written(value: Value) -> str:
    """Return a keyword as it is, a flag as ``true`` or ``false``."""
    return value if isinstance(value, str) else str(value).lower()


def _lies_in(value: Value, leaf: FieldRange) -> bool:
    # Both are numbers or both are dates: the parser makes bounds of the field's kind.
    low, high = leaf.low, leaf.high
    if low is not None and not (value >= low if leaf.includes_low else value > low):  # type: ignore[operator]
        return False
    return high is None or (value <= high if leaf.includes_high else value < high)  # type: ignore[operator]
