from collections.abc import Sequence

import numpy as np
import pytest

from core.mention import Mention, Sentiment, TopicTag
from core.query.parser import parse
from nlp.sentiment import load_sentiment
from nlp.target import (
    F32,
    SHORT_CHARACTERS,
    Pair,
    PassageSentiment,
    TargetReader,
    TopicReader,
    Whole,
    labels_of,
    pairs_of,
    target_model,
)

READER = TopicReader({"Acme": parse("acme"), "Zenith": parse("zenith OR @zenith_help")})
NEITHER = Whole(Sentiment.NEUTRAL, 0.5)


class TrainedHead:
    """A model with a head for targets; finds good what it is asked about Acme."""

    name = "trained@1"
    languages = frozenset({"en"})
    is_thorough = True

    def __init__(self, *heads: str) -> None:
        self.minimum_confidence = dict.fromkeys(heads, 0.0)

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Find everything neutral."""
        return np.tile(np.array([0.1, 0.8, 0.1], dtype=np.float32), (len(texts), 1))

    def towards(self, pairs: Sequence[Pair]) -> F32:
        """Return a row a pair."""
        rows = [[0.1, 0.1, 0.8] if target == "Acme" else [0.7, 0.2, 0.1] for _, target in pairs]
        return np.array(rows, dtype=np.float32)


def _mention(text: str, *topics: str, title: str | None = None) -> Mention:
    tags = tuple(TopicTag(name=name) for name in topics)
    return Mention(id="m", text=text, title=title, topics=tags)


def _told(mention: Mention, *, minimum_confidence: float = 0.0) -> dict[str, tuple[str, str]]:
    """Return label and passage of each topic, by the bundled sentiment model."""
    asked = READER.ask(mention, "en")
    pairs = pairs_of([asked])
    said = dict(
        zip(pairs, PassageSentiment(load_sentiment("sentiment-en")).towards(pairs), strict=True)
    )
    spans = READER.answer(mention, asked, said, NEITHER, minimum_confidence)
    return {
        span.topic: (
            span.sentiment.value if span.sentiment else "unsure",
            (mention.title or "" if span.in_title else mention.text)[span.start : span.end],
        )
        for span in spans
    }


def test_a_post_that_praises_one_and_damns_another_counts_as_both() -> None:
    """Each topic has its own label, and the passage that decided it."""
    text = "I love my new Acme phone so much, but the Zenith service is terrible, I hate it"

    assert _told(_mention(text, "Acme", "Zenith")) == {
        "Acme": ("positive", "I love my new Acme phone so much"),
        "Zenith": ("negative", "but the Zenith service is terrible, I hate it"),
    }


def test_the_only_topic_of_a_short_text_is_spoken_of_by_all_of_it() -> None:
    """No model is asked again: the whole text's sentiment is the answer."""
    mention = _mention("Got an Acme today. Battery is awful.", "Acme")
    asked = READER.ask(mention, "en")

    assert pairs_of([asked]) == []
    [span] = READER.answer(mention, asked, {}, Whole(Sentiment.NEGATIVE, 0.81))
    assert (span.sentiment, span.confidence) == (Sentiment.NEGATIVE, 0.81)
    assert mention.text[span.start : span.end] == mention.text


def test_a_long_text_is_read_where_it_names_the_topic() -> None:
    """The rest of an article says nothing of a brand that it names once."""
    filler = "The committee met on Tuesday to talk about the budget. " * 10
    assert len(filler) > SHORT_CHARACTERS

    told = _told(_mention(f"{filler}Acme is wonderful and I love it. {filler}", "Acme"))

    assert told == {"Acme": ("positive", "Acme is wonderful and I love it.")}


def test_a_title_speaks_too() -> None:
    """A topic that stands in the title alone is read there, and the span says so."""
    mention = _mention("Nobody was hurt.", "Acme", "Zenith", title="Zenith is terrible, awful")

    told = _told(mention)

    assert told["Zenith"] == ("negative", "Zenith is terrible, awful")
    assert told["Acme"] == ("neutral", mention.text)


def test_a_topic_matched_by_other_things_than_words_takes_the_whole_text() -> None:
    """A query that reads a domain, or none at all, names no passage."""
    reader = TopicReader({"Press": parse("domain:acme.example")})
    mention = _mention("so good", "Gone", "Press")

    spans = reader.answer(mention, reader.ask(mention, "en"), {}, Whole(Sentiment.POSITIVE, 0.9))

    assert labels_of(spans) == ("Gone|positive", "Press|positive")


def test_the_words_of_the_text_are_the_target() -> None:
    """A trained head is asked with what the text calls the topic, not with the topic's name."""
    mention = _mention("I like @zenith_help but not Acme", "Acme", "Zenith")

    pairs = pairs_of([READER.ask(mention, "en")])

    assert pairs == [("I like @zenith_help", "@zenith_help"), ("but not Acme", "Acme")]


def test_several_passages_are_averaged_and_the_clearest_is_named() -> None:
    """The label is that of the mean, the span that of the passage that says it most."""
    mention = _mention(
        "Acme is nice. The sky is blue. Acme is superb. Zenith too.", "Acme", "Zenith"
    )
    asked = READER.ask(mention, "en")
    rows = {
        "Acme is nice.": [0.3, 0.2, 0.5],
        "Acme is superb.": [0.0, 0.1, 0.9],
        "Zenith too.": [0.4, 0.5, 0.1],
    }
    said = {pair: np.array(rows[pair[0]], dtype=np.float32) for pair in pairs_of([asked])}

    acme, zenith = READER.answer(mention, asked, said, None)

    assert (acme.sentiment, acme.confidence) == (Sentiment.POSITIVE, 0.7)
    assert mention.text[acme.start : acme.end] == "Acme is superb."
    assert zenith.sentiment is Sentiment.NEUTRAL


def test_what_is_not_sure_enough_is_said_to_be_unknown() -> None:
    """The span stays, so that it is known to have been read; no label is counted."""
    mention = _mention("Acme is fine, Zenith is fine", "Acme", "Zenith")

    told = _told(mention, minimum_confidence=1.0)

    assert {label for label, _ in told.values()} == {"unsure"}


def test_without_a_score_of_the_whole_text_nothing_is_said() -> None:
    """A text that no model may read has no span."""
    mention = _mention("hm", "Acme")

    assert READER.answer(mention, READER.ask(mention, "en"), {}, None) == ()


def test_a_model_with_the_head_is_asked_itself() -> None:
    """One that was trained for targets is; one without that head reads passages."""
    trained, untrained = TrainedHead("sentiment", "target"), TrainedHead("sentiment")

    assert target_model(trained) is trained
    assert isinstance(target_model(untrained), PassageSentiment)
    assert target_model(untrained).name == "trained@1"
    assert isinstance(target_model(load_sentiment("sentiment-en")), PassageSentiment)


@pytest.mark.parametrize("of_whole", [False, True])
def test_a_trained_head_is_asked_of_whole_texts_too(of_whole: bool) -> None:
    """A short text with one topic goes to it as it is, with the words that name the topic."""
    mention = _mention(" Acme! what else ", "Acme", title="About Acme")

    pairs = pairs_of([READER.ask(mention, "en", of_whole=of_whole)])

    assert pairs == ([("About Acme", "Acme"), ("Acme! what else", "Acme")] if of_whole else [])


def test_a_pair_is_read_once() -> None:
    """A copy that arrives later costs nothing."""
    asked: list[Pair] = []

    class Counting(TrainedHead):
        def towards(self, pairs: Sequence[Pair]) -> F32:
            asked.extend(pairs)
            return super().towards(pairs)

    reader = TargetReader(Counting("target"))
    first, second = ("love Acme", "Acme"), ("hate Zenith", "Zenith")

    rows = reader.read([first, second, first]) + reader.read([second])

    assert asked == [second, first]
    assert [int(row.argmax()) for row in rows] == [2, 0, 2, 0]


@pytest.mark.parametrize(
    ("heads", "is_thorough", "asks"),
    [(("target",), True, True), (("target",), False, False), ((), True, False)],
)
def test_whole_texts_are_asked_of_a_thorough_model_with_the_head(
    heads: tuple[str, ...], is_thorough: bool, asks: bool
) -> None:
    """One that is to be fast reads passages only where a text speaks of several topics."""
    model = TrainedHead(*heads)
    model.is_thorough = is_thorough

    assert TargetReader(model).asks_of_whole is asks


def test_a_configured_confidence_counts_before_the_models_own() -> None:
    """What the card of the head says stands in for none in the settings."""
    model = TrainedHead("target")
    model.minimum_confidence["target"] = 0.5

    assert TargetReader(model).minimum_confidence == 0.5
    assert TargetReader(model, 0.7).minimum_confidence == 0.7
