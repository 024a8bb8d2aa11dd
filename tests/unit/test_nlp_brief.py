"""Reading briefly: all that costs little, nothing instead of what takes long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.mention import Channel, Enrichment, Mention, TopicTag
from core.query.parser import parse
from core.themes import DEFAULT_THEMES
from nlp.analyser import Analyser
from nlp.names import SocialEntities
from nlp.sentiment import DEFAULT_MODEL, load_sentiment
from nlp.themes.taxonomy import ThemeFinder
from nlp.vectors import load_vectors

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ENGLISH = "The match in London was wonderful, United scored four goals #football @acme acme.com/x"
GERMAN = "Das neue Telefon ist wirklich schlecht und ich bin sehr enttäuscht"
TAKES_LONG = {
    "sentiment",
    "sentiment_confidence",
    "emotion",
    "emotion_confidence",
    "is_offensive",
    "entities",
    "topic_sentiment",
    "topic_spans",
    "models",
    "is_brief",
    "intent",
}


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    """Return an analyser with everything, its sentiment for English alone."""
    return Analyser(
        ("en", "de"),
        sentiment=lambda: load_sentiment(DEFAULT_MODEL),
        entities=SocialEntities,
        themes=lambda: ThemeFinder(DEFAULT_THEMES, load_vectors()),
        topics={"Acme": parse("acme")},
    )


def _read(analyser: Analyser, text: str, *, brief: bool) -> Enrichment:
    tags = (TopicTag(name="Acme"),)
    mention = Mention(id="m", text=text, channel=Channel.SOCIAL, topics=tags).with_version(1)
    (outcome,) = analyser.analyse([mention], NOW, brief=brief)
    assert outcome.mention.enrichment is not None
    return outcome.mention.enrichment


def test_a_brief_reading_says_the_same_of_what_costs_little(analyser: Analyser) -> None:
    """Language, themes, surface, phrases and story are those of a full one; the rest is unknown."""
    brief = _read(analyser, ENGLISH, brief=True)
    full = _read(analyser, ENGLISH, brief=False)
    cheap = set(Enrichment.model_fields) - TAKES_LONG
    assert {name: getattr(brief, name) for name in cheap} == {
        name: getattr(full, name) for name in cheap
    }
    assert brief.hashtags
    assert brief.themes
    assert (full.sentiment is None, bool(full.entities), bool(full.topic_spans)) == (
        False,
        True,
        True,
    )
    assert (brief.sentiment, brief.entities, brief.topic_spans) == (None, (), ())
    assert set(brief.models) < set(full.models)


def test_a_brief_reading_is_not_current(analyser: Analyser) -> None:
    """Doing it again in full is of use; a full one is done with."""
    assert not analyser.is_current(_read(analyser, ENGLISH, brief=True))
    assert analyser.is_current(_read(analyser, ENGLISH, brief=False))


def test_where_no_model_reads_the_language_there_is_no_more_to_find(analyser: Analyser) -> None:
    """A text of which neither tone nor names are read is done with at once."""
    brief = _read(analyser, GERMAN, brief=True)
    assert not brief.is_brief
    assert brief == _read(analyser, GERMAN, brief=False)
