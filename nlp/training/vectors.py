"""Distil the bundled sentence vectors from a sentence encoder, and train the themes on them.

    python -m nlp.training.vectors --encoder FOLDER [--data FOLDER] [--out FOLDER] [--compare]

The recipe is Model2Vec's (Tulkens and van Dongen 2024): every token of the vocabulary goes through
the encoder alone, principal components keep what varies most, and frequent tokens weigh little
(smooth inverse frequency, Arora et al. 2017). What all texts have in common is taken off: the mean
of the tokens, weighed as they stand in texts, is the origin. Reading the encoder needs torch and
takes minutes; ``--cache`` keeps what it said, and everything after takes seconds. Given the same
files the result is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nlp.encoder_text import TEXT_VERSION, write_for_encoder
from nlp.model_folder import DataFile, write_model
from nlp.sentiment import MODELS
from nlp.themes.mapping import Labelled, read_labelled_themes
from nlp.training.theme_head import (
    CODES,
    THRESHOLD,
    HeadSettings,
    bags_of,
    join_rows,
    own_texts,
    train_head,
)
from nlp.training.theme_scores import cross_validate
from nlp.training.vector_likeness import compare
from nlp.vectors import (
    DEFAULT_MODEL,
    F32,
    FORMAT,
    UNKNOWN,
    SentenceVectors,
    VectorsConfig,
    load_vectors,
)

VERSION: Final = "1.0"
DIMENSIONS: Final = 128
"""On AG News a classifier gains nothing from 192 or 384 (.843, .831; .847 with 128)."""

SMOOTHING: Final = 3e-4
"""Frequency at which a token weighs half. With 1e-3 cosines follow the encoder's less (.60 against
.62 on news, .41 against .43 on tweets), with 1e-4 classes of news are told apart less (.840 against
.851)."""

ZIPF_SHARE: Final = 0.5
"""Weight of the vocabulary's order beside counted frequencies: it is sorted by frequency, roughly,
and knows of words that the counted texts happen not to hold."""

FIRST_WORD: Final = 998
"""Rank of the encoder's first real token; those before are unused, or signs."""

NEWS: Final = "themes/ag_news_half.tsv"
TWEETS: Final = ("themes/tweet_topics_en_train.jsonl", "themes/tweet_topics_en_validation.jsonl")
COMPARED: Final = 700
"""Texts of each kind whose cosines are compared with the encoder's."""

COUNTED: Final = "sentiment/en_train.tsv"


def is_kept(token: str) -> bool:
    """Return whether a token can stand in an English text: Latin letters, digits and signs."""
    if token.startswith("[") and token.endswith("]") and len(token) > 1:
        return token == UNKNOWN
    return all(ord(char) < 0x250 or 0x2000 <= ord(char) < 0x2100 for char in token)


def read_encoder(folder: Path, cache: Path | None) -> tuple[list[str], F32]:
    """Return the encoder's vocabulary in order, and the mean-pooled vector of each token alone."""
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    words = words[: len(words) - (not words[-1])]
    if cache is not None and cache.is_file():
        held: F32 = np.load(cache, allow_pickle=False)
        if len(held) == len(words):
            return words, held
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder).eval()
    first, last = words.index("[CLS]"), words.index("[SEP]")
    parts = []
    with torch.inference_mode():
        for start in range(0, len(words), 256):
            rows = [[first, i, last] for i in range(start, min(start + 256, len(words)))]
            states = model(input_ids=torch.tensor(rows)).last_hidden_state
            parts.append(states.mean(dim=1).numpy())
    vectors: F32 = np.concatenate(parts).astype(np.float32)
    if cache is not None:
        np.save(cache, vectors, allow_pickle=False)
    return words, vectors


def frequencies(words: Sequence[str], texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return how frequent each token is taken to be; sums to about 1."""
    from nlp.vectors import _tokenizer

    counts = np.zeros(len(words))
    written = [write_for_encoder(text) for text in texts]
    for encoding in _tokenizer(words).encode_batch_fast(written, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
    zipf = 1 / np.maximum(np.arange(1, len(words) + 1) - FIRST_WORD, 1)
    result: npt.NDArray[np.float64] = (
        1 - ZIPF_SHARE
    ) * counts / counts.sum() + ZIPF_SHARE * zipf / zipf.sum()
    return result


def distil(words: Sequence[str], encoded: F32, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the kept tokens: vocabulary, int8 rows and the scale of each."""
    kept = np.array([is_kept(word) for word in words])
    frequency = frequencies(words, texts)[kept]
    weights = SMOOTHING / (SMOOTHING + frequency)
    centred = encoded[kept].astype(np.float64)
    centred -= np.average(centred, axis=0, weights=frequency * weights)
    # Between all tokens alike and as they stand in texts: rare names count, and so do plain words.
    counted = weights * np.sqrt(frequency)
    _, axes = np.linalg.eigh((centred * counted[:, None]).T @ centred)
    rows = (centred @ axes[:, ::-1][:, :DIMENSIONS]) * weights[:, None]
    names = [word for word, keep in zip(words, kept, strict=True) if keep]
    rows[names.index(UNKNOWN)] = 0
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / 127, 1e-8)
    return {
        "vocabulary": np.frombuffer("\n".join(names).encode(), dtype=np.uint8),
        "tokens": np.rint(rows / scales).astype(np.int8),
        "scales": scales.astype(np.float32),
    }


def digest_of(data: Path, name: str) -> DataFile:
    """Return the name, rows and checksum of a data file."""
    content = (data / name).read_bytes()
    rows = content.count(b"\n") - name.endswith(".tsv")
    return DataFile(file=name, rows=rows, sha256=hashlib.sha256(content).hexdigest())


def train(
    encoder: Path, data: Path, out: Path, *, cache: Path | None = None, compares: bool = False
) -> Mapping[str, Any]:
    """Write the model folder ``out`` and return the scores in its configuration.

    ``compares`` also measures how far cosines follow the encoder's own, which takes a minute.
    """
    news = read_labelled_themes(data / NEWS)
    tweets = [row for name in TWEETS for row in read_labelled_themes(data / name)]
    lines = (data / COUNTED).read_text(encoding="utf-8").split("\n")[1:]
    words, encoded = read_encoder(encoder, cache)
    texts = [row.text for row in news] + [line.split("\t")[0] for line in lines]
    arrays = distil(words, encoded, texts)
    settings = HeadSettings()
    config = VectorsConfig(
        format=FORMAT,
        name=DEFAULT_MODEL,
        version=VERSION,
        text_version=TEXT_VERSION,
        languages=("en",),
        dimensions=DIMENSIONS,
        tokens=len(arrays["tokens"]),
        licence="Apache-2.0",
        command="python -m nlp.training.vectors --encoder FOLDER",
        encoder="sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        encoder_sha256=hashlib.sha256((encoder / "model.safetensors").read_bytes()).hexdigest(),
        labels=CODES,
        thresholds=(THRESHOLD,) * len(CODES),
        data_files=tuple(digest_of(data, name) for name in (NEWS, *TWEETS, COUNTED)),
        settings={name: getattr(settings, name) for name in settings.__slots__},
        packages={name: version(name) for name in ("numpy", "scipy", "tokenizers")},
    )
    empty = {
        "head_weights": np.zeros((len(CODES), DIMENSIONS)),
        "head_bias": np.zeros(len(CODES)),
    }
    vectors = SentenceVectors(config, {**arrays, **empty})
    parts = _parts(vectors, news, tweets, settings)
    head = train_head(join_rows(parts), settings)
    arrays["head_weights"] = head.weights.astype(np.float32)
    arrays["head_bias"] = head.bias.astype(np.float32)
    scores = cross_validate(parts, news, tweets, settings)
    if compares:
        groups = {"news": texts[:COMPARED], "tweets": texts[len(news) :][:COMPARED]}
        scores["encoder"] = compare(encoder, vectors, groups)
    write_model(out, config.model_copy(update={"scores": scores}), arrays)
    load_vectors(out)
    return scores


def _parts(
    vectors: SentenceVectors,
    news: Sequence[Labelled],
    tweets: Sequence[Labelled],
    settings: HeadSettings,
) -> list[tuple[F32, list[tuple[frozenset[int], ...]], float]]:
    """Return vectors, bags and a row's weight of news, tweets, phrases and sentences."""
    texts, kinds, themes = own_texts()
    parts = [
        (vectors.vectors([row.text for row in rows]), [bags_of(row) for row in rows], weight)
        for rows, weight in ((news, 1.0), (tweets, settings.tweet))
    ]
    for kind, weight in (("phrase", settings.phrase), ("sentence", settings.sentence)):
        mine = [place for place, found in enumerate(kinds) if found == kind]
        bags: list[tuple[frozenset[int], ...]] = [(frozenset({themes[at]}),) for at in mine]
        parts.append((vectors.vectors([texts[place] for place in mine]), bags, weight))
    return parts


def main(arguments: Sequence[str] | None = None) -> None:
    """Distil, train, and write the scores to the terminal."""
    import json
    import sys

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDSWELL_PUBLIC_DATA"))
    parser.add_argument("--out", type=Path, default=MODELS / DEFAULT_MODEL)
    parser.add_argument("--cache", type=Path, help="file that keeps what the encoder said")
    parser.add_argument("--compare", action="store_true", help="measure against the encoder")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the public data: --data FOLDER, or GROUNDSWELL_PUBLIC_DATA")
    scores = train(
        options.encoder,
        Path(options.data),
        options.out,
        cache=options.cache,
        compares=options.compare,
    )
    sys.stdout.write(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
