"""Rules that know what no rule can: the true mean and spread of a simulated stream.

For bench/alerts.py. They look at the same windows, with the same budget and minimum as ours, so
what they miss, or see late, cannot be told from chance by these windows: the stream holds no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
from scipy import stats

from bench.streams import (
    MINUTE,
    NEGATIVE_WEIGHT,
    PER_HOUR,
    USUAL_NEGATIVE,
    Classifier,
    Stream,
    seen_share,
)
from insights import burst, negative
from insights.baseline import BoolArray
from insights.distributions import FloatArray, IntArray, upper_tail
from insights.verdict import check_windows, pass_on, window_levels

Rule = Callable[[IntArray, int, int], list[int]]
# The exact tail is worked out only where this many standard deviations are passed.
WORTH_A_LOOK = 2.0


def volume_oracle(stream: Stream, variation: float) -> Rule:
    """Return the volume rule that knows the mean of each hour and by how much hours vary."""
    settings = burst.VolumeSettings()
    find = _count_oracle(
        stream, 1.0, variation**2, settings.minimum, settings.false_alarms_per_week
    )

    def told(counts: IntArray, first: int, last: int) -> list[int]:
        return [first + int(at) for at in np.flatnonzero(find(counts, first, last).any(axis=0))]

    return told


def _count_oracle(
    stream: Stream, part: float, spread_of_hour: float, minimum: int, budget: float
) -> Callable[[IntArray, int, int], BoolArray]:
    """Return which windows (a row a length) of minutes hold too many of a ``part`` of mentions."""
    lengths, levels = _windows(burst.DEFAULT_WINDOWS, budget, burst.CROSSINGS)
    heard = stream.coverage > 0
    usual = np.repeat(stream.hourly / PER_HOUR, PER_HOUR) * heard * part
    squares = np.concatenate([[0.0], np.cumsum(usual.reshape(-1, PER_HOUR).sum(axis=1) ** 2)])
    expected = np.concatenate([[0.0], np.cumsum(usual)])

    def find(counts: IntArray, first: int, last: int) -> BoolArray:
        sums = np.concatenate([[0], np.cumsum(counts)])
        ends = np.arange(first, last + 1) + 1
        seen = np.stack([sums[ends] - sums[ends - n] for n in lengths])
        mean = np.stack([expected[ends] - expected[ends - n] for n in lengths])
        spread = np.stack(
            [spread_of_hour * _concentration(expected, squares, ends, n) for n in lengths]
        )
        shares = np.broadcast_to(levels[:, None], mean.shape)
        level = pass_on(shares, upper_tail(minimum, mean, spread))
        return np.asarray((upper_tail(seen, mean, spread) <= level) & (seen >= minimum))

    return find


def _concentration(
    expected: FloatArray, squares: FloatArray, ends: IntArray, length: int
) -> FloatArray:
    """Return sum(m_h^2) / sum(m_h)^2 of the parts of hours in the windows that end at ``ends``.

    Hours vary by themselves, so a sum over several of them varies that much less.
    """
    begins = ends - length
    first, last = begins // PER_HOUR, (ends - 1) // PER_HOUR
    head = expected[np.minimum((first + 1) * PER_HOUR, ends)] - expected[begins]
    tail = np.where(last > first, expected[ends] - expected[last * PER_HOUR], 0.0)
    middle = np.where(last > first, squares[last] - squares[np.minimum(first + 1, last)], 0.0)
    whole = expected[ends] - expected[begins]
    parts = head**2 + tail**2 + middle
    return np.asarray(np.divide(parts, whole**2, out=np.ones_like(parts), where=whole > 0))


def negative_oracle(
    stream: Stream, scored: IntArray, variation: float, classifier: Classifier
) -> Rule:
    """Return the negative rule that knows the usual share and number, and how both vary."""
    settings = negative.NegativeSettings()
    budget = settings.false_alarms_per_week
    counted = budget * negative.COUNTED_PART
    lengths, levels = _windows(settings.windows, budget - counted, negative.CROSSINGS)
    share = float(seen_share(USUAL_NEGATIVE, classifier))
    true_variance = USUAL_NEGATIVE * (1 - USUAL_NEGATIVE) / (NEGATIVE_WEIGHT + 1)
    variance = (classifier.hits - classifier.slips) ** 2 * true_variance
    of_hour = variance / (share * (1 - share))
    totals = np.concatenate([[0], np.cumsum(scored)])
    spread = (1 + variation**2) * (1 + variance / share**2) - 1
    count = _count_oracle(stream, share, spread, settings.minimum_negative, counted)

    def find(counts: IntArray, first: int, last: int) -> list[int]:
        sums = np.concatenate([[0], np.cumsum(counts)])
        ends = np.arange(first, last + 1) + 1

        def window(length: int) -> tuple[IntArray, IntArray, float, FloatArray]:
            rho = of_hour / max(length / PER_HOUR, 1.0)
            seen, whole = sums[ends] - sums[ends - length], totals[ends] - totals[ends - length]
            deviation = np.sqrt(whole * share * (1 - share) * (1 + (whole - 1) * rho))
            above = np.divide(
                seen - whole * share, deviation, out=np.zeros(ends.size), where=deviation > 0
            )
            return seen, whole, rho, above

        fires = np.zeros(ends.size, dtype=np.bool_)
        for length, level in zip(lengths, levels, strict=True):
            seen, whole, rho, above = window(length)
            enough = (seen >= settings.minimum_negative) & (whole >= settings.minimum_scored)
            look = enough & (above > WORTH_A_LOOK)
            weight = 1 / rho - 1
            tail = stats.betabinom.sf(
                seen[look] - 1, whole[look], share * weight, (1 - share) * weight
            )
            fires[look] |= tail <= level
        rows = count(counts, first, last)
        for row, length in zip(rows, check_windows(burst.DEFAULT_WINDOWS, MINUTE), strict=True):
            _, whole, _, above = window(length)
            is_raised = above > negative.RAISED_DEVIATIONS
            fires |= row & is_raised & (whole >= settings.minimum_scored)
        return [int(end) - 1 for end in ends[fires]]

    return find


def _windows(
    windows: tuple[timedelta, ...], budget: float, crossings: float
) -> tuple[tuple[int, ...], FloatArray]:
    """Return the lengths of windows in minutes, and the level of each."""
    lengths = check_windows(windows, MINUTE)
    return lengths, np.array(window_levels(lengths, MINUTE, budget, crossings))
