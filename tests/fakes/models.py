"""Write small real models in the layouts that the runtime reads, with weights drawn at random."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from nlp.encoder import FORMAT
from nlp.encoder_text import TEXT_VERSION
from tests.fakes.onnx_bert import Size, bert

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
WORDS = ["good", "bad", "phone", "the", "is", "a", "not", "i", "love", "it", "refund", "never"]
VOCABULARY = list(dict.fromkeys([*SPECIAL, *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS, "!"]))
SIZE = Size(words=len(VOCABULARY), positions=48)
MAX_TOKENS = 32

HEADS: dict[str, dict[str, Any]] = {
    "sentiment": {"labels": ["negative", "neutral", "positive"]},
    "emotion": {"labels": ["anger", "joy", "optimism", "sadness"], "minimum_confidence": 0.0},
    "offensive": {"labels": ["not_offensive", "offensive"]},
    "target": {"labels": ["negative", "neutral", "positive"]},
}


def tokenizer() -> Tokenizer:
    """Return a real WordPiece tokenizer of a hundred words and letters, with pairs."""
    made = Tokenizer(
        WordPiece({word: index for index, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return made


def write_encoder(folder: Path, network: onnx.ModelProto | None = None, **changes: Any) -> Path:
    """Write an encoder of our own form; ``changes`` are keys of its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = changes.get("heads", HEADS)
    made = network or bert({name: len(head["labels"]) for name, head in heads.items()}, SIZE)
    onnx.save(made, folder / "model.onnx")
    tokenizer().save(str(folder / "tokenizer.json"))
    config = {
        "format": FORMAT,
        "name": "tiny-encoder",
        "version": "0.1",
        "text_version": TEXT_VERSION,
        "languages": ["en"],
        "max_tokens": MAX_TOKENS,
        "heads": HEADS,
        "front": None,
        "files": digests(folder),
        "licence": "Apache-2.0",
        "command": "none: its weights are drawn at random",
    }
    write_json(folder / "config.json", config | changes)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Return the checksums of an encoder's files."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("model.onnx", "tokenizer.json")
    }


def rewrite_config(folder: Path, **changes: Any) -> None:
    """Change keys of a model's configuration; its checksums are left as they are."""
    path = folder / "config.json"
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)


def write_checkpoint(
    folder: Path,
    network: onnx.ModelProto | None = None,
    *,
    labels: tuple[str, ...] = ("Negative", "Neutral", "Positive"),
    network_file: str = "model.onnx",
    **changes: Any,
) -> Path:
    """Write a classifier in the layout of Hugging Face, as its exporters do."""
    path = folder / network_file
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network or bert({"logits": len(labels)}, SIZE), path)
    tokenizer().save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"model_max_length": 48, "pad_token": "[PAD]"})
    config: dict[str, Any] = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "max_position_embeddings": SIZE.positions,
        "pad_token_id": 0,
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    }
    write_json(folder / "config.json", config | changes)
    return folder


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON."""
    path.write_text(json.dumps(content), encoding="utf-8")
