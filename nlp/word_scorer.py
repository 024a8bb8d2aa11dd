"""A second opinion on the language of short texts: the letters within their words.

A linear model over hashed n-grams within each word (``nlp/models/language``). Words are scored one
by one, so that those seen before cost nothing; a text's score is the sum over its words, divided by
the root of their number. It tells apart the languages that it was trained for alone, and knows
romanised Hindi, which general detectors take for English.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from nlp.model_folder import read_model

FORMAT: Final = "groundswell-language"
FEATURES_VERSION: Final = 1
MODEL: Final = Path(__file__).parent / "models" / "language"
ARRAYS: Final = ("weights", "scale", "bias")

BITS: Final = 15
LENGTHS: Final = (1, 2, 3, 4, 5)
WORDS: Final = 400
"""Words read of a text: more say the same."""

WORD_CHARACTERS: Final = 30

F32 = npt.NDArray[np.float32]


class WordScorer:
    """Scores words and texts by language; ``languages`` is the order of the scores."""

    def __init__(self, weights: F32, bias: F32, languages: Sequence[str], name: str) -> None:
        """Make a scorer of ``weights``, (2**BITS, languages), and ``bias``, (languages,)."""
        self.languages = tuple(languages)
        self.name = name
        self._weights = weights
        self._bias = bias
        self._score = lru_cache(maxsize=50_000)(self._score_word)

    @classmethod
    def load(cls, folder: Path = MODEL) -> WordScorer:
        """Read a model folder; raises ModelError when a file is missing, damaged or unfit."""
        config, arrays = read_model(folder, FORMAT, FEATURES_VERSION, ARRAYS)
        shape = (1 << BITS, len(config.labels))
        if arrays["weights"].shape != shape or arrays["bias"].shape != shape[1:]:
            raise ModelError(f"{folder}: weights: expected shape {shape}")
        weights = arrays["weights"].astype(np.float32) * np.float32(arrays["scale"])
        return cls(weights, arrays["bias"].astype(np.float32), config.labels, config.full_name)

    def probabilities(self, words: Sequence[str]) -> F32:
        """Return how probable each language is for ``words`` (lower case), (languages,)."""
        words = words[:WORDS]
        total = self._bias.copy()
        if words:
            total += np.sum([self._score(word) for word in words], axis=0) / np.sqrt(len(words))
        exponentials = np.exp(total - total.max())
        result: F32 = exponentials / exponentials.sum()
        return result

    def _score_word(self, word: str) -> F32:
        buckets = word_buckets(word)
        score: F32 = self._weights[buckets].sum(axis=0) / np.sqrt(len(buckets))
        return score


def word_buckets(word: str) -> list[int]:
    """Return the distinct buckets of a word: its n-grams, its beginning and end marked."""
    marked = f"^{word[:WORD_CHARACTERS]}$"
    grams = {marked} | {
        marked[at : at + size] for size in LENGTHS for at in range(len(marked) - size + 1)
    }
    mask = (1 << BITS) - 1
    return sorted({crc32(gram.encode("utf-8", "replace")) & mask for gram in grams})


@cache
def load_scorer() -> WordScorer:
    """Return the bundled scorer; raises ModelError."""
    return WordScorer.load()
