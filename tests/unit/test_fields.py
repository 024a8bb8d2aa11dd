"""Every field a query may name reads what it says it reads."""

from datetime import UTC, datetime

import pytest

from core.fields import FIELD_NAMES, FIELDS, FieldKind
from core.mention import (
    Author,
    Channel,
    Correction,
    Emotion,
    Engagement,
    Enrichment,
    Entity,
    Intent,
    Mention,
    Overlay,
    Sentiment,
    Status,
    TopicTag,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)
FULL = Mention(
    id="m",
    service="Mastodon",
    channel=Channel.SOCIAL,
    url="https://News.example.com/A",
    published_at=AT,
    collected_at=AT,
    known_at=AT,
    author=Author(service="mastodon", id="Id7", handle="@Bob", name="Bob B.", followers=9),
    parent_id="P",
    root_id="R",
    links=("https://acme.com/X",),
    is_own=True,
    sources=("Feed A",),
    topics=(TopicTag(name="Acme"), TopicTag(name="Old", matched=False)),
    engagement=Engagement(reactions=1, comments=2, shares=3, views=4),
    enrichment=Enrichment(
        content_version=(0, 1, ""),
        enriched_us=1,
        language="en",
        sentiment=Sentiment.NEGATIVE,
        emotion=Emotion.ANGER,
        is_offensive=True,
        intent=Intent.COMPLAINT,
        themes=("Labour",),
        discovered_theme="d1",
        entities=(Entity(text="Berlin", label="GPE", start=0, end=6),),
        hashtags=("Launch", "launch"),
        handles=("Eve",),
        phrases=("late delivery",),
        story_id="s",
        is_copy=True,
        topic_sentiment=("Acme|negative",),
    ),
    overlay=Overlay(
        status=Correction(value=Status.DONE, by="ann", at_us=1),
        irrelevant=Correction(value=True, by="ann", at_us=1),
        tags_added=(("VIP", 1),),
    ),
)
EXPECTED: dict[str, list[object]] = {
    "id": ["m"],
    "lang": ["en"],
    "channel": ["social"],
    "source": ["feed a"],
    "service": ["mastodon"],
    "author": ["bob"],
    "author_name": ["bob b."],
    "author_id": ["mastodon:Id7"],
    "followers": [9],
    "domain": ["news.example.com", "example.com", "acme.com"],
    "url": ["https://News.example.com/A"],
    "link": ["https://acme.com/X"],
    "parent": ["P"],
    "root": ["R"],
    "own": [True],
    "synthetic": [False],
    "published": [AT],
    "collected": [AT],
    "known": [AT],
    "topic": ["acme"],
    "sentiment": ["negative"],
    "topic_sentiment": ["Acme|negative"],
    "emotion": ["anger"],
    "offensive": [True],
    "intent": ["complaint"],
    "theme": ["labour"],
    "discovered": ["d1"],
    "hashtag": ["launch"],
    "handle": ["eve"],
    "entity": ["berlin"],
    "phrase": ["late delivery"],
    "story": ["s"],
    "copy": [True],
    "status": ["done"],
    "tag": ["vip"],
    "irrelevant": [True],
    "reactions": [1],
    "comments": [2],
    "shares": [3],
    "views": [4],
    "engagement": [6],
}
ALWAYS = {"id", "channel", "service", "own", "synthetic", "published", "collected", "status"}


def test_every_field_is_expected() -> None:
    """The list of fields is closed: a new one is tested here too."""
    assert list(FIELDS) == list(EXPECTED)


@pytest.mark.parametrize("name", FIELDS)
def test_reads_its_values(name: str) -> None:
    """Values come as the kind of field keeps them: case-folded, or exactly as delivered."""
    spec = FIELDS[name]
    values = list(spec.read(FULL))
    assert values == EXPECTED[name]
    if spec.kind is FieldKind.KEYWORD and not spec.is_exact:
        assert all(value == str(value).casefold() for value in values)


@pytest.mark.parametrize("name", FIELDS)
def test_missing_values_are_no_values(name: str) -> None:
    """What is unknown is no value at all, never zero or an empty word."""
    bare = Mention(id="m", service="web")
    assert bool(FIELDS[name].read(bare)) is (name in ALWAYS | {"irrelevant", "copy"})


def test_a_delivered_language_comes_before_a_found_one() -> None:
    """The source's own word on the language is taken where there is one."""
    assert FIELDS["lang"].read(FULL.model_copy(update={"language": "de"})) == ("de",)


def test_an_empty_handle_is_no_value() -> None:
    """An author without a handle has no value for ``author``."""
    author = Author(service="s", id="1", handle="", followers=None)
    mention = Mention(id="m", author=author)
    assert FIELDS["author"].read(mention) == ()
    assert FIELDS["author_name"].read(mention) == ()
    assert FIELDS["followers"].read(mention) == ()


def test_names_include_aliases() -> None:
    """A field answers to its name and to its aliases."""
    assert FIELD_NAMES["language"] == "lang"
    assert set(FIELDS) <= set(FIELD_NAMES)
    assert all(spec.help for spec in FIELDS.values())
