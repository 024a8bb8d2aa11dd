"""Measure how fast mentions are tagged with topics, against asking every topic's query in turn.

Both read the same tokenised mentions, so the ratio is what the pass over keys saves. Words are
drawn by Zipf's law, as in texts: queries of rare words (brands) over texts of mostly common ones.

    python -m bench.query [--mentions 4000] [--topics 10 500]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence

from core.mention import Mention
from core.query.ast import Node
from core.query.evaluate import TokenisedMention, matches
from core.query.parser import parse
from core.query.tagger import Tagger
from core.text import tokenise

RUNS = 3
VOCABULARY = 30_000
COMMON = 2_000
"""Brands are not called by the commonest words."""

Topics = list[tuple[str, int, Node]]


def make_vocabulary(rng: random.Random) -> list[str]:
    """Return distinct invented words, the commonest first."""
    syllables = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(rng.choices(syllables, k=rng.randint(1, 4)))] = None
    return list(words)


def make_mentions(rng: random.Random, words: Sequence[str], count: int) -> list[Mention]:
    """Return posts of 5 to 40 words, some with a hashtag, a handle or a link."""
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    extras = ["", " #{}", " @{}", " https://{}.com/a"]
    mentions = []
    for number in range(count):
        text = " ".join(rng.choices(words, weights, k=rng.randint(5, 40)))
        text += rng.choice(extras).format(rng.choice(words))
        mentions.append(Mention(id=str(number), text=text, language="en"))
    return mentions


def make_topics(rng: random.Random, words: Sequence[str], count: int) -> Topics:
    """Return topics as people write them: names, handles, a pattern, exclusions."""

    def rare() -> str:
        return rng.choice(words[COMMON:])

    shapes = [
        lambda: f'({rare()} OR "{rare()} {rare()}" OR @{rare()}) AND NOT ({rare()} OR {rare()})',
        lambda: f"({rare()} NEAR/6 ({rng.choice(words)} OR {rare()})) AND lang:en",
        lambda: f"{rare()} OR domain:{rare()}.com OR {rare()}bla*",
        lambda: f'case:"{rare().title()}" {rng.choice(words)}',
    ]
    return [(f"topic {n}", 1, parse(rng.choice(shapes)())) for n in range(count)]


def best_rate(work: Callable[[], int], count: int) -> tuple[float, int]:
    """Return items per second of processor time in the best run, and what the work returned."""
    best, result = float("inf"), 0
    for _ in range(RUNS):
        started = time.process_time()
        result = work()
        best = min(best, time.process_time() - started)
    return count / best, result


def compare(mentions: Sequence[Mention], topics: Topics) -> None:
    """Print the rates of tagging and of the loop, and their ratio."""
    tagger = Tagger(topics)
    # The loop is so slow that a part of the mentions must do; it is compared on that part.
    few = mentions[: max(len(mentions) * 10 // len(topics), 20)]

    def loop() -> int:
        shared = (TokenisedMention(mention) for mention in few)
        return sum(matches(node, mention) for mention in shared for _, _, node in topics)

    rate, _ = best_rate(lambda: sum(len(tagger.tag(m)) for m in mentions), len(mentions))
    loop_rate, expected = best_rate(loop, len(few))
    found = sum(len(tagger.tag(mention)) for mention in few)
    if found != expected:
        sys.exit(f"tagging found {found} matches and the loop {expected}")
    print(
        f"{len(topics):>5} topics: {rate:>8,.0f} mentions/s tagged, {loop_rate:>8,.0f} by a loop"
        f" over the topics: ratio {rate / loop_rate:.1f}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tokenising speed, then tagging speed for each number of topics."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mentions", type=int, default=4_000)
    parser.add_argument("--topics", type=int, nargs="+", default=[10, 500])
    options = parser.parse_args(arguments)
    rng = random.Random(7)
    words = make_vocabulary(rng)
    mentions = make_mentions(rng, words, options.mentions)
    rate, tokens = best_rate(lambda: sum(len(tokenise(m.text)) for m in mentions), len(mentions))
    print(f"tokenising: {rate:,.0f} texts/s of {tokens / len(mentions):.0f} tokens")
    for count in options.topics:
        compare(mentions, make_topics(rng, words, count))


if __name__ == "__main__":
    main()
