"""What the tagger of names sees of each token: words, shapes, a lexicon, and spaCy's opinion.

A feature is a number: the CRC-32 of its description. So nothing but numbers need to be stored, and
training and use cannot describe a token differently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

FEATURES_VERSION: Final = 1

_START, _END = "^", "$"
_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"(.)\1+")
_SENTENCE_ENDS: Final = frozenset('.!?:"“”')
_SHOUTING: Final = 0.6
"""Share of capitalised words from which capitals tell nothing: a headline, or a shout."""


@dataclass(frozen=True, slots=True)
class WordView:
    """A word as its neighbours see it, and the features that it brings alone at each distance."""

    norm: str
    shape: str
    lexical: str
    own: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


class Lexicon:
    """What is known of single words in lower case: marks such as ``c50=3`` or ``F``.

    Marks in capitals (lists of names) are joined with whether the word is capitalised.
    """

    def __init__(self, marks: Mapping[str, tuple[str, ...]]) -> None:
        self._marks = marks
        self.view = lru_cache(maxsize=50_000)(self._view)

    def _view(self, word: str) -> WordView:
        lower = word.lower()
        case = "U" if word[0].isupper() else "l"
        marks = self._marks.get(lower, ("?",))
        known = [f"{mark}{case}" if mark[0].isupper() else mark for mark in marks]
        norm, shape = _norm(lower), _shape(word)
        own = ["bias", f"w={norm}", f"s={shape}"]
        own += [f"p={lower[:size]}" for size in (2, 3, 4) if len(lower) > size]
        own += [f"x={lower[-size:]}" for size in (2, 3, 4) if len(lower) > size]
        own += [f"m={mark}" for mark in known]
        lexical = next((mark for mark in marks if mark.startswith("u")), "u?")
        return WordView(
            norm,
            shape,
            lexical + case,
            tuple(_number(name) for name in own),
            tuple(_number(f"-1 {name}") for name in (f"w={norm}", *(f"m={m}" for m in known))),
            tuple(_number(f"+1 {name}") for name in (f"w={norm}", *(f"m={m}" for m in known))),
        )


def describe(words: Sequence[str], tags: Sequence[str], lexicon: Lexicon) -> list[list[int]]:
    """Return the features of each of ``words``, to whom spaCy gave ``tags`` (``O``, ``B-ORG``)."""
    case = _case_of(words)
    views = [_EDGES[0], *(lexicon.view(word) for word in words), _EDGES[1]]
    marked = ["^", *tags, "$"]
    out = []
    begins = True
    for place, word in enumerate(words, start=1):
        earlier, own, later = views[place - 1 : place + 2]
        far_before = views[max(place - 2, 0)].norm
        far_after = views[min(place + 2, len(views) - 1)].norm
        short, tag = own.shape[:3], marked[place]
        pairs = (
            f"-2={far_before}",
            f"+2={far_after}",
            f"-1,0={earlier.norm}|{own.norm}",
            f"0,+1={own.norm}|{later.norm}",
            f"s-1,0={earlier.shape}|{own.shape}",
            f"s0,+1={own.shape}|{later.shape}",
            f"s3={earlier.shape}|{own.shape}|{later.shape}",
            f"-1,s={earlier.norm}|{short}",
            f"+1,s={later.norm}|{short}",
            f"case={case}{short}{begins}",
            f"usual={own.lexical}{case}{begins}",
            f"t={tag}",
            f"t-1={marked[place - 1]}",
            f"t+1={marked[place + 1]}",
            f"t,case={tag}{case}",
            f"t,s={tag}{short}",
            f"t2={tag}{marked[place + 1]}",
        )
        features = [*own.own, *earlier.before, *later.after]
        features += [crc32(pair.encode("utf-8", "replace")) for pair in pairs]
        out.append(features)
        begins = word in _SENTENCE_ENDS or (begins and not word[0].isalnum())
    return out


def _case_of(words: Sequence[str]) -> str:
    """Return how a text writes capitals: U shouts, T as in a title, l not at all, m as usual."""
    letters = [word for word in words if word.isalpha()]
    if not letters:
        return "m"
    if sum(word.isupper() for word in letters) > _SHOUTING * len(letters):
        return "U"
    capitalised = sum(word[0].isupper() for word in letters)
    if capitalised > _SHOUTING * len(letters):
        return "T"
    return "m" if capitalised else "l"


def _norm(lower: str) -> str:
    if lower.startswith(("http", "www.")):
        return "<url>"
    if lower[0] == "@" and len(lower) > 1:
        return "<@>"
    return _DIGIT.sub("0", lower)


def _shape(word: str) -> str:
    marks = "".join(_mark(char) for char in word[:24])
    return _RUN.sub(r"\1+", marks)[:12]


def _mark(char: str) -> str:
    if char.isupper():
        return "X"
    if char.islower():
        return "x"
    if char.isdigit():
        return "d"
    return char if char.isascii() else "¤"


def _number(name: str) -> int:
    return crc32(name.encode("utf-8", "replace"))


_EDGES: Final = tuple(
    WordView(sign, sign, sign, (), (_number(f"-1 w={sign}"),), (_number(f"+1 w={sign}"),))
    for sign in (_START, _END)
)
