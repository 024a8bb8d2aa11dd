"""Queries written from trees mean what they meant, and exclusions only take away."""

import pytest
from hypothesis import given

from core.errors import QueryError
from core.mention import Mention
from core.query.evaluate import matches
from core.query.parser import parse
from core.query.writing import to_text, with_exclusion
from tests.strategies import NOW, mentions, queries, topic_queries


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


@pytest.mark.parametrize(
    ("query", "term", "longer"),
    [
        ("acme", "road runner", 'acme AND NOT "road runner"'),
        ("acme OR b", "#Comics", "(acme OR b) AND NOT #comics"),
        ("a b", "@bob", "a b AND NOT @bob"),
        ("a", 'say "hi"!', 'a AND NOT "say hi"'),
        ("a", "lang:de", 'a AND NOT lang:"de"'),
        ("a", "author:@Bob", 'a AND NOT author:"bob"'),
        ("a OR b", "foo: bar", '(a OR b) AND NOT "foo bar"'),
        ("a", "AND OR", 'a AND NOT "and or"'),
        ("a AND NOT #x", "y", 'a AND NOT #x AND NOT "y"'),
        ('a AND NOT "x y"', "X  Y", 'a AND NOT "x y"'),
        ('NOT "x"', "x", 'NOT "x"'),
        ("  a  ", "b", '  a AND NOT "b"'),
    ],
)
def test_excludes_a_term(query: str, term: str, longer: str) -> None:
    """The query's own text stays, the exclusion follows, and nothing is excluded twice."""
    assert with_exclusion(query, term) == longer


@given(topic_queries, mentions())
def test_an_exclusion_only_takes_away(query: str, item: Mention) -> None:
    """The longer query finds what the query finds and the term does not."""
    longer = with_exclusion(query, "acme road")
    expected = matches(parse(query), item) and not matches(parse('"acme road"'), item)
    assert matches(parse(longer), item) is expected


@pytest.mark.parametrize(("query", "term"), [("(a", "b"), ("a", "..."), ("a", "")])
def test_refuses_what_cannot_be_excluded(query: str, term: str) -> None:
    """An invalid query and a term without words are errors."""
    with pytest.raises(QueryError):
        with_exclusion(query, term)
