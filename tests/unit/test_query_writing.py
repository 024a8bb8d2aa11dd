"""Queries written from trees mean what they meant, and exclusions only take away."""

import pytest
from hypothesis import given

from core.query.parser import parse
from core.query.writing import to_text
from tests.strategies import NOW, queries


@given(queries)
def test_a_written_query_parses_to_the_same_tree(query: str) -> None:
    """Nothing is lost or added between a tree and its text."""
    node = parse(query, NOW)
    assert parse(to_text(node)) == node


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("a b OR c", "a AND b OR c"),
        ("(a OR b) -c", "(a OR b) AND NOT c"),
        ("*:* -*:*", "*:* AND NOT *:*"),
        ("NOT (a b)", "NOT (a AND b)"),
        ("title:(a OR snake_case) 東京都", "(title:a OR title:snake_case) AND 東京都"),
        ('acme NEAR/3 ("b" OR "c d")', 'acme NEAR/3 ("b" OR "c d")'),
        ('title:("a" NEAR/3 "b")', 'title:("a" NEAR/3 "b")'),
        ("https://acme.xyz acme.com", '"https://acme.xyz" AND "acme.com"'),
        ("#a @b $C", '#a AND @b AND "$c"'),
        ("word~ w*d 京", "word~2 AND w*d AND 京"),
        ('"京" "京都"', '"京" AND "京都"'),
        ('case:("Big Apple"~2 OR "OR")', 'case:"Big Apple"~2 OR case:"OR"'),
        ('case:("IT" OR "#IT" OR "@IT")', "case:IT"),
        ('case:("OR" OR "#OR" OR "@OR")', 'case:"OR" OR case:#OR OR case:@OR'),
        ("title:京 case:IT", "title:京 AND case:IT"),
        (
            'link:"a\\"b\\\\c" source:a\\ \\:b* lang:*',
            'link:"a\\"b\\\\c" AND source:a\\ \\:b* AND lang:*',
        ),
        ("views:{1.5 TO 2] views:>3", "views:{1.5 TO 2] AND views:{3 TO *]"),
        ("published:2026", "published:[2026-01-01T00:00:00Z TO 2027-01-01T00:00:00Z}"),
    ],
)
def test_writes_queries_as_people_would(query: str, written: str) -> None:
    """The text is short and canonical, with brackets only where they are needed."""
    node = parse(query)
    assert parse(to_text(node)) == node
    assert to_text(node) == written
