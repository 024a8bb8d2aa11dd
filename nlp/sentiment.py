"""Sentiment of texts: the model's contract, the linear model, and loading whichever is configured.

A linear model is a folder with ``config.json`` and ``weights.npz``. Nothing in it is code: the
arrays are read without pickle, and a checksum proves that they are the ones the configuration
speaks of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import ModelError
from core.mention import Sentiment
from core.settings import ModelSettings
from nlp import ngrams

F32 = npt.NDArray[np.float32]

LABELS: Final = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
"""The order of the columns of every matrix of probabilities."""

MODELS: Final = Path(__file__).parent / "models"
DEFAULT_MODEL: Final = "sentiment-en"
DEFAULT_ENCODER: Final = "encoder-en"
OTHER_ENCODER: Final = "encoder-multi"
DEFAULT_REFERENCE: Final = "default"
CONFIG_FILE: Final = "config.json"
WEIGHTS_FILE: Final = "weights.npz"
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


class FileDigest(BaseModel):
    """A file that a model was trained or measured on: its name, rows and SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: int
    sha256: str


class LinearConfig(BaseModel):
    """``config.json`` of a linear model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    name: str
    version: str
    features_version: int
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    bits: int = Field(ge=8, le=24)
    temperature: float = Field(gt=0)
    weights_sha256: str
    licence: str
    command: str
    data_files: tuple[FileDigest, ...] = ()
    settings: Mapping[str, Any] = {}
    packages: Mapping[str, str] = {}
    scores: Mapping[str, Any] = {}


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
        return cls.of_arrays(config, _read_weights(folder, config), str(folder / WEIGHTS_FILE))

    @classmethod
    def of_arrays(
        cls, config: LinearConfig, arrays: Mapping[str, npt.NDArray[Any]], where: str = "weights"
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
        for name, shape in shapes.items():
            if name not in arrays or arrays[name].shape != shape:
                raise ModelError(f"{where}: {name}: expected shape {shape}")
        return cls(
            config,
            Table.of(arrays["word_weights"], arrays["word_idf"]),
            Table.of(arrays["character_weights"], arrays["character_idf"]),
            arrays["bias"].astype(np.float32),
        )

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""
        return f"{self.config.name}@{self.config.version}"

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
    names = [models.sentiment]
    if models.sentiment == DEFAULT_REFERENCE and (MODELS / OTHER_ENCODER).is_dir():
        names.append(OTHER_ENCODER)
    return tuple(
        load_sentiment(
            name,
            label_map=models.sentiment_labels or None,
            languages=models.sentiment_languages,
            is_thorough=models.thorough,
            front_threshold=models.front_threshold,
            threads=models.threads,
        )
        for name in names
    )


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
    path = folder / CONFIG_FILE
    try:
        config = LinearConfig.model_validate_json(path.read_bytes())
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: {key}: {first['msg']}") from err
    if config.format != FORMAT:
        raise ModelError(f"{path}: format: {config.format!r} is not {FORMAT!r}")
    if config.features_version != ngrams.FEATURES_VERSION:
        raise ModelError(
            f"{path}: features_version: trained on {config.features_version}, this version of "
            f"Groundswell computes {ngrams.FEATURES_VERSION}; train the model anew"
        )
    if config.labels != tuple(label.value for label in LABELS):
        raise ModelError(f"{path}: labels: expected {[label.value for label in LABELS]}")
    return config


def _read_weights(folder: Path, config: LinearConfig) -> dict[str, npt.NDArray[Any]]:
    path = folder / WEIGHTS_FILE
    try:
        content = path.read_bytes()
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err
    if hashlib.sha256(content).hexdigest() != config.weights_sha256:
        raise ModelError(f"{path}: its checksum is not the one in {CONFIG_FILE}: damaged or mixed")
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, OSError, KeyError) as err:
        raise ModelError(f"{path}: not a readable set of arrays: {err}") from err


def write_model(folder: Path, config: LinearConfig, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a model folder; the checksum in ``config`` is set to that of what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / WEIGHTS_FILE, allow_pickle=False, **dict(arrays))
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    stated = config.model_copy(update={"weights_sha256": digest})
    text = json.dumps(stated.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
