"""A Hugging Face sequence-classification checkpoint with ONNX weights, run without torch.

The folder has the standard layout: ``config.json`` with ``id2label``, ``tokenizer.json``, and the
network as ``model.onnx`` or ``onnx/model.onnx``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import ModelError
from core.mention import Sentiment
from nlp.checkpoints import (
    MAX_MEGABYTES,
    TOKENIZER_FILE,
    TOKENIZER_SETTINGS_FILE,
    columns_of,
)
from nlp.network import F32, MAX_TOKENS, Network, read_tokenizer
from nlp.onnx_files import MAX_CONFIG_MEGABYTES, OnnxFile, read_bounded, read_onnx
from nlp.sentiment import CONFIG_FILE, LABELS, SentimentModel, softmax

Form = TypeVar("Form", bound=BaseModel)

TEXT_CHARACTERS: Final = 4_000
DEFAULT_LANGUAGES: Final = ("en",)
LOGITS: Final = "logits"
MAX_LABELS: Final = 100

# Families that count positions from the id of the padding on, so that two places are never used.
_OFFSET_FAMILIES: Final = ("roberta", "camembert", "bertweet")


class CheckpointConfig(BaseModel):
    """What of a checkpoint's ``config.json`` matters here; it holds much else."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id2label: dict[int, Annotated[str, Field(max_length=200)]] = Field(
        min_length=1, max_length=MAX_LABELS
    )
    model_type: str = ""
    pad_token_id: int | None = Field(default=None, ge=0)
    max_position_embeddings: int | None = Field(default=None, ge=1)


class TokenizerSettings(BaseModel):
    """What of ``tokenizer_config.json`` matters here. A length of 1e30 means that none is known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model_max_length: float | None = Field(default=None, ge=1)


class OnnxSentiment(SentimentModel):
    """A checkpoint of any origin, run by ONNX Runtime on the CPU."""

    def __init__(
        self,
        name: str,
        network: Network,
        output: str,
        columns: Sequence[Sentiment],
        languages: Sequence[str],
    ) -> None:
        """Take a loaded network; ``columns`` says what each number of ``output`` stands for."""
        self._name = name
        self._network = network
        self._output = output
        self._columns = tuple(columns)
        self._languages = frozenset(languages)

    @classmethod
    def load(
        cls,
        folder: Path,
        network_file: str,
        *,
        name: str | None = None,
        label_map: Mapping[str, str] | None = None,
        languages: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> OnnxSentiment:
        """Load a folder whose network lies at ``network_file`` below it.

        ``label_map`` is as for ``columns_of``; ``languages`` is what it was trained for, English
        if not said. Raises ModelError for anything missing, damaged or unfit.
        """
        config = _read(CheckpointConfig, folder / CONFIG_FILE)
        columns = columns_of(str(folder), config.id2label, label_map)
        max_tokens = _max_tokens(folder, config)
        tokenizer = read_tokenizer(folder / TOKENIZER_FILE, max_tokens)
        file = read_onnx(folder / network_file, max_megabytes=MAX_MEGABYTES, allow_neighbours=True)
        output = _output(file)
        network = Network(file, tokenizer, pad_id=config.pad_token_id or 0, threads=threads)
        network.prove({output: len(columns)}, max_tokens)
        full_name = name or folder.name
        if "@" not in full_name:
            full_name = f"{full_name}@{_digest(file)}"
        return cls(full_name, network, output, columns, languages or DEFAULT_LANGUAGES)

    @property
    def name(self) -> str:
        """Name, and what tells this version of it from others."""
        return self._name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it is said to be trained for."""
        return self._languages

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return probabilities, shape (texts, 3) in the order of LABELS.

        Outputs that stand for one label are added up; a label without an output has 0.
        """
        result = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
        if not texts:
            return result
        [logits] = self._network.run([readable(text) for text in texts], [self._output])
        outputs = softmax(logits)
        for column, label in enumerate(self._columns):
            result[:, LABELS.index(label)] += outputs[:, column]
        return result


def readable(text: str) -> str:
    """Return ``text`` cut to a bounded length, without what is no character (lone surrogates)."""
    return text[:TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _read(form: type[Form], path: Path) -> Form:
    try:
        return form.model_validate_json(read_bounded(path, MAX_CONFIG_MEGABYTES))
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "content"
        raise ModelError(f"{path}: {key}: {first['msg']}") from err


def _max_tokens(folder: Path, config: CheckpointConfig) -> int:
    """Return how many tokens of a text the network has positions for, at most ``MAX_TOKENS``."""
    limits = [float(MAX_TOKENS)]
    if config.max_position_embeddings is not None:
        is_offset = any(family in config.model_type for family in _OFFSET_FAMILIES)
        unused = (config.pad_token_id or 0) + 1 if is_offset else 0
        limits.append(config.max_position_embeddings - unused)
    path = folder / TOKENIZER_SETTINGS_FILE
    if path.is_file():
        limits.append(_read(TokenizerSettings, path).model_max_length or MAX_TOKENS)
    return max(2, int(min(limits)))


def _output(file: OnnxFile) -> str:
    """Return the name of the output that holds the logits."""
    if LOGITS in file.outputs or len(file.outputs) != 1:
        return LOGITS
    return file.outputs[0]


def _digest(file: OnnxFile) -> str:
    content = file.content if file.content is not None else file.path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]
