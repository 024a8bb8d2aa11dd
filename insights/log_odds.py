"""Which values one group of mentions holds more often than another, weighing how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

PRIOR_WEIGHT = 0.01
"""Pseudo-counts per observed count of the prior: enough to silence values seen once or twice."""


@dataclass(frozen=True, slots=True)
class OverIndex:
    """A value, its counts in both groups, and how far its log-odds differ, in standard errors."""

    value: str
    count: int
    expected: float
    z: float


def over_indexed(
    group: Mapping[str, int],
    group_total: int,
    reference: Mapping[str, int],
    reference_total: int,
    *,
    minimum: int = 3,
) -> list[OverIndex]:
    """Return the values that ``group`` holds more of than ``reference``, the surest first.

    Log-odds ratio with an informative Dirichlet prior from both groups together (Monroe, Colaresi
    and Quinn 2008, "Fightin' Words", equations 16, 20 and 22). ``*_total`` count the mentions of
    each group, ``expected`` is the group's count if it were like the reference. Values with fewer
    than ``minimum`` in the group are left out.
    """
    found = []
    everything = group_total + reference_total
    for value, count in group.items():
        other = reference.get(value, 0)
        if count < minimum or not group_total:
            continue
        prior = PRIOR_WEIGHT * (count + other) + 0.5
        rest = PRIOR_WEIGHT * everything + 1.0
        mine = (count + prior) / max(group_total - count + rest, 0.5)
        theirs = (other + prior) / max(reference_total - other + rest, 0.5)
        deviation = math.sqrt(1 / (count + prior) + 1 / (other + prior))
        z = (math.log(mine) - math.log(theirs)) / deviation
        expected = other * group_total / reference_total if reference_total else 0.0
        if z > 0:
            found.append(OverIndex(value, count, expected, z))
    return sorted(found, key=lambda one: (-one.z, one.value))
