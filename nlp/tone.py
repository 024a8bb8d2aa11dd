"""The tone of whole texts: sentiment, emotion and offence, as labels or as nothing where unsure."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from core.mention import Emotion, Sentiment
from nlp.network import F32, Reading
from nlp.sentiment import LABELS, SentimentModel
from nlp.story import without_retweet

REMEMBERED: Final = 20_000
"""Texts whose tone is kept, so that copies which arrive later are not read again: 10 MB."""

READ_CHARACTERS: Final = 8_000
"""What is behind is read by no model: each cuts earlier, the longest reach is half of this."""

OFFENSIVE_FROM: Final = 0.5
"""Calibrated probability from which a text is called offensive."""

_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_EMOTIONS: Final = tuple(Emotion)


@runtime_checkable
class ToneModel(Protocol):
    """A sentiment model that tells more of a text than its sentiment."""

    def read(self, texts: Sequence[str]) -> Reading:
        """Return all that it says of whole texts."""


@dataclass(frozen=True, slots=True)
class Tone:
    """What a model says of one text, with how probable it finds that.

    A label is None where the model does not tell it or is not sure enough; the confidence is then
    how sure it was of the best one.
    """

    sentiment: Sentiment | None = None
    sentiment_confidence: float | None = None
    emotion: Emotion | None = None
    emotion_confidence: float | None = None
    is_offensive: bool | None = None


NO_TONE: Final = Tone()
"""What is said of a text that no model may read."""


class ToneReader:
    """Reads texts with one model and remembers what it lately said; threads may share it."""

    def __init__(self, model: SentimentModel, minimum_confidence: float | None = None) -> None:
        """Read with ``model``; sentiment below ``minimum_confidence`` is None.

        By default what the model's own card says, 0 where it says nothing.
        """
        own: Mapping[str, float] = getattr(model, "minimum_confidence", {})
        self.model = model
        self._sentiment_from = (
            own.get("sentiment", 0.0) if minimum_confidence is None else minimum_confidence
        )
        self._emotion_from = own.get("emotion", 0.0)
        self._known: OrderedDict[bytes, Tone] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, texts: Sequence[str]) -> list[Tone]:
        """Return the tone of each of ``texts`` (as ``told`` returns them), in order."""
        keys = {text: _key(text) for text in texts}
        with self._lock:
            known = {text: self._known[key] for text, key in keys.items() if key in self._known}
        fresh = sorted(keys.keys() - known.keys())
        if fresh:
            found = dict(zip(fresh, self._tones(self._reading(fresh)), strict=True))
            known |= found
            self._remember({keys[text]: tone for text, tone in found.items()})
        return [known[text] for text in texts]

    def _reading(self, texts: Sequence[str]) -> Reading:
        if isinstance(self.model, ToneModel):
            return self.model.read(texts)
        return Reading(self.model.probabilities(texts))

    def _tones(self, reading: Reading) -> list[Tone]:
        count = len(reading.sentiment)
        emotions: Sequence[F32 | None] = [None] * count
        if reading.emotion is not None:
            emotions = [None if np.isnan(row).any() else row for row in reading.emotion]
        offences: Sequence[float] = [float("nan")] * count
        if reading.offensive is not None:
            offences = reading.offensive.tolist()
        return [
            self._tone(reading.sentiment[index], emotions[index], offences[index])
            for index in range(count)
        ]

    def _tone(self, sentiment: F32, emotion: F32 | None, offence: float) -> Tone:
        sure = float(sentiment.max())
        moved = None if emotion is None else float(emotion.max())
        is_moved = emotion is not None and moved is not None and moved >= self._emotion_from
        return Tone(
            sentiment=LABELS[int(sentiment.argmax())] if sure >= self._sentiment_from else None,
            sentiment_confidence=sure,
            emotion=_EMOTIONS[int(emotion.argmax())] if emotion is not None and is_moved else None,
            emotion_confidence=moved,
            is_offensive=None if np.isnan(offence) else offence >= OFFENSIVE_FROM,
        )

    def _remember(self, found: Mapping[bytes, Tone]) -> None:
        with self._lock:
            self._known.update(found)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def told(text: str) -> str:
    """Return what of ``text`` its tone is read from: without a leading "RT @name:" and last links.

    Copies of one story that differ in those alone are the same here, and are read once.
    """
    rest = without_retweet(text[:READ_CHARACTERS]).strip()
    while (last := rest.rsplit(maxsplit=1)[-1:]) and _LINK.fullmatch(last[0]):
        rest = rest[: -len(last[0])].rstrip()
    return rest or text[:READ_CHARACTERS].strip()


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
