"""That the bench of quiet streams would see an alarm: silence there is no blindness."""

from __future__ import annotations

import numpy as np
import pytest

from bench.quiet_rules import HISTORY, QUARTERS, RECENT, bursting, interval, may_burst
from insights.distributions import IntArray

QUARTERS_KNOWN = (HISTORY + RECENT) * QUARTERS


def tags(more: int = 0) -> tuple[IntArray, IntArray]:
    """Return three steady tags and the mentions; the last tag has more in the last hour."""
    rng = np.random.default_rng(1)
    counts = rng.poisson((2, 1, 0.2), (QUARTERS_KNOWN, 3))
    counts[-QUARTERS:, 2] += more
    return counts, rng.poisson(8, QUARTERS_KNOWN) + 1


def test_a_tag_that_bursts_is_seen() -> None:
    """Forty more in an hour are told, nothing more is not, and above the minimum alone."""
    assert bursting(*tags(), QUARTERS_KNOWN, minimum=10) == set()
    assert bursting(*tags(10), QUARTERS_KNOWN, minimum=10) == {2}
    assert bursting(*tags(10), QUARTERS_KNOWN, minimum=500) == set()


def test_what_is_left_out_early_is_no_burst() -> None:
    """The quick look lets steady tags go and keeps one that stands out."""
    for more, is_kept in ((0, False), (10, True)):
        counts, mentions = tags(more)
        buckets = counts.reshape(-1, QUARTERS, 3).sum(axis=1)
        totals = mentions.reshape(-1, QUARTERS).sum(axis=1)
        assert may_burst(buckets, totals, level=1e-5, minimum=10) is is_kept


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)]
)
def test_the_interval_is_that_of_a_poisson_count(count: int, low: float, high: float) -> None:
    """The exact limits as tables of the Poisson distribution print them."""
    assert interval(count, weeks=1) == pytest.approx((low, high), abs=1e-3)
