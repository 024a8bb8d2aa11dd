"""A Hugging Face sequence-classification checkpoint with ONNX weights, run without torch.

The folder has the standard layout: ``config.json`` with ``id2label``, ``tokenizer.json``, and the
network as ``model.onnx`` or ``onnx/model.onnx``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from core.mention import Sentiment
from nlp.checkpoints import (
    MAX_MEGABYTES,
    TOKENIZER_FILE,
    TOKENIZER_SETTINGS_FILE,
    CheckpointModel,
    columns_of,
)
from nlp.model_folder import CONFIG_FILE, read_form
from nlp.network import F32, MAX_TOKENS, Network, read_tokenizer
from nlp.onnx_files import OnnxFile, read_onnx
from nlp.sentiment import softmax

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


class OnnxSentiment(CheckpointModel):
    """A checkpoint of any origin, run by ONNX Runtime on the CPU."""

    def __init__(
        self,
        name: str,
        network: Network,
        output: str,
        columns: Sequence[Sentiment],
        languages: Sequence[str] | None,
    ) -> None:
        """Take a loaded network; ``columns`` says what each number of ``output`` stands for."""
        super().__init__(name, columns, languages)
        self._network = network
        self._output = output

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
        config = read_form(CheckpointConfig, folder / CONFIG_FILE)
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
        return cls(full_name, network, output, columns, languages)

    def _outputs(self, texts: Sequence[str]) -> F32:
        [logits] = self._network.run(texts, [self._output])
        return softmax(logits)


def _max_tokens(folder: Path, config: CheckpointConfig) -> int:
    """Return how many tokens of a text the network has positions for, at most ``MAX_TOKENS``."""
    limits = [float(MAX_TOKENS)]
    if config.max_position_embeddings is not None:
        is_offset = any(family in config.model_type for family in _OFFSET_FAMILIES)
        unused = (config.pad_token_id or 0) + 1 if is_offset else 0
        limits.append(config.max_position_embeddings - unused)
    path = folder / TOKENIZER_SETTINGS_FILE
    if path.is_file():
        limits.append(read_form(TokenizerSettings, path).model_max_length or MAX_TOKENS)
    return max(2, int(min(limits)))


def _output(file: OnnxFile) -> str:
    """Return the name of the output that holds the logits."""
    if LOGITS in file.outputs or len(file.outputs) != 1:
        return LOGITS
    return file.outputs[0]


def _digest(file: OnnxFile) -> str:
    content = file.content if file.content is not None else file.path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]
