"""From a query's text to its syntax tree, by recursive descent.

choice  := all (OR all)*
all     := each ((AND)? each)*
each    := (NOT | ! | - | +)* near
near    := single (NEAR/n single)?
single  := "(" choice ")" | field ":" value | "[" bounds "]" | phrase | word | pattern
value   := single | comparison          (with the field as the place where it looks)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, TypeVar

from core.errors import QueryError
from core.fields import FIELDS, FieldSpec
from core.query import values, words
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
    walk,
)
from core.query.words import Place

MAX_QUERY_CHARS = 32_768
"""Longest query; the longest that agencies are known to write are a third of it."""

MAX_NESTING = 50
"""Deepest brackets and NOTs, so that no query exhausts the stack of this or any engine."""

MAX_NEAR = 30
MAX_SLOP = 100

T = TypeVar("T")

QUOTES = '"“”„‟＂'
"""Every double quotation mark opens a phrase, and every one closes it."""

_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"(?:AND|OR|NOT)(?![^\s()])|&&|\|\|")
_NEAR = re.compile(r"NEAR(?:/(\d{1,9}))?(?![^\s(" + QUOTES + r"])")
_FIELD = re.compile(r"([A-Za-z_][\w.\-]*):(?!//)")
_DISTANCE = re.compile(r"~(\d{0,9})(?![^\s()])")
_TO = re.compile(r"TO(?!\S)")
_COMPARISON = re.compile(r"(>=|<=|>|<)\s*")
WORD_ENDS = frozenset("()[]{}~^" + QUOTES)
"""What ends a word without quotation marks, beside space."""


def parse(query: str, now: datetime | None = None) -> Node:
    """Return the syntax tree of ``query``.

    ``now`` is what relative dates count from; without it they are refused. Raises QueryError with
    the column and what is allowed there.
    """
    if len(query) > MAX_QUERY_CHARS:
        message = f"the query has {len(query)} characters; {MAX_QUERY_CHARS} are allowed"
        raise QueryError(message, query, MAX_QUERY_CHARS + 1)
    return _Parser(query, now).whole()


def check_topic_query(node: Node) -> list[str]:
    """Return the fields of a parsed query that a topic's query cannot use, in order.

    Sources do not deliver them: they come with enrichment, later lookups or people. (Relative
    dates are refused by ``parse`` itself, which is given no ``now`` for a topic's query.)
    """
    leaves = (FieldIs, FieldLike, FieldExists, FieldRange)
    used = dict.fromkeys(leaf.field for leaf in walk(node) if isinstance(leaf, leaves))
    return [name for name in used if not FIELDS[name].delivered]


class _Parser:
    """One pass over one query; ``at`` is the next character to read."""

    def __init__(self, query: str, now: datetime | None) -> None:
        self.query = query
        self.now = now
        self.at = 0
        self.depth = 0
        self.field: FieldSpec | None = None
        self.place = Place()

    def whole(self) -> Node:
        self._skip_space()
        if self._ended():
            self._fail("the query is empty; *:* matches everything", 0)
        node = self._choice()
        if not self._ended():
            self._fail(f"{self.query[self.at]!r} closes or opens nothing here", self.at)
        return node

    # --- operators ---------------------------------------------------------------------------

    def _choice(self) -> Node:
        operands = [self._all()]
        while self._operator() in {"OR", "||"}:
            self._take_operator()
            operands.append(self._all())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _all(self) -> Node:
        operands = [self._each()]
        while not self._ended() and self.query[self.at] != ")":
            operator = self._operator()
            if operator in {"OR", "||"}:
                break
            if operator in {"AND", "&&"}:
                self._take_operator()
            operands.append(self._each())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _each(self) -> Node:
        nots = 0
        while True:
            if self._operator() == "NOT":
                self._take_operator()
                nots += 1
            elif self._peek() in {"-", "!", "+"} and not self._peek(1).isspace():
                nots += self._peek() != "+"
                self.at += 1
            else:
                break
            if nots > MAX_NESTING:
                self._fail(f"more than {MAX_NESTING} NOTs in a row", self.at)
        node = self._near()
        for _ in range(nots):
            node = Not(node)
        return node

    def _near(self) -> Node:
        left = self._single()
        self._skip_space()
        start = self.at
        match = _NEAR.match(self.query, self.at)
        if match is None:
            return left
        if match[1] is None or int(match[1]) > MAX_NEAR:
            self._fail(f"NEAR needs a distance of 0 to {MAX_NEAR} words, e.g. NEAR/5", start)
        self.at = match.end()
        self._skip_space()
        right = self._single()
        node = self._checked(start, lambda: words.near(left, right, int(match[1])))
        self._skip_space()
        if _NEAR.match(self.query, self.at):
            self._fail("NEAR joins two; join the next with AND: a NEAR/5 b AND b NEAR/5 c", self.at)
        return node

    # --- operands ----------------------------------------------------------------------------

    def _single(self) -> Node:
        self._skip_space()
        near = _NEAR.match(self.query, self.at)
        if self._ended() or self._peek() == ")" or self._operator() or (near and near[1]):
            self._fail("a word, a phrase, a field or a bracket is missing here", self.at)
        if self._peek() == "(":
            return self._bracket()
        if self._peek() in QUOTES:
            return self._quoted()
        if self._peek() in "[{":
            return self._range()
        if self.field is not None and self._peek() in "<>":
            return self._comparison()
        match = _FIELD.match(self.query, self.at)
        if self.field is not None:
            if match and values.is_field(match[1]):
                name = self.field.name
                self._fail(f"{match[0]} cannot stand within the values of {name}:", self.at)
        elif self.query.startswith("*:*", self.at):
            self.at += 3
            return Everything()
        elif match:
            return self._in_field(match)
        return self._bare()

    def _bracket(self) -> Node:
        start = self.at
        self.depth += 1
        if self.depth > MAX_NESTING:
            self._fail(f"brackets are nested more than {MAX_NESTING} deep", start)
        self.at += 1
        node = self._choice()
        if self._peek() != ")":
            self._fail("this bracket is not closed", start)
        self.at += 1
        self.depth -= 1
        return node

    def _in_field(self, match: re.Match[str]) -> Node:
        start, name = self.at, match[1].lower()
        before = self.field, self.place
        if name == "case":
            self.place = Place(self.place.scope, is_cased=True)
        elif name == "title":
            self.place = Place("title", self.place.is_cased)
        elif name == "text":
            self.place = Place("text", self.place.is_cased)
        else:
            self.field = self._checked(start, lambda: values.field_named(match[1]))
        self.at = match.end()
        if self._ended() or self._peek().isspace():
            self._fail(f"{name}: needs a value right after it", self.at)
        node = self._comparison() if self._peek() in "<>" else self._single()
        self.field, self.place = before
        return node

    def _comparison(self) -> Node:
        start = self.at
        field = self._ranged_field(start)
        match = _COMPARISON.match(self.query, self.at)
        sign = match[1] if match else ""
        self.at += len(match[0]) if match else 0
        bound = (self._bound(start), sign.endswith("="))
        low, high = (bound, ("*", True)) if sign.startswith(">") else (("*", True), bound)
        return self._checked(start, lambda: values.value_range(field, low, high, self.now))

    def _range(self) -> Node:
        start = self.at
        field = self._ranged_field(start)
        includes_low = self._peek() == "["
        self.at += 1
        low = self._bound(start)
        self._skip_space()
        if not _TO.match(self.query, self.at):
            self._fail("a range is written [low TO high], with * for no bound", start)
        self.at += 2
        high = self._bound(start)
        self._skip_space()
        if self._ended() or self._peek() not in "]}":
            self._fail("this range is not closed with ] or }", start)
        includes_high = self._peek() == "]"
        self.at += 1
        bounds = (low, includes_low), (high, includes_high)
        return self._checked(start, lambda: values.value_range(field, *bounds, self.now))

    def _ranged_field(self, start: int) -> FieldSpec:
        if self.field is None:
            self._fail("a range stands after a field: followers:[1000 TO *]", start)
        return self.field

    def _bound(self, start: int) -> str:
        self._skip_space()
        if not self._ended() and self._peek() in QUOTES:
            return self._quotation()
        bound = self._term(start)[0]
        if not bound:
            self._fail("a bound is missing: [low TO high], with * for no bound", start)
        return bound

    def _quoted(self) -> Node:
        start = self.at
        written = self._quotation()
        slop = self._distance(0)
        field = self.field
        if field is not None:
            return self._checked(start, lambda: values.single_value(field, written, self.now))
        if slop > MAX_SLOP:
            self._fail(f"the words of a phrase may move by 0 to {MAX_SLOP}, not {slop}", start)
        return self._checked(start, lambda: words.quoted_words(written, slop, self.place))

    def _bare(self) -> Node:
        start = self.at
        written, has_wildcard, is_escaped = self._term(start)
        if not written:
            self._fail(f"{self._peek()!r} cannot stand here; escape it with \\ to mean it", start)
        if self._peek() == "^":
            self._fail("a boost (^) has no meaning: mentions are not ranked by relevance", self.at)
        is_url = self.field is None and "://" in written
        has_wildcard = has_wildcard and not is_url
        if has_wildcard and is_escaped:
            self._fail("* and ? cannot be both escaped and meant in one word", start)
        field = self.field
        if field is not None:
            if has_wildcard:
                return self._checked(start, lambda: values.value_pattern(field, written))
            return self._checked(start, lambda: values.single_value(field, written, self.now))
        if self._peek() == "~":
            distance = self._distance(words.MAX_FUZZY)
            return self._checked(start, lambda: words.fuzzy(written, distance, self.place))
        if written == "*" and has_wildcard and self.place == Place():
            return Everything()
        if has_wildcard:
            return self._checked(start, lambda: words.pattern(written, self.place))
        return self._checked(start, lambda: words.bare_words(written, self.place))

    # --- characters --------------------------------------------------------------------------

    def _term(self, start: int) -> tuple[str, bool, bool]:
        """Take a word; return it unescaped, and whether it has wildcards, and escaped ones."""
        taken: list[str] = []
        has_wildcard = is_escaped = False
        while not self._ended():
            char = self._peek()
            if char == "\\":
                self.at += 1
                if self._ended():
                    self._fail("a backslash escapes the character after it; none follows", start)
                is_escaped |= self._peek() in "*?"
                char = self._peek()
            elif char.isspace() or char in WORD_ENDS:
                break
            elif char in "*?":
                has_wildcard = True
            taken.append(char)
            self.at += 1
        return "".join(taken), has_wildcard, is_escaped

    def _quotation(self) -> str:
        """Take a quotation; return what is in it, unescaped."""
        start = self.at
        self.at += 1
        taken: list[str] = []
        while not self._ended() and self._peek() not in QUOTES:
            if self._peek() == "\\" and self._peek(1):
                self.at += 1
            taken.append(self._peek())
            self.at += 1
        if self._ended():
            self._fail("this quotation mark is not closed", start)
        self.at += 1
        return "".join(taken)

    def _distance(self, default: int) -> int:
        """Take ``~n`` if it is there; return n, or ``default`` without a number."""
        if self._peek() != "~":
            return 0
        match = _DISTANCE.match(self.query, self.at)
        if match is None:
            self._fail("~ is followed by a whole number, e.g. ~2", self.at)
        self.at = match.end()
        return int(match[1]) if match[1] else default

    def _operator(self) -> str | None:
        self._skip_space()
        match = _OPERATOR.match(self.query, self.at)
        return match[0] if match else None

    def _take_operator(self) -> None:
        self.at += len(self._operator() or "")

    def _skip_space(self) -> None:
        match = _SPACE.match(self.query, self.at)
        self.at = match.end() if match else self.at

    def _peek(self, ahead: int = 0) -> str:
        return self.query[self.at + ahead : self.at + ahead + 1]

    def _ended(self) -> bool:
        return self.at >= len(self.query)

    def _checked(self, column: int, make: Callable[[], T]) -> T:
        try:
            return make()
        except ValueError as error:
            raise QueryError(str(error), self.query, column + 1) from error

    def _fail(self, message: str, at: int) -> NoReturn:
        raise QueryError(message, self.query, at + 1)
