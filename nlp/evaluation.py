"""Measure a sentiment model on labelled texts, with intervals.

The file is tab-separated with the columns ``text`` and ``label`` (others are allowed), without
any quoting: a quotation mark is part of the text.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import BadInputError
from nlp.sentiment import LABELS, SentimentModel, load_sentiment

RESAMPLES: Final = 2_000
"""Bootstrap resamples: enough for a 95 % interval whose ends vary by less than a tenth of it."""

Counts = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts and the indexes of their labels in LABELS."""

    texts: tuple[str, ...]
    labels: Labels


def read_labelled(path: Path) -> Labelled:
    """Read a tab-separated file of texts and labels.

    Raises BadInputError with the file and the row (the header is row 1) for a file that cannot be
    read or is no UTF-8, a missing column, a row with too few columns, or an unknown label.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        raise BadInputError(f"{path}: cannot be read: {err.strerror}") from err
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as err:
        row = content.count(b"\n", 0, err.start) + 1
        raise BadInputError(f"{path}: row {row}: not UTF-8: {err.reason}") from err
    header = lines[0].rstrip("\r").split("\t")
    for column in ("text", "label"):
        if column not in header:
            found = ", ".join(repr(name) for name in header)
            raise BadInputError(f"{path}: row 1: no column {column!r}; found {found}")
    at_text, at_label = header.index("text"), header.index("label")
    known = {label.value: index for index, label in enumerate(LABELS)}
    texts, labels = [], []
    for row, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(header):
            raise BadInputError(f"{path}: row {row}: {len(cells)} columns, expected {len(header)}")
        label = cells[at_label].strip().casefold()
        if label not in known:
            allowed = ", ".join(known)
            raise BadInputError(f"{path}: row {row}: label {label!r} is unknown; use {allowed}")
        texts.append(cells[at_text])
        labels.append(known[label])
    if not texts:
        raise BadInputError(f"{path}: no rows under the header")
    return Labelled(tuple(texts), np.array(labels, dtype=np.int64))


def evaluate_sentiment(
    path: Path, *, model: SentimentModel | None = None, seed: int = 0
) -> dict[str, Any]:
    """Classify every text of ``path`` and return the measures as plain values.

    Keys: ``model``, ``n``, ``accuracy``, ``macro_recall``, ``macro_f1``, ``per_class`` (label ->
    precision, recall, f1, support; None where undefined), ``interval_95`` (measure -> [low, high],
    percentile bootstrap over rows), ``texts_per_second``. Macro averages run over the labels that
    the file holds. Every text is given to the model, whatever its language. Raises BadInputError,
    ModelError.
    """
    data = read_labelled(path)
    model = model or load_sentiment()
    model.probabilities(data.texts[:1])
    started = time.perf_counter()
    predicted = model.probabilities(data.texts).argmax(axis=1)
    seconds = time.perf_counter() - started
    return {
        "model": model.name,
        **measure(data.labels, predicted, seed=seed),
        "texts_per_second": round(len(data.texts) / max(seconds, 1e-9), 1),
    }


def measure(labels: Labels, predicted: Labels, *, seed: int = 0) -> dict[str, Any]:
    """Return accuracy, macro recall and macro F1 with intervals, and each class's own measures."""
    confusion = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(confusion, (labels, predicted), 1)
    accuracy, recall, f1 = (float(value[0]) for value in _summaries(confusion[None]))
    return {
        "n": len(labels),
        "accuracy": round(accuracy, 4),
        "macro_recall": round(recall, 4),
        "macro_f1": round(f1, 4),
        "per_class": _per_class(confusion),
        "interval_95": _intervals(confusion, seed),
    }


def _per_class(confusion: Counts) -> dict[str, dict[str, float | int | None]]:
    result: dict[str, dict[str, float | int | None]] = {}
    for index, label in enumerate(LABELS):
        hits = confusion[index, index]
        support, chosen = confusion[index].sum(), confusion[:, index].sum()
        both = support + chosen
        result[label.value] = {
            "precision": round(float(hits / chosen), 4) if chosen else None,
            "recall": round(float(hits / support), 4) if support else None,
            "f1": round(float(2 * hits / both), 4) if both else None,
            "support": int(support),
        }
    return result


def _intervals(confusion: Counts, seed: int) -> dict[str, list[float]]:
    """Return 95 % intervals. Drawing rows anew is drawing the table of pairs anew: multinomial."""
    total = int(confusion.sum())
    shares = confusion.ravel() / total
    drawn = np.random.default_rng(seed).multinomial(total, shares, size=RESAMPLES)
    summaries = _summaries(drawn.reshape(-1, len(LABELS), len(LABELS)).astype(np.float64))
    names = ("accuracy", "macro_recall", "macro_f1")
    return {
        name: [round(float(end), 4) for end in np.quantile(values, (0.025, 0.975))]
        for name, values in zip(names, summaries, strict=True)
    }


def _summaries(tables: Counts) -> Sequence[Counts]:
    """Return accuracy, macro recall and macro F1 of confusion tables, shape (tables, 3, 3)."""
    hits = np.diagonal(tables, axis1=1, axis2=2)
    support, chosen = tables.sum(axis=2), tables.sum(axis=1)
    present = support > 0
    classes = np.maximum(present.sum(axis=1), 1)
    recall = np.where(present, hits / np.maximum(support, 1), 0).sum(axis=1) / classes
    f1 = 2 * hits / np.maximum(support + chosen, 1)
    macro_f1 = np.where(present, f1, 0).sum(axis=1) / classes
    return hits.sum(axis=1) / tables.sum(axis=(1, 2)), recall, macro_f1
