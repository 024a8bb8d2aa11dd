"""The project's own encoder: one pass says sentiment, emotion and offence; pairs say a target's.

A model is a folder with ``config.json``, ``model.onnx`` and ``tokenizer.json``. Nothing in it is
code (``nlp.model_folder``), and the network is read as strangers' are (``nlp.onnx_files``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from core.errors import ModelError
from core.mention import Emotion
from nlp.encoder_text import TEXT_VERSION, write_for_encoder
from nlp.model_folder import (
    CONFIG_FILE,
    MAX_CONFIG_MEGABYTES,
    MEGABYTE,
    FolderConfig,
    check_digest,
    read_folder,
)
from nlp.network import F32, MAX_TOKENS, Network, Reading, read_tokenizer
from nlp.onnx_files import read_onnx
from nlp.sentiment import LABELS, softmax

FORMAT: Final = "groundswell-encoder"
NETWORK_FILE: Final = "model.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
FILES: Final = (NETWORK_FILE, TOKENIZER_FILE)

MAX_MEGABYTES: Final = 200
"""Our own is a tenth of it; what is larger is no model of this form."""

SENTIMENT, EMOTION, OFFENSIVE, TARGET = "sentiment", "emotion", "offensive", "target"
OFFENSIVE_LABEL: Final = "offensive"
EMOTIONS: Final = tuple(Emotion)
"""The order of the columns of every matrix of probabilities of emotions."""

_LABELS: Final[Mapping[str, frozenset[str]]] = {
    SENTIMENT: frozenset(LABELS),
    EMOTION: frozenset(EMOTIONS),
    OFFENSIVE: frozenset({"not_offensive", OFFENSIVE_LABEL}),
    TARGET: frozenset(LABELS),
}

Share = Annotated[float, Field(ge=0, le=1)]


class Head(BaseModel):
    """One output of the network and how its logits become probabilities.

    ``shift`` is added to the logits, a number a label, and the sum divided by ``temperature``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...]
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    shift: tuple[float, ...] = ()
    minimum_confidence: Share = 0.0


class Front(BaseModel):
    """The linear model in front: how sure it must be to answer alone, and its weight otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^\w[\w.\-]{0,79}$")
    threshold: Share
    blend: float = Field(default=0.0, ge=0, le=10)


class EncoderConfig(FolderConfig):
    """``config.json`` of an encoder."""

    name: str = Field(pattern=r"^[\w.\-]{1,80}$")
    version: str = Field(pattern=r"^[\w.\-]{1,40}$")
    text_version: int
    languages: tuple[str, ...] = Field(min_length=1)
    max_tokens: int = Field(ge=8, le=MAX_TOKENS)
    heads: dict[Literal["sentiment", "emotion", "offensive", "target"], Head]
    front: Front | None = None
    files: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class EncoderModel:
    """An encoder with its heads, calibrated; threads may share it."""

    def __init__(self, config: EncoderConfig, network: Network) -> None:
        self.config = config
        self._network = network

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> EncoderModel:
        """Read a model folder; raises ModelError when a file is missing, damaged or unfit.

        ``threads`` is how many texts are read at once, by default as ``usual_threads`` says.
        """
        config = read_encoder_config(folder)
        for name in FILES:
            check_digest(folder / name, config.files[name])
        file = read_onnx(folder / NETWORK_FILE, max_megabytes=MAX_MEGABYTES, allow_neighbours=False)
        tokenizer = read_tokenizer(folder / TOKENIZER_FILE, config.max_tokens)
        network = Network(file, tokenizer, pad_id=0, threads=threads)
        columns: dict[str, int] = {name: len(head.labels) for name, head in config.heads.items()}
        network.prove(columns, config.max_tokens)
        return cls(config, network)

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""
        return self.config.full_name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages that it may be asked in."""
        return frozenset(self.config.languages)

    @property
    def minimum_confidence(self) -> Mapping[str, float]:
        """How sure each head must be to say anything, by its card: head -> probability."""
        return {name: head.minimum_confidence for name, head in self.config.heads.items()}

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return calibrated probabilities of sentiment, (texts, 3) in the order of LABELS."""
        return self.calibrated(SENTIMENT, self.logits(texts, (SENTIMENT,))[SENTIMENT])

    def read(self, texts: Sequence[str]) -> Reading:
        """Return all that the encoder says of whole texts, in one pass."""
        return self.reading(self.logits(texts))

    def towards(self, pairs: Sequence[tuple[str, str]]) -> F32:
        """Return how each passage speaks of its target: probabilities, (pairs, 3) as LABELS.

        A pair is (passage, target). Raises ModelError for an encoder without that head.
        """
        if TARGET not in self.config.heads:
            raise ModelError(f"{self.name} was not trained to tell sentiment towards a target")
        written = [(write_for_encoder(text), write_for_encoder(target)) for text, target in pairs]
        [logits] = self._network.run(written, [TARGET])
        return self.calibrated(TARGET, logits)

    def logits(self, texts: Sequence[str], heads: Sequence[str] | None = None) -> dict[str, F32]:
        """Return the raw outputs for whole texts: head -> (texts, labels in its own order)."""
        names = list(heads or (name for name in self.config.heads if name != TARGET))
        written = [write_for_encoder(text) for text in texts]
        return dict(zip(names, self._network.run(written, names), strict=True))

    def reading(self, logits: Mapping[str, F32]) -> Reading:
        """Return what raw outputs for whole texts mean."""
        offensive = self.calibrated(OFFENSIVE, logits[OFFENSIVE]) if OFFENSIVE in logits else None
        return Reading(
            sentiment=self.calibrated(SENTIMENT, logits[SENTIMENT]),
            emotion=self.calibrated(EMOTION, logits[EMOTION]) if EMOTION in logits else None,
            offensive=offensive[:, 1] if offensive is not None else None,
        )

    def calibrated(self, name: str, logits: F32) -> F32:
        """Return probabilities of a head, in our order of its labels whatever that of the file."""
        head = self.config.heads[name]  # type: ignore[index] # its keys are these names
        order = _column_order(name)
        if not len(logits):
            return np.zeros((0, len(order)), dtype=np.float32)
        shift = np.asarray(head.shift or [0.0] * len(head.labels), dtype=np.float32)
        result = softmax((logits + shift) / np.float32(head.temperature))
        return result[:, [head.labels.index(label) for label in order]]


def _column_order(name: str) -> tuple[str, ...]:
    if name == EMOTION:
        return EMOTIONS
    return ("not_offensive", OFFENSIVE_LABEL) if name == OFFENSIVE else LABELS


def is_encoder(folder: Path) -> bool:
    """Return whether ``folder`` says that it is a model of this form."""
    try:
        with (folder / CONFIG_FILE).open("rb") as stream:
            content = stream.read(MAX_CONFIG_MEGABYTES * MEGABYTE)
    except OSError:
        return False
    return f'"{FORMAT}"'.encode() in content


def read_encoder_config(folder: Path) -> EncoderConfig:
    """Read and check ``config.json``; raises ModelError naming what is wrong."""
    path = folder / CONFIG_FILE
    config = read_folder(EncoderConfig, folder, FORMAT, text_version=TEXT_VERSION)
    if set(config.files) != set(FILES):
        raise ModelError(f"{path}: files: expected the checksums of {' and '.join(FILES)}")
    if SENTIMENT not in config.heads:
        raise ModelError(f"{path}: heads: needs one called {SENTIMENT}")
    for name, head in config.heads.items():
        _check_head(path, name, head)
    return config


def _check_head(path: Path, name: str, head: Head) -> None:
    expected = _LABELS[name]
    if set(head.labels) != expected or len(head.labels) != len(expected):
        raise ModelError(
            f"{path}: heads.{name}.labels: {', '.join(head.labels)} do not fit; expected "
            f"{', '.join(sorted(expected))}, each once"
        )
    if head.shift and (len(head.shift) != len(head.labels) or not np.isfinite(head.shift).all()):
        raise ModelError(f"{path}: heads.{name}.shift: expected one number a label")
