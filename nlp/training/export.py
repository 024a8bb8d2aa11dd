"""Make the model folder that ships of a trained student: smaller vocabulary, ONNX, eight bits.

    GROUNDSWELL_PUBLIC_DATA=... python -m nlp.training.export ENCODER WEIGHTS.pt FOLDER

Word pieces that none of the training texts and none of the unlabelled ones hold are left out; words
made of them are spelt with smaller pieces. Shifts, temperatures, the blend with the linear model
and the thresholds are chosen on the held-out fold; the validation files are only measured.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from nlp.training.corpus import Example
from nlp.training.network import Network

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]

OPSET: Final = 17
SHIPPED: Final = ("sentiment", "emotion", "offensive", "target")
MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"


class Served(nn.Module):
    """The network as it runs: token ids in, one matrix of logits a head out."""

    def __init__(self, network: Network, heads: tuple[str, ...] = SHIPPED) -> None:
        super().__init__()
        self.network, self.names = network, heads

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the logits of each shipped head."""
        inputs = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
        }
        pooled = self.network.pool(inputs)
        return tuple(self.network.heads[name](pooled) for name in self.names)


def used_tokens(tokenizer: Any, texts: Sequence[str], least: int) -> list[int]:
    """Return the ids to keep, in order: those that ``least`` texts hold, special ones, signs."""
    kept = set(tokenizer.all_special_ids)
    for word, number in tokenizer.get_vocab().items():
        if len(word.removeprefix("##")) == 1:
            kept.add(number)
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), 1000):
        for row in tokenizer(list(texts[start : start + 1000]), truncation=False)["input_ids"]:
            counts.update(set(row))
    kept.update(number for number, count in counts.items() if count >= least)
    return sorted(kept)


def shrink(source: Path, kept: list[int], network: Network, target: Path) -> None:
    """Keep the rows of ``kept`` in the network's table of words, and write the tokenizer alike."""
    words = network.encoder.embeddings.word_embeddings
    smaller = nn.Embedding(len(kept), words.embedding_dim, padding_idx=None)
    smaller.weight.data = words.weight.data[kept].clone()
    network.encoder.embeddings.word_embeddings = smaller
    network.encoder.config.vocab_size = len(kept)
    stored = json.loads((source / TOKENIZER_FILE).read_text(encoding="utf-8"))
    renumbered = {old: new for new, old in enumerate(kept)}
    vocabulary = stored["model"]["vocab"]
    stored["model"]["vocab"] = {
        word: renumbered[number] for word, number in vocabulary.items() if number in renumbered
    }
    for token in stored["added_tokens"]:
        token["id"] = renumbered[token["id"]]
    for special in stored["post_processor"].get("special_tokens", {}).values():
        special["ids"] = [renumbered[number] for number in special["ids"]]
    stored["truncation"] = stored["padding"] = None
    text = json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
    (target / TOKENIZER_FILE).write_text(text, encoding="utf-8")


def write_onnx(network: Network, folder: Path, heads: tuple[str, ...] = SHIPPED) -> Path:
    """Write the network in single precision beside the final file; returns its path."""
    network.eval()
    path = folder / "single.onnx"
    ids = torch.ones((2, 8), dtype=torch.long)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "texts", 1: "tokens"} for name in names}
    axes |= {head: {0: "texts"} for head in heads}
    with warnings.catch_warnings():
        # Deprecated for one that needs another package; its graph is known to fit the runtime.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Served(network, heads),
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            str(path),
            input_names=names,
            output_names=list(heads),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    return path


def quantise(single: Path, folder: Path) -> Path:
    """Write the model with weights of eight bits, a scale an output channel; returns its path."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = folder / "prepared.onnx"
    quant_pre_process(str(single), str(prepared), skip_symbolic_shape=True)
    path = folder / MODEL_FILE
    quantize_dynamic(
        str(prepared),
        str(path),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gather"],
        extra_options={"MatMulConstBOnly": True},
    )
    prepared.unlink()
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def labels_of(examples: list[Example]) -> Array:
    """Return the indexes of the examples' labels."""
    return np.array([example.label for example in examples], dtype=np.int64)
