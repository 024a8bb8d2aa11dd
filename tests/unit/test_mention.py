"""The one type that crosses every boundary."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.mention import (
    CONTENT_FIELDS,
    DELIVERED_FIELDS,
    MAX_FIELD_CHARS,
    Correction,
    Engagement,
    Enrichment,
    Mention,
    Overlay,
    Sentiment,
    Status,
    TopicSpan,
    TopicTag,
    clean_text,
)
from tests.strategies import fragments, mentions


@given(st.one_of(mentions(), fragments()))
def test_survives_json(mention: Mention) -> None:
    """A mention stored as JSON comes back equal."""
    assert Mention.model_validate_json(mention.model_dump_json()) == mention


def test_is_frozen_and_knows_its_fields() -> None:
    """A mention cannot be changed, and a field that it does not know is refused."""
    with pytest.raises(ValidationError, match="frozen"):
        Mention(id="m").text = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        Mention.model_validate({"id": "m", "texte": "x"})


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("a\x00b", "ab"),
        ("é\ud800!", "é!"),
        ("a\u2028b", "a\u2028b"),
        ("x" * (MAX_FIELD_CHARS + 1), "x" * MAX_FIELD_CHARS),
        (None, None),
    ],
)
def test_cleans_text_once(text: str | None, clean: str | None) -> None:
    """NUL and lone surrogates go, the length is capped, the rest stays as it was."""
    assert clean_text(text) == clean
    assert Mention(id="m", title=text).title == clean


def test_wants_aware_times_and_cuts_them_to_seconds() -> None:
    """Naive times are refused; others are kept in UTC and whole seconds."""
    with pytest.raises(ValidationError, match="no time zone"):
        Mention(id="m", published_at=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose
    zone = timezone(timedelta(hours=2))
    mention = Mention(id="m", published_at=datetime(2026, 1, 1, 1, 0, 0, 7, tzinfo=zone))
    assert mention.published_at == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_engagement_sums_what_is_known() -> None:
    """Unknown parts are left out of the sum; with nothing known there is no sum. Views are none."""
    assert Engagement(reactions=2, shares=0).total == 2
    assert Engagement(views=5).total is None
    with pytest.raises(ValidationError):
        Engagement(shares=-1)


def test_a_person_stands_above_the_model() -> None:
    """Corrected sentiment, also to none at all, hides the model's."""
    enrichment = Enrichment(
        content_version=(0, 1, ""), enriched_us=1, sentiment=Sentiment.NEGATIVE, story_id="s"
    )
    mention = Mention(id="m", enrichment=enrichment)
    assert mention.sentiment is Sentiment.NEGATIVE
    assert mention.story_id == "s"
    overlay = Overlay(sentiment=Correction(value=None, by="ann", at_us=1))
    assert mention.model_copy(update={"overlay": overlay}).sentiment is None
    assert Mention(id="m").sentiment is None
    assert Mention(id="m").story_id is None


def _read_towards_two() -> Mention:
    enrichment = Enrichment(
        content_version=(0, 1, ""),
        enriched_us=1,
        sentiment=Sentiment.NEUTRAL,
        topic_sentiment=("Acme|positive", "Old|negative"),
        topic_spans=(
            TopicSpan(topic="Acme", sentiment=Sentiment.POSITIVE, confidence=0.9, start=0, end=4),
            TopicSpan(topic="Vague", sentiment=None, confidence=0.4, start=0, end=4),
        ),
    )
    return Mention(id="m", enrichment=enrichment)


@pytest.mark.parametrize(
    ("topic", "towards"),
    [
        ("Acme", Sentiment.POSITIVE),
        ("Vague", None),
        ("Old", Sentiment.NEGATIVE),
        ("Matched later", Sentiment.NEUTRAL),
    ],
)
def test_sentiment_towards_a_topic(topic: str, towards: Sentiment | None) -> None:
    """The passage decides, or the flat label; of a topic never read for, the whole text does."""
    assert _read_towards_two().sentiment_towards(topic) is towards
    assert Mention(id="m").sentiment_towards(topic) is None


def test_a_persons_word_counts_towards_every_topic_until_it_is_taken_back() -> None:
    """A correction stands above what was found towards a topic; withdrawn, it is as if unsaid."""
    mention = _read_towards_two()
    word = Correction[Sentiment | None](value=Sentiment.NEGATIVE, by="ann", at_us=1)
    said = mention.model_copy(update={"overlay": Overlay(sentiment=word)})
    taken_back = word.model_copy(update={"withdrawn": True})
    unsaid = mention.model_copy(update={"overlay": Overlay(sentiment=taken_back)})

    assert said.sentiment_towards("Acme") is said.sentiment is Sentiment.NEGATIVE
    assert unsaid.sentiment_towards("Acme") is Sentiment.POSITIVE
    assert unsaid.sentiment is Sentiment.NEUTRAL


def test_inbox_state_comes_from_the_overlay() -> None:
    """A mention is open and relevant until a person says otherwise; tags come and go."""
    assert Mention(id="m").status is Status.OPEN
    assert not Mention(id="m").is_irrelevant
    overlay = Overlay(
        status=Correction(value=Status.DONE, by="ann", at_us=1),
        irrelevant=Correction(value=True, by="ann", at_us=1),
        tags_added=(("a", 2), ("b", 1), ("c", 0)),
        tags_removed=(("a", 1), ("b", 1)),
    )
    mention = Mention(id="m", overlay=overlay)
    assert mention.status is Status.DONE
    assert mention.is_irrelevant
    assert overlay.tags == ("a", "c")


def test_names_the_topics_that_hold() -> None:
    """A tag that says "no longer" is kept but names no topic."""
    topics = (TopicTag(name="a"), TopicTag(name="b", matched=False))
    assert Mention(id="m", topics=topics).matched_topics == ("a",)


def test_version_tells_deliveries_apart() -> None:
    """Equal deliveries have equal digests; followers and estimated dates make no edit."""
    mention = Mention(id="m", text="a").with_version(5, revision=2)
    assert mention.version == (2, 5, mention.digest())
    assert mention.has_content
    assert not Mention(id="m", text="a").has_content
    assert not mention.model_copy(update={"erased": True}).has_content
    same = Mention(id="m", text="a", language="en", published_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert same.digest() == mention.digest()
    assert Mention(id="m", text="b").digest() != mention.digest()


def test_content_fields_exist() -> None:
    """The registers are named after fields that there are."""
    assert set(Mention.model_fields) >= CONTENT_FIELDS > DELIVERED_FIELDS
