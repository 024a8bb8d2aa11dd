"""Syntax trees in the form that engines like: wide rather than deep."""

from __future__ import annotations

from collections.abc import Iterator

from core.query.ast import And, Node, Not, Or


def operands_of(node: And | Or) -> Iterator[Node]:
    """Yield the operands of ``node``, with those of nested nodes of its kind in their place."""
    for operand in node.operands:
        if isinstance(operand, And | Or) and type(operand) is type(node):
            yield from operands_of(operand)
        else:
            yield operand


def without_nots(node: Node) -> tuple[Node, bool]:
    """Return what stands under the Nots that ``node`` begins with, and whether they negate it."""
    is_negated = False
    while isinstance(node, Not):
        node, is_negated = node.operand, not is_negated
    return node, is_negated
