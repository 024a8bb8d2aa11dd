"""Sentiment of texts: the model's contract, the linear model, and loading whichever is configured.

A linear model is a folder with ``config.json`` and ``weights.npz`` (``nlp.model_folder``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from core.errors import ModelError
from core.mention import Sentiment
from core.settings import ModelSettings
from nlp import ngrams
from nlp.model_folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    Arrays,
    ArraysConfig,
    check_shapes,
    read_arrays,
    read_folder,
)

F32 = npt.NDArray[np.float32]

LABELS: Final = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
"""The order of the columns of every matrix of probabilities."""

MODELS: Final = Path(__file__).parent / "models"
DEFAULT_MODEL: Final = "sentiment-en"
DEFAULT_ENCODER: Final = "encoder-en"
OTHER_ENCODER: Final = "encoder-multi"
DEFAULT_REFERENCE: Final = "default"
FORMAT: Final = "groundswell-linear"


class SentimentModel(Protocol):
    """Says how a text speaks of what it is about."""

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result, e.g. ``sentiment-en@1.0``."""

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it was trained for; texts in others are never given to it."""

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return probabilities, shape (texts, 3) in the order of LABELS; rows sum to 1.

        A text's row does not depend on the other texts.
        """


class LinearConfig(ArraysConfig):
    """``config.json`` of a linear model."""

    features_version: int
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    bits: int = Field(ge=8, le=24)
    temperature: float = Field(gt=0)


@dataclass(frozen=True, slots=True)
class Table:
    """Weights of one kind of n-gram, each of shape (2**bits, 3), and squared IDF, (2**bits,).

    Weights already hold their IDF; a bucket that training never kept has zero in both.
    """

    weights: F32
    squared_idf: F32

    @classmethod
    def of(cls, weights: npt.NDArray[Any], idf: npt.NDArray[Any]) -> Self:
        """Make a table of stored half-precision arrays."""
        return cls(weights.astype(np.float32), idf.astype(np.float32) ** 2)

    def logits(self, grams: ngrams.Grams, bits: int, count: int) -> F32:
        """Return the contribution of ``grams`` to each of ``count`` texts' logits, (count, 3).

        Presence counts, not frequency, and each text's IDF vector has length one.
        """
        rows, buckets = grams.bucketed(bits)
        out = np.zeros((count, len(LABELS)), dtype=np.float32)
        if not len(rows):
            return out
        starts = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]]))
        sums = np.add.reduceat(self.weights[buckets], starts, axis=0)
        norms = np.sqrt(np.add.reduceat(self.squared_idf[buckets], starts))
        out[rows[starts]] = sums / np.maximum(norms, np.float32(1e-6))[:, None]
        return out


class LinearSentiment:
    """A linear classifier over hashed word and character n-grams, with calibrated scores."""

    def __init__(self, config: LinearConfig, words: Table, characters: Table, bias: F32) -> None:
        self.config = config
        self._words = words
        self._characters = characters
        self._bias = bias

    @classmethod
    def load(cls, folder: Path) -> LinearSentiment:
        """Read a model folder; raises ModelError when a file is missing, damaged or unfit."""
        config = read_config(folder)
        return cls.of_arrays(config, read_arrays(folder, config), str(folder / WEIGHTS_FILE))

    @classmethod
    def of_arrays(
        cls, config: LinearConfig, arrays: Arrays, where: str = "weights"
    ) -> LinearSentiment:
        """Make a model of its stored arrays; raises ModelError for one missing or misshapen."""
        size = 1 << config.bits
        shapes = {
            "word_weights": (size, len(LABELS)),
            "word_idf": (size,),
            "character_weights": (size, len(LABELS)),
            "character_idf": (size,),
            "bias": (len(LABELS),),
        }
        check_shapes(where, arrays, shapes)
        return cls(
            config,
            Table.of(arrays["word_weights"], arrays["word_idf"]),
            Table.of(arrays["character_weights"], arrays["character_idf"]),
            arrays["bias"].astype(np.float32),
        )

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""
        return self.config.full_name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it was trained for."""
        return frozenset(self.config.languages)

    def logits(self, texts: Sequence[str]) -> F32:
        """Return scores before the softmax, shape (texts, 3)."""
        parts = []
        for chunk in ngrams.chunks(texts):
            words, characters = ngrams.extract(chunk)
            parts.append(
                self._words.logits(words, self.config.bits, len(chunk))
                + self._characters.logits(characters, self.config.bits, len(chunk))
                + self._bias
            )
        return np.concatenate(parts) if parts else np.zeros((0, len(LABELS)), dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return calibrated probabilities, shape (texts, 3) in the order of LABELS."""
        return softmax(self.logits(texts) / np.float32(self.config.temperature))


def softmax(logits: F32) -> F32:
    """Return row-wise exponentials that sum to 1."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: F32 = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def load_sentiment(
    reference: str = DEFAULT_REFERENCE,
    *,
    label_map: Mapping[str, str] | None = None,
    languages: Sequence[str] | None = None,
    is_thorough: bool = True,
    front_threshold: float | None = None,
    threads: int | None = None,
) -> SentimentModel:
    """Load the model that a configuration names.

    ``reference`` is ``default``, the name of a bundled model, a folder, or a Hugging Face
    checkpoint; the last takes ``label_map`` (its labels -> ours) and ``languages`` (what it was
    trained for, English if not said). An encoder of ours reads every text if ``is_thorough``, else
    those that the linear model in front is less sure of than ``front_threshold`` (by default what
    its card says). ``threads`` is how many texts an ONNX network reads at once, by default one a
    core. Raises ModelError.
    """
    folder = model_folder(reference)
    if folder is None:
        from nlp.checkpoints import load_checkpoint

        return load_checkpoint(reference, label_map=label_map, languages=languages, threads=threads)
    if (folder / WEIGHTS_FILE).is_file() or folder == MODELS / DEFAULT_MODEL:
        return LinearSentiment.load(folder)
    from nlp.cascade import load_encoder

    return load_encoder(
        folder, is_thorough=is_thorough, front_threshold=front_threshold, threads=threads
    )


def load_configured(models: ModelSettings) -> tuple[SentimentModel, ...]:
    """Load the models that settings name, the first for each language counts; raises ModelError."""
    return tuple(
        load_sentiment(
            name,
            label_map=models.sentiment_labels or None,
            languages=models.sentiment_languages,
            is_thorough=models.thorough,
            front_threshold=models.front_threshold,
            threads=models.threads,
        )
        for name in configured_references(models)
    )


def configured_references(models: ModelSettings) -> list[str]:
    """Return what settings name as sentiment models, the first for each language counts."""
    names = [models.sentiment]
    if models.sentiment == DEFAULT_REFERENCE and (MODELS / OTHER_ENCODER).is_dir():
        names.append(OTHER_ENCODER)
    return names


def model_folder(reference: str) -> Path | None:
    """Return the folder of a model in one of our forms, or None if it is something else."""
    if reference == DEFAULT_REFERENCE:
        has_encoder = (MODELS / DEFAULT_ENCODER).is_dir()
        return MODELS / (DEFAULT_ENCODER if has_encoder else DEFAULT_MODEL)
    if reference in _bundled():
        return MODELS / reference
    from nlp.encoder import is_encoder

    folder = Path(reference).expanduser()
    return folder if (folder / WEIGHTS_FILE).is_file() or is_encoder(folder) else None


def _bundled() -> set[str]:
    return {path.name for path in MODELS.iterdir() if path.is_dir()}


def read_config(folder: Path) -> LinearConfig:
    """Read and check ``config.json``; raises ModelError naming what is wrong."""
    config = read_folder(LinearConfig, folder, FORMAT, features_version=ngrams.FEATURES_VERSION)
    if config.labels != tuple(label.value for label in LABELS):
        raise ModelError(
            f"{folder / CONFIG_FILE}: labels: expected {[label.value for label in LABELS]}"
        )
    return config
