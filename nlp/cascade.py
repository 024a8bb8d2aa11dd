"""A linear model in front of the encoder: the easy cases cost next to nothing.

What the linear model is sure of, by one threshold on its calibrated confidence, it answers alone;
for the rest its logits are added to the encoder's with a small weight. A thorough cascade asks the
encoder for every text, so that every text gets an emotion and a word on offence as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from nlp.encoder import SENTIMENT, EncoderModel
from nlp.model_folder import CONFIG_FILE
from nlp.network import F32, Reading
from nlp.sentiment import LABELS, MODELS, LinearSentiment, softmax

THRESHOLDS: Final = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0)


class Cascade:
    """The linear model and the encoder as one sentiment model."""

    def __init__(
        self,
        front: LinearSentiment,
        encoder: EncoderModel,
        *,
        threshold: float,
        blend: float,
        is_thorough: bool = False,
    ) -> None:
        """Join two models; a ``threshold`` of 1 lets the front answer nothing alone."""
        self.front = front
        self.encoder = encoder
        self.threshold = threshold
        self.blend = np.float32(blend)
        self.is_thorough = is_thorough

    @property
    def name(self) -> str:
        """Names and versions of both, as stored beside every result."""
        return f"{self.encoder.name}+{self.front.name}"

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages that it may be asked in."""
        return self.encoder.languages

    @property
    def minimum_confidence(self) -> Mapping[str, float]:
        """How sure each head must be to say anything: head -> probability."""
        return self.encoder.minimum_confidence

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return calibrated probabilities of sentiment, (texts, 3) in the order of LABELS."""
        return self._read(texts, (SENTIMENT,)).sentiment

    def read(self, texts: Sequence[str]) -> Reading:
        """Return all that is said of whole texts; NaN where the front answered alone."""
        return self._read(texts, None)

    def towards(self, pairs: Sequence[tuple[str, str]]) -> F32:
        """Return how each passage speaks of its target, by the encoder: (pairs, 3) as LABELS."""
        return self.encoder.towards(pairs)

    def _read(self, texts: Sequence[str], heads: Sequence[str] | None) -> Reading:
        linear = self.front.logits(texts)
        sure = self.front_probabilities(linear)
        hard = np.flatnonzero(self.is_hard(sure))
        asked = self.encoder.logits([texts[index] for index in hard.tolist()], heads)
        if len(hard):
            asked[SENTIMENT] = self.blended(asked[SENTIMENT], linear[hard])
        return _spread(self.encoder.reading(asked), sure, hard)

    def front_probabilities(self, linear: F32) -> F32:
        """Return the linear model's calibrated probabilities of its logits."""
        if not len(linear):
            return linear
        return softmax(linear / np.float32(self.front.config.temperature))

    def is_hard(self, sure: F32) -> npt.NDArray[np.bool_]:
        """Return for which texts the encoder is asked, of the front's probabilities."""
        everything = self.is_thorough or self.threshold >= 1
        hard: npt.NDArray[np.bool_] = (
            np.ones(len(sure), dtype=bool)
            if everything
            else sure.max(axis=1, initial=0) < self.threshold
        )
        return hard

    def blended(self, logits: F32, linear: F32) -> F32:
        """Return the encoder's logits with the linear model's added, in the encoder's order."""
        labels = self.encoder.config.heads["sentiment"].labels
        columns = [[label.value for label in LABELS].index(label) for label in labels]
        result: F32 = logits + self.blend * linear[:, columns]
        return result


def load_encoder(
    folder: Path,
    *,
    is_thorough: bool = True,
    front_threshold: float | None = None,
    threads: int | None = None,
) -> Cascade | EncoderModel:
    """Load an encoder and the linear model that its configuration puts in front, if any.

    That one lies beside it or among the bundled models. ``front_threshold`` takes the place of the
    configured one. Raises ModelError.
    """
    encoder = EncoderModel.load(folder, threads=threads)
    front = encoder.config.front
    if front is None:
        return encoder
    beside = folder.parent / front.model
    linear = LinearSentiment.load(beside if beside.is_dir() else MODELS / front.model)
    if not encoder.languages <= linear.languages:
        raise ModelError(
            f"{folder / CONFIG_FILE}: front.model: {front.model} does not read "
            f"{', '.join(sorted(encoder.languages - linear.languages))}"
        )
    return Cascade(
        linear,
        encoder,
        threshold=front.threshold if front_threshold is None else front_threshold,
        blend=front.blend,
        is_thorough=is_thorough,
    )


def _spread(found: Reading, sure: F32, hard: npt.NDArray[np.int64]) -> Reading:
    """Put the encoder's answers in their places among the front's."""
    sentiment = sure.copy()
    if len(hard):
        sentiment[hard] = found.sentiment
    emotion = offensive = None
    if found.emotion is not None:
        emotion = np.full((len(sure), found.emotion.shape[1]), np.nan, dtype=np.float32)
        emotion[hard] = found.emotion
    if found.offensive is not None:
        offensive = np.full(len(sure), np.nan, dtype=np.float32)
        offensive[hard] = found.offensive
    return Reading(sentiment, emotion, offensive)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one threshold costs and yields, on labelled texts.

    ``front_share`` of the texts is answered by the linear model alone; ``texts_per_second`` is by
    the clock, with the threads that the encoder has.
    """

    threshold: float
    front_share: float
    macro_recall: float
    accuracy: float
    texts_per_second: float


def cascade_curve(
    cascade: Cascade,
    texts: Sequence[str],
    labels: npt.NDArray[np.int64],
    thresholds: Sequence[float] = THRESHOLDS,
) -> list[CurvePoint]:
    """Return a point a threshold; ``labels`` are indexes of LABELS. A threshold of 1: all read.

    Both models read each text once; the rate of a threshold is made of their measured times, the
    encoder's for the texts that it would be asked for.
    """
    started = time.perf_counter()
    linear = cascade.front.logits(texts)
    front_seconds = time.perf_counter() - started
    sure = cascade.front_probabilities(linear)
    confidence = sure.max(axis=1)
    asked, seconds = _read_by_confidence(cascade, texts, confidence, thresholds)
    full = cascade.encoder.calibrated(SENTIMENT, cascade.blended(asked, linear))
    points = []
    for threshold in thresholds:
        is_easy = (confidence >= threshold) & (threshold < 1)
        predicted = np.where(is_easy, sure.argmax(axis=1), full.argmax(axis=1))
        spent = front_seconds + sum(
            part for limit, part in seconds.items() if threshold >= 1 or limit <= threshold
        )
        points.append(
            CurvePoint(
                threshold=threshold,
                front_share=round(float(is_easy.mean()), 4),
                macro_recall=round(_macro_recall(labels, predicted), 4),
                accuracy=round(float((labels == predicted).mean()), 4),
                texts_per_second=round(len(texts) / max(spent, 1e-9), 1),
            )
        )
    return points


def _read_by_confidence(
    cascade: Cascade, texts: Sequence[str], confidence: F32, thresholds: Sequence[float]
) -> tuple[F32, dict[float, float]]:
    """Return the encoder's logits, and the seconds for the texts that lie below each threshold
    but not below the one before it."""
    logits = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
    seconds: dict[float, float] = {}
    low = -np.inf
    for limit in (*sorted(threshold for threshold in thresholds if threshold < 1), np.inf):
        chosen = np.flatnonzero((confidence >= low) & (confidence < limit))
        low = limit
        started = time.perf_counter()
        if len(chosen):
            asked = cascade.encoder.logits(
                [texts[index] for index in chosen.tolist()], (SENTIMENT,)
            )
            logits[chosen] = asked[SENTIMENT]
        seconds[float(limit)] = time.perf_counter() - started
    return logits, seconds


def _macro_recall(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> float:
    present = [index for index in range(len(LABELS)) if (labels == index).any()]
    return float(np.mean([(predicted[labels == index] == index).mean() for index in present]))
