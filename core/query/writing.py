"""From a syntax tree back to a query's text, and the one edit that a click makes to a query."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

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
from core.query.occurrences import TextLeaf
from core.query.parser import QUOTES, WORD_ENDS
from core.query.words import Place, bare_words, quoted_words
from core.text import tokenise

_KEYWORDS = frozenset({"AND", "OR", "NOT", "NEAR"})


def to_text(node: Node) -> str:
    """Return a query that parses to ``node`` again; ``node`` is a tree that ``parse`` made."""
    match node:
        case And(operands):
            return " AND ".join(_inner(operand, And, Or) for operand in operands)
        case Or(operands):
            return _short(node) or " OR ".join(_inner(operand, Or) for operand in operands)
        case Not(operand):
            return f"NOT {_inner(operand, And, Or)}"
        case Everything():
            return "*:*"
        case FieldIs() | FieldLike() | FieldExists() | FieldRange():
            return _field_leaf(node)
        case _:
            return _text_leaf(node)


def _inner(node: Node, *weaker: type[And | Or]) -> str:
    """Return ``node`` as an operand, in brackets where it would bind too weakly without."""
    text = to_text(node)
    if isinstance(node, weaker) and not (isinstance(node, Or) and _short(node)):
        return f"({text})"
    return text


def _short(node: Or) -> str | None:
    """Return the one word that ``parse`` made this choice of; None if it is another choice."""
    first, hashtag = node.operands[0], node.operands[-2]
    if isinstance(hashtag, Word) and hashtag.token[:1] == "#":
        word = hashtag.token[1:]
        place = Place(hashtag.scope, hashtag.is_cased)
        if word[:1].isalnum() and word not in _KEYWORDS and bare_words(word, place) == node:
            return _prefix(hashtag.scope, is_cased=hashtag.is_cased) + word
    if not isinstance(first, Word) or not isinstance(hashtag, Wildcard):
        return None
    is_sign = quoted_words(first.token, 0, Place(first.scope)) == node
    return f'{_prefix(first.scope)}"{first.token}"' if is_sign else None


def _side(choices: tuple[tuple[str, ...], ...]) -> str:
    """Return one side of NEAR: a word or phrase, or several in brackets."""
    leaves = tuple(Word(c[0]) if len(c) == 1 else Phrase(c) for c in choices)
    if len(leaves) == 1:
        return to_text(leaves[0])
    return _inner(Or(leaves), Or)


def _text_leaf(node: TextLeaf) -> str:
    match node:
        case Word(token, scope, is_cased):
            is_name = token[0] in "#@"
            written = token if is_name else f'"{_plain(token)}"'
            return _prefix(scope, is_cased=is_cased) + written
        case Phrase(tokens, slop, scope, is_cased):
            moves = f"~{slop}" if slop else ""
            words = " ".join(_plain(token) for token in tokens)
            return f'{_prefix(scope, is_cased=is_cased)}"{words}"{moves}'
        case Wildcard(pattern, scope):
            return _prefix(scope) + pattern
        case Fuzzy(token, distance, scope):
            return f"{_prefix(scope)}{_plain(token)}~{distance}"
        case Near(left, right, distance, scope):
            sides = f"{_side(left)} NEAR/{distance} {_side(right)}"
            return f"{scope}:({sides})" if scope else sides
        case _:
            assert_never(node)


def _field_leaf(node: FieldIs | FieldLike | FieldExists | FieldRange) -> str:
    match node:
        case FieldIs(field, value):
            return f"{field}:{quoted(value)}"
        case FieldLike(field, pattern):
            return f"{field}:{_escaped(pattern)}"
        case FieldExists(field):
            return f"{field}:*"
        case FieldRange():
            return _range(node)
        case _:
            assert_never(node)


def quoted(words: str) -> str:
    """Return ``words`` in quotation marks, escaped where needed."""
    return '"' + "".join(f"\\{c}" if c in QUOTES or c == "\\" else c for c in words) + '"'


def _prefix(scope: Scope, *, is_cased: bool = False) -> str:
    return (f"{scope}:" if scope else "") + ("case:" if is_cased else "")


def _plain(token: str) -> str:
    """Return text that is cut into ``token`` alone; a host may need its scheme for that."""
    found = tokenise(token)
    is_itself = len(found) == 1 and token in {found[0].folded, found[0].cased}
    return token if is_itself else f"https://{token}"


def _escaped(pattern: str) -> str:
    special = WORD_ENDS | set("\\:<>+-!")
    return "".join(f"\\{c}" if c in special or c.isspace() else c for c in pattern)


def _range(node: FieldRange) -> str:
    opening = "[" if node.includes_low else "{"
    closing = "]" if node.includes_high else "}"
    return f"{node.field}:{opening}{_bound(node.low)} TO {_bound(node.high)}{closing}"


def _bound(bound: float | datetime | None) -> str:
    if bound is None:
        return "*"
    if isinstance(bound, datetime):
        return bound.strftime("%Y-%m-%dT%H:%M:%SZ")
    return repr(float(bound)).removesuffix(".0")
