"""An id depends on what was delivered and on nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identity import (
    canonical_url,
    content_id,
    feed_item_id,
    hashed_id,
    page_id,
    service_item_id,
)


@given(st.lists(st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_different_parts_have_different_ids(one: list[str], two: list[str]) -> None:
    """Parts cannot run into each other: only equal lists share an id."""
    assert (hashed_id(*one) == hashed_id(*two)) is (one == two)


def test_each_kind_of_id_is_its_own() -> None:
    """The same words never make the same id in two roles."""
    ids = {
        service_item_id("a", "b"),
        feed_item_id("a", "b"),
        content_id("a", "b", "c"),
        page_id("https://a/b"),
        hashed_id("a", "b"),
    }
    assert len(ids) == 5
    assert all(len(found) == 32 for found in ids)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a?b=1&c=2",
        "http://example.com/a?b=1&c=2",
        " HTTPS://Example.COM:443/a?c=2&b=1#top ",
        "https://example.com./a?utm_source=x&b=1&fbclid=y&c=2",
    ],
)
def test_one_page_has_one_url(url: str) -> None:
    """What does not change the page does not change its id."""
    assert canonical_url(url) == "https://example.com/a?b=1&c=2"
    assert page_id(url) == page_id("https://example.com/a?b=1&c=2")


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com:8080/a", "https://example.com:8080/a"),
        ("https://example.com:x/a", "https://example.com/a"),
        ("https://example.com/?a=", "https://example.com/?a="),
        ("at://did/x", "at://did/x"),
        ("http://[::1]:8080/a", "https://[::1]:8080/a"),
        ("http://[::1/a", "http://[::1/a"),
    ],
)
def test_keeps_what_names_another_page(url: str, canonical: str) -> None:
    """Ports, paths and empty values stay; what is no URL stays as it is."""
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@given(st.text("htp:/.?&=#%[]@ aé1", max_size=20))
def test_no_text_breaks_the_canonical_form(text: str) -> None:
    """Hostile addresses give an id, and canonical forms are stable."""
    canonical = canonical_url(text)
    assert canonical_url(canonical) == canonical
