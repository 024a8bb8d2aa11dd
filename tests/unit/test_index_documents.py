from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mention import Author, Engagement
from core.query.ast import FieldRange
from core.window import EPOCH
from index.documents import MAX_KEYWORD_BYTES, MAX_NUMBER, document_of, seconds_of, whole_bounds
from tests.contract.mentions import START, corrected, mention


def test_texts_are_indexed_as_folded_and_as_written() -> None:
    """Title and text each have their tokens twice, and an empty one has none."""
    texts = document_of(mention("a", "Café CORP", title="—")).texts
    assert texts == {"text": "cafe corp", "text_cased": "Cafe CORP"}


def test_values_too_long_for_a_term_are_left_out() -> None:
    """A term above the limit is not indexed; one at the limit is, counted in bytes."""
    fits = "https://e.com/" + "x" * (MAX_KEYWORD_BYTES - 14)
    assert document_of(mention("a", url=fits)).keywords["url"] == (fits,)
    assert "url" not in document_of(mention("a", url=fits + "x")).keywords
    wide = "é" * (MAX_KEYWORD_BYTES // 2)
    assert document_of(mention("a", parent_id=wide)).keywords["parent"] == (wide,)
    assert "parent" not in document_of(mention("a", parent_id=wide + "é")).keywords


def test_numbers_are_capped_and_unknown_ones_absent() -> None:
    """No number is greater than an engine holds, and none is made up."""
    author = Author(service="web", id="1", followers=10**30)
    numbers = document_of(mention("a", author=author, engagement=Engagement(views=0))).numbers
    assert numbers["followers"] == MAX_NUMBER
    assert numbers["views"] == 0
    assert "engagement" not in numbers
    assert numbers["published"] == seconds_of(START)


def test_own_and_irrelevant_mentions_are_not_counted() -> None:
    """Either is enough to be left out of what is asked for by default."""
    off = mention("a").model_copy(update={"overlay": corrected("a", irrelevant=True).overlay})
    assert document_of(mention("a")).is_counted
    assert not document_of(mention("a", is_own=True)).is_counted
    assert not document_of(off).is_counted


@given(
    low=st.none() | st.floats(-9, 9),
    high=st.none() | st.floats(-9, 9),
    includes_low=st.booleans(),
    includes_high=st.booleans(),
)
def test_bounds_between_whole_numbers_select_the_same_numbers(
    low: float | None, high: float | None, includes_low: bool, includes_high: bool
) -> None:
    """Any bounds and their whole, inclusive form hold the same whole numbers."""
    least, greatest = whole_bounds(FieldRange("views", low, high, includes_low, includes_high))
    for number in range(-12, 13):
        is_above = low is None or (number >= low if includes_low else number > low)
        is_below = high is None or (number <= high if includes_high else number < high)
        is_within = (least is None or number >= least) and (greatest is None or number <= greatest)
        assert is_within == (is_above and is_below)


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), EPOCH, START])
def test_bounds_in_time_are_whole_seconds(at: datetime) -> None:
    """Half a second past a bound is behind it, also long before 1970."""
    half = at + timedelta(seconds=0.5)
    assert whole_bounds(FieldRange("published", half, None)) == (seconds_of(at) + 1, None)
    assert whole_bounds(FieldRange("published", None, half)) == (None, seconds_of(at))
    assert whole_bounds(FieldRange("published", at, at, includes_high=False)) == (
        seconds_of(at),
        seconds_of(at) - 1,
    )
