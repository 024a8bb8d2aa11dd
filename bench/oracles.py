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
from insights.distributions import FloatArray, IntArray, upper_tail
from insights.verdict import check_windows, pass_on, window_levels

Rule = Callable[[IntArray, int, int], list[int]]
# The exact tail is worked out only where this many standard deviations are passed.
WORTH_A_LOOK = 2.0


def volume_oracle(stream: Stream, variation: float) -> Rule:
    """Return the volume rule that knows the mean of each hour and by how much hours vary."""
    settings = burst.VolumeSettings()
    lengths, levels = _windows(settings.windows, settings.false_alarms_per_week, burst.CROSSINGS)
    heard = stream.coverage > 0
    usual = np.repeat(stream.hourly / PER_HOUR, PER_HOUR) * heard
    squares = np.concatenate([[0.0], np.cumsum(usual.reshape(-1, PER_HOUR).sum(axis=1) ** 2)])
    expected = np.concatenate([[0.0], np.cumsum(usual)])

    def find(counts: IntArray, first: int, last: int) -> list[int]:
        sums = np.concatenate([[0], np.cumsum(counts)])
        ends = np.arange(first, last + 1) + 1
        seen = np.stack([sums[ends] - sums[ends - n] for n in lengths])
        mean = np.stack([expected[ends] - expected[ends - n] for n in lengths])
        spread = np.stack(
            [variation**2 * _concentration(expected, squares, ends, n) for n in lengths]
        )
        shares = np.broadcast_to(levels[:, None], mean.shape)
        level = pass_on(shares, upper_tail(settings.minimum, mean, spread))
        fires = (upper_tail(seen, mean, spread) <= level) & (seen >= settings.minimum)
        return [int(end) - 1 for end in ends[fires.any(axis=0)]]

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


def negative_oracle(scored: IntArray, classifier: Classifier) -> Rule:
    """Return the negative rule that knows the usual share and by how much hours vary."""
    settings = negative.NegativeSettings()
    lengths, levels = _windows(settings.windows, settings.false_alarms_per_week, negative.CROSSINGS)
    share = float(seen_share(USUAL_NEGATIVE, classifier))
    true_variance = USUAL_NEGATIVE * (1 - USUAL_NEGATIVE) / (NEGATIVE_WEIGHT + 1)
    variance = (classifier.hits - classifier.slips) ** 2 * true_variance
    of_hour = variance / (share * (1 - share))
    totals = np.concatenate([[0], np.cumsum(scored)])

    def find(counts: IntArray, first: int, last: int) -> list[int]:
        sums = np.concatenate([[0], np.cumsum(counts)])
        ends = np.arange(first, last + 1) + 1
        fires = np.zeros(ends.size, dtype=np.bool_)
        for length, level in zip(lengths, levels, strict=True):
            rho = of_hour / max(length / PER_HOUR, 1.0)
            seen, whole = sums[ends] - sums[ends - length], totals[ends] - totals[ends - length]
            deviation = np.sqrt(whole * share * (1 - share) * (1 + (whole - 1) * rho))
            look = (
                (seen >= settings.minimum_negative)
                & (whole >= settings.minimum_scored)
                & (seen - whole * share > WORTH_A_LOOK * deviation)
            )
            weight = 1 / rho - 1
            tail = stats.betabinom.sf(
                seen[look] - 1, whole[look], share * weight, (1 - share) * weight
            )
            fires[look] |= tail <= level
        return [int(end) - 1 for end in ends[fires]]

    return find


def _windows(
    windows: tuple[timedelta, ...], budget: float, crossings: float
) -> tuple[tuple[int, ...], FloatArray]:
    """Return the lengths of windows in minutes, and the level of each."""
    lengths = check_windows(windows, MINUTE)
    return lengths, np.array(window_levels(lengths, MINUTE, budget, crossings))
