"""Whether one text is a copy of another: the same passage, little changed within.

Two rows of words are aligned. What stands before the first and behind the last common word on one
side alone was added (a comment, a source line) or cut off; anything else is an edit.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from nlp.stories.signature import LONGEST, Signature

FEWEST: Final = 8
"""Common words without which texts are no near-copies: many people say short things alike."""

FEWEST_DISTINCT: Final = 6
"""The same of different words: a text that repeats itself says little."""

FEWEST_OF_A_BEGINNING: Final = 12
"""Common words that make the beginning of a longer text its copy, with no sign of being cut."""

WORDS_AN_EDIT: Final = 9
"""Common words for each edited one; a first edit is free. Denser edits tell other facts."""

MAJORITY: Final = 0.5
"""Part of a text that must be common where words were added to it."""

Block = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Alignment:
    """How two rows of words agree.

    ``common`` words, ``edits`` between them; words of the left and of the right before (``heads``)
    and behind (``tails``) all common ones; whether a number or a negation was
    replaced, put in or left out.
    """

    common: int
    edits: int
    heads: tuple[int, int]
    tails: tuple[int, int]
    is_other_fact: bool


def is_near_copy(left: Signature, right: Signature) -> bool:
    """Return whether the two tell the same; symmetric."""
    if right < left:
        # Which of several equally good alignments is found depends on who comes first.
        left, right = right, left
    a, b = left.words, right.words
    if min(len(a), len(b)) < FEWEST:
        return a == b
    blocks = _blocks(a, b)
    found = _align(a, b, blocks)
    if found.is_other_fact or found.common < FEWEST:
        return False
    if found.edits > max(1, found.common // WORDS_AN_EDIT):
        return False
    distinct = {word for start, _, size in blocks for word in a[start : start + size]}
    return len(distinct) >= FEWEST_DISTINCT and (
        found.common >= MAJORITY * max(len(a), len(b))
        or _is_beginning(left, found)
        or _is_beginning(right, _mirrored(found))
    )


def _is_beginning(short: Signature, found: _Alignment) -> bool:
    """Return whether ``short``, the left of ``found``, holds the beginning of the right."""
    if found.heads[1] or found.common < MAJORITY * len(short.words):
        return False
    return short.is_cut_off or (
        not found.heads[0] and not found.tails[0] and found.common >= FEWEST_OF_A_BEGINNING
    )


def _mirrored(found: _Alignment) -> _Alignment:
    return _Alignment(
        found.common, found.edits, found.heads[::-1], found.tails[::-1], found.is_other_fact
    )


def _blocks(a: Sequence[int], b: Sequence[int]) -> list[Block]:
    """Return the passages that the rows share: start in each, and length; in order."""
    first = 0
    shorter = min(len(a), len(b))
    while first < shorter and a[first] == b[first]:
        first += 1
    last = 0
    while last < shorter - first and a[-1 - last] == b[-1 - last]:
        last += 1
    blocks = [(0, 0, first)] if first else []
    left, right = a[first : len(a) - last], b[first : len(b) - last]
    if len(left) > 1 and len(right) > 1:
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        blocks += [(i + first, j + first, n) for i, j, n in matcher.get_matching_blocks() if n]
    if last:
        blocks.append((len(a) - last, len(b) - last, last))
    return blocks


def _align(a: Sequence[int], b: Sequence[int], blocks: Sequence[Block]) -> _Alignment:
    if not blocks:
        return _Alignment(0, 0, (len(a), len(b)), (0, 0), False)
    edits, is_other_fact = 0, False
    for left, right in _gaps(a, b, blocks):
        edits += max(len(left), len(right))
        is_other_fact |= any(word & 1 for word in (*left, *right))
    i, j, _ = blocks[0]
    heads, tails = (i, j), _behind(a, b, blocks[-1])
    for ours, theirs in ((a[:i], b[:j]), (a[len(a) - tails[0] :], b[len(b) - tails[1] :])):
        if ours and theirs:
            # Words on both sides are no addition; a word that was cut in two is an edit.
            edits += min(len(ours), len(theirs))
            is_other_fact |= any(word & 1 for word in (*ours, *theirs))
    common = sum(size for _, _, size in blocks)
    return _Alignment(common, edits, heads, tails, is_other_fact)


def _behind(a: Sequence[int], b: Sequence[int], block: Block) -> tuple[int, int]:
    """Return how many words stand behind the last block; what was not read is not there."""
    i, j, size = block
    left, right = len(a) - i - size, len(b) - j - size
    # A word added in front pushes as many out of what is read at the end.
    if len(a) == LONGEST and not left:
        right = 0
    if len(b) == LONGEST and not right:
        left = 0
    return left, right


def _gaps(
    a: Sequence[int], b: Sequence[int], blocks: Sequence[Block]
) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Yield the words between neighbouring blocks, of either row."""
    for (i, j, size), (k, m, _) in itertools.pairwise(blocks):
        yield a[i + size : k], b[j + size : m]
