"""Measure grouping into stories against datasketch's MinHashLSH: mentions a second, and F1.

Both get the same texts in the same order, cleaned of links, handles and "RT @name:" in the same
way, and put each text into the group of an earlier one. The peer is given its usual settings (128
permutations of three-word shingles) and the best of several thresholds.

    python -m bench.stories [--stories 1500]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from datasketch import MinHash, MinHashLSH

from bench.story_pairs import as_mentions, labelled, pair_scores
from core.mention import Mention
from nlp.stories.grouper import StoryGrouper
from nlp.story import normalise_story, story_id

PERMUTATIONS = 128
THRESHOLDS = (0.4, 0.5, 0.6, 0.7)
RUNS = 3


def group_ours(mentions: Sequence[Mention]) -> list[str]:
    """Return the group of each mention as Groundswell finds it."""
    for mention in mentions:
        # What the analyser does before; it is part of the work.
        story_id(mention.text)
    return [found.story_id or "" for found in StoryGrouper().assign(mentions)]


def group_by_minhash(mentions: Sequence[Mention], threshold: float) -> list[str]:
    """Return the group of each mention by the peer: that of the first text found, else its own."""
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    groups: list[str] = []
    by_key: dict[str, str] = {}
    for mention in mentions:
        words = normalise_story(mention.text).split()
        shingles = {" ".join(words[i : i + 3]) for i in range(max(len(words) - 2, 1))}
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([shingle.encode() for shingle in shingles])
        near = index.query(sketch)
        group = by_key[min(near)] if near else mention.id
        by_key[mention.id] = group
        index.insert(mention.id, sketch)
        groups.append(group)
    return groups


def measure(
    group: Callable[[Sequence[Mention]], list[str]], mentions: Sequence[Mention], runs: int
) -> tuple[float, list[str]]:
    """Return mentions a second of processor time in the best run, and the groups."""
    best, found = float("inf"), list[str]()
    for _ in range(runs):
        started = time.process_time()
        found = group(mentions)
        best = min(best, time.process_time() - started)
    return len(mentions) / best, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print speed and F1 of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stories", type=int, default=1_500)
    options = parser.parse_args(arguments)
    # Another seed than the tests', by which the settings were chosen.
    rows = labelled(options.stories, seed=11)
    expected = [story for story, _, _ in rows]
    mentions = as_mentions((text for _, _, text in rows), datetime(2026, 6, 1, tzinfo=UTC))
    ours, found = measure(group_ours, mentions, RUNS)
    print(f"{len(mentions):,} texts, {len(set(expected)):,} stories")
    print(f"groundswell        {ours:>8,.0f} mentions/s  {said(expected, found)}")
    rates = []
    for threshold in THRESHOLDS:
        rate, found = measure(partial(group_by_minhash, threshold=threshold), mentions, 1)
        rates.append(rate)
        print(f"MinHashLSH at {threshold:.1f}  {rate:>8,.0f} mentions/s  {said(expected, found)}")
    print(f"ratio of speeds to the peer's fastest: {ours / max(rates):.1f}")


def said(expected: list[str], found: list[str]) -> str:
    """Return precision, recall and F1 as words."""
    precision, recall, f1 = pair_scores(expected, found)
    return f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}"


if __name__ == "__main__":
    main()
