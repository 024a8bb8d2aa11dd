"""Simulate quiet and disturbed weeks, and report false alarms, detection and delay of the rules.

Streams of 3 and 30 mentions an hour follow a daily and weekly rhythm; the hourly rate itself varies
(gamma, by the stated coefficient of variation). Ten weeks each: eight to learn from, two to judge.
The burst is fivefold for two hours and begins at a random minute of the judged weeks.

    python -m bench.alerts [--streams 8] [--seed 1]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from insights.burst import VolumeSettings, scan_volume
from insights.distributions import FloatArray, IntArray
from insights.negative import NegativeSettings, ShareSeries, scan_negative
from insights.series import Series

STEP = timedelta(minutes=5)
PER_HOUR = 12
PER_WEEK = PER_HOUR * 168
LEARNED_WEEKS = 8
JUDGED_WEEKS = 2
START = datetime(2026, 1, 5, tzinfo=UTC)
BURST_BUCKETS = 2 * PER_HOUR
BURST_FACTOR = 5.0
# Alerts nearer than this are one incident.
INCIDENT_GAP = 3 * PER_HOUR
USUAL_NEGATIVE = 0.15
CRISIS_NEGATIVE = 0.5
CRISIS_BUCKETS = 6 * PER_HOUR


@dataclass(frozen=True)
class Cell:
    """One kind of stream."""

    rate: float
    variation: float
    growth_per_week: float = 0.0


CELLS = (
    Cell(3, 0.22),
    Cell(3, 0.35),
    Cell(3, 0.35, 0.05),
    Cell(30, 0.22),
    Cell(30, 0.35),
    Cell(30, 0.35, 0.05),
)


def rates(cell: Cell, weeks: int) -> FloatArray:
    """Return the mean mentions of each hour."""
    hours = np.arange(weeks * 168)
    daily = 1 + 0.6 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    weekly = np.where(hours // 24 % 7 >= 5, 0.65, 1.14)
    growth = (1 + cell.growth_per_week) ** (hours / 168)
    return np.asarray(cell.rate * daily * weekly * growth)


def simulate(cell: Cell, rng: np.random.Generator) -> IntArray:
    """Return counts per five minutes of all weeks."""
    mean = rates(cell, LEARNED_WEEKS + JUDGED_WEEKS)
    shape = 1 / cell.variation**2
    varied = mean * rng.gamma(shape, 1 / shape, mean.size)
    return rng.poisson(np.repeat(varied / PER_HOUR, PER_HOUR))


def incidents(alerts: list[int]) -> int:
    """Return how many incidents the alerts make."""
    return sum(1 for n, at in enumerate(alerts) if n == 0 or at - alerts[n - 1] > INCIDENT_GAP)


def measure_volume(cell: Cell, streams: int, seed: int) -> str:
    """Return one line of the report on volume rules."""
    rng = np.random.default_rng(seed)
    settings = VolumeSettings()
    false, found, delays = 0, 0, []
    first, last = LEARNED_WEEKS * PER_WEEK, (LEARNED_WEEKS + JUDGED_WEEKS) * PER_WEEK - 1
    bursts = 0
    for _ in range(streams):
        counts = simulate(cell, rng)
        quiet = Series.build(START, STEP, counts)
        false += incidents(scan_volume(quiet, first, last, settings).alerts())
        mean = np.repeat(rates(cell, LEARNED_WEEKS + JUDGED_WEEKS) / PER_HOUR, PER_HOUR)
        for _ in range(4):
            begin = int(rng.integers(first, last - 2 * BURST_BUCKETS))
            during = slice(begin, begin + BURST_BUCKETS)
            disturbed = counts.copy()
            disturbed[during] += rng.poisson(mean[during] * (BURST_FACTOR - 1))
            scan = scan_volume(
                Series.build(START, STEP, disturbed), begin, begin + BURST_BUCKETS + 11, settings
            )
            bursts += 1
            alerts = scan.alerts()
            found += bool(alerts)
            delays.append((alerts[0] - begin + 1) * 5.0 if alerts else np.inf)
    weeks = streams * JUDGED_WEEKS
    return (
        f"volume    {cell.rate:4.0f}/h  variation {cell.variation:.2f}  "
        f"growth {cell.growth_per_week:4.0%}/week  "
        f"false alarms {false / weeks:.3f}/week ({weeks} weeks)  "
        f"found {found / bursts:4.0%}  median delay {np.median(delays):3.0f} min"
    )


def measure_negative(cell: Cell, streams: int, seed: int) -> str:
    """Return one line of the report on negative rules: a share crisis at flat volume."""
    rng = np.random.default_rng(seed)
    settings = NegativeSettings()
    false, found, delays = 0, 0, []
    first, last = LEARNED_WEEKS * PER_WEEK, (LEARNED_WEEKS + JUDGED_WEEKS) * PER_WEEK - 1
    crises = 0
    for _ in range(streams):
        scored = simulate(cell, rng)
        hours = np.repeat(rng.beta(0.15 * 30, 0.85 * 30, scored.size // PER_HOUR), PER_HOUR)
        negative = rng.binomial(scored, hours)
        quiet = ShareSeries(Series.build(START, STEP, negative), Series.build(START, STEP, scored))
        false += incidents(scan_negative(quiet, first, last, settings).alerts())
        for _ in range(4):
            begin = int(rng.integers(first, last - 2 * CRISIS_BUCKETS))
            during = slice(begin, begin + CRISIS_BUCKETS)
            disturbed = negative.copy()
            disturbed[during] = rng.binomial(scored[during], CRISIS_NEGATIVE)
            scan = scan_negative(
                ShareSeries(Series.build(START, STEP, disturbed), quiet.scored),
                begin,
                begin + CRISIS_BUCKETS + 11,
                settings,
            )
            crises += 1
            alerts = scan.alerts()
            found += bool(alerts)
            delays.append((alerts[0] - begin + 1) * 5.0 if alerts else np.inf)
    weeks = streams * JUDGED_WEEKS
    return (
        f"negative  {cell.rate:4.0f}/h  variation {cell.variation:.2f}  "
        f"growth {cell.growth_per_week:4.0%}/week  "
        f"false alarms {false / weeks:.3f}/week ({weeks} weeks)  "
        f"found {found / crises:4.0%}  median delay {np.median(delays):3.0f} min"
    )


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for cell in CELLS:
        print(measure_volume(cell, asked.streams, asked.seed), flush=True)
    for cell in CELLS:
        print(measure_negative(cell, asked.streams, asked.seed), flush=True)


if __name__ == "__main__":
    main()
