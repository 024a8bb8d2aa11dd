"""Tokens and values that nearly fit: wildcards and typing errors."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """Return what matches a whole string against ``?`` (one character) and ``*`` (any number).

    What a ``*`` skipped is never tried again, so no pattern takes more than quadratic time.
    """
    first, *others = (_literal(part) for part in re.split(r"\*+", pattern))
    if not others:
        return re.compile(first, re.DOTALL)
    skips = "".join(f"(?>.*?{part})" for part in others[:-1])
    return re.compile(f"{first}{skips}.*{others[-1]}", re.DOTALL)


def literals(pattern: str) -> list[str]:
    """Return the pieces of ``pattern`` that stand in whatever fits it; some may be empty."""
    return re.split(r"[*?]", pattern)


def _literal(part: str) -> str:
    return ".".join(re.escape(piece) for piece in part.split("?"))


def is_within(left: str, right: str, distance: int) -> bool:
    """Return whether ``distance`` edits turn one string into the other.

    An edit inserts, deletes or replaces a character or swaps two neighbours, and no part is edited
    twice (optimal string alignment, as in the automata of Lucene and tantivy).
    """
    if abs(len(left) - len(right)) > distance:
        return False
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, char in enumerate(left, start=1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == right[j - 2] and other == left[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > distance:
            return False
    return row[-1] <= distance
