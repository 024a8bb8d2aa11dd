"""Check what a rule's preview promises against fresh simulated weeks.

For some kinds of streams (bench/streams.py) the promise is made on one history each, and what it
says is then measured on others of the same kind: false alarms a week, and the median delay of the
promised crises. A ratio of 1 is a promise kept. Negative mentions are those that the bundled
classifier would see.

    python -m bench.promises [--histories 2] [--streams 10] [--processes 2] [--seed 1]
                             [--only volume | negative]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bench.alerts import INCIDENT_GAP, bundled_classifier, incidents
from bench.streams import (
    CELLS,
    FIRST_JUDGED,
    JUDGED_WEEKS,
    MINUTE,
    PER_WEEK,
    Cell,
    negatives,
    simulate,
)
from insights.baseline import to_hours
from insights.burst import VolumeSettings, scan_volume
from insights.distributions import IntArray
from insights.negative import NegativeSettings, scan_negative
from insights.rehearsal import (
    LONGEST_WAIT,
    Rehearsal,
    expect_false_alarms,
    find_sizes,
)
from insights.rehearsed import NegativeRehearsal, VolumeRehearsal
from insights.shares import ShareSeries
from insights.verdict import Scan

TRIED = tuple(cell for cell in CELLS if not cell.growth_per_week and not cell.has_outages)
CRISES_A_STREAM = 4
DAY = 24 * 60
QUIET = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Tried:
    """A rule on one stream: its rehearsal, and how it judges minutes, with more put into it.

    ``scan`` takes the first and the last minute, where what is put in begins, and how many
    mentions are put into each minute from there on.
    """

    rehearsal: Callable[[], Rehearsal]
    scan: Callable[[int, int, int, IntArray], Scan]


def volume_rule(cell: Cell, rng: np.random.Generator) -> Tried:
    """Return the volume rule on a stream."""
    stream, settings = simulate(cell, rng), VolumeSettings()
    series = stream.series()
    hours = to_hours(series)

    def scan(first: int, last: int, begin: int, more: IntArray) -> Scan:
        counts = stream.counts.copy()
        counts[begin : begin + more.size] += more
        known = hours if more.size else None
        return scan_volume(stream.series(counts), first, last, settings, known)

    return Tried(lambda: VolumeRehearsal(series, hours, settings), scan)


def negative_rule(cell: Cell, rng: np.random.Generator) -> Tried:
    """Return the negative rule on a stream; what is put in are mentions called negative."""
    stream, settings = simulate(cell, rng), NegativeSettings()
    called, _ = negatives(stream, rng, bundled_classifier())
    shares = ShareSeries(stream.series(called), stream.series())
    hours = ShareSeries(to_hours(shares.negative), to_hours(shares.scored))

    def scan(first: int, last: int, begin: int, more: IntArray) -> Scan:
        parts = []
        for counts in (called.copy(), stream.counts.copy()):
            counts[begin : begin + more.size] += more
            parts.append(stream.series(counts))
        known = hours if more.size else None
        return scan_negative(ShareSeries(*parts), first, last, settings, known)

    return Tried(lambda: NegativeRehearsal(shares, hours, settings), scan)


RULES: dict[str, Callable[[Cell, np.random.Generator], Tried]] = {
    "volume": volume_rule,
    "negative": negative_rule,
}


def promise(job: tuple[str, Cell, int, int]) -> tuple[float, dict[int, float]]:
    """Return the false alarms a week and the delays (minutes, by size) that are promised."""
    rule, cell, seed, number = job
    tried = RULES[rule](cell, np.random.default_rng([seed, CELLS.index(cell), number, 2]))
    rehearsal, rng = tried.rehearsal(), np.random.default_rng([seed, number])
    apart = timedelta(minutes=INCIDENT_GAP)
    expected = expect_false_alarms(rehearsal, rng, apart=apart)
    # New levels are measured by bench.levels; here bursts are compared with bursts.
    alarms = expected.per_week - expected.levels / expected.weeks
    sizes = find_sizes(rehearsal, rng)
    told = {one.more_per_hour: one.delay / MINUTE for one in sizes if one.delay is not None}
    return alarms, told


def measure(job: tuple[str, Cell, int, int, tuple[int, ...]]) -> tuple[int, dict[int, list[float]]]:
    """Return the false alarms of one fresh stream, and the delays of crises of each size."""
    rule, cell, seed, number, sizes = job
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 3])
    tried = RULES[rule](cell, rng)
    end = FIRST_JUDGED + JUDGED_WEEKS * PER_WEEK - 1
    alarms = incidents(tried.scan(FIRST_JUDGED, end, 0, QUIET).alerts())
    delays: dict[int, list[float]] = defaultdict(list)
    for size in sizes:
        for _ in range(CRISES_A_STREAM):
            begin = FIRST_JUDGED + int(rng.integers(JUDGED_WEEKS * PER_WEEK - 2 * DAY))
            more = rng.poisson(size / 60, DAY)
            last = begin + LONGEST_WAIT // MINUTE - 1
            alerts = tried.scan(begin, last, begin, more).alerts()
            delays[size].append(float(alerts[0] + 1 - begin) if alerts else np.inf)
    return alarms, dict(delays)


def report(rule: str, cell: Cell, asked: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    """Print what a rule promises on one kind of stream, what was measured, and their ratios."""
    name = f"{rule:8}  {cell.name:18}"
    histories = [(rule, cell, asked.seed, n) for n in range(asked.histories)]
    promised = list(pool.map(promise, histories))
    said: dict[int, list[float]] = defaultdict(list)
    for _, told in promised:
        for size, delay in told.items():
            said[size].append(delay)
    sizes = tuple(sorted(said))
    jobs = [(rule, cell, asked.seed, n, sizes) for n in range(asked.streams)]
    fresh = list(pool.map(measure, jobs))
    weeks = asked.streams * JUDGED_WEEKS
    stated = float(np.mean([alarms for alarms, _ in promised]))
    counted = sum(alarms for alarms, _ in fresh)
    print(
        f"{name}  false alarms promised {stated:.3f} a week, measured "
        f"{counted / weeks:.3f} (+-{np.sqrt(max(counted, 1)) / weeks:.3f}, {weeks} weeks)",
        flush=True,
    )
    for size in sizes:
        delay = float(np.median([d for _, delays in fresh for d in delays[size]]))
        mean = float(np.mean(said[size]))
        print(
            f"{name}  {size} more an hour: promised after {mean:.0f} min, measured "
            f"{delay:.0f} min, ratio {delay / mean:.2f}",
            flush=True,
        )


def main() -> None:
    """Print promises, what was measured, and their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=2)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=tuple(RULES))
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        for rule in RULES:
            if asked.only in (None, rule):
                for cell in TRIED:
                    report(rule, cell, asked, pool)


if __name__ == "__main__":
    main()
