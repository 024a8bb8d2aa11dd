"""Where a text leaf stands in a stream of tokens: evaluators ask whether, highlights where."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import assert_never

from core.query.ast import Fuzzy, Near, Phrase, Wildcard, Word
from core.query.patterns import is_within, wildcard
from core.text import Token, tokenise

TextLeaf = Word | Wildcard | Fuzzy | Phrase | Near

Range = tuple[int, int]
"""Tokens from the first number on and before the second."""

Positions = dict[str, list[int]]


class Stream:
    """The tokens of a title or a text, and where each stands."""

    def __init__(self, text: str) -> None:
        self.tokens: list[Token] = tokenise(text)

    @cached_property
    def folded(self) -> Positions:
        """Each folded token -> its positions, ascending."""
        positions: Positions = {}
        for at, token in enumerate(self.tokens):
            positions.setdefault(token.folded, []).append(at)
        return positions

    @cached_property
    def cased(self) -> Positions:
        """Each token that keeps its case -> its positions, ascending."""
        positions: Positions = {}
        for at, token in enumerate(self.tokens):
            positions.setdefault(token.cased, []).append(at)
        return positions


def occurrences(leaf: TextLeaf, stream: Stream) -> Iterator[Range]:
    """Yield the tokens of ``stream`` that make ``leaf`` match, whatever the leaf's scope.

    Some may come twice. No order is promised.
    """
    match leaf:
        case Word(token, _, is_cased):
            found = (stream.cased if is_cased else stream.folded).get(token, ())
            yield from ((start, start + 1) for start in found)
        case Phrase(tokens, 0, _, is_cased):
            starts = _exact(tokens, stream.cased if is_cased else stream.folded)
            yield from ((start, start + len(tokens)) for start in starts)
        case Phrase(tokens, slop, _, is_cased):
            yield from _sloppy(tokens, slop, stream.cased if is_cased else stream.folded)
        case Near():
            yield from _near(leaf, stream.folded)
        case Wildcard(pattern):
            fits = wildcard(pattern).fullmatch
            for token, positions in stream.folded.items():
                if fits(token):
                    yield from ((start, start + 1) for start in positions)
        case Fuzzy(wanted, distance):
            for token, positions in stream.folded.items():
                if is_within(wanted, token, distance):
                    yield from ((start, start + 1) for start in positions)
        case _:
            assert_never(leaf)


def _exact(tokens: Sequence[str], positions: Positions) -> Iterator[int]:
    """Yield every position where ``tokens`` start and follow each other."""
    found = [positions.get(token) for token in tokens]
    known = [at for at in found if at is not None]
    if len(known) < len(tokens):
        return
    rarest = min(range(len(known)), key=lambda i: len(known[i]))
    others = [(i, set(at)) for i, at in enumerate(known) if i != rarest]
    for at in known[rarest]:
        start = at - rarest
        if all(start + i in there for i, there in others):
            yield start


def _sloppy(tokens: Sequence[str], slop: int, positions: Positions) -> Iterator[Range]:
    """Yield the tokens of every match of a phrase whose words may move.

    As Lucene counts: with each word's position in the text less its position in the phrase, the
    greatest of these differences is at most ``slop`` above the least. A word that the phrase
    repeats stands in the text as often.
    """
    if any(token not in positions for token in tokens):
        return
    shifts = {at - i for i, token in enumerate(tokens) for at in positions[token]}
    for least in sorted(shifts):
        found = _window(tokens, least, slop, positions)
        if found is not None:
            yield from ((at, at + 1) for at in found)


def _window(tokens: Sequence[str], least: int, slop: int, positions: Positions) -> list[int] | None:
    """Return a position for each token, shifted by ``least`` to ``least + slop``, or None.

    The intervals of a repeated word all have one length, so taking the first free position for
    each in turn finds an assignment if there is one.
    """
    taken: dict[str, int] = {}
    found = []
    for i, token in enumerate(tokens):
        there = positions[token]
        index = max(bisect_left(there, least + i), taken.get(token, 0))
        if index == len(there) or there[index] > least + slop + i:
            return None
        taken[token] = index + 1
        found.append(there[index])
    return found


def _near(leaf: Near, positions: Positions) -> Iterator[Range]:
    """Yield both sides of every pair with at most ``distance`` tokens between and no overlap."""
    left, right = _ranges(leaf.left, positions), _ranges(leaf.right, positions)
    if left and right:
        for earlier, later in ((left, right), (right, left)):
            yield from _followed(earlier, later, leaf.distance)


def _followed(earlier: list[Range], later: list[Range], distance: int) -> Iterator[Range]:
    """Yield the ranges of both sides that have one of the other side in reach, each once."""
    starts = [start for start, _ in later]
    for start, end in earlier:
        index = bisect_left(starts, end)
        if index < len(starts) and starts[index] <= end + distance:
            yield start, end
    ends = sorted(end for _, end in earlier)
    for start, end in later:
        index = bisect_left(ends, start - distance)
        if index < len(ends) and ends[index] <= start:
            yield start, end


def _ranges(choices: Sequence[Sequence[str]], positions: Positions) -> list[Range]:
    return sorted(
        (start, start + len(tokens)) for tokens in choices for start in _exact(tokens, positions)
    )
