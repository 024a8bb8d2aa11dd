"""Check what a rule's preview promises against fresh simulated weeks.

For some kinds of streams (bench/streams.py) the promise is made on one history each, and what it
says is then measured on others of the same kind: false alarms a week, and the median delay of the
promised crises. A ratio of 1 is a promise kept.

    python -m bench.promises [--histories 2] [--streams 10] [--processes 2] [--seed 1]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import numpy as np

from bench.alerts import INCIDENT_GAP, incidents
from bench.streams import CELLS, FIRST_JUDGED, JUDGED_WEEKS, MINUTE, PER_WEEK, Cell, simulate
from insights.baseline import to_hours
from insights.burst import VolumeSettings, scan_volume
from insights.rehearsal import LONGEST_WAIT, VolumeRehearsal, expect_false_alarms, find_sizes

TRIED = tuple(cell for cell in CELLS if not cell.growth_per_week and not cell.has_outages)
CRISES_A_STREAM = 4
DAY = 24 * 60


def promise(job: tuple[Cell, int, int]) -> tuple[float, dict[int, float]]:
    """Return the false alarms a week and the delays (minutes, by size) that are promised."""
    cell, seed, number = job
    stream = simulate(cell, np.random.default_rng([seed, CELLS.index(cell), number, 2]))
    series = stream.series()
    rehearsal = VolumeRehearsal(series, to_hours(series), VolumeSettings())
    rng = np.random.default_rng([seed, number])
    apart = timedelta(minutes=INCIDENT_GAP)
    alarms = expect_false_alarms(rehearsal, rng, apart=apart).per_week
    sizes = find_sizes(rehearsal, rng)
    told = {one.more_per_hour: one.delay / MINUTE for one in sizes if one.delay is not None}
    return alarms, told


def measure(job: tuple[Cell, int, int, tuple[int, ...]]) -> tuple[int, dict[int, list[float]]]:
    """Return the false alarms of one fresh stream, and the delays of crises of each size."""
    cell, seed, number, sizes = job
    rng = np.random.default_rng([seed, CELLS.index(cell), number, 3])
    stream = simulate(cell, rng)
    series, settings = stream.series(), VolumeSettings()
    hours = to_hours(series)
    alarms = incidents(scan_volume(series, FIRST_JUDGED, len(series) - 1, settings).alerts())
    delays: dict[int, list[float]] = defaultdict(list)
    for size in sizes:
        for _ in range(CRISES_A_STREAM):
            begin = FIRST_JUDGED + int(rng.integers(JUDGED_WEEKS * PER_WEEK - 2 * DAY))
            counts = stream.counts.copy()
            counts[begin : begin + DAY] += rng.poisson(size / 60, DAY)
            last = begin + LONGEST_WAIT // MINUTE - 1
            alerts = scan_volume(stream.series(counts), begin, last, settings, hours).alerts()
            delays[size].append(float(alerts[0] + 1 - begin) if alerts else np.inf)
    return alarms, dict(delays)


def main() -> None:
    """Print promises, what was measured, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        for cell in TRIED:
            promised = list(
                pool.map(promise, [(cell, asked.seed, n) for n in range(asked.histories)])
            )
            said: dict[int, list[float]] = defaultdict(list)
            for _, told in promised:
                for size, delay in told.items():
                    said[size].append(delay)
            sizes = tuple(sorted(said))
            jobs = [(cell, asked.seed, n, sizes) for n in range(asked.streams)]
            fresh = list(pool.map(measure, jobs))
            weeks = asked.streams * JUDGED_WEEKS
            stated = float(np.mean([alarms for alarms, _ in promised]))
            counted = sum(alarms for alarms, _ in fresh)
            print(
                f"{cell.name:22}  false alarms promised {stated:.3f} a week, measured "
                f"{counted / weeks:.3f} (+-{np.sqrt(max(counted, 1)) / weeks:.3f}, {weeks} weeks)",
                flush=True,
            )
            for size in sizes:
                delay = float(np.median([d for _, delays in fresh for d in delays[size]]))
                mean = float(np.mean(said[size]))
                print(
                    f"{cell.name:22}  {size} more an hour: promised after {mean:.0f} min, measured "
                    f"{delay:.0f} min, ratio {delay / mean:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
