"""Hashed word and character n-grams, computed for a whole batch of texts at once.

Every n-gram is a span of one long array of code points, and the hash of a span comes from a
prefix sum of ``c[i] * B**i`` modulo 2**64 (a polynomial hash with an odd, hence invertible,
base): two table look-ups and one product a span, in numpy, whatever its length. Training and
use share this module, so that a model never meets features it was not trained on.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

FEATURES_VERSION: Final = 1
"""Part of a model's configuration: a model that was trained on other features is refused."""

TEXT_CHARACTERS: Final = 4_000
"""Longer texts are cut: an article's tone is in its beginning, and the time stays bounded."""

CHUNK_CHARACTERS: Final = 200_000
"""Characters hashed at once: large enough for numpy to pay, small enough for the cache."""

NEGATION_SCOPE: Final = 4
"""Tokens after a negation that count as negated, unless a punctuation mark ends it earlier."""

_WORD_LENGTHS: Final = (1, 2)
_CHARACTER_LENGTHS: Final = (2, 3, 4, 5)
_MASK: Final = (1 << 64) - 1
_BASE: Final = 0x9E3779B97F4A7C15
_BASE_INVERSE: Final = pow(_BASE, -1, 1 << 64)
_MIX: Final = 0xD6E8FEB86659FD93
_SPACE: Final = ord(" ")
_HASH_SIGN: Final = ord("#")
# Two kinds of feature over the same characters must not share a hash.
_WORDS, _NEGATED, _CHARACTERS = 1, 2, 3

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CAPITALS = re.compile(r"(?<!\w)[^\W\d_a-z]{3,}(?!\w)")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_TOKEN = re.compile(
    r"""
    [<>]?[:;=x][-o^']?[)\](\[dpDP/\\|*3]+(?!\w)    # emoticons: :-) ;P =(
    | <3+ | \^_*\^ | -_+-                           # hearts and faces
    | \#\w+                                         # hashtags
    | [^\W\d_]+(?:'[^\W\d_]+)*                      # words with their apostrophes
    | [!?.]{2,}                                     # runs of final marks
    | [^\s\w]                                       # any other sign, an emoji too
    | \w                                            # digits, all of them 0 by now
    """,
    re.VERBOSE,
)
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_URL_MARK, _HANDLE_MARK = "\ue000", "\ue001"
_CAPITALS_MARK, _ELONGATED_MARK = "\ue002", "\ue003"
_SCOPE_ENDS: Final = frozenset(".,;:!?")
_NEGATIONS: Final = frozenset(
    re.findall(
        r"\S+",
        "ain't aint aren't arent barely can't cannot cant couldn't couldnt didn't didnt "
        "doesn't doesnt don't dont hadn't hadnt hardly hasn't hasnt haven't havent isn't isnt "
        "neither never no nobody none nor not nothing shouldn't shouldnt wasn't wasnt weren't "
        "werent without won't wont wouldn't wouldnt",
    )
)


@dataclass(frozen=True, slots=True)
class Grams:
    """Hashed n-grams of a batch: entry i says that text ``rows[i]`` holds the hash ``keys[i]``."""

    rows: I64
    keys: U64

    def bucketed(self, bits: int) -> tuple[I64, I64]:
        """Return the distinct (row, bucket) pairs in order, buckets in 0..2**bits."""
        pairs = (self.rows.astype(np.uint64) << np.uint64(bits)) | (
            self.keys >> np.uint64(64 - bits)
        )
        pairs.sort()  # np.unique hashes since NumPy 2.3: many times slower than sorting here
        pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])] if len(pairs) else pairs
        rows = (pairs >> np.uint64(bits)).astype(np.int64)
        return rows, (pairs & np.uint64((1 << bits) - 1)).astype(np.int64)


@dataclass(slots=True)
class _Tokenised:
    """Texts as spaced tokens, which of them stand in a negation's scope, and their marks."""

    texts: list[str] = field(default_factory=list)
    negated: list[bool] = field(default_factory=list)


def undo_export(text: str) -> str:
    """Return a text without what exports put into it: escapes, entities, quotes around it all."""
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace('\\""', '"')
    if "&" in text:
        text = html.unescape(text)
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text


def clean(text: str) -> str:
    """Undo what exports did to a text, and replace addresses and handles by marks."""
    text = undo_export(text[:TEXT_CHARACTERS])
    if not text.isascii():
        text = text.translate(_QUOTES)
    if "@" in text:
        text = _HANDLE.sub(f" {_HANDLE_MARK} ", text)
    return _URL.sub(f" {_URL_MARK} ", text)


def tokenise(text: str) -> tuple[list[str], list[bool]]:
    """Return the lower-cased tokens of a cleaned text, and which of them are negated.

    Digits become 0, letters repeated more than twice are cut to two. Marks for words in capitals
    and for such elongations stand at the end.
    """
    marks = [_CAPITALS_MARK] if _CAPITALS.search(text) else []
    text = _NUMBER.sub("0", text.lower())
    text, elongations = _ELONGATED.subn(r"\1\1", text)
    if elongations:
        marks.append(_ELONGATED_MARK)
    tokens = _TOKEN.findall(text)
    negated = []
    scope = 0
    for word in tokens:
        if word[0] in _SCOPE_ENDS or word == "but":
            scope = 0
        negated.append(scope > 0)
        if word in _NEGATIONS:
            scope = NEGATION_SCOPE
        elif scope:
            scope -= 1
    return tokens + marks, negated + [False] * len(marks)


def chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut a batch into lists of about ``CHUNK_CHARACTERS`` characters, in order."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += min(len(text), TEXT_CHARACTERS) + 2
        if size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def extract(texts: Sequence[str]) -> tuple[Grams, Grams]:
    """Return the word n-grams and the character n-grams of ``texts``, hashed, with repetitions.

    Words: one and two tokens, negated tokens, and hashtags once more without their sign.
    Characters: two to five within a token, with the space before and after it.
    """
    batch = _Tokenised()
    for text in texts:
        tokens, negated = tokenise(clean(text))
        batch.texts.append(f" {' '.join(tokens)} " if tokens else " ")
        batch.negated += negated
    spans = _Spans(batch.texts)
    return _word_grams(spans, np.array(batch.negated, dtype=bool)), _character_grams(spans)


class _Spans:
    """The code points of a batch in one array, with what hashes any span of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
        points = np.frombuffer(encoded, dtype=np.uint32)
        lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
        self.points = points
        self.size = len(points)
        self.rows: I64 = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
        self.is_space = points == _SPACE
        powers, self._inverses = _powers(1 << max(self.size, 1).bit_length())
        self._sums: U64 = np.zeros(self.size + 1, dtype=np.uint64)
        np.cumsum((points + np.uint64(1)) * powers[: self.size], out=self._sums[1:])

    def hashes(self, starts: I64, ends: I64, kind: int) -> U64:
        """Return one 64-bit hash for each span [start, end), independent of where it stands."""
        value = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        value += np.uint64(kind * _MIX & _MASK)
        for _ in range(2):
            value ^= value >> np.uint64(32)
            value *= np.uint64(_MIX)
        value ^= value >> np.uint64(32)
        return value


@lru_cache(maxsize=8)
def _powers(count: int) -> tuple[U64, U64]:
    """Return B**i and B**-i modulo 2**64 for i in 0..count."""
    tables = []
    for base in (_BASE, _BASE_INVERSE):
        table = np.full(count + 1, base, dtype=np.uint64)
        table[0] = 1
        tables.append(np.multiply.accumulate(table))
    return tables[0], tables[1]


def _word_grams(spans: _Spans, negated: npt.NDArray[np.bool_]) -> Grams:
    is_space = spans.is_space
    starts = np.flatnonzero(is_space[:-1] & ~is_space[1:]) + 1
    ends = np.flatnonzero(~is_space[:-1] & is_space[1:]) + 1
    owners = spans.rows[starts]
    rows, keys = [], []
    for length in _WORD_LENGTHS:
        first, last = slice(0, max(len(starts) - length + 1, 0)), slice(length - 1, None)
        whole = owners[first] == owners[last]
        rows.append(owners[first][whole])
        keys.append(spans.hashes(starts[first][whole], ends[last][whole], _WORDS))
    rows.append(owners[negated])
    keys.append(spans.hashes(starts[negated], ends[negated], _NEGATED))
    tagged = (spans.points[starts] == _HASH_SIGN) & (ends - starts > 1)
    rows.append(owners[tagged])
    keys.append(spans.hashes(starts[tagged] + 1, ends[tagged], _WORDS))
    return Grams(np.concatenate(rows), np.concatenate(keys))


def _character_grams(spans: _Spans) -> Grams:
    before = np.concatenate([[0], np.cumsum(spans.is_space)])
    rows, keys = [], []
    for length in _CHARACTER_LENGTHS:
        count = max(spans.size - length + 1, 0)
        # No space strictly inside is within one token; two spaces may still be of two texts.
        inside = before[length - 1 : length - 1 + count] == before[1 : 1 + count]
        inside &= spans.rows[:count] == spans.rows[length - 1 : length - 1 + count]
        starts = np.flatnonzero(inside)
        rows.append(spans.rows[starts])
        keys.append(spans.hashes(starts, starts + length, _CHARACTERS))
    return Grams(np.concatenate(rows), np.concatenate(keys))
