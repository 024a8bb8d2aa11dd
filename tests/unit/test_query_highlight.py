"""Marks show a reader why a query found a text."""

import time
from typing import Literal

import pytest
from hypothesis import given

from core.mention import Mention
from core.query.evaluate import matches
from core.query.highlight import spans
from core.query.parser import parse
from tests.strategies import NOW, queries, texts


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("acme", "Acme's #ACME, @acme!", ["Acme", "#ACME", "@acme"]),
        ('"acme corp" OR corp', "Acme Corp and corp", ["Acme Corp", "corp"]),
        ("京都", "大東京都庁", ["京都"]),
        ("東京都", "大東京都庁", ["東京都"]),
        ("acme NEAR/1 refund", "acme refund, quite another acme", ["acme", "refund"]),
        ('"late delivery"~3', "delivery was late", ["delivery", "late"]),
        ("deliver* wrod~1", "Deliveries word", ["Deliveries", "word"]),
        ("acme.com", "see https://www.acme.com/x", ["acme.com"]),
        ("NOT acme", "acme", []),
        ("acme AND NOT late", "acme late", ["acme"]),
        ("lang:en *:*", "en", []),
        ("title:acme text:corp", "acme corp", ["corp"]),
        ("❤️", "I ❤️ it", ["❤️"]),
    ],
)
def test_marks_what_is_looked_for(query: str, text: str, marked: list[str]) -> None:
    """Words, phrases and both sides of NEAR are marked; exclusions and fields are not."""
    assert [text[start:end] for start, end in spans(parse(query), text)] == marked


@pytest.mark.parametrize(("place", "marked"), [("title", 1), ("text", 0)])
def test_a_place_has_marks_of_its_own(place: Literal["title", "text"], marked: int) -> None:
    """What is looked for in the title is marked in the title alone."""
    assert len(spans(parse("title:acme"), "acme", place)) == marked


@given(queries, texts)
def test_marks_are_in_order_and_within_the_text(query: str, text: str) -> None:
    """Marks never overlap and never lie outside, so a page can cut the text at them."""
    last = 0
    for start, end in spans(parse(query, NOW), text):
        assert last <= start < end <= len(text)
        last = end


@given(texts)
def test_a_match_has_a_mark(text: str) -> None:
    """A word that matches is marked somewhere."""
    node = parse("acme")
    assert bool(spans(node, text)) is matches(node, Mention(id="m", text=text))


def test_words_near_each_other_all_over_are_marked_in_time() -> None:
    """A long text made of nothing but matches is no reason to wait."""
    text = "late fee " * 50_000
    started = time.monotonic()

    found = spans(parse('(late OR "fee late") NEAR/30 (fee OR "late fee")'), text)

    assert time.monotonic() - started < 8.0
    assert sum(end - start for start, end in found) >= len("latefee") * 50_000
