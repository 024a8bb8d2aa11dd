from collections.abc import Sequence

import numpy as np
import pytest

from core.mention import Emotion, Sentiment
from nlp.network import F32, Reading
from nlp.tone import READ_CHARACTERS, REMEMBERED, ToneReader, told

NAN = float("nan")


class Scripted:
    """Says what it was told to say of any text; keeps what it was asked."""

    name = "scripted@1"
    languages = frozenset({"en"})

    def __init__(
        self, emotion: Sequence[float] | None = None, offensive: float | None = None
    ) -> None:
        self.minimum_confidence = {"sentiment": 0.5, "emotion": 0.6}
        self.asked: list[str] = []
        self._emotion = emotion
        self._offensive = offensive

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return .7 for positive."""
        return np.array([[0.1, 0.2, 0.7]] * len(texts), dtype=np.float32)

    def read(self, texts: Sequence[str]) -> Reading:
        """Return the script for each text."""
        self.asked += texts
        emotion, offensive = None, None
        if self._emotion is not None:
            emotion = np.array([self._emotion] * len(texts), dtype=np.float32)
        if self._offensive is not None:
            offensive = np.full(len(texts), self._offensive, dtype=np.float32)
        return Reading(self.probabilities(texts), emotion, offensive)


@pytest.mark.parametrize(
    ("emotion", "expected"),
    [
        (None, (None, None)),
        ((0.1, 0.1, 0.1, 0.7), (Emotion.SADNESS, 0.7)),
        ((0.5, 0.3, 0.1, 0.1), (None, 0.5)),
        ((NAN, NAN, NAN, NAN), (None, None)),
    ],
)
def test_an_emotion_is_told_where_the_model_is_sure(
    emotion: Sequence[float] | None, expected: tuple[Emotion | None, float | None]
) -> None:
    """Unread, untold and unsure are None; what is unsure keeps its confidence."""
    [tone] = ToneReader(Scripted(emotion)).read(["x"])

    assert tone.emotion is expected[0]
    assert tone.emotion_confidence == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("offensive", "expected"), [(None, None), (NAN, None), (0.5, True), (0.49, False)]
)
def test_offence_is_yes_no_or_unread(offensive: float | None, expected: bool | None) -> None:
    """What was not read is None, never False."""
    [tone] = ToneReader(Scripted(offensive=offensive)).read(["x"])

    assert tone.is_offensive is expected


@pytest.mark.parametrize(
    ("minimum", "expected"), [(None, Sentiment.POSITIVE), (0, Sentiment.POSITIVE), (0.8, None)]
)
def test_a_configured_minimum_stands_above_the_models(
    minimum: float | None, expected: Sentiment | None
) -> None:
    """Without one the model's own card says when it is silent."""
    model = Scripted()

    [tone] = ToneReader(model, minimum).read(["x"])

    assert tone.sentiment is expected
    assert tone.sentiment_confidence == pytest.approx(0.7)
    model.minimum_confidence["sentiment"] = 0.71
    assert ToneReader(model).read(["x"])[0].sentiment is None


def test_what_was_read_is_remembered() -> None:
    """A text is read once, in one batch or in two, as long as not too many came between."""
    model = Scripted()
    reader = ToneReader(model)

    reader.read(["b", "a", "b"])
    reader.read(["a", "c"])
    assert model.asked == ["a", "b", "c"]

    reader.read([f"other {index}" for index in range(REMEMBERED)])
    reader.read(["a"])
    assert model.asked[-1] == "a"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("I love it", "I love it"),
        ("RT @acme: I love it", "I love it"),
        ("RT @a: RT @b: I love it https://a.example/x www.b.example", "I love it"),
        ("I love it https://a.example :)", "I love it https://a.example :)"),
        ("https://a.example/x", "https://a.example/x"),
        (" \n", ""),
        ("", ""),
    ],
)
def test_copies_are_read_alike(text: str, read: str) -> None:
    """Who passed a text on, and the links behind it, do not count; within a text they stay."""
    assert told(text) == read


def test_what_no_model_reads_is_cut() -> None:
    """A megabyte of links takes no time, and no memory is spent on the end of a text."""
    assert len(told("https://a.example/x " * 50_000)) <= READ_CHARACTERS
    assert told("word " * 50_000) == told("word " * 60_000)
