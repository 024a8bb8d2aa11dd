"""Themes that nobody named: mentions that mean alike share an id, as they arrive, bounded.

A leader clustering (Hartigan 1975): a mention joins the theme whose centre it is most like, or
begins a theme of its own, whose id it keeps for ever. What a topic's mentions have in common (the
brand, the trade) is taken off first, as the running mean of their vectors: what is left says what
this mention is about. Three rules keep themes tidy:

* a theme that grows to be like an older one joins it: the older id goes on, the younger ends;
* a theme that has grown too wide ends, and what comes later forms narrower ones;
* what nobody spoke of for the memory's length is forgotten, earlier where room is needed.

Ids are never used twice, and mentions keep the one that they were given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from core.mention import Mention
from core.window import EPOCH
from nlp.analyser import analysed_text
from nlp.vectors import F32, SentenceVectors, normalised

CAPACITY: Final = 4_000
"""Themes remembered, most of them of one mention: some 4 MB, a tenth of a millisecond a look."""

MEMORY: Final = timedelta(days=14)
"""A theme that nobody spoke of for so long is over, as a story is."""

JOIN: Final = 0.5
"""Cosine to a theme's centre from which a mention belongs to it."""

MERGE: Final = 0.8
"""Cosine between two centres from which they are one theme."""

WIDE: Final = 0.45
"""Mean cosine of a theme's mentions to its centre below which it holds several things."""

WIDE_FROM: Final = 50
"""Mentions from which that is judged: of few, the mean says little."""

WEIGHT: Final = 300
"""Mentions that a centre remembers: older ones fade, so that it follows what is said now."""

TOPIC_WEIGHT: Final = 20_000
TOPIC_PRIOR: Final = 100
"""Mentions after which a topic's mean counts half: the mean of a few would be themselves."""

FEWEST_PHRASES: Final = 2
"""A text with fewer key phrases says too little to be about something."""

SETTLED: Final = 3
"""Mentions from which a theme is worth its place more than one said once."""

_CHUNK: Final = 1_000
_DIGEST_BYTES: Final = 6


@dataclass(slots=True)
class _Means:
    """The running mean of the vectors of each topic's mentions."""

    dimensions: int
    sums: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, topics: Sequence[str], row: F32) -> None:
        """Count one mention in."""
        for topic in topics:
            held = self.sums.setdefault(topic, np.zeros(self.dimensions))
            if self.counts.get(topic, 0) >= TOPIC_WEIGHT:
                held *= 1 - 1 / TOPIC_WEIGHT
            else:
                self.counts[topic] = self.counts.get(topic, 0) + 1
            held += row

    def of(self, topics: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return what mentions of these topics have in common."""
        means = [
            self.sums[topic] / (self.counts[topic] + TOPIC_PRIOR)
            for topic in topics
            if topic in self.sums
        ]
        return np.mean(means, axis=0) if means else np.zeros(self.dimensions)


@dataclass(slots=True)
class _Recalled:
    """What stored mentions of one theme add up to: vectors, and how often which topics."""

    total: npt.NDArray[np.float64]
    count: int = 0
    last: int = 0
    first: int = 0
    topics: dict[tuple[str, ...], int] = field(default_factory=dict)


class ThemeDiscoverer:
    """Gives mentions the ids of discovered themes. Not safe for threads: one enricher feeds it.

    What it says depends on the mentions given before, in their order. Only texts that the sentence
    vectors were made for get a theme, and of those only texts with a few key phrases.
    """

    def __init__(
        self, vectors: SentenceVectors, *, capacity: int = CAPACITY, memory: timedelta = MEMORY
    ) -> None:
        """Remember ``capacity`` themes that were spoken of within ``memory``."""
        if capacity < 2:
            raise ValueError(f"capacity: {capacity} is too small; use 2 or more")
        self._vectors = vectors
        self._memory = int(memory.total_seconds())
        self._means = _Means(vectors.dimensions)
        self._centres: F32 = np.zeros((capacity, vectors.dimensions), np.float32)
        self._sums: F32 = np.zeros((capacity, vectors.dimensions), np.float32)
        self._weights = np.zeros(capacity)
        self._counts = np.zeros(capacity, np.int64)
        self._last = np.zeros(capacity, np.int64)
        self._born = np.zeros(capacity, np.int64)
        self._ids: list[str] = []
        self._births = 0
        self._recalled: dict[str, _Recalled] = {}

    @property
    def held_themes(self) -> int:
        """How many themes are remembered."""
        return len(self._ids)

    def remember(self, mentions: Iterable[Mention]) -> None:
        """Take in stored mentions with the themes they were given, in any order.

        Of more themes than can be kept those of most mentions are.
        """
        batch: list[Mention] = []
        for mention in mentions:
            if mention.enrichment is not None and mention.enrichment.discovered_theme is not None:
                batch.append(mention)
            if len(batch) == _CHUNK:
                self._recall(batch)
                batch = []
        self._recall(batch)

    def assign(
        self, mentions: Sequence[Mention], stored: Mapping[str, Mention] | None = None
    ) -> list[str | None]:
        """Return the theme of each enriched mention, in order; None where it has none.

        A mention whose same text is enriched in ``stored`` keeps the theme it has there.
        """
        self._settle()
        stored = stored or {}
        found: list[str | None] = [None] * len(mentions)
        fresh: list[int] = []
        for place, mention in enumerate(mentions):
            held = stored.get(mention.id)
            if held is not None and held.enrichment is not None and _is_same_text(mention, held):
                found[place] = held.enrichment.discovered_theme
                if found[place] is not None:
                    continue
            if self._is_readable(mention):
                fresh.append(place)
        rows = self._vectors.vectors([analysed_text(mentions[place]) for place in fresh])
        for place, row in zip(fresh, rows, strict=True):
            if row.any():
                found[place] = self._assign(mentions[place], row)
        return found

    def _is_readable(self, mention: Mention) -> bool:
        made = mention.enrichment
        return (
            made is not None
            and self._vectors.name in made.models
            and len(made.phrases) >= FEWEST_PHRASES
        )

    def _assign(self, mention: Mention, row: F32) -> str:
        topics = mention.matched_topics or ("",)
        own = normalised((row - self._means.of(topics)).astype(np.float32)[None])[0]
        self._means.add(topics, row)
        at = int((mention.published_at - EPOCH).total_seconds())
        alike = self._centres[: len(self._ids)] @ own
        # Rounded, so that one processor's last digit decides nothing.
        place = int(np.argmax(alike)) if len(alike) else -1
        if place < 0 or round(float(alike[place]), 4) < JOIN:
            return self._begin(mention, own, at)
        name = self._ids[place]
        self._join(place, own, at)
        return name

    def _join(self, place: int, own: F32, at: int) -> None:
        if self._weights[place] >= WEIGHT:
            self._sums[place] *= 1 - 1 / WEIGHT
        else:
            self._weights[place] += 1
        self._sums[place] += own
        self._counts[place] += 1
        self._last[place] = max(int(self._last[place]), at)
        length = float(np.linalg.norm(self._sums[place]))
        self._centres[place] = self._sums[place] / max(length, 1e-9)
        if self._counts[place] >= WIDE_FROM and length < WIDE * self._weights[place]:
            self._drop(np.array([place]))
        elif self._counts[place].bit_count() == 1 and self._counts[place] >= SETTLED:
            # Looked at when a theme has doubled: often enough, and seldom.
            self._merge(place)

    def _merge(self, place: int) -> None:
        """Join a theme with an older or younger one that has come to mean the same."""
        alike = self._centres[: len(self._ids)] @ self._centres[place]
        alike[place] = -1
        alike[self._counts[: len(self._ids)] < SETTLED] = -1
        other = int(np.argmax(alike))
        if alike[other] < MERGE:
            return
        older, younger = sorted((place, other), key=lambda p: int(self._born[p]))
        weight = float(self._weights[older] + self._weights[younger])
        self._weights[older] = min(weight, WEIGHT)
        self._sums[older] += self._sums[younger]
        self._sums[older] *= float(self._weights[older]) / weight
        self._centres[older] = normalised(self._sums[older][None])[0]
        self._counts[older] += self._counts[younger]
        self._last[older] = max(self._last[older], self._last[younger])
        self._drop(np.array([younger]))

    def _begin(self, mention: Mention, own: F32, at: int) -> str:
        name = theme_id(mention.id)
        if name in self._ids:
            # It was enriched before, and its theme has gone on without it.
            return name
        self._add(name, own, at)
        return name

    def _add(self, name: str, total: F32, last: int, weight: float = 1, count: int = 1) -> None:
        if len(self._ids) == len(self._centres):
            self._make_room(last)
        place = len(self._ids)
        self._ids.append(name)
        self._sums[place] = total
        self._centres[place] = normalised(total[None])[0]
        self._weights[place], self._counts[place] = weight, count
        self._last[place] = last
        self._births += 1
        self._born[place] = self._births

    def _make_room(self, now: int) -> None:
        """Forget what is over, else a tenth: first what was said once, longest ago."""
        number = len(self._ids)
        over = np.flatnonzero(self._last[:number] < now - self._memory)
        if not len(over):
            settled = np.minimum(self._counts[:number], SETTLED)
            order = np.lexsort((self._born[:number], self._last[:number], settled))
            over = order[: max(number // 10, 1)]
        self._drop(over)

    def _drop(self, places: npt.NDArray[np.int64]) -> None:
        """Forget themes; the others move up and keep their order."""
        number = len(self._ids)
        kept = np.setdiff1d(np.arange(number), places)
        for array in (
            self._centres,
            self._sums,
            self._weights,
            self._counts,
            self._last,
            self._born,
        ):
            array[: len(kept)] = array[kept]
        self._ids = [self._ids[place] for place in kept]

    def _recall(self, mentions: Sequence[Mention]) -> None:
        """Add stored mentions up; what they amount to is known when all were seen."""
        rows = self._vectors.vectors([analysed_text(mention) for mention in mentions])
        for mention, row in zip(mentions, rows, strict=True):
            made = mention.enrichment
            name = made.discovered_theme if made else None
            if name is None:
                continue
            topics = mention.matched_topics or ("",)
            self._means.add(topics, row)
            at = int((mention.published_at - EPOCH).total_seconds())
            held = self._recalled.get(name)
            if held is None:
                held = _Recalled(np.zeros(self._vectors.dimensions), last=at, first=at)
                self._recalled[name] = held
            held.total += row
            held.count += 1
            held.first, held.last = min(held.first, at), max(held.last, at)
            held.topics[topics] = held.topics.get(topics, 0) + 1
        if len(self._recalled) > 4 * len(self._centres):
            self._recalled = dict(self._most())

    def _most(self) -> list[tuple[str, _Recalled]]:
        """Return as many recalled themes as can be kept: those of most mentions first."""
        order = sorted(
            self._recalled.items(), key=lambda one: (-one[1].count, -one[1].last, one[0])
        )
        return order[: len(self._centres)]

    def _settle(self) -> None:
        """Make themes of what was recalled, the oldest first."""
        if not self._recalled:
            return
        known = set(self._ids)
        chosen = sorted(self._most(), key=lambda one: (one[1].first, one[0]))
        self._recalled = {}
        for name, held in chosen:
            if name in known:
                continue
            common = sum(
                (number * self._means.of(topics) for topics, number in held.topics.items()),
                np.zeros(self._vectors.dimensions),
            )
            weight = min(held.count, WEIGHT)
            total = ((held.total - common) * (weight / held.count)).astype(np.float32)
            self._add(name, total, held.last, weight, held.count)


def theme_id(mention_id: str) -> str:
    """Return the id of the theme that begins with a mention."""
    digest = hashlib.blake2b(mention_id.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
    return f"d{digest.hexdigest()}"


def _is_same_text(mention: Mention, held: Mention) -> bool:
    return (mention.title, mention.text) == (held.title, held.text)
