import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.quantify import MINIMUM, Stratum, corrected_share

MATRIX = ((80, 10, 10), (20, 60, 20), (5, 15, 80))


def _counted(shares: tuple[float, float, float], total: int = 10_000) -> list[int]:
    """Return what a model with MATRIX counts where the true shares are these."""
    rows = np.array(MATRIX) / np.sum(MATRIX, axis=1, keepdims=True)
    return [round(float(count)) for count in np.array(shares) @ rows * total]


@pytest.mark.parametrize("shares", [(0.1, 0.7, 0.2), (0.5, 0.25, 0.25), (0.02, 0.9, 0.08)])
def test_the_true_share_comes_back(shares: tuple[float, float, float]) -> None:
    """Counts that the matrix explains lead back to the shares that made them."""
    counted = _counted(shares)
    found = corrected_share({"social": Stratum(counted, MATRIX)}, 0)

    assert found is not None
    assert found.value == pytest.approx(shares[0], abs=0.01)
    assert found.low < shares[0] < found.high
    assert found.n == sum(counted)


def test_two_labels_are_the_adjusted_count() -> None:
    """(share - false positives) / (true positives - false positives), as Forman has it."""
    found = corrected_share({"a": Stratum((400, 600), ((90, 10), (20, 80)))}, 0)

    assert found is not None
    assert found.value == pytest.approx((0.4 - 0.2) / (0.9 - 0.2), abs=1e-3)


def test_no_share_is_below_nothing() -> None:
    """Fewer than the model's false alarms are none, not a negative number."""
    found = corrected_share({"a": Stratum((50, 950), ((90, 10), (20, 80)))}, 0)

    assert found is not None
    assert found.value == pytest.approx(0, abs=1e-3)
    assert 0 <= found.low <= found.value <= found.high


def test_more_labelled_texts_make_it_surer() -> None:
    """The interval holds what the matrix leaves open, not only what the counts do."""
    widths = []
    for times in (1, 25):
        matrix = [[times * count for count in row] for row in MATRIX]
        found = corrected_share({"a": Stratum(_counted((0.2, 0.6, 0.2)), matrix)}, 0)
        assert found is not None
        widths.append(found.high - found.low)
    assert widths[0] > 3 * widths[1]


def test_channels_are_corrected_each_by_its_own_matrix() -> None:
    """A channel without enough labelled texts is left out, and not counted."""
    perfect = ((50, 0, 0), (0, 50, 0), (0, 0, 50))
    few = ((MINIMUM - 1, 0, 0), (0, 50, 0), (0, 0, 50))
    strata = {
        "social": Stratum((10, 80, 10), perfect),
        "forum": Stratum((90, 5, 5), perfect),
        "news": Stratum((1_000, 0, 0), few),
        "review": Stratum((0, 0, 0), perfect),
    }

    found = corrected_share(strata, 0)

    assert found is not None
    assert found.n == 200
    assert found.value == pytest.approx(0.5, abs=1e-6)


def test_without_labelled_texts_there_is_none() -> None:
    """Nothing is corrected by a matrix that nobody measured."""
    assert corrected_share({}, 0) is None
    assert corrected_share({"news": Stratum((5, 5, 5), ((0, 0, 0),) * 3)}, 0) is None


def test_it_is_the_same_at_each_call() -> None:
    """The seed is an input; another one moves the ends a little, and the value not at all."""
    strata = {"a": Stratum(_counted((0.2, 0.6, 0.2)), MATRIX)}
    first, again, other = (corrected_share(strata, 0, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first is not None
    assert other is not None
    assert first.value == other.value
    assert first.low != other.low


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=3).filter(any),
    st.lists(
        st.lists(st.integers(0, 60), min_size=3, max_size=3).filter(lambda row: sum(row) >= 20),
        min_size=3,
        max_size=3,
    ),
)
def test_a_share_is_a_share(counted: list[int], matrix: list[list[int]]) -> None:
    """Whatever the counts and the matrix, even labels that the model never gives."""
    found = corrected_share({"a": Stratum(counted, matrix)}, 0)

    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1 + 1e-9
