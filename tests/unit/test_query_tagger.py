"""Tagging finds the same topics as asking each query, without asking each query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mention import Author, Mention, TopicTag
from core.query.evaluate import TokenisedMention, matches
from core.query.parser import parse
from core.query.tagger import Key, Tagger, required_keys
from tests.strategies import mentions, topic_queries


@given(st.lists(topic_queries, max_size=6), st.lists(mentions(), max_size=3))
def test_tags_as_a_loop_over_all_topics_would(queries: list[str], items: list[Mention]) -> None:
    """The pass over keys never loses a topic that a query would match."""
    topics = [(f"t{i}", i, parse(query)) for i, query in enumerate(queries)]
    tagger = Tagger(topics)
    for item in items:
        assert tagger.tag(item) == tuple(
            TopicTag(name=name, query_version=version)
            for name, version, node in topics
            if matches(node, item)
        )


def test_tags_carry_the_query_version_and_come_sorted() -> None:
    """A tag says which version of which topic's query matched."""
    tagger = Tagger([("b", 2, parse("acme")), ("a", 7, parse("NOT road")), ("c", 1, parse("x"))])
    item = Mention(id="m", text="Acme")
    tags = (TopicTag(name="a", query_version=7), TopicTag(name="b", query_version=2))
    assert tagger.tag(item) == tags
    assert tagger.tag(TokenisedMention(item)) == tags


def test_finds_topics_by_title_and_fields() -> None:
    """Keys are looked for in the title and among the values of fields too."""
    tagger = Tagger(
        [("a", 1, parse("acme*")), ("b", 1, parse("author:bob")), ("c", 1, parse("own:true"))]
    )
    author = Author(service="s", id="1", handle="Bob")
    names = [
        [tag.name for tag in tagger.tag(item)]
        for item in (
            Mention(id="m", title="Acmes"),
            Mention(id="m", author=author),
            Mention(id="m", is_own=True),
            Mention(id="m", text="macme bob true"),
        )
    ]
    assert names == [["a"], ["b"], ["c"], []]


def keys(*values: str, field: str = "") -> frozenset[Key]:
    """Return keys of one kind."""
    return frozenset(Key(field, value) for value in values)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"acme"', keys("acme")),
        ("acme", keys("acme", "#acme", "@acme")),
        ('"the roadrunner"', keys("roadrunner")),
        ('case:"Apple"', keys("apple")),
        ('"a" AND "roadrunner" AND NOT "b"', keys("roadrunner")),
        ('"a" OR "b"', keys("a", "b")),
        ('"abc" NEAR/3 ("longer word" OR "words")', keys("longer", "words")),
        ('channel:social AND "a"', keys("social", field="channel")),
        ("acm*", keys(" acm", field="*")),
        ("*a?me", keys("me ", field="*")),
        ("domain:acme.com", keys("acme.com", field="domain")),
        ("a OR NOT b", None),
        ("NOT a", None),
        ("NOT a AND NOT b", None),
        ("acme~1", None),
        ("title:*", None),
        ("*:*", None),
    ],
)
def test_takes_the_rarest_keys_that_must_be_there(
    query: str, expected: frozenset[Key] | None
) -> None:
    """Of what must be there the rarest is filed; a query that needs nothing is always asked."""
    assert required_keys(parse(query)) == expected
