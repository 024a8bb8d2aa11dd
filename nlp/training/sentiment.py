"""Train the bundled English sentiment model.

    GROUNDSWELL_PUBLIC_DATA=... python -m nlp.training.sentiment

Two linear models over the same n-grams are fitted and added up, which is again one linear model:
multinomial logistic regression, and one logistic regression a class over n-grams scaled by their
naive-Bayes log-count ratio (Wang & Manning 2012, "Baselines and Bigrams"). Classes weigh the same
however rare. Shifts of the three logits and the temperature come from cross-validated predictions
on the training set; the validation set is only measured.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from nlp import ngrams
from nlp.evaluation import Labelled, evaluate_sentiment, measure, read_labelled
from nlp.model_folder import DataFile, write_model
from nlp.sentiment import (
    DEFAULT_MODEL,
    FORMAT,
    LABELS,
    MODELS,
    LinearConfig,
    LinearSentiment,
    softmax,
)
from nlp.story import normalise_story
from nlp.training.command import run

log = logging.getLogger(__name__)

VERSION: Final = "1.1"
BITS: Final = 18
MIN_TEXTS: Final = 2
"""An n-gram of a single text says nothing about another."""
FOLDS: Final = 5
STRENGTH: Final = 1.0
"""Inverse regularisation of both models; .3 and 2 were worse by cross-validation."""
SMOOTHING: Final = 0.3
"""Added to the summed weights of an n-gram in a class before the ratio is taken."""
SHARE_OF_RATIO_MODEL: Final = 0.5
SHIFTS: Final = np.round(np.arange(-1.0, 1.51, 0.05), 2)

F64 = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Features:
    """One row a text: presence x IDF, each kind of n-gram scaled to length one.

    ``columns`` are the kept buckets of words, then of characters; ``idf`` belongs to them.
    """

    matrix: sp.csr_matrix
    word_buckets: npt.NDArray[np.int64]
    character_buckets: npt.NDArray[np.int64]
    idf: F64


def build_features(texts: tuple[str, ...]) -> Features:
    """Count n-grams of ``texts`` with the code that the model uses when it runs."""
    parts: tuple[list[Any], list[Any]] = ([], [])
    for chunk in ngrams.chunks(texts):
        for part, grams in zip(parts, ngrams.extract(chunk), strict=True):
            rows, buckets = grams.bucketed(BITS)
            ones = np.ones(len(rows), dtype=np.float32)
            part.append(sp.csr_matrix((ones, (rows, buckets)), shape=(len(chunk), 1 << BITS)))
    blocks, kept, idfs = [], [], []
    for part in parts:
        counts = sp.vstack(part).tocsr()
        texts_with = np.asarray(counts.sum(axis=0)).ravel()
        buckets = np.flatnonzero(texts_with >= MIN_TEXTS)
        idf = np.log((1 + len(texts)) / (1 + texts_with[buckets])) + 1
        idf = idf.astype(np.float16).astype(np.float64)
        weighted = counts[:, buckets] @ sp.diags(idf.astype(np.float32))
        norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        blocks.append(sp.diags((1 / np.maximum(norms, 1e-6)).astype(np.float32)) @ weighted)
        kept.append(buckets)
        idfs.append(idf)
    return Features(sp.hstack(blocks).tocsr(), kept[0], kept[1], np.concatenate(idfs))


def fit(matrix: sp.csr_matrix, labels: Labels) -> tuple[F64, F64]:
    """Return weights (features, 3) and bias (3,) of the two models added up."""
    plain = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=200, tol=1e-5)
    plain.fit(matrix, labels)
    weights = (1 - SHARE_OF_RATIO_MODEL) * plain.coef_.T
    bias = (1 - SHARE_OF_RATIO_MODEL) * plain.intercept_
    for index in range(len(LABELS)):
        is_class = labels == index
        inside = np.asarray(matrix[is_class].sum(axis=0)).ravel() + SMOOTHING
        outside = np.asarray(matrix[~is_class].sum(axis=0)).ravel() + SMOOTHING
        ratio = np.log((inside / inside.sum()) / (outside / outside.sum()))
        one = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=100, tol=1e-4)
        one.fit(matrix @ sp.diags(ratio.astype(np.float32)), is_class)
        weights[:, index] += SHARE_OF_RATIO_MODEL * ratio * one.coef_[0]
        bias[index] += SHARE_OF_RATIO_MODEL * one.intercept_[0]
    return weights, bias


def folds_of(texts: tuple[str, ...]) -> Labels:
    """Return the fold of each text, by a hash of its story: copies never part."""
    digests = (hashlib.blake2b(normalise_story(text).encode(), digest_size=8) for text in texts)
    return np.array([int.from_bytes(digest.digest()) % FOLDS for digest in digests], dtype=np.int64)


def held_out_logits(features: Features, labels: Labels, folds: Labels) -> F64:
    """Return logits of every text from a model that did not see it, shape (texts, 3)."""
    logits = np.zeros((len(labels), len(LABELS)))
    for fold in range(FOLDS):
        inside = folds != fold
        weights, bias = fit(features.matrix[inside], labels[inside])
        logits[~inside] = features.matrix[~inside] @ weights + bias
        log.info("fold %d of %d done", fold + 1, FOLDS)
    return logits


def best_shift(logits: F64, labels: Labels) -> F64:
    """Return what to add to the logits for the best balance; 0 for neutral.

    The best sum of macro recall and macro F1: recall alone buys the last negatives by calling far
    too many others negative, and counts of negative mentions are what people act on.
    """
    return max(_shifts(), key=lambda shift: _balance((logits + shift).argmax(axis=1), labels))


def _shifts() -> Iterator[F64]:
    for negative in SHIFTS:
        for positive in SHIFTS:
            yield np.array([negative, 0.0, positive])


def _balance(predicted: Labels, labels: Labels) -> float:
    hits = np.bincount(labels[predicted == labels], minlength=len(LABELS))
    there = np.bincount(labels, minlength=len(LABELS))
    called = np.bincount(predicted, minlength=len(LABELS))
    return float((hits / there).mean() + (2 * hits / (there + called)).mean())


def best_temperature(logits: F64, labels: Labels) -> float:
    """Return the temperature with the least log loss, classes weighing the same."""
    weights = 1 / np.bincount(labels, minlength=len(LABELS))[labels]

    def loss(temperature: float) -> float:
        scores = softmax((logits / temperature).astype(np.float32))
        own = scores[np.arange(len(labels)), labels]
        return float(-(weights * np.log(np.maximum(own, 1e-9))).sum())

    return round(float(minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x), 4)


def without_copies(train: Labelled, other: Labelled) -> Labelled:
    """Return ``train`` without texts that ``other`` holds too."""
    seen = {normalise_story(text) for text in other.texts}
    kept = [index for index, text in enumerate(train.texts) if normalise_story(text) not in seen]
    return Labelled(tuple(train.texts[index] for index in kept), train.labels[kept])


def tables(features: Features, weights: F64) -> dict[str, npt.NDArray[np.float16]]:
    """Spread the weights, times their IDF, over the hashed tables."""
    arrays: dict[str, npt.NDArray[np.float16]] = {}
    middle = len(features.word_buckets)
    parts = {
        "word": (features.word_buckets, slice(None, middle)),
        "character": (features.character_buckets, slice(middle, None)),
    }
    for kind, (buckets, part) in parts.items():
        table = np.zeros((1 << BITS, len(LABELS)), dtype=np.float16)
        table[buckets] = weights[part] * features.idf[part, None]
        idf = np.zeros(1 << BITS, dtype=np.float16)
        idf[buckets] = features.idf[part]
        arrays |= {f"{kind}_weights": table, f"{kind}_idf": idf}
    return arrays


def train(data: Path, folder: Path) -> LinearConfig:
    """Train on ``data``/sentiment, write the model to ``folder`` and return its configuration."""
    files = [data / "sentiment" / name for name in ("en_train.tsv", "en_validation.tsv")]
    training, validation = (read_labelled(path) for path in files)
    digests = [
        DataFile(
            file=f"sentiment/{path.name}",
            rows=len(rows.texts),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path, rows in zip(files, (training, validation), strict=True)
    ]
    used = without_copies(training, validation)
    log.info("training on %d of %d texts", len(used.texts), len(training.texts))
    features = build_features(used.texts)
    held_out = held_out_logits(features, used.labels, folds_of(used.texts))
    shift = best_shift(held_out, used.labels)
    temperature = best_temperature(held_out + shift, used.labels)
    weights, bias = fit(features.matrix, used.labels)
    config = LinearConfig(
        format=FORMAT,
        name=DEFAULT_MODEL,
        version=VERSION,
        features_version=ngrams.FEATURES_VERSION,
        labels=tuple(label.value for label in LABELS),
        languages=("en",),
        bits=BITS,
        temperature=temperature,
        licence="Apache-2.0",
        command="python -m nlp.training.sentiment",
        data_files=tuple(digests),
        settings={
            "texts_used": len(used.texts),
            "folds": FOLDS,
            "strength": STRENGTH,
            "smoothing": SMOOTHING,
            "share_of_ratio_model": SHARE_OF_RATIO_MODEL,
            "shift": [float(value) for value in shift],
        },
        packages={name: version(name) for name in ("numpy", "scipy", "scikit-learn")}
        | {"python": platform.python_version()},
    )
    arrays = tables(features, weights) | {"bias": (bias + shift).astype(np.float32)}
    write_model(folder, config, arrays)
    measured = evaluate_sentiment(files[1], model=LinearSentiment.load(folder))
    scores = {
        "cross_validation": measure(used.labels, (held_out + shift).argmax(axis=1)),
        # Speed is a property of the machine, not of the model.
        "validation": {k: v for k, v in measured.items() if k not in {"model", "texts_per_second"}},
    }
    config = config.model_copy(update={"scores": scores})
    write_model(folder, config, arrays)
    return config


if __name__ == "__main__":
    run("sentiment", train, MODELS / DEFAULT_MODEL)
