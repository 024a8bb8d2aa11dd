"""Measure how often chance alone makes a term rise among trends: the false-discovery rate.

Families of terms in which nothing bursts are ranked as the page Trends ranks them. All that rises
there is false, so the false-discovery rate is the share of families in which anything rises; it is
held at 5 %. The last kind is no null case in the strict sense: terms have lively spells of some
hours, as real ones do, and a trend is what tells a spell. The ratio is that of the rate to 5 %.

    python -m bench.discoveries [--families 1000] [--terms 40] [--seed 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import numpy as np

from insights.distributions import FloatArray, IntArray
from insights.trends import Direction, TermCounts, rank_trends

RECENT, HISTORY = 6, 14 * 24
"""Hours that are now, and hours of history: two weeks."""

HELD = 0.05
VARIATION = 0.3
"""Relative variance of a term's rate from hour to hour."""

KEPT = 0.5
"""Correlation of the rate of one hour with the next, where spells last."""

Maker = Callable[[np.random.Generator, FloatArray, int], IntArray]


def poisson(rng: np.random.Generator, rates: FloatArray, hours: int) -> IntArray:
    """Each term at a rate of its own that never changes."""
    return rng.poisson(np.repeat(rates[:, None], hours, axis=1))


def overdispersed(rng: np.random.Generator, rates: FloatArray, hours: int) -> IntArray:
    """Each hour of each term has a rate of its own."""
    varied = rng.gamma(1 / VARIATION, VARIATION, (rates.size, hours))
    return rng.poisson(rates[:, None] * varied)


def together(rng: np.random.Generator, rates: FloatArray, hours: int) -> IntArray:
    """All terms are lively in the same hours, by a rhythm of the day and by chance."""
    rhythm = 1 + 0.6 * np.sin(np.arange(hours) / 24 * 2 * np.pi)
    return rng.poisson(rates[:, None] * rhythm * rng.gamma(1 / VARIATION, VARIATION, hours))


def spells(rng: np.random.Generator, rates: FloatArray, hours: int) -> IntArray:
    """A lively hour of a term is likely to be followed by another."""
    state = rng.normal(size=(rates.size, hours))
    for hour in range(1, hours):
        state[:, hour] = KEPT * state[:, hour - 1] + np.sqrt(1 - KEPT**2) * state[:, hour]
    width = np.sqrt(np.log1p(VARIATION))
    return np.asarray(rng.poisson(rates[:, None] * np.exp(width * state - width**2 / 2)))


MAKERS: Mapping[str, Maker] = {
    "independent": poisson,
    "overdispersed": overdispersed,
    "lively together": together,
    "lively spells": spells,
}


def count_rising(counts: IntArray, recent: int = RECENT) -> int:
    """Return how many terms rise, relative to all mentions of the same time."""
    terms = [TermCounts("hashtag", str(at), row.tolist()) for at, row in enumerate(counts)]
    ranked = rank_trends(terms, recent, totals=counts.sum(axis=0).tolist())
    return sum(trend.direction is Direction.RISING for trend in ranked)


def measure(maker: Maker, families: int, terms: int, seed: int) -> tuple[float, float]:
    """Return the false-discovery rate over ``families``, and its standard error."""
    wrong = 0
    for family in range(families):
        rng = np.random.default_rng([seed, family])
        rates = rng.gamma(0.6, 3, terms)
        wrong += count_rising(maker(rng, rates, HISTORY + RECENT)) > 0
    rate = wrong / families
    return rate, float(np.sqrt(rate * (1 - rate) / families))


def main() -> None:
    """Print the rate for each kind of terms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=1000)
    parser.add_argument("--terms", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for name, maker in MAKERS.items():
        rate, error = measure(maker, asked.families, asked.terms, asked.seed)
        print(f"{name:16} {rate:6.1%} +- {error:.1%}   ratio {rate / HELD:.2f}")


if __name__ == "__main__":
    main()
