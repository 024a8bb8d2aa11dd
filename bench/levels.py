"""Measure how level shifts are told on simulated streams: by chance, how soon, and how exactly.

Twelve kinds of streams (bench/streams.py), eight weeks to learn from and four to judge every six
hours, as a rule does. Quiet ones count the shifts that are told by chance; into others a shift is
put at a random hour of the tenth week, and followed for ten days.

    python -m bench.levels [--streams 16] [--seed 7]
"""

from __future__ import annotations

import argparse
from datetime import datetime

import numpy as np

from bench.streams import CELLS, JUDGED_WEEKS, LEARNED_WEEKS, START, WEEKS, Cell, simulate
from insights.baseline import HOUR, NO_HOLIDAYS, Holidays, fit_baseline
from insights.levels import Shift
from insights.series import Series

FACTORS = (1.4, 3.0, 0.5)
STEP_HOURS = 6
FOLLOWED_HOURS = 240


def shifted(cell: Cell, rng: np.random.Generator, factor: float = 1.0, at: int = 0) -> Series:
    """Return the hours of a stream that has ``factor`` times its rate from hour ``at`` on."""
    stream = simulate(cell, rng)
    counts = stream.counts.reshape(-1, 60).sum(axis=1)
    coverage = stream.coverage.reshape(-1, 60).mean(axis=1)
    if factor > 1:
        more = rng.poisson(stream.hourly[at:] * (factor - 1))
        counts[at:] += np.where(coverage[at:] > 0, more, 0)
    elif factor < 1:
        counts[at:] = rng.binomial(counts[at:], factor)
    return Series.build(START, HOUR, counts, coverage)


def told(
    series: Series, first: int, last: int, holidays: Holidays = NO_HOLIDAYS
) -> list[tuple[int, Shift]]:
    """Return the shifts told between two hours, each with the hour at which it is."""
    found: list[tuple[int, Shift]] = []
    told_at: datetime | None = None
    for hour in range(first, last + 1, STEP_HOURS):
        now = START + hour * HOUR
        shifts = fit_baseline(series, now, holidays=holidays).shifts
        if shifts and shifts[-1].is_news(told_at, now):
            told_at = now
            found.append((hour, shifts[-1]))
    return found


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    total = 0
    for place, cell in enumerate(CELLS):
        false = 0
        for number in range(asked.streams):
            series = shifted(cell, np.random.default_rng([asked.seed, place, number]))
            false += len(told(series, LEARNED_WEEKS * 168, WEEKS * 168))
        total += false
        words = [f"by chance {false} in {asked.streams * JUDGED_WEEKS} weeks"]
        for factor in FACTORS:
            delays, apart = [], []
            for number in range(max(asked.streams // 2, 2)):
                rng = np.random.default_rng([asked.seed + 1, place, number, int(factor * 10)])
                at = (LEARNED_WEEKS + 1) * 168 + int(rng.integers(168))
                series = shifted(cell, rng, factor, at)
                right = [
                    (hour, shift)
                    for hour, shift in told(series, at, at + FOLLOWED_HOURS)
                    if (shift.factor > 1) == (factor > 1)
                ]
                delays.append(float(right[0][0] - at) if right else np.inf)
                since = (right[0][1].start - START) / HOUR if right else np.inf
                apart.append(abs(since - at))
            share = float(np.isfinite(delays).mean())
            words.append(
                f"x {factor}: {share:.0%} told, median after {np.median(delays):.0f} h, "
                f"start off by {np.median(apart):.0f} h"
            )
        print(f"{cell.name:26}  {'; '.join(words)}", flush=True)
    weeks = len(CELLS) * asked.streams * JUDGED_WEEKS
    print(f"by chance {total} in {weeks} weeks, {total / weeks:.3f} a week")


if __name__ == "__main__":
    main()
