"""Themes of a taxonomy: which of the configured themes a mention is about.

Three ways lead to a theme, each enough by itself: its query matches (any language); it is a media
topic and the bundled model finds that likely; the text is like one of its examples. The last two
go by sentence vectors, in the languages that these were made for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from core.mention import Mention
from core.query.parser import parse
from core.query.tagger import Tagger
from core.themes import Theme
from nlp.story import without_addresses
from nlp.vectors import F32, SentenceVectors

F64 = npt.NDArray[np.float64]

ALIKE: Final = 0.5
"""Cosine from which a text is like an example. With ten examples of a class of AG News .4 finds
48 % of it, 69 % of what is found being right; .5 finds 23 %, 83 % right; .55 12 %, 84 % right."""

STEEPNESS: Final = 12.0
"""How fast likeness to an example becomes sure: a cosine of .1 above or below is .77 or .23."""

FEWEST_WORDS: Final = 3
"""A text of fewer words, links and handles left out, is about nothing that it would say."""

_LOOKED_AT: Final = 500
_WORD = re.compile(r"[^\W\d_]{2,}")

MOST: Final = 3
"""Themes that meaning gives a text, the likeliest; a query's come on top."""


class ThemeFinder:
    """Finds the themes of mentions. Threads may share it; it is never changed."""

    def __init__(self, themes: Sequence[Theme], vectors: SentenceVectors | None) -> None:
        """Find ``themes``; without ``vectors`` by their queries alone.

        Raises ModelError for an example of which the vectors know no word.
        """
        self._themes = tuple(themes)
        self._vectors = vectors
        queries = [(theme.name, 1, parse(theme.query)) for theme in themes if theme.query]
        self._tagger = Tagger(queries) if queries else None
        self._order = {theme.name: place for place, theme in enumerate(themes)}
        if vectors is not None:
            self._columns = self._media_topics(vectors)
            self._examples, self._owners = self._embedded(vectors)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all themes, in the configuration's order."""
        return tuple(self._order)

    @cached_property
    def name(self) -> str:
        """A name for this taxonomy that changes with it, as stored beside every result."""
        written = "\n".join(theme.model_dump_json() for theme in self._themes)
        return f"themes@{hashlib.blake2b(written.encode(), digest_size=4).hexdigest()}"

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all that has a part in a result."""
        return (self.name, self._vectors.name) if self._vectors else (self.name,)

    @property
    def languages(self) -> Collection[str]:
        """Codes of the languages whose texts are understood; queries know any."""
        return self._vectors.languages if self._vectors else frozenset()

    def by_meaning(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the themes of each text by its meaning, at most ``MOST``, the likeliest first."""
        found = []
        for row in self.probabilities(texts):
            likely = [int(place) for place in np.argsort(-row, kind="stable")[:MOST]]
            found.append(tuple(self._themes[place].name for place in likely if row[place] >= 0.5))
        return found

    def by_query(self, mention: Mention) -> tuple[str, ...]:
        """Return the themes whose query matches."""
        return tuple(tag.name for tag in self._tagger.tag(mention)) if self._tagger else ()

    def joined(self, *found: Collection[str]) -> tuple[str, ...]:
        """Return the names in any of ``found``, once, in the configuration's order."""
        names = {name for names in found for name in names}
        return tuple(sorted(names, key=self._order.__getitem__))

    def probabilities(self, texts: Sequence[str]) -> F64:
        """Return how likely each text has each theme, shape (texts, themes); from .5 on it has.

        Of a theme's code and examples the likelier counts; a theme with neither has zeros, as has
        a text of fewer than ``FEWEST_WORDS`` words.
        """
        result = np.zeros((len(texts), len(self._themes)))
        if self._vectors is None or not len(texts):
            return result
        rows = self._vectors.vectors(texts)
        is_known = rows.any(axis=1) & np.array([_has_words(text) for text in texts])
        for place, column in self._columns:
            result[:, place] = self._media_topic(rows, column)
        if len(self._owners):
            alike = rows @ self._examples.T
            for place in np.unique(self._owners):
                nearest = alike[:, self._owners == place].max(axis=1)
                likely = _sigmoid(STEEPNESS * (nearest.astype(np.float64) - ALIKE))
                result[:, place] = np.maximum(result[:, place], likely)
        result[~is_known] = 0
        return result

    def _media_topic(self, rows: F32, column: int) -> F64:
        """Return the head's probability, moved so that the theme's own threshold lies at .5."""
        assert self._vectors is not None  # noqa: S101 - there are no columns without
        head = self._vectors
        logits = rows @ head.head_weights[column] + head.head_bias[column]
        threshold = head.config.thresholds[column]
        return _sigmoid(logits.astype(np.float64) - np.log(threshold / (1 - threshold)))

    def _media_topics(self, vectors: SentenceVectors) -> list[tuple[int, int]]:
        """Return (place of the theme, column of the head) of each theme with a code."""
        columns = {code: column for column, code in enumerate(vectors.config.labels)}
        found = []
        for place, theme in enumerate(self._themes):
            if theme.code is not None:
                if theme.code not in columns:
                    raise ModelError(f"{vectors.name} knows no media topic {theme.code}")
                found.append((place, columns[theme.code]))
        return found

    def _embedded(self, vectors: SentenceVectors) -> tuple[F32, npt.NDArray[np.int64]]:
        """Return the vectors of all examples, and whose they are."""
        pairs = [
            (place, example)
            for place, theme in enumerate(self._themes)
            for example in theme.examples
        ]
        rows = vectors.vectors([example for _, example in pairs])
        for (place, example), row in zip(pairs, rows, strict=True):
            if not row.any():
                allowed = ", ".join(sorted(vectors.languages))
                raise ModelError(
                    f"themes.yml: {self._themes[place].name}.examples: {example[:60]!r} holds no "
                    f"word that {vectors.name} knows; write it in {allowed}, or use a query"
                )
        return rows, np.array([place for place, _ in pairs], dtype=np.int64)


def _has_words(text: str) -> bool:
    return len(_WORD.findall(without_addresses(text[:_LOOKED_AT]))) >= FEWEST_WORDS


def _sigmoid(values: F64) -> F64:
    result: F64 = 0.5 * (1 + np.tanh(0.5 * values))
    return result
