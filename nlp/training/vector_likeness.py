"""How far the cosines of distilled vectors follow those of the encoder that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from nlp.encoder_text import write_for_encoder
from nlp.vectors import F32, SentenceVectors, normalised

TOKENS: Final = 96
BATCH: Final = 32
PAIRS: Final = 20_000


def compare(
    encoder: Path, vectors: SentenceVectors, groups: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Return Pearson's correlation of both cosines over random pairs of each group's texts."""
    found = {}
    for name, texts in groups.items():
        ours, theirs = vectors.vectors(texts), encode(encoder, texts)
        draw = np.random.default_rng(0)
        left, right = draw.integers(0, len(texts), (2, PAIRS))
        left, right = left[left != right], right[left != right]
        pairs = [(rows[left] * rows[right]).sum(axis=1) for rows in (ours, theirs)]
        found[name] = round(float(np.corrcoef(*pairs)[0, 1]), 4)
    return found


def encode(encoder: Path, texts: Sequence[str]) -> F32:
    """Return the encoder's own vectors of length one: the mean of its last states."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    model = AutoModel.from_pretrained(encoder).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            written = [write_for_encoder(text) for text in texts[start : start + BATCH]]
            read = tokenizer.encode_batch(written)
            ids = torch.tensor([one.ids for one in read])
            mask = torch.tensor([one.attention_mask for one in read])
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
            summed = (states * mask[..., None]).sum(dim=1)
            parts.append((summed / mask.sum(dim=1, keepdim=True)).numpy())
    return normalised(np.concatenate(parts).astype(np.float32))
