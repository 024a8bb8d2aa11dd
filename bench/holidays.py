"""Measure what the setting `holidays` is worth, on simulated streams with holidays inside.

Twelve kinds of streams (bench/streams.py), in which four weekdays follow the rhythm of a Sunday:
one of the learned weeks, and of the judged ones a Friday, the Monday after it, and a Thursday.
Each stream is judged twice, by a rule that knows the holidays and by one that does not: false
alarms and new levels told by chance in the quiet weeks, and bursts of two hours that begin at a
random minute of a holiday.

    python -m bench.holidays [--streams 8] [--seed 3]
"""

from __future__ import annotations

import argparse
from datetime import timedelta

import numpy as np

from bench.alerts import Tally, incidents
from bench.levels import told
from bench.streams import (
    CELLS,
    FIRST_JUDGED,
    GRACE,
    JUDGED_WEEKS,
    LEARNED_WEEKS,
    PER_HOUR,
    START,
    WEEKS,
    Burst,
    Cell,
    Stream,
    add_burst,
    simulate,
)
from insights.baseline import NO_HOLIDAYS, Holidays
from insights.burst import VolumeSettings, scan_volume

FIRST_DAY = LEARNED_WEEKS * 7
JUDGED_HOLIDAYS = (FIRST_DAY + 4, FIRST_DAY + 7, FIRST_DAY + 24)
HOLIDAYS = (FIRST_DAY - 12, *JUDGED_HOLIDAYS)
KNOWN: Holidays = frozenset((START + timedelta(days=day)).date() for day in HOLIDAYS)
FACTORS = (3.0, 5.0)
PER_DAY = 24 * PER_HOUR
BURSTS_A_STREAM = 6


def holiday_bursts(stream: Stream, rng: np.random.Generator, factor: float) -> list[Burst]:
    """Return bursts that begin at a random minute of a judged holiday."""
    days = [JUDGED_HOLIDAYS[n % len(JUDGED_HOLIDAYS)] for n in range(BURSTS_A_STREAM)]
    begins = [day * PER_DAY + int(rng.integers(PER_DAY - 2 * PER_HOUR)) for day in days]
    found = [add_burst(stream, rng, factor, begin) for begin in begins]
    return [burst for burst in found if burst is not None]


def judge(
    stream: Stream, bursts: dict[float, list[Burst]], holidays: Holidays
) -> tuple[int, int, dict[float, list[float]]]:
    """Return false alarms, levels told by chance, and the delays of bursts by their factor."""
    rule = VolumeSettings(holidays=holidays)
    quiet = scan_volume(stream.series(), FIRST_JUDGED, stream.counts.size - 1, rule).alerts()
    hours = stream.series(minutes=PER_HOUR)
    levels = told(hours, LEARNED_WEEKS * 168, WEEKS * 168, holidays)
    delays: dict[float, list[float]] = {}
    for factor, made in bursts.items():
        for burst in made:
            series = stream.series(burst.counts)
            alerts = scan_volume(series, burst.begin, burst.end + GRACE, rule).alerts()
            delay = float(alerts[0] + 1 - burst.first) if alerts else np.inf
            delays.setdefault(factor, []).append(delay)
    return incidents(quiet), len(levels), delays


def measure(cell: Cell, streams: int, seed: int) -> dict[str, tuple[Tally, Tally, list[Tally]]]:
    """Return for either rule its alarms, its levels, and its bursts by factor."""
    found = {name: (Tally(), Tally(), [Tally() for _ in FACTORS]) for name in ("known", "unknown")}
    for number in range(streams):
        rng = np.random.default_rng([seed, CELLS.index(cell), number])
        stream = simulate(cell, rng, HOLIDAYS)
        bursts = {factor: holiday_bursts(stream, rng, factor) for factor in FACTORS}
        for name, holidays in (("known", KNOWN), ("unknown", NO_HOLIDAYS)):
            alarms, levels, delays = judge(stream, bursts, holidays)
            found[name][0].add(Tally(JUDGED_WEEKS, alarms))
            found[name][1].add(Tally(JUDGED_WEEKS, levels))
            for factor, tally in zip(FACTORS, found[name][2], strict=True):
                tally.add(Tally(0, 0, delays.get(factor, [])))
    return found


def words(alarms: Tally, levels: Tally, bursts: list[Tally]) -> str:
    """Return the figures on a line."""
    told_bursts = "; ".join(
        f"x{factor:g}: found {one.found:.0%} of {len(one.delays)}, {_delay(one)}"
        for factor, one in zip(FACTORS, bursts, strict=True)
    )
    return (
        f"false alarms {alarms.false_alarms}, levels {levels.false_alarms} "
        f"in {alarms.weeks} weeks; {told_bursts}"
    )


def _delay(found: Tally) -> str:
    """Return the median delay; a burst that is never told counts as endless."""
    median = float(np.median(found.delays))
    return f"median delay {median:.0f} min" if np.isfinite(median) else "median never"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seed", type=int, default=3)
    asked = parser.parse_args()
    whole: dict[str, tuple[Tally, Tally, list[Tally]]] = {}
    for cell in CELLS:
        for name, found in measure(cell, asked.streams, asked.seed).items():
            print(f"{cell.name:26}  {name:8} {words(*found)}", flush=True)
            key = f"all of {cell.rate:g}/h, {name}"
            total = whole.setdefault(key, (Tally(), Tally(), [Tally() for _ in FACTORS]))
            total[0].add(found[0])
            total[1].add(found[1])
            for one, more in zip(total[2], found[2], strict=True):
                one.add(more)
    for key, found in whole.items():
        print(f"{key:36} {words(*found)}")


if __name__ == "__main__":
    main()
