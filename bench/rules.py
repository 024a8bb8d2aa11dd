"""Time one round over many rules on a large embedded index.

Mentions of a hundred topics over nine weeks with a daily rhythm; every third rule is negative.
A round judges every rule as `groundswell alerts evaluate --dry-run` does.

    python -m bench.rules [--mentions 1000000] [--rules 500] [--topics 100] [--rounds 2] [--seed 1]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from app.alerting import evaluate_rules
from app.bootstrap import Application
from core.mention import Author, Enrichment, Mention, Sentiment, TopicTag
from core.rules import NegativeSpikeRule, VolumeSpikeRule
from core.settings import Configuration, Topic

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAYS = 63
BATCH = 5_000
LABELS = tuple(Sentiment)
AUTHORS = tuple(Author(service="web", id=str(number)) for number in range(5_000))


def make_mentions(count: int, topics: int, seed: int) -> Iterator[Mention]:
    """Yield mentions in order of time; days are lively, nights are not."""
    rng = np.random.default_rng(seed)
    hours = np.arange(DAYS * 24)
    weights = 1 + 0.6 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    per_hour = rng.multinomial(count, weights / weights.sum())
    number = 0
    for hour, here in enumerate(per_hour):
        start = NOW - timedelta(days=DAYS) + timedelta(hours=hour)
        for second in np.sort(rng.integers(3600, size=here)):
            topic, person = rng.integers(topics), rng.integers(len(AUTHORS))
            at = start + timedelta(seconds=int(second))
            yield Mention(
                id=f"{number:032x}",
                service="web",
                sources=("bench",),
                text=f"brand {topic} said {number}",
                published_at=at,
                collected_at=at,
                known_at=at,
                author=AUTHORS[person],
                topics=(TopicTag(name=f"Topic {topic}"),),
                enrichment=Enrichment(
                    content_version=(0, 1, ""),
                    enriched_us=1,
                    language="en",
                    sentiment=LABELS[int(rng.choice(3, p=(0.2, 0.5, 0.3)))],
                    story_id=f"{number:x}",
                ),
            ).with_version(1)
            number += 1


def configure(rules: int, topics: int) -> Configuration:
    """Return topics and rules; each topic has several rules."""
    return Configuration(
        topics=tuple(Topic(name=f"Topic {n}", query=f'"brand {n}"') for n in range(topics)),
        alerts=tuple(
            (NegativeSpikeRule if n % 3 == 2 else VolumeSpikeRule)(
                name=f"Rule {n}", topic=f"Topic {n % topics}"
            )
            for n in range(rules)
        ),
    )


def main() -> None:
    """Print how long indexing and each round took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configuration = configure(asked.rules, asked.topics)
        application = Application(
            configuration, Path(folder), Path(folder), clock=lambda: NOW, writes=True
        )
        begun = time.perf_counter()
        mentions = make_mentions(asked.mentions, asked.topics, asked.seed)
        while batch := list(islice(mentions, BATCH)):
            application.index.apply(batch, NOW)
        print(f"{asked.mentions:,} mentions indexed in {time.perf_counter() - begun:.0f} s")
        for number in range(1, asked.rounds + 1):
            begun, worked = time.perf_counter(), time.process_time()
            outcomes = evaluate_rules(application, dry_run=True)
            taken, worked = time.perf_counter() - begun, time.process_time() - worked
            kinds = {one.outcome.value for one in outcomes}
            print(
                f"round {number}: {len(outcomes)} rules in {taken:.1f} s ({worked:.1f} s of CPU), "
                f"{taken / len(outcomes) * 1000:.0f} ms a rule, outcomes {sorted(kinds)}",
                flush=True,
            )
        application.close()


if __name__ == "__main__":
    main()
