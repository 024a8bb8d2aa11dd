"""What is worth sharing: a ranking whose every factor is shown.

score = relevance x freshness x traction x quality x safety, each in 0..1 (safety 0 or 1):
- relevance: handed in (how well the item matches the topic).
- freshness: 0.5^(age / half-life).
- traction: engagement relative to what its source's items usually get, by rank: the share of the
  source's known items that it beats, drawn to 1/2 where few are known; 1/2 if unknown.
- quality: the source's, handed in, 1/2 if unknown.
- safety: negative items and those marked unsafe are left out.
Then maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998) picks one after the other:
argmax of lambda x score - (1 - lambda) x the largest similarity to what was picked, similarity
being the Jaccard index of the tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UNKNOWN = 0.5
# A source of which fewer items are known is not yet trusted to say what it usually gets.
PRIOR_ITEMS = 4.0
# News is old after a day, and a day later older still.
HALF_LIFE = timedelta(hours=24)
DIVERSITY = 0.3
# More alike than this is the same story again.
SAME_STORY = 0.6
# Diversity is worked out among the best only, so that a large pool stays cheap.
POOL_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One item that might be shared.

    ``relevance`` and ``source_quality`` lie in 0..1; ``engagement`` is None where unknown;
    ``sentiment`` is "negative", "neutral", "positive" or None; ``is_safe`` says whether it is fit
    for the brand.
    """

    id: str
    tokens: frozenset[str]
    published_at: datetime
    source: str
    relevance: float
    engagement: int | None = None
    source_quality: float | None = None
    sentiment: str | None = None
    is_safe: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for a factor out of 0..1 or a naive time."""
        quality = UNKNOWN if self.source_quality is None else self.source_quality
        if not (0 <= self.relevance <= 1 and 0 <= quality <= 1):
            raise ValueError(f"relevance and source_quality of {self.id} lie between 0 and 1")
        if self.published_at.tzinfo is None:
            raise ValueError(f"published_at of {self.id} has no time zone")


@dataclass(frozen=True, slots=True)
class Curated:
    """A picked item and why: its factors (each 0..1), their product, and what it resembles most.

    ``similarity`` is that to the most alike item picked before.
    """

    item: Item
    score: float
    relevance: float
    freshness: float
    traction: float
    quality: float
    similarity: float


def rank_worth_sharing(
    items: Sequence[Item],
    now: datetime,
    number: int = 10,
    *,
    source_engagement: Mapping[str, Sequence[int]] | None = None,
    half_life: timedelta = HALF_LIFE,
    diversity: float = DIVERSITY,
) -> list[Curated]:
    """Return up to ``number`` items worth sharing, best first, without repeats of a story.

    ``source_engagement`` has what past items of a source got; without it, the items handed in are
    their own norm. ``diversity`` 0 ranks by score alone, 1 by difference alone.
    Raises ValueError if it lies outside or the half-life is not positive.
    """
    if not 0 <= diversity <= 1 or half_life <= timedelta(0):
        raise ValueError("diversity lies between 0 and 1, and half_life above 0")
    norms = _norms(items) if source_engagement is None else source_engagement
    scored = [
        _score(item, now, norms.get(item.source, ()), half_life)
        for item in items
        if item.is_safe and item.sentiment != "negative"
    ]
    pool = sorted(scored, key=lambda c: (-c.score, c.item.published_at, c.item.id))
    return _diversify(pool[: number * POOL_FACTOR], number, diversity)


def _norms(items: Sequence[Item]) -> dict[str, list[int]]:
    """Return the engagements known of each source."""
    norms: dict[str, list[int]] = {}
    for item in items:
        if item.engagement is not None:
            norms.setdefault(item.source, []).append(item.engagement)
    return norms


def _score(item: Item, now: datetime, norm: Sequence[int], half_life: timedelta) -> Curated:
    """Return the item with its factors."""
    age = max(now - item.published_at, timedelta(0))
    freshness = 0.5 ** (age / half_life)
    traction = _traction(item.engagement, norm)
    quality = UNKNOWN if item.source_quality is None else item.source_quality
    score = item.relevance * freshness * traction * quality
    return Curated(item, score, item.relevance, freshness, traction, quality, 0.0)


def _traction(engagement: int | None, norm: Sequence[int]) -> float:
    """Return the share of the source's items that this one beats, ties half, drawn to 1/2."""
    if engagement is None:
        return UNKNOWN
    beaten = sum(1.0 if other < engagement else 0.5 for other in norm if other <= engagement)
    return (beaten + UNKNOWN * PRIOR_ITEMS) / (len(norm) + PRIOR_ITEMS)


def _similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard index; two items without tokens resemble nothing."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def _diversify(pool: list[Curated], number: int, diversity: float) -> list[Curated]:
    """Pick by maximal marginal relevance."""
    best = pool[0].score if pool and pool[0].score > 0 else 1.0
    likeness = [0.0] * len(pool)
    left = set(range(len(pool)))
    picked: list[Curated] = []
    while left and len(picked) < number:
        values = {i: (1 - diversity) * pool[i].score / best - diversity * likeness[i] for i in left}
        chosen = min(left, key=lambda i: (-values[i], i))
        left.remove(chosen)
        if likeness[chosen] >= SAME_STORY:
            continue
        candidate = pool[chosen]
        picked.append(
            Curated(
                candidate.item,
                candidate.score,
                candidate.relevance,
                candidate.freshness,
                candidate.traction,
                candidate.quality,
                likeness[chosen],
            )
        )
        for i in left:
            alike = _similarity(pool[i].item.tokens, candidate.item.tokens)
            likeness[i] = max(likeness[i], alike)
    return picked
