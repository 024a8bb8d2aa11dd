"""Vectors of sentences that cost next to nothing: the weighted mean of the vectors of their tokens.

The tokens' vectors are distilled from a sentence encoder (``nlp.training.vectors``, after
Model2Vec): texts that mean alike point alike. A model is a folder with ``config.json`` and
``weights.npz`` (``nlp.model_folder``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from core.errors import ModelError
from nlp.encoder_text import TEXT_VERSION, write_for_encoder
from nlp.model_folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    Arrays,
    ArraysConfig,
    check_shapes,
    read_arrays,
    read_folder,
)
from nlp.sentiment import MODELS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

F32 = npt.NDArray[np.float32]

DEFAULT_MODEL: Final = "vectors-en"
FORMAT: Final = "groundswell-vectors"
UNKNOWN: Final = "[UNK]"

CHARACTERS: Final = 2_000
"""Longer texts are cut, as the encoder's are: an article says early what it is about."""

BATCH: Final = 4_096
"""Texts tokenised at once: enough for numpy to pay, a few MB at most."""


class VectorsConfig(ArraysConfig):
    """``config.json`` of a set of token vectors."""

    text_version: int
    languages: tuple[str, ...]
    dimensions: int = Field(ge=8, le=1024)
    tokens: int = Field(ge=1)
    encoder: str
    encoder_sha256: str
    labels: tuple[str, ...] = ()
    thresholds: tuple[float, ...] = ()


class SentenceVectors:
    """Turns texts into vectors of length one. Threads may share it; it is never changed."""

    def __init__(self, config: VectorsConfig, arrays: Arrays) -> None:
        """Make it of checked arrays: ``vocabulary``, ``tokens`` (int8) and ``scales``."""
        self.config = config
        words = arrays["vocabulary"].tobytes().decode("utf-8").split("\n")
        self._tokenizer = _tokenizer(words)
        self._rows: F32 = arrays["tokens"].astype(np.float32) * arrays["scales"].astype(np.float32)
        self.head_weights: F32 = arrays["head_weights"].astype(np.float32)
        self.head_bias: F32 = arrays["head_bias"].astype(np.float32)

    @classmethod
    def load(cls, folder: Path) -> SentenceVectors:
        """Read a model folder; raises ModelError when a file is missing, damaged or unfit."""
        config = _read_config(folder)
        return cls(config, _read_arrays(folder, config))

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""
        return self.config.full_name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages whose texts it can tell apart."""
        return frozenset(self.config.languages)

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        return self.config.dimensions

    def vectors(self, texts: Sequence[str]) -> F32:
        """Return a row of length one for each text, shape (texts, dimensions).

        A text without a known token gets zeros. A row does not depend on the other texts. Texts
        are written by ``nlp.encoder_text``; 2,000 characters of each are read.
        """
        parts = [self._batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dimensions), np.float32)

    def _batch(self, texts: Sequence[str]) -> F32:
        from scipy.sparse import csr_array

        written = [write_for_encoder(text[:CHARACTERS]) for text in texts]
        found = self._tokenizer.encode_batch_fast(written, add_special_tokens=False)
        ids = [encoding.ids for encoding in found]
        starts = np.zeros(len(ids) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in ids], out=starts[1:])
        columns = np.fromiter((i for row in ids for i in row), np.int64, count=int(starts[-1]))
        shape = (len(ids), len(self._rows))
        counts = csr_array((np.ones(len(columns), np.float32), columns, starts), shape=shape)
        return normalised(counts @ self._rows)


def normalised(rows: F32) -> F32:
    """Return the rows with length one; a row of zeros stays."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    result: F32 = rows / np.maximum(lengths, np.float32(1e-9))
    return result


@cache
def load_vectors(folder: Path = MODELS / DEFAULT_MODEL) -> SentenceVectors:
    """Return the bundled vectors, loaded once a process; raises ModelError."""
    return SentenceVectors.load(folder)


def _tokenizer(words: Sequence[str]) -> Tokenizer:
    """Return the encoder's tokenizer over the words that were kept."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _read_config(folder: Path) -> VectorsConfig:
    config = read_folder(VectorsConfig, folder, FORMAT, text_version=TEXT_VERSION)
    if len(config.labels) != len(config.thresholds):
        raise ModelError(f"{folder / CONFIG_FILE}: thresholds: expected one a label")
    return config


def _read_arrays(folder: Path, config: VectorsConfig) -> dict[str, npt.NDArray[Any]]:
    path = folder / WEIGHTS_FILE
    arrays = read_arrays(folder, config)
    labels = len(config.labels)
    shapes = {
        "tokens": (config.tokens, config.dimensions),
        "scales": (config.tokens, 1),
        "head_weights": (labels, config.dimensions),
        "head_bias": (labels,),
    }
    check_shapes(path, arrays, shapes)
    vocabulary = arrays.get("vocabulary")
    if vocabulary is None or vocabulary.tobytes().count(b"\n") != config.tokens - 1:
        raise ModelError(f"{path}: vocabulary: expected {config.tokens} words, one a line")
    return arrays
