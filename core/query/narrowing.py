"""Whether one query finds nothing that another does not, as far as their form tells."""

from __future__ import annotations

from functools import lru_cache

from core.errors import QueryError
from core.query.ast import And, Everything, Node, Not, Or
from core.query.parser import parse


@lru_cache(maxsize=512)
def is_narrower(query: str, than: str) -> bool:
    """Return whether all that ``query`` finds is certain to be found by ``than`` as well.

    False where that cannot be told, as of queries that are wrong.
    """
    try:
        return implies(parse(query), parse(than))
    except QueryError:
        return False


def implies(narrow: Node, wide: Node) -> bool:
    """Return whether ``wide`` holds wherever ``narrow`` does, by AND, OR and NOT alone.

    Of what leaves mean only sameness is known: ``acm*`` is not seen to hold where ``acme`` does.
    """
    if narrow == wide or isinstance(wide, Everything):
        return True
    if isinstance(wide, And):
        return all(implies(narrow, part) for part in wide.operands)
    if isinstance(narrow, Or):
        return all(implies(part, wide) for part in narrow.operands)
    if isinstance(wide, Or) and any(implies(narrow, part) for part in wide.operands):
        return True
    if isinstance(narrow, And):
        return any(implies(part, wide) for part in narrow.operands)
    if isinstance(narrow, Not) and isinstance(wide, Not):
        return implies(wide.operand, narrow.operand)
    return False
