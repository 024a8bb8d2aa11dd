"""NAB's scoring of anomaly detectors, from its public description.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly
Benchmark", ICMLA 2015: a detection at relative position y (-1 at a window's start, 0 at its end)
is worth sigma(y) = 2 / (1 + exp(5 y)) - 1; in a window only the first counts, scaled so that one at
the very start is worth 1; a missed window costs the profile's weight of false negatives; each
detection outside costs the weight of false positives times |sigma|, by its distance from the last
window's end in units of that window's length. The first 15 % of a file (at most 750 rows) are not
scored. Totals are mapped so that a detector that never fires has 0 and a perfect one 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp

PROBATION_SHARE = 0.15
PROBATION_ROWS = 5000


@dataclass(frozen=True)
class Profile:
    """What a false positive and a missed window cost, against 1 for an early detection."""

    name: str
    false_positive: float
    false_negative: float


PROFILES = (
    Profile("standard", 0.11, 1.0),
    Profile("reward_low_FP_rate", 0.22, 1.0),
    Profile("reward_low_FN_rate", 0.11, 2.0),
)


def value_at(position: float) -> float:
    """Return sigma: 1 far before a window's end, 0 at its end, -1 far after it."""
    return -1.0 if position >= 3.0 else 2.0 / (1.0 + exp(5.0 * position)) - 1.0


def window_indices(
    times: Sequence[datetime], windows: Sequence[tuple[datetime, datetime]]
) -> list[tuple[int, int]]:
    """Return each window as the indices of its first and last row, in order."""
    found = []
    for start, end in sorted(windows):
        inside = [i for i, at in enumerate(times) if start <= at <= end]
        if inside:
            found.append((inside[0], inside[-1]))
    return found


def score_file(
    alerts: Sequence[bool], windows: Sequence[tuple[int, int]], profile: Profile
) -> float:
    """Return the raw score of one file; a perfect one is about the number of windows."""
    probation = min(int(PROBATION_SHARE * len(alerts)), int(PROBATION_SHARE * PROBATION_ROWS))
    scaled = [w for w in windows if w[1] >= probation]
    total = 0.0
    for first, last in scaled:
        hit = next((i for i in range(max(first, probation), last + 1) if alerts[i]), None)
        if hit is None:
            total -= profile.false_negative
        else:
            position = -(last - hit + 1) / (last - first + 1)
            total += value_at(position) / value_at(-1.0)
    for i in range(probation, len(alerts)):
        if alerts[i] and not any(first <= i <= last for first, last in windows):
            total -= profile.false_positive * -_after_window(i, windows)
    return total


def _after_window(index: int, windows: Sequence[tuple[int, int]]) -> float:
    """Return sigma of a false positive: -1 unless a window ended shortly before."""
    earlier = [w for w in windows if w[1] < index]
    if not earlier:
        return -1.0
    first, last = earlier[-1]
    return value_at((index - last) / max(last - first, 1))


def normalised(raw: float, windows: int, profile: Profile) -> float:
    """Return a raw score (over files with ``windows`` windows in all) on the scale 0 .. 100."""
    null = -profile.false_negative * windows
    return 100 * (raw - null) / (windows - null)
