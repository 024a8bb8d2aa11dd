"""Which characters of a text to mark so that a reader sees why a query found it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from core.query.ast import And, Fuzzy, Near, Node, Or, Phrase, Wildcard, Word
from core.query.occurrences import Stream, TextLeaf, occurrences


def spans(node: Node, text: str, place: Literal["title", "text"] = "text") -> list[tuple[int, int]]:
    """Return the (start, end) character offsets of all that ``node`` looks for in ``text``.

    In order and without overlap. ``place`` says which part of the mention the text is. What the
    query excludes is not marked, nor are field values.
    """
    stream = Stream(text)
    found: list[tuple[int, int]] = []
    for leaf in _wanted(node):
        if leaf.scope in {None, place}:
            for first, end in occurrences(leaf, stream):
                found.append((stream.tokens[first].start, stream.tokens[end - 1].end))
    return _merged(sorted(found))


def _wanted(node: Node) -> Iterator[TextLeaf]:
    """Yield the text leaves that are not under a NOT."""
    if isinstance(node, And | Or):
        for operand in node.operands:
            yield from _wanted(operand)
    elif isinstance(node, Word | Wildcard | Fuzzy | Phrase | Near):
        yield node


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
