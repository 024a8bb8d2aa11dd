"""From words as a query writes them to text leaves: the tokens that mentions are cut into."""

from __future__ import annotations

from dataclasses import dataclass

from core.query.ast import Fuzzy, Near, Node, Or, Phrase, Scope, Wildcard, Word
from core.text import Token, fold, is_lone_sign, is_unspaced, tokenise

MAX_FUZZY = 2
"""Engines build an automaton for a fuzzy word; beyond two edits it matches nearly anything."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where text leaves look, and whether they heed case."""

    scope: Scope = None
    is_cased: bool = False


def bare_words(written: str, place: Place) -> Node:
    """Return what unquoted ``written`` finds: itself, and as a hashtag and a handle if it can be.

    Raises ValueError when there is nothing in it to search for.
    """
    leaf = quoted_words(written, 0, place)
    variants = []
    for sigil in "#@":
        tokens = _forms(tokenise(sigil + written), place)
        if len(tokens) == 1 and written[:1].isalnum():
            variants.append(Word(tokens[0], place.scope, place.is_cased))
    if len(variants) != 2:
        return leaf
    own = leaf.operands if isinstance(leaf, Or) else (leaf,)
    return Or((*own, *variants))


def quoted_words(written: str, slop: int, place: Place) -> Node:
    """Return what quoted ``written`` finds: exactly these tokens, in order.

    Raises ValueError when there is nothing in it to search for.
    """
    found = tokenise(written)
    tokens = _forms(found, place)
    if not tokens:
        raise ValueError(f"{written!r} holds no word, number, hashtag, handle or emoji to find")
    if len(tokens) > 1:
        return Phrase(tuple(tokens), slop, place.scope, place.is_cased)
    word = Word(tokens[0], place.scope, place.is_cased)
    if place.is_cased or not is_lone_sign(written[found[0].start : found[0].end]):
        return word
    sign = tokens[0]
    return Or((word, Wildcard(sign + "*", place.scope), Wildcard("*" + sign, place.scope)))


def pattern(written: str, place: Place) -> Node:
    """Return what a word with ``*`` or ``?`` in it finds.

    Raises ValueError when it is more than one word or is to heed case.
    """
    if place.is_cased:
        raise ValueError("case: takes words and phrases, without * and ?")
    literal = written.strip("*")
    if is_unspaced(literal):
        return quoted_words(literal, 0, place)
    letters = written.replace("*", "x").replace("?", "x")
    if [(token.start, token.end) for token in tokenise(letters)] != [(0, len(letters))]:
        raise ValueError(f"{written!r} is not one word; * and ? stand within one word")
    return Wildcard(fold(written), place.scope)


def fuzzy(written: str, distance: int, place: Place) -> Node:
    """Return what a word with up to ``distance`` typing errors finds.

    Raises ValueError when it is not one word, is to heed case, or the distance is not 1 or 2.
    """
    if not 1 <= distance <= MAX_FUZZY:
        raise ValueError(f"a word may differ by 1 or {MAX_FUZZY} letters, not {distance}")
    tokens = tokenise(written)
    if len(tokens) != 1 or place.is_cased:
        raise ValueError("~ after a word needs one word that does not heed case")
    return Fuzzy(tokens[0].folded, distance, place.scope)


def near(left: Node, right: Node, distance: int) -> Near:
    """Return ``left NEAR/distance right``.

    Raises ValueError when an operand is not a word, a phrase or a choice of them.
    """
    scopes: set[Scope] = set()
    sides = tuple(_sequences(side, scopes) for side in (left, right))
    if len(scopes) != 1:
        raise ValueError("both sides of NEAR look in one place: title:(a NEAR/5 b)")
    return Near(sides[0], sides[1], distance, scopes.pop())


def _sequences(node: Node, scopes: set[Scope]) -> tuple[tuple[str, ...], ...]:
    if isinstance(node, Or):
        found = [sequence for choice in node.operands for sequence in _sequences(choice, scopes)]
        return tuple(dict.fromkeys(found))
    if isinstance(node, Word) and not node.is_cased:
        scopes.add(node.scope)
        return ((node.token,),)
    if isinstance(node, Phrase) and not node.is_cased and node.slop == 0:
        scopes.add(node.scope)
        return (node.tokens,)
    raise ValueError('NEAR takes words, "phrases" and (choices OR "of them"), nothing else')


def _forms(tokens: list[Token], place: Place) -> list[str]:
    return [token.cased if place.is_cased else token.folded for token in tokens]
