import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from insights.distributions import (
    benjamini_hochberg,
    count_interval,
    lower_tail,
    share_interval,
    share_upper_tail,
    upper_tail,
    wilson_interval,
)

means = st.floats(0.01, 500)
spreads = st.floats(0.001, 3)


@given(st.integers(0, 300), means, spreads)
def test_upper_tail_agrees_with_the_negative_binomial(
    count: int, mean: float, spread: float
) -> None:
    """The incomplete-beta form equals scipy's negative binomial."""
    size = 1 / spread
    wanted = stats.nbinom.sf(count - 1, size, size / (size + mean))
    assert float(upper_tail(count, mean, spread)) == pytest.approx(wanted, rel=1e-6, abs=1e-14)


def test_upper_tail_without_spread_is_poisson() -> None:
    """A spread of 0 gives the Poisson tail."""
    assert float(upper_tail(7, 2.5, 0.0)) == pytest.approx(stats.poisson.sf(6, 2.5))


@given(st.integers(0, 100), means, spreads)
def test_tails_complete_each_other(count: int, mean: float, spread: float) -> None:
    """P(X <= k) + P(X >= k + 1) = 1."""
    total = float(lower_tail(count, mean, spread)) + float(upper_tail(count + 1, mean, spread))
    assert total == pytest.approx(1.0)


def test_zero_or_more_is_certain() -> None:
    """The tail of no mentions is 1, also where nothing is expected."""
    assert upper_tail([0, 0], [0.0, 5.0], 0.1).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_count_interval_holds_its_mass(spread: float) -> None:
    """At least the asked mass lies between both ends, and not much more."""
    low, high = count_interval(40, spread, 0.8)
    mass = float(upper_tail(low, 40, spread)) - float(upper_tail(high + 1, 40, spread))
    assert 0.8 <= mass < 0.9


@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_share_tail_agrees_with_the_beta_binomial(rho: float) -> None:
    """The summed tail equals scipy's binomial or beta-binomial."""
    weight = 1 / rho - 1 if rho else 0
    wanted = (
        stats.betabinom.sf(19, 60, 0.2 * weight, 0.8 * weight)
        if rho
        else stats.binom.sf(19, 60, 0.2)
    )
    assert share_upper_tail(20, 60, 0.2, rho) == pytest.approx(wanted)


def test_share_tail_at_its_ends() -> None:
    """None or more is certain, more than all impossible."""
    assert share_upper_tail(0, 10, 0.3, 0.1) == 1.0
    assert share_upper_tail(11, 10, 0.3, 0.1) == 0.0


@pytest.mark.parametrize("rho", [0.0, 0.1])
def test_share_interval_lies_around_the_mean(rho: float) -> None:
    """The usual range of a share holds its expected count and stays within the trials."""
    low, high = share_interval(50, 0.2, rho, 0.8)
    assert 0 <= low <= 10 <= high <= 50


@given(st.integers(1, 1000), st.data())
def test_wilson_interval_holds_the_share(total: int, data: st.DataObject) -> None:
    """The share lies in its interval, the interval in 0..1."""
    count = data.draw(st.integers(0, total))
    low, high = wilson_interval(count, total)
    assert 0 <= low <= count / total <= high <= 1


def test_wilson_interval_of_nothing_is_refused() -> None:
    """A share of nothing has no interval."""
    with pytest.raises(ValueError, match="nothing"):
        wilson_interval(0, 0)


def test_benjamini_hochberg_by_hand() -> None:
    """The q-values are those of the paper's procedure, in the order handed in."""
    q = benjamini_hochberg([0.04, 0.01, 0.02])
    assert q.tolist() == pytest.approx([0.04, 0.03, 0.03])
    assert benjamini_hochberg([0.01], tested=10).tolist() == pytest.approx([0.1])
    assert benjamini_hochberg([]).size == 0


def test_false_discovery_rate_holds_on_null_data() -> None:
    """Of 400 families without any effect, at most about one in twenty finds something."""
    rng = np.random.default_rng(3)
    found = sum(bool((benjamini_hochberg(rng.random(50)) <= 0.05).any()) for _ in range(400))
    assert found / 400 <= 0.08
