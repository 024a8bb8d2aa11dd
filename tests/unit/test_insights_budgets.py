"""What marked incidents say about a rule's budget of false alarms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.budgets import (
    ENOUGH_WEEKS,
    FEWEST_MARKS,
    LOSABLE,
    SMALLEST,
    BudgetProposal,
    Mark,
    needed_budget,
    propose_budget,
)
from insights.burst import VolumeSettings, judge_volume
from insights.series import Series

WEEKS, RARE = 26.0, 8
MINUTE = timedelta(minutes=1)


def marks(useful: list[float], noise: list[float]) -> list[Mark]:
    """Return incidents by what they needed."""
    return [*(Mark(need, True) for need in useful), *(Mark(need, False) for need in noise)]


def test_low_precision_proposes_a_smaller_budget_in_numbers() -> None:
    """The one that drops most noise, for at most one useful in five."""
    found = propose_budget(
        marks([0.001, 0.002, 0.004, 0.01, 0.015, 0.09], [0.012, 0.03, 0.05, 0.06, 0.08]),
        0.1,
        WEEKS,
        11,
    )
    assert found == BudgetProposal(0.1, 0.02, 5, 6, 4, 5)
    assert found is not None
    assert found.is_smaller
    assert found.words == (
        "false_alarms_per_week: 0.02 would have kept 5 of 6 useful and dropped 4 of 5 noise"
    )


def test_noise_alone_proposes_less_than_any_of_it_needed() -> None:
    """Where nothing was useful, nothing is lost."""
    found = propose_budget(marks([], [0.02, 0.03, 0.05, 0.06, 0.08]), 0.1, WEEKS, 5)
    assert found is not None
    assert (found.budget, found.noise_dropped, found.useful) == (0.01, 5, 0)


@pytest.mark.parametrize(
    ("useful", "noise"),
    [
        ([0.01, 0.02, 0.03], [0.05]),  # too few
        ([0.01, 0.02, 0.03], [0.05, 0.2, 0.3]),  # too few that ring with the budget of today
        ([0.01, 0.02, 0.03, 0.04], [0.05]),  # precise enough
        ([0.05, 0.06, 0.07], [0.01, 0.02]),  # the noise is louder than what was useful
        ([0.001, 0.002, 0.003], [0.004, 0.005, 0.006]),  # no budget worth its name tells them apart
        ([0.06, 0.06, 0.06], [0.06, 0.06, 0.06]),  # nothing tells them apart
    ],
)
def test_no_smaller_budget_without_a_reason(useful: list[float], noise: list[float]) -> None:
    """Few marks, a precise rule, or noise that is as loud as what matters change nothing."""
    assert propose_budget(marks(useful, noise), 0.1, WEEKS, RARE) is None


def test_two_that_lie_close_are_told_apart_all_the_same() -> None:
    """The number is as short as it can be, and exact where it has to be."""
    found = propose_budget(marks([0.03001], [0.03002, 0.04, 0.05, 0.06]), 0.1, WEEKS, 5)
    assert found is not None
    assert (found.budget, found.useful_kept, found.noise_dropped) == (0.03001, 1, 4)


def test_always_useful_and_seldom_proposes_a_larger_budget_with_its_price() -> None:
    """Where the faintest hardly passed, fainter ones may be worth a false alarm more."""
    found = propose_budget(marks([0.01, 0.02, 0.03, 0.07, 0.08], []), 0.1, WEEKS, RARE)
    assert found is not None
    assert (found.budget, found.is_smaller) == (0.2, False)
    assert found.words == (
        "all 5 marked were useful, at 0.3 alerts a week, and the faintest needed 0.08: "
        "false_alarms_per_week: 0.2 would tell fainter ones, for one more false alarm in 10 weeks "
        "at most"
    )


@pytest.mark.parametrize(
    ("useful", "noise", "current", "weeks", "incidents"),
    [
        ([0.01, 0.02, 0.03, 0.07], [], 0.1, WEEKS, RARE),  # too few
        ([0.01, 0.02, 0.03, 0.04, 0.05], [], 0.1, WEEKS, RARE),  # none hardly passed
        ([0.01, 0.02, 0.03, 0.07, 0.08], [], 0.1, WEEKS, 14),  # it rings often enough
        ([0.01, 0.02, 0.03, 0.07, 0.08], [], 0.1, ENOUGH_WEEKS - 1, 1),  # too young to say
        ([0.01, 0.02, 0.03, 0.07, 0.08], [0.2], 0.1, WEEKS, RARE),  # noise lies above
        ([0.9, 0.9, 0.9, 0.9, 0.9], [], 1.0, WEEKS, RARE),  # more would be no budget any more
    ],
)
def test_no_larger_budget_without_a_reason(
    useful: list[float], noise: list[float], current: float, weeks: float, incidents: int
) -> None:
    """What rings often, is young, had noise, or tells nothing faint stays as it is."""
    assert propose_budget(marks(useful, noise), current, weeks, incidents) is None


def test_what_is_unknown_needs_no_budget() -> None:
    """A rule that is learning has neither probability nor level."""
    assert needed_budget(None, 1e-4, 0.1) is None
    assert needed_budget(1e-6, None, 0.1) is None
    assert needed_budget(1e-6, 1e-5, 0.1) == pytest.approx(0.01)


needs = st.floats(0, 0.2)


@given(st.lists(needs, max_size=12), st.lists(needs, max_size=12))
def test_a_smaller_budget_does_what_it_says(useful: list[float], noise: list[float]) -> None:
    """Counted anew over the incidents that ring today, and never for more than it may cost."""
    found = propose_budget(marks(useful, noise), 0.1, WEEKS, 60)
    if found is None:
        return
    ringing = [[need for need in some if need <= 0.1] for some in (useful, noise)]
    assert SMALLEST <= found.budget < 0.1
    assert (found.useful, found.noise) == tuple(map(len, ringing))
    assert found.useful + found.noise >= FEWEST_MARKS
    assert found.useful_kept == sum(need <= found.budget for need in ringing[0])
    assert found.noise_dropped == sum(need > found.budget for need in ringing[1])
    assert found.useful - found.useful_kept <= LOSABLE * found.useful


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_judge_rings_from_the_needed_budget_on(seed: int) -> None:
    """What p and level say of the usual budget holds for smaller ones, within a hundredth."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    counts = np.random.default_rng(seed).poisson(0.2, 60 * 24 * 40)
    counts[-30:] += np.arange(30) % 2 == 0
    series = Series(start, MINUTE, counts, np.ones(counts.size))
    settings = VolumeSettings(false_alarms_per_week=0.1)
    verdict = judge_volume(series, len(series) - 1, settings)
    needed = needed_budget(verdict.p, verdict.level, 0.1)
    assert needed is not None
    for factor, is_alert in ((0.99, False), (1.01, True)):
        other = replace(settings, false_alarms_per_week=factor * needed)
        assert judge_volume(series, len(series) - 1, other).is_alert is is_alert
