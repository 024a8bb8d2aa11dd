"""That one query finds nothing that another does not is said only where it is certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.query.evaluate import matches
from core.query.narrowing import implies, is_narrower
from core.query.parser import parse
from tests.fakes.crisis import NOW, mention

WORDS = ("acme", "kettle", "comics", "refund")


@pytest.mark.parametrize(
    ("narrow", "wide", "is_certain"),
    [
        ("acme", "acme", True),
        ("acme", "*:*", True),
        ("(acme OR kettle) AND NOT comics", "acme OR kettle", True),
        ("(acme AND kettle) AND NOT comics", "acme AND kettle", True),
        ("acme", "acme OR kettle", True),
        ("acme OR kettle", "comics OR kettle OR acme", True),
        ("acme AND NOT comics", "acme AND NOT (comics AND refund)", True),
        ("acme OR kettle", "acme", False),
        ("acme", "acme AND kettle", False),
        ("acme", "acme AND NOT comics", False),
        ("acme", "acm*", False),
        ("acme OR", "acme", False),
    ],
)
def test_a_query_is_narrower_where_its_form_says_so(
    narrow: str, wide: str, is_certain: bool
) -> None:
    """What cannot be told counts as wider."""
    assert is_narrower(narrow, wide) is is_certain


def _queries() -> st.SearchStrategy[str]:
    words = st.sampled_from(WORDS)
    return st.recursive(
        words,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(("AND", "OR", "AND NOT")), inner).map(
                lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
            ),
        ),
        max_leaves=5,
    )


@given(_queries(), _queries(), st.sets(st.sampled_from(WORDS)))
def test_what_is_narrower_matches_nothing_else(narrow: str, wide: str, words: set[str]) -> None:
    """Whatever a text holds of the words: where the one matches, the other does."""
    text = mention(1, NOW, " ".join(sorted(words)) or "nothing")
    left, right = parse(narrow), parse(wide)
    if implies(left, right) and matches(left, text):
        assert matches(right, text)
