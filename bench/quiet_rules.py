"""Count what the rules about competitors and new trends tell by chance, where nothing happens.

Streams as in bench/streams.py, 3 and 30 mentions an hour with a rhythm of day and week and an
hourly rate that itself varies by 22 % or 35 %. **Competitor move**: a competitor among three brands
of its rate each, whose hours vary apart from each other; eight weeks to learn from, four to judge
by the minute. **New trend**: every mention bears hashtags, one and a half on average, of 2,000
whose frequencies fall as 1/rank (Zipf), each varying from hour to hour by 50 %; two weeks to learn
from, four to judge every quarter of an hour, as the rule looks.

Whatever is told is false. The interval of the rate is that of a Poisson count, 95 % (Garwood,
Biometrika 28, 1936).

    python -m bench.quiet_rules [--streams 12] [--trend-streams 4] [--minimum 10] [--seed 1]
                                [--only share | trend]
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Callable

import numpy as np
from scipy.stats import chi2

from bench.alerts import incidents
from bench.streams import CELLS, FIRST_JUDGED, JUDGED_WEEKS, Cell, Stream, simulate
from insights.baseline import HOUR
from insights.distributions import IntArray, upper_tail
from insights.negative import NegativeSettings, scan_negative
from insights.shares import ShareSeries
from insights.trends import Direction, TermCounts, rank_trends, trend_level

BUDGET = 0.1
TRIED = tuple(cell for cell in CELLS if not cell.growth_per_week and not cell.has_outages)
BRANDS = 3

TAGS, TAGS_A_MENTION, TAG_VARIATION = 2_000, 1.5, 0.5
# As app.new_trends looks: so many hours against two weeks, the most frequent of now.
RECENT, HISTORY, CANDIDATES = 6, 14 * 24, 40
QUARTERS = 4
# No term is taken to vary less than this: what stays probable even so needs no test.
LEAST_SPREAD, LEAST_EXPECTED = 0.008, 0.9
TREND_WEEKS = 4


def quiet_shares(cell: Cell, seed: int, number: int, minimum: int) -> int:
    """Return how many moves of a competitor are told in the judged weeks of one stream."""
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 5])
    brands = [simulate(cell, rng) for _ in range(BRANDS)]
    group = np.sum([brand.counts for brand in brands], axis=0)
    shares = ShareSeries(brands[0].series(), brands[0].series(group))
    settings = NegativeSettings(BUDGET, minimum, minimum, counts_too=False)
    return incidents(scan_negative(shares, FIRST_JUDGED, group.size - 1, settings).alerts())


def tag_counts(stream: Stream, rng: np.random.Generator, quarters: int) -> IntArray:
    """Return how many mentions of each quarter of an hour bear each tag, (quarters, tags)."""
    frequency = 1 / np.arange(1, TAGS + 1)
    mentions = stream.counts[: quarters * 15].reshape(-1, 15).sum(axis=1)
    shape = 1 / TAG_VARIATION**2
    found = np.zeros((quarters, TAGS), dtype=np.int64)
    for hour in range(quarters // QUARTERS):
        varied = frequency * rng.gamma(shape, 1 / shape, TAGS)
        varied /= varied.sum()
        for quarter in range(hour * QUARTERS, (hour + 1) * QUARTERS):
            tags = rng.poisson(TAGS_A_MENTION * mentions[quarter])
            found[quarter] = rng.multinomial(tags, varied)
    return found


def quiet_trends(cell: Cell, seed: int, number: int, minimum: int) -> int:
    """Return how many mails about new trends are told in the judged weeks of one stream."""
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 6])
    stream = simulate(cell, rng)
    learned = HISTORY * QUARTERS
    quarters = learned + TREND_WEEKS * 168 * QUARTERS
    counts = tag_counts(stream, rng, quarters)
    mentions = stream.counts[: quarters * 15].reshape(-1, 15).sum(axis=1)
    told: set[int] = set()
    mails, mailed_at = 0, -np.inf
    for now in range(learned + RECENT * QUARTERS, quarters + 1):
        if now - mailed_at < 2 * QUARTERS:
            continue
        new = bursting(counts, mentions, now, minimum) - told
        if new:
            told |= new
            mails, mailed_at = mails + 1, now
    return mails


def bursting(counts: IntArray, mentions: IntArray, now: int, minimum: int) -> set[int]:
    """Return the tags that the rule would tell after ``now`` quarters of an hour.

    The last hour is the one that runs.
    """
    starts = np.arange((now - 1) // QUARTERS - HISTORY - RECENT + 1, (now - 1) // QUARTERS + 1)
    begin = int(starts[-RECENT]) * QUARTERS
    recent = counts[begin:now].sum(axis=0)
    chosen = heapq.nlargest(
        CANDIDATES, np.flatnonzero(recent > 1).tolist(), lambda tag: recent[tag]
    )
    if not chosen or recent[chosen[0]] < minimum:
        return set()
    first = int(starts[0]) * QUARTERS

    def hourly(values: IntArray) -> IntArray:
        part = np.zeros((starts.size * QUARTERS, *values.shape[1:]), dtype=np.int64)
        part[: now - first] = values[first:now]
        whole: IntArray = part.reshape(starts.size, QUARTERS, *values.shape[1:]).sum(axis=1)
        return whole

    buckets, totals = hourly(counts[:, chosen]), hourly(mentions)
    known = int((counts[first:now].sum(axis=0) > 0).sum())
    level = trend_level(BUDGET, known, RECENT, HOUR)
    if not may_burst(buckets, totals, level, minimum):
        return set()
    terms = [
        TermCounts("hashtag", str(tag), buckets[:, n].tolist()) for n, tag in enumerate(chosen)
    ]
    trends = rank_trends(terms, RECENT, totals=totals.tolist())
    return {
        int(one.term)
        for one in trends
        if one.p <= level and one.observed >= minimum and one.direction is Direction.RISING
    }


def may_burst(buckets: IntArray, totals: IntArray, level: float, minimum: int) -> bool:
    """Return whether any term could be as improbable as ``level``, were it as even as can be."""
    past, now = buckets[:-RECENT].sum(axis=0) + 0.5, buckets[-RECENT:].sum(axis=0)
    expected = LEAST_EXPECTED * past * totals[-RECENT:].sum() / totals[:-RECENT].sum()
    p = upper_tail(now.astype(float), expected, LEAST_SPREAD + 1 / past)
    return bool(((p <= level) & (now >= minimum)).any())


def interval(count: int, weeks: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate a week, from a count."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low) / weeks, float(chi2.ppf(0.975, 2 * count + 2)) / 2 / weeks


MEASURED: dict[str, tuple[str, Callable[[Cell, int, int, int], int], int]] = {
    "share": ("competitor move", quiet_shares, JUDGED_WEEKS),
    "trend": ("new trend", quiet_trends, TREND_WEEKS),
}


def main() -> None:
    """Print the false alarms a week of either rule, in each kind of stream."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--trend-streams", type=int, default=4)
    parser.add_argument("--minimum", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(MEASURED))
    asked = parser.parse_args()
    for key, (name, measure, weeks_a_stream) in MEASURED.items():
        if asked.only not in (None, key):
            continue
        streams = asked.streams if key == "share" else asked.trend_streams
        for cell in TRIED:
            told = sum(
                measure(cell, asked.seed, number, asked.minimum) for number in range(streams)
            )
            weeks = streams * weeks_a_stream
            low, high = interval(told, weeks)
            print(
                f"{name:15}  {cell.name:18}  {told} in {weeks} weeks, {told / weeks:.3f} a week "
                f"({low:.3f} to {high:.3f}), {told / weeks / BUDGET:.2f} times the budget",
                flush=True,
            )


if __name__ == "__main__":
    main()
