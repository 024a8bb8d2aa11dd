"""What of a text is compared: its words as numbers, and the few fingerprints it is found by.

Fingerprints are hashes of three neighbouring words, thinned by winnowing (Schleimer, Wilkerson and
Aiken 2003): of every few neighbours the smallest is kept, so two texts that share a passage keep
the same fingerprints of it, wherever it stands and however long the rest is.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.text import tokenise
from nlp.story import normalise_story, without_addresses

LONGEST: Final = 256
"""Words that are read: copies agree in them, and articles that differ only later are copies."""

_CHARACTERS: Final = 12 * LONGEST
"""Enough for so many words of nearly any text; what lies behind is not even folded."""

_SHORT: Final = 24
"""Words up to which every fingerprint is kept: one changed word spoils three of them."""

_WINDOW: Final = 4
"""Neighbouring fingerprints of which the smallest is kept in longer texts."""

_PRIMES = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT: Final = np.uint64(32)
_CUT_OFF = re.compile(r"(?:…|\.\.\.)[\s\"'”’)\]]*+(?:(?:https?://|www\.)\S++\s*+)*+\Z")
# Words that turn a statement round, in the languages that are read most.
_REVERSING = frozenset(
    {
        *("no", "not", "never", "none", "without", "cannot", "isn", "aren", "wasn", "weren"),
        *("doesn", "didn", "wouldn", "couldn", "nicht", "kein", "keine", "nie", "ohne", "non"),
        *("pas", "jamais", "sans", "nunca", "sin", "não", "nao", "sem", "mai", "senza"),
    }
)


class Signature(NamedTuple):
    """A text as it is compared.

    ``words`` are 32-bit numbers in the text's order, odd where the word is a fact (a number or a
    negation). ``is_cut_off`` says that the text ends in an ellipsis.
    """

    words: tuple[int, ...]
    is_cut_off: bool


def sign(text: str) -> Signature:
    """Return the signature of ``text``: without links, handles and a leading "RT @name:"."""
    read = text[:_CHARACTERS]
    if read.isascii():
        written = normalise_story(read).split()
    else:
        # Scripts without spaces come as pairs of signs.
        written = [token.folded for token in tokenise(without_addresses(read))]
    is_cut_off = len(text) <= _CHARACTERS and _CUT_OFF.search(text, max(len(text) - 400, 0))
    if is_cut_off:
        del written[-1:]  # half a word, as like as not
    return Signature(tuple(map(_number, written[:LONGEST])), is_cut_off is not None)


def fingerprints(words: tuple[int, ...]) -> NDArray[np.uint64]:
    """Return the distinct fingerprints (64 bits each) of a row of words; none below three."""
    if len(words) < len(_PRIMES):
        return np.empty(0, np.uint64)
    row = np.array(words, np.uint64)
    hashes = row[:-2] * _PRIMES[0] + row[1:-1] * _PRIMES[1] + row[2:] * _PRIMES[2]
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX
    if len(words) > _SHORT:
        pairs = np.minimum(hashes[:-1], hashes[1:])
        hashes = np.minimum(pairs[:-2], pairs[2:])
    return np.unique(hashes)


@lru_cache(maxsize=1 << 16)
def _number(word: str) -> int:
    """Return a word as 32 bits, the lowest of which says that it is a fact."""
    word = word.lstrip("#$")
    # "3rd" and "40kg" are numbers, "herald24" is a name.
    is_fact = word in _REVERSING or word[:1].isdigit()
    return (zlib.crc32(word.encode("utf-8", "replace")) & ~1) | is_fact
