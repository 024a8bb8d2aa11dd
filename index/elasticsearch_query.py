"""A query's syntax tree and a selection, said in Elasticsearch's query language.

Only what every Elasticsearch 9 has: term, terms, range, wildcard, fuzzy, match_phrase, intervals
and bool. Nothing is scored. The fields hold tokens that ``core.text`` made, so no analyser but the
one that splits at spaces has a say.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

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
from index.elasticsearch_mapping import TIME_FORMAT
from index.trees import operands_of, without_nots

Query = dict[str, Any]

NUMBER_LIMIT = 2**63 - 1
TIME_LIMIT = 400_000_000_000
"""Seconds from 1970 to the year 14645: beyond every datetime, within Elasticsearch's dates."""

NOTHING: Query = {"match_none": {}}


def selection_query(selection: Selection) -> Query:
    """Return the query for all mentions of ``selection``."""
    wanted: list[Query] = []
    unwanted: list[Query] = []
    if selection.include_own or selection.include_irrelevant:
        wanted.append(_term(SEEN, VISIBLE))
        if not selection.include_own:
            unwanted.append(_term("own", True))
        if not selection.include_irrelevant:
            unwanted.append(_term("irrelevant", True))
    else:
        wanted.append(_term(SEEN, COUNTED))
    if selection.topics:
        wanted.append({"terms": {TOPIC_NAME: list(selection.topics)}})
    if selection.window is not None:
        wanted.append(_window(selection.window, TIME_FIELDS[selection.view]))
    if selection.query is not None:
        wanted.append(node_query(selection.query))
    return {"bool": {"filter": wanted, "must_not": unwanted}}


def visible_query() -> Query:
    """Return the query for all mentions with content."""
    return _term(SEEN, VISIBLE)


def node_query(node: Node) -> Query:
    """Return the query for what ``node`` matches."""
    if isinstance(node, And):
        return _all(list(operands_of(node)))
    if isinstance(node, Or):
        return _any(_choices(node))
    if isinstance(node, Not):
        return _all((node,))
    if isinstance(node, Everything):
        return {"match_all": {}}
    if isinstance(node, FieldIs | FieldLike | FieldExists | FieldRange):
        return _field(node)
    return _any([_text(node, field) for field in _fields(node.scope)])


def _fields(scope: Scope) -> tuple[str, ...]:
    return TEXT_FIELDS if scope is None else (scope,)


def _all(operands: Sequence[Node]) -> Query:
    wanted: list[Query] = []
    unwanted: list[Query] = []
    for operand, is_negated in map(without_nots, operands):
        (unwanted if is_negated else wanted).append(node_query(operand))
    return {"bool": {"filter": wanted, "must_not": unwanted}}


def _choices(node: Or) -> list[Query]:
    """Return the queries of an Or, with all words of one field in one: clauses are counted."""
    words: dict[str, list[str]] = {}
    others: list[Query] = []
    for operand in operands_of(node):
        if not isinstance(operand, Word):
            others.append(node_query(operand))
            continue
        for field in _fields(operand.scope):
            name = field + CASED_SUFFIX if operand.is_cased else field
            words.setdefault(name, []).append(operand.token)
    return [{"terms": {name: tokens}} for name, tokens in words.items()] + others


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return NOTHING
    if len(queries) == 1:
        return queries[0]
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _term(field: str, value: str | bool) -> Query:
    return {"term": {field: value}}


def _window(window: TimeWindow, field: str) -> Query:
    start, end = seconds_of(window.start), seconds_of(window.end)
    return {"range": {field: {"gte": start, "lt": end, "format": TIME_FORMAT}}}


def _field(node: FieldIs | FieldLike | FieldExists | FieldRange) -> Query:
    if isinstance(node, FieldExists):
        return _term(PRESENT, node.field)
    if isinstance(node, FieldRange):
        return _range(node)
    if isinstance(node, FieldLike):
        return _wildcard(node.field, node.pattern)
    if FIELDS[node.field].kind is FieldKind.FLAG:
        return _term(node.field, node.value == "true")
    return _term(node.field, node.value)


def _range(node: FieldRange) -> Query:
    least, greatest = whole_bounds(node)
    is_time = FIELDS[node.field].kind is FieldKind.DATE
    limit = TIME_LIMIT if is_time else NUMBER_LIMIT
    low = -limit if least is None else max(least, -limit)
    high = limit if greatest is None else min(greatest, limit)
    if low > high:
        return NOTHING
    bounds: dict[str, Any] = {"gte": low, "lte": high}
    if is_time:
        # Inclusive bounds of a date are rounded up to the unit of its format: whole seconds.
        bounds["format"] = TIME_FORMAT
    return {"range": {node.field: bounds}}


def _text(node: Word | Wildcard | Fuzzy | Phrase | Near, field: str) -> Query:
    if isinstance(node, Word):
        return _term(field + CASED_SUFFIX if node.is_cased else field, node.token)
    if isinstance(node, Wildcard):
        return _wildcard(field, node.pattern)
    if isinstance(node, Fuzzy):
        # The rewrite makes it look at all terms in reach, not at the nearest fifty.
        fuzzy = {"value": node.token, "fuzziness": node.distance, "rewrite": "constant_score"}
        return {"fuzzy": {field: fuzzy}}
    if isinstance(node, Near):
        return _near(node, field)
    name = field + CASED_SUFFIX if node.is_cased else field
    return {"match_phrase": {name: {"query": " ".join(node.tokens), "slop": node.slop}}}


def _wildcard(field: str, pattern: str) -> Query:
    value = re.sub(r"\*+", "*", pattern.replace("\\", "\\\\"))
    return {"wildcard": {field: {"value": value}}}


def _near(node: Near, field: str) -> Query:
    """Return an Or over all pairs of sequences and both orders.

    An ordered pair never overlaps, where an unordered one would let a word stand for two.
    """
    pairs = []
    for left, right in itertools.product(node.left, node.right):
        orders = [(left, right)] if left == right else [(left, right), (right, left)]
        pairs += [_pair(first, second, node.distance, field) for first, second in orders]
    return _any(pairs)


def _pair(first: Sequence[str], second: Sequence[str], distance: int, field: str) -> Query:
    parts = [
        {"match": {"query": " ".join(tokens), "ordered": True, "max_gaps": 0}}
        for tokens in (first, second)
    ]
    within = {"ordered": True, "max_gaps": distance, "intervals": parts}
    return {"intervals": {field: {"all_of": within}}}
