"""A query's syntax tree and a selection, said as tantivy queries.

Where tantivy means something else than the query language, the meaning is spelled out: a boolean
of exclusions alone finds nothing there, a sloppy phrase of more than two words misses matches
and one of a repeated word finds it once. An offset phrase (words at given distances) is exact,
so those become an Or of offset phrases.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import tantivy
from tantivy import FieldType, Occur, Query

from core.fields import FIELDS, FieldKind
from core.query.ast import (
    And,
    Everything,
    FieldExists,
    FieldIs,
    FieldLike,
    FieldRange,
    Fuzzy,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Scope,
    Wildcard,
    Word,
)
from core.questions import Selection
from core.window import TimeWindow
from index.documents import (
    CASED_SUFFIX,
    COUNTED,
    PRESENT,
    SEEN,
    TEXT_FIELDS,
    TIME_FIELDS,
    TOPIC_NAME,
    VISIBLE,
    seconds_of,
    whole_bounds,
)
from index.tantivy_schema import KEY
from index.trees import operands_of, without_nots

MAX_OFFSET_PHRASES = 1_000
"""With more offset phrases, reading the texts of all candidates is the cheaper way."""


class Lookup(Protocol):
    """What cannot be said as a query and is looked up in the index instead."""

    def ids_matching(self, candidates: Query, phrase: Phrase) -> list[str]:
        """Return the ids of the ``candidates`` whose text ``phrase`` matches."""

    def terms_like(self, field: str, pattern: str) -> list[str]:
        """Return the terms of ``field`` that fit a pattern of ``?`` and ``*``."""


class Translator:
    """Says selections and syntax trees as queries of one tantivy schema."""

    def __init__(self, schema: tantivy.Schema, lookup: Lookup) -> None:
        self._schema = schema
        self._lookup = lookup

    def selection(self, selection: Selection) -> Query:
        """Return the query for all mentions of ``selection``."""
        parts: list[tuple[Occur, Query]] = []
        if selection.include_own or selection.include_irrelevant:
            parts.append((Occur.Must, self.term(SEEN, VISIBLE)))
            if not selection.include_own:
                parts.append((Occur.MustNot, self.term("own", True)))
            if not selection.include_irrelevant:
                parts.append((Occur.MustNot, self.term("irrelevant", True)))
        else:
            parts.append((Occur.Must, self.term(SEEN, COUNTED)))
        if selection.topics:
            names = list(selection.topics)
            parts.append((Occur.Must, Query.term_set_query(self._schema, TOPIC_NAME, names)))
        if selection.window is not None:
            parts.append((Occur.Must, self.window(selection.window, TIME_FIELDS[selection.view])))
        if selection.query is not None:
            parts.append((Occur.Must, self.node(selection.query)))
        return Query.boolean_query(parts)

    def window(self, window: TimeWindow, field: str) -> Query:
        """Return the query for mentions whose time in ``field`` lies in ``window``."""
        return self.between(field, seconds_of(window.start), seconds_of(window.end) - 1)

    def any_key(self, keys: Sequence[str]) -> Query:
        """Return the query for the stored states of ``keys``, seen or not."""
        return Query.term_set_query(self._schema, KEY, keys)

    def term(self, field: str, value: str | bool) -> Query:
        """Return the query for one exact value of an indexed field."""
        return Query.term_query(self._schema, field, value, index_option="basic")

    def between(
        self, field: str, least: int | None, greatest: int | None, *, unsigned: bool = False
    ) -> Query:
        """Return the query for a number within inclusive bounds; None is unbounded."""
        bottom, ceiling = (0, 2**64 - 1) if unsigned else (-(2**63), 2**63 - 1)
        low = bottom if least is None else max(least, bottom)
        high = ceiling if greatest is None else min(greatest, ceiling)
        if low > high:
            return Query.empty_query()
        kind = FieldType.Unsigned if unsigned else FieldType.Integer
        return Query.range_query(self._schema, field, kind, low, high)

    def node(self, node: Node) -> Query:
        """Return the query for what ``node`` matches."""
        if isinstance(node, And):
            return self._all(list(operands_of(node)))
        if isinstance(node, Or):
            return any_of([self.node(operand) for operand in operands_of(node)])
        if isinstance(node, Not):
            return self._all((node,))
        if isinstance(node, Everything):
            return Query.all_query()
        if isinstance(node, FieldIs | FieldLike | FieldExists | FieldRange):
            return self._field(node)
        return any_of([self._text(node, field) for field in _fields(node.scope)])

    def _all(self, operands: Sequence[Node]) -> Query:
        parts = [
            (Occur.MustNot if is_negated else Occur.Must, self.node(operand))
            for operand, is_negated in map(without_nots, operands)
        ]
        if all(occur == Occur.MustNot for occur, _ in parts):
            parts.append((Occur.Must, Query.all_query()))
        return Query.boolean_query(parts)

    def _field(self, node: FieldIs | FieldLike | FieldExists | FieldRange) -> Query:
        if isinstance(node, FieldExists):
            return self.term(PRESENT, node.field)
        if isinstance(node, FieldRange):
            return self.between(node.field, *whole_bounds(node))
        if isinstance(node, FieldLike):
            return self._pattern(node.field, node.pattern)
        if FIELDS[node.field].kind is FieldKind.FLAG:
            return self.term(node.field, node.value == "true")
        return self.term(node.field, node.value)

    def _text(self, node: Word | Wildcard | Fuzzy | Phrase | Near, field: str) -> Query:
        if isinstance(node, Word):
            return self.term(field + CASED_SUFFIX if node.is_cased else field, node.token)
        if isinstance(node, Wildcard):
            return self._pattern(field, node.pattern)
        if isinstance(node, Fuzzy):
            return Query.fuzzy_term_query(self._schema, field, node.token, node.distance)
        if isinstance(node, Near):
            return self._near(node, field)
        return self._phrase(node, field)

    def _pattern(self, field: str, pattern: str) -> Query:
        try:
            return Query.regex_query(self._schema, field, regex_of(pattern))
        except ValueError:
            # Its automaton would be too large: a long row of ?, above all after a *.
            terms = self._lookup.terms_like(field, pattern)
            return Query.term_set_query(self._schema, field, terms)

    def _phrase(self, node: Phrase, field: str) -> Query:
        if node.is_cased:
            field += CASED_SUFFIX
        tokens = node.tokens
        if len(tokens) == 1:
            return self.term(field, tokens[0])
        distinct = len(set(tokens))
        if node.slop == 0 or (len(tokens) == distinct == 2):
            return Query.phrase_query(self._schema, field, list(tokens), node.slop)
        if (node.slop + 1) ** len(tokens) > MAX_OFFSET_PHRASES:
            words = [(Occur.Must, self.term(field, token)) for token in set(tokens)]
            return self.any_key(self._lookup.ids_matching(Query.boolean_query(words), node))
        return any_of(
            [
                Query.phrase_query(self._schema, field, list(words))
                for words in sloppy_phrases(tokens, node.slop)
            ]
        )

    def _near(self, node: Near, field: str) -> Query:
        queries = []
        for left, right in itertools.product(node.left, node.right):
            if len(left) == len(right) == 1 and left != right:
                # Exact for two different words, and one pass instead of one a distance.
                queries += [
                    Query.phrase_query(self._schema, field, [*pair], node.distance)
                    for pair in (left + right, right + left)
                ]
                continue
            queries += [
                Query.phrase_query(self._schema, field, list(words))
                for words in near_phrases(left, right, node.distance)
            ]
        return any_of(queries)


def any_of(queries: Sequence[Query]) -> Query:
    """Return the query for what any of ``queries`` finds; nothing when there are none."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def regex_of(pattern: str) -> str:
    """Return the regular expression for a pattern of ``?`` and ``*``, all else literal.

    tantivy matches it against whole terms; its dot leaves out line ends unless told.
    """
    signs = {"?": "(?s:.)", "*": "(?s:.*)"}
    return "".join(signs.get(sign) or re.escape(sign) for sign in re.sub(r"\*+", "*", pattern))


OffsetPhrase = tuple[tuple[int, str], ...]


def sloppy_phrases(tokens: Sequence[str], slop: int) -> Iterator[OffsetPhrase]:
    """Yield every arrangement of ``tokens`` that a phrase with ``slop`` matches.

    Lucene's measure: a word's shift is its place in the text less its place in the phrase, and
    the greatest shift less the least is at most ``slop``. No two words share a place.
    """
    seen = set()
    for shifts in itertools.product(range(slop + 1), repeat=len(tokens)):
        if min(shifts):
            continue
        places = [place + shift for place, shift in enumerate(shifts)]
        if len(set(places)) < len(places):
            continue
        arranged = tuple(sorted(zip(places, tokens, strict=True)))
        first = arranged[0][0]
        phrase = tuple((place - first, token) for place, token in arranged)
        if phrase not in seen:
            seen.add(phrase)
            yield phrase


def near_phrases(
    left: Sequence[str], right: Sequence[str], distance: int
) -> Iterator[OffsetPhrase]:
    """Yield both orders of two sequences with 0 to ``distance`` tokens between them."""
    orders = [(left, right)] if tuple(left) == tuple(right) else [(left, right), (right, left)]
    for first, second in orders:
        for gap in range(distance + 1):
            start = len(first) + gap
            yield (*enumerate(first), *enumerate(second, start))


def _fields(scope: Scope) -> tuple[str, ...]:
    return TEXT_FIELDS if scope is None else (scope,)
