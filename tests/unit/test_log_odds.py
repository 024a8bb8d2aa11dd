"""Which values one group of mentions holds more of than another."""

from __future__ import annotations

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.log_odds import PRIOR_WEIGHT, over_indexed


def test_values_by_the_formula() -> None:
    """The z-score of a worked example is the paper's, with the prior from both groups."""
    (one,) = over_indexed({"late": 30}, 50, {"late": 10}, 200)
    prior, rest = PRIOR_WEIGHT * 40 + 0.5, PRIOR_WEIGHT * 250 + 1
    odds = log((30 + prior) / (20 + rest)) - log((10 + prior) / (190 + rest))
    assert one.z == pytest.approx(odds / sqrt(1 / (30 + prior) + 1 / (10 + prior)))
    assert one.expected == pytest.approx(2.5)
    assert one.count == 30


def test_surest_first_and_only_what_is_more() -> None:
    """Values are ordered by how sure they are; those that are as usual or fewer are left out."""
    group = {"a": 40, "b": 20, "usual": 9, "fewer": 3}
    reference = {"a": 10, "b": 10, "usual": 40, "fewer": 100}
    assert [one.value for one in over_indexed(group, 50, reference, 200)] == ["a", "b"]


def test_equally_sure_values_stand_in_order_of_name() -> None:
    """Ties are settled by the value, so that the answer never varies."""
    found = over_indexed({"y": 9, "x": 9}, 20, {}, 100)
    assert [one.value for one in found] == ["x", "y"]


def test_rare_values_are_left_out() -> None:
    """Below the minimum nothing is said."""
    assert over_indexed({"a": 4}, 10, {}, 100, minimum=5) == []
    assert len(over_indexed({"a": 5}, 10, {}, 100, minimum=5)) == 1


def test_empty_group_or_reference() -> None:
    """Without a group there is nothing to say; without a reference nothing was expected."""
    assert over_indexed({"a": 5}, 0, {"a": 5}, 9) == []
    assert over_indexed({}, 9, {"a": 5}, 9) == []
    (one,) = over_indexed({"a": 8}, 10, {}, 0)
    assert one.expected == 0.0


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=8),
    st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=8),
)
def test_answers_hold_for_any_counts(group: dict[str, int], reference: dict[str, int]) -> None:
    """Any counts give finite, positive, ordered scores of values of the group."""
    found = over_indexed(group, 50, reference, 50)
    assert all(one.z > 0 and one.count == group[one.value] >= 3 for one in found)
    assert [one.z for one in found] == sorted((one.z for one in found), reverse=True)
