"""Simulate quiet and disturbed weeks, and report false alarms, detection and delay of the rules.

Twelve kinds of streams (bench/streams.py): 3 and 30 mentions an hour with a rhythm of day and week,
an hourly rate that itself varies by 22 % or 35 %, steady, growing or with outages. Eight weeks to
learn from, four to judge. A burst is fivefold for two hours and begins at a random minute; its
delay runs from its first mention to the end of the minute at which the rule fires. A negative
crisis is a share of 50 % instead of 15 % for six hours at unchanged volume, as the bundled
classifier sees it: its measured errors are applied. Anger is a fivefold burst of two hours of which
70 % is negative, judged by the negative rule.

Beside ours stand an oracle that knows the true mean and spread (bench/oracles.py), and three other
rules on the same streams (bench/rivals.py); elastalert2 where
GROUNDSWELL_BENCH_ELASTALERT names an interpreter that has it. Its best threshold is the one that
finds most among those with at most 0.2 false alarms a week; where none is so quiet, the quietest.

    python -m bench.alerts [--streams 25] [--rival-streams 3] [--processes 2] [--seed 1]
                           [--only volume | negative | anger]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from bench.oracles import negative_oracle, volume_oracle
from bench.rivals import (
    SPIKE_HEIGHTS,
    Elastalert,
    Rule,
    elastalert_interpreter,
    seasonal_hybrid_esd,
    three_sigma,
)
from bench.streams import (
    CELLS,
    FIRST_JUDGED,
    GRACE,
    JUDGED_WEEKS,
    Burst,
    Cell,
    Classifier,
    Stream,
    add_anger,
    add_burst,
    add_crisis,
    negatives,
    simulate,
)
from insights.burst import VolumeSettings, scan_volume
from insights.distributions import IntArray
from insights.negative import NegativeSettings, scan_negative
from insights.shares import ShareSeries

BURSTS_A_STREAM = 4
# Alerts nearer than this are one incident.
INCIDENT_GAP = 180
ALLOWED_PER_WEEK = 0.2
OURS = "groundswell"
ORACLE = "oracle"
ELASTALERT = "elastalert2"
MODEL = Path(__file__).parent.parent / "nlp" / "models" / "encoder-en" / "config.json"

Job = tuple[Cell, int, int, bool]


@dataclass
class Tally:
    """What one rule did on the streams of one cell."""

    weeks: int = 0
    false_alarms: int = 0
    delays: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count ``other`` in."""
        self.weeks += other.weeks
        self.false_alarms += other.false_alarms
        self.delays += other.delays

    @property
    def false_rate(self) -> float:
        """False alarms a week."""
        return self.false_alarms / self.weeks

    @property
    def found(self) -> float:
        """The share of bursts that were told."""
        return float(np.isfinite(self.delays).mean())

    def words(self) -> str:
        """Return the figures on a line; the median counts a burst never told as endless."""
        error = np.sqrt(max(self.false_alarms, 1)) / self.weeks
        median = float(np.median(self.delays))
        delay = f"{median:4.0f} min" if np.isfinite(median) else "   never"
        return (
            f"false alarms {self.false_rate:6.2f} a week (+-{error:.2f}, {self.weeks} weeks)  "
            f"found {self.found:4.0%} of {len(self.delays)}  median delay {delay}"
        )


def incidents(alerts: list[int]) -> int:
    """Return how many incidents the alerts make."""
    return sum(1 for n, at in enumerate(alerts) if n == 0 or at - alerts[n - 1] > INCIDENT_GAP)


def tally(
    quiet: list[int], disturbed: Iterable[tuple[Burst, list[int]]], weeks: int = JUDGED_WEEKS
) -> Tally:
    """Return what alerts on quiet ``weeks`` and on bursts come to."""
    found = Tally(weeks, incidents(quiet))
    for burst, alerts in disturbed:
        found.delays.append(alerts[0] + 1 - burst.first if alerts else np.inf)
    return found


def try_rule(
    rule: Callable[[IntArray, int, int], list[int]], stream: Stream, bursts: list[Burst]
) -> Tally:
    """Return what a rule does on a stream without and with each of the bursts."""
    quiet = rule(stream.counts, FIRST_JUDGED, stream.counts.size - 1)
    return tally(quiet, [(b, rule(b.counts, b.begin, b.end + GRACE)) for b in bursts])


def our_rule(stream: Stream) -> Rule:
    """Return our volume rule with its default settings."""

    def find(counts: IntArray, first: int, last: int) -> list[int]:
        return scan_volume(stream.series(counts), first, last, VolumeSettings()).alerts()

    return find


@lru_cache(maxsize=1)
def _elastalert(interpreter: str) -> Elastalert:
    return Elastalert(interpreter)


def measure_volume(job: Job) -> dict[str, Tally]:
    """Return what each rule did on one stream."""
    cell, seed, number, with_rivals = job
    rng = np.random.default_rng([seed, CELLS.index(cell), number])
    stream = simulate(cell, rng)
    bursts = [b for _ in range(BURSTS_A_STREAM) if (b := add_burst(stream, rng)) is not None]
    rules: dict[str, Rule] = {
        OURS: our_rule(stream),
        ORACLE: volume_oracle(stream, cell.variation),
    }
    if with_rivals:
        rules |= rivals(VolumeSettings().minimum)
    return {name: try_rule(rule, stream, bursts) for name, rule in rules.items()}


def rivals(minimum: int) -> dict[str, Rule]:
    """Return the other rules, with the least mentions that a window must hold."""
    rules: dict[str, Rule] = {
        "mean + 3 sigma": partial(three_sigma, minimum=minimum),
        "S-H-ESD": partial(seasonal_hybrid_esd, minimum=minimum),
    }
    interpreter = elastalert_interpreter()
    if interpreter is not None:
        child = _elastalert(interpreter)
        rules |= {f"{ELASTALERT} x{h:g}": child.rule(h, minimum) for h in SPIKE_HEIGHTS}
    return rules


def measure_negative(job: Job) -> dict[str, Tally]:
    """Return what each rule did about crises of the share, as the classifier sees them.

    The others count negative mentions; they have no rule for a share.
    """
    cell, seed, number, with_rivals = job
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 1])
    stream, classifier = simulate(cell, rng), bundled_classifier()
    negative, _ = negatives(stream, rng, classifier)
    drawn = [add_crisis(stream, negative, rng, classifier) for _ in range(BURSTS_A_STREAM)]
    crises = [crisis for crisis in drawn if crisis is not None]
    found = {}
    for name, rule in negative_rules(stream.counts, stream, cell, with_rivals).items():
        quiet = rule(negative, FIRST_JUDGED, stream.counts.size - 1)
        found[name] = tally(quiet, [(c, rule(c.counts, c.begin, c.end + GRACE)) for c in crises])
    return found


def measure_anger(job: Job) -> dict[str, Tally]:
    """Return what each rule did about fivefold bursts that are mostly negative."""
    cell, seed, number, with_rivals = job
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 4])
    stream, classifier = simulate(cell, rng), bundled_classifier()
    negative, _ = negatives(stream, rng, classifier)
    drawn = [add_anger(stream, negative, rng, classifier) for _ in range(BURSTS_A_STREAM)]
    found: dict[str, Tally] = {}
    for name, rule in negative_rules(stream.counts, stream, cell, with_rivals).items():
        found[name] = tally(rule(negative, FIRST_JUDGED, stream.counts.size - 1), [])
    for anger in drawn:
        if anger is None:
            continue
        burst = anger.burst
        for name, rule in negative_rules(burst.counts, stream, cell, with_rivals).items():
            alerts = rule(anger.negative, burst.begin, burst.end + GRACE)
            found[name].add(tally([], [(burst, alerts)], weeks=0))
    return found


def negative_rules(
    scored: IntArray, stream: Stream, cell: Cell, with_rivals: bool
) -> dict[str, Rule]:
    """Return the rules over counts of negatives among ``scored``."""

    def find(counts: IntArray, first: int, last: int) -> list[int]:
        shares = ShareSeries(stream.series(counts), stream.series(scored))
        return scan_negative(shares, first, last, NegativeSettings()).alerts()

    oracle = negative_oracle(stream, scored, cell.variation, bundled_classifier())
    rules: dict[str, Rule] = {OURS: find, ORACLE: oracle}
    if with_rivals:
        rules |= rivals(NegativeSettings().minimum_negative)
    return rules


def bundled_classifier(path: Path = MODEL) -> Classifier:
    """Return how the bundled model errs, from its scores on validation tweets.

    ``slips`` follows from precision, recall and support of the negative class.
    """
    scores = json.loads(path.read_text())["scores"]["validation"]
    negative = scores["per_class"]["negative"]
    hits = negative["recall"] * negative["support"]
    slips = hits / negative["precision"] - hits
    return Classifier(negative["recall"], slips / (scores["n"] - negative["support"]))


def best_threshold(tallies: dict[str, Tally]) -> str | None:
    """Return the elastalert2 rule that finds most while it keeps as still as ours has to."""
    rules = [name for name in tallies if name.startswith(ELASTALERT)]
    still = [name for name in rules if tallies[name].false_rate <= ALLOWED_PER_WEEK]
    if still:
        return max(still, key=lambda name: tallies[name].found)
    return min(rules, key=lambda name: tallies[name].false_rate, default=None)


def report(
    title: str,
    measure: Callable[[Job], dict[str, Tally]],
    asked: argparse.Namespace,
    pool: ProcessPoolExecutor,
) -> None:
    """Print what each rule did in each cell."""
    for cell in CELLS:
        jobs = [(cell, asked.seed, n, n < asked.rival_streams) for n in range(asked.streams)]
        found: dict[str, Tally] = {}
        for one in pool.map(measure, jobs):
            for name, part in one.items():
                found.setdefault(name, Tally()).add(part)
        best = best_threshold(found)
        for name, part in found.items():
            mark = " (best threshold)" if name == best else ""
            print(f"{title}  {cell.name:26}  {name:16}  {part.words()}{mark}", flush=True)


MEASURED = {"volume": measure_volume, "negative": measure_negative, "anger": measure_anger}


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=25)
    parser.add_argument("--rival-streams", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(MEASURED))
    asked = parser.parse_args()
    if elastalert_interpreter() is None:
        print("without elastalert2: GROUNDSWELL_BENCH_ELASTALERT names no interpreter that has it")
    print(f"negatives as seen by a classifier with {bundled_classifier()}", flush=True)
    with ProcessPoolExecutor(asked.processes) as pool:
        for title, measure in MEASURED.items():
            if asked.only in (None, title):
                report(f"{title:8}", measure, asked, pool)


if __name__ == "__main__":
    main()
