"""Measures of classifiers and finders, with bootstrap intervals.

What is measured on which file is said in ``nlp.evaluation_kinds``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nlp.evaluation_files import SENTIMENTS, Labelled, Labels, first_of, read_labelled
from nlp.gate import trusted_language
from nlp.sentiment import SentimentModel, load_sentiment

__all__ = ["Classifier", "Labelled", "Labels", "evaluate_sentiment", "measure", "read_labelled"]

RESAMPLES: Final = 2_000
"""Bootstrap resamples: enough for a 95 % interval whose ends vary by less than a tenth of it."""

DRAWN_AT_ONCE: Final = 2_000_000
"""Row weights drawn at a time, so that a file of a million rows needs no more memory."""

Counts = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classifier:
    """One thing that a model says of a text: the labels, and how it finds their probabilities.

    ``read`` returns a row of probabilities for each text, in the order of the labels. ``languages``
    are those it was trained for. Below ``minimum_confidence`` the product says nothing; measures
    are of every text all the same, and what is left after abstention beside them.
    """

    name: str
    labels: tuple[str, ...]
    languages: frozenset[str]
    read: Callable[[Labelled], F32]
    minimum_confidence: float = 0.0


def evaluate_sentiment(
    path: Path,
    *,
    model: SentimentModel | None = None,
    minimum_confidence: float = 0.0,
    candidates: Collection[str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a sentiment model on a table of texts and labels; see :func:`evaluate`."""
    data = read_labelled(path)
    model = model or load_sentiment()
    read = reads_texts(model.probabilities)
    classifier = Classifier(model.name, SENTIMENTS, model.languages, read, minimum_confidence)
    return evaluate(data, classifier, candidates or model.languages, seed=seed)


def reads_texts(probabilities: Callable[[Sequence[str]], F32]) -> Callable[[Labelled], F32]:
    """Return what reads the texts of labelled rows and nothing else of them."""
    return lambda data: probabilities(data.texts)


def evaluate(
    data: Labelled, classifier: Classifier, candidates: Collection[str], *, seed: int = 0
) -> dict[str, Any]:
    """Classify every text and return the measures as plain values.

    Keys: ``model``, those of :func:`measure`, ``answered`` (what the product would say: rows in a
    language of the model, told apart among ``candidates``, of which it is sure enough; ``n``,
    ``coverage``, ``accuracy``, ``minimum_confidence``), ``languages`` (measures by the file's
    language column, None without one), ``texts_per_second``. Raises ModelError.
    """
    classifier.read(first_of(data))
    started = time.perf_counter()
    probabilities = classifier.read(data)
    seconds = time.perf_counter() - started
    predicted = probabilities.argmax(axis=1)
    claims = data.languages or (None,) * len(data.texts)
    is_answered = np.array(
        [
            trusted_language(text, claim, candidates) in classifier.languages
            for text, claim in zip(data.texts, claims, strict=True)
        ]
    ) & (probabilities.max(axis=1) >= classifier.minimum_confidence)
    return {
        "model": classifier.name,
        **measure(data.labels, predicted, classifier.labels, seed=seed),
        "answered": _answered(data.labels, predicted, is_answered)
        | {"minimum_confidence": classifier.minimum_confidence},
        "languages": _by_language(data, predicted, classifier.labels, seed),
        "texts_per_second": round(len(data.texts) / max(seconds, 1e-9), 1),
    }


def measure(
    labels: Labels, predicted: Labels, names: Sequence[str] = SENTIMENTS, *, seed: int = 0
) -> dict[str, Any]:
    """Return accuracy, macro recall and macro F1 with intervals, and each class's own measures.

    ``labels`` and ``predicted`` are indexes of ``names``. Keys: ``n``, ``accuracy``,
    ``macro_recall``, ``macro_f1`` (averages over the labels that stand in ``labels``),
    ``per_class`` (name -> precision, recall, f1, support; None where undefined), ``confusion``
    (name -> name -> rows labelled the first that were called the second) and ``interval_95``
    (measure -> [low, high], percentile bootstrap over rows).
    """
    confusion = np.zeros((len(names), len(names)))
    np.add.at(confusion, (labels, predicted), 1)
    accuracy, recall, f1 = (float(value[0]) for value in _summaries(confusion[None]))
    return {
        "n": len(labels),
        "accuracy": round(accuracy, 4),
        "macro_recall": round(recall, 4),
        "macro_f1": round(f1, 4),
        "per_class": {
            name: _class_measures(
                confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
            )
            for index, name in enumerate(names)
        },
        "confusion": {
            name: dict(zip(names, map(int, row), strict=True))
            for name, row in zip(names, confusion, strict=True)
        },
        "interval_95": _intervals(confusion, seed),
    }


def measure_found(found: Counts, names: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
    """Return precision, recall and F1 of what was found in each text, with intervals.

    ``found`` has the shape (texts, names, 3): of each text and name how many were found rightly,
    found wrongly and missed. Keys: ``n``, ``precision``, ``recall``, ``f1`` (over all names
    together), ``macro_f1`` (averaged over the names that occur), ``per_class`` and
    ``interval_95`` (percentile bootstrap over texts).
    """
    totals = found.sum(axis=0)
    occurs = totals[:, 0] + totals[:, 2] > 0
    drawn = np.concatenate(list(_redrawn(found, seed)))
    intervals = {
        name: _interval(values)
        for name, values in zip(
            ("precision", "recall", "f1", "macro_f1"), _rates(drawn, occurs), strict=True
        )
    }
    values = (float(value[0]) for value in _rates(totals[None], occurs))
    precision, recall, f1, macro_f1 = (round(value, 4) for value in values)
    return {
        "n": len(found),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "macro_f1": macro_f1,
        "per_class": {
            name: _class_measures(right, right + missed, right + wrong)
            for name, (right, wrong, missed) in zip(names, totals, strict=True)
        },
        "interval_95": intervals,
    }


def _answered(
    labels: Labels, predicted: Labels, is_answered: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    count = int(is_answered.sum())
    right = int((labels[is_answered] == predicted[is_answered]).sum())
    return {
        "n": count,
        "coverage": round(count / len(labels), 4),
        "accuracy": round(right / count, 4) if count else None,
    }


def _by_language(
    data: Labelled, predicted: Labels, names: Sequence[str], seed: int
) -> dict[str, Any] | None:
    if data.languages is None:
        return None
    languages = np.array(data.languages)
    return {
        str(code): measure(
            data.labels[languages == code], predicted[languages == code], names, seed=seed
        )
        for code in np.unique(languages)
    }


def _class_measures(hits: float, support: float, chosen: float) -> dict[str, float | int | None]:
    both = support + chosen
    return {
        "precision": round(float(hits / chosen), 4) if chosen else None,
        "recall": round(float(hits / support), 4) if support else None,
        "f1": round(float(2 * hits / both), 4) if both else None,
        "support": int(support),
    }


def _intervals(confusion: Counts, seed: int) -> dict[str, list[float]]:
    """Return 95 % intervals. Drawing rows anew is drawing the table of pairs anew: multinomial."""
    total = int(confusion.sum())
    shares = confusion.ravel() / total
    drawn = np.random.default_rng(seed).multinomial(total, shares, size=RESAMPLES)
    summaries = _summaries(drawn.reshape(-1, *confusion.shape).astype(np.float64))
    names = ("accuracy", "macro_recall", "macro_f1")
    return {name: _interval(values) for name, values in zip(names, summaries, strict=True)}


def _interval(values: Counts) -> list[float]:
    return [round(float(end), 4) for end in np.quantile(values, (0.025, 0.975))]


def _summaries(tables: Counts) -> Sequence[Counts]:
    """Return accuracy, macro recall and macro F1 of confusion tables, shape (tables, k, k)."""
    hits = np.diagonal(tables, axis1=1, axis2=2)
    support, chosen = tables.sum(axis=2), tables.sum(axis=1)
    present = support > 0
    classes = np.maximum(present.sum(axis=1), 1)
    recall = np.where(present, hits / np.maximum(support, 1), 0).sum(axis=1) / classes
    f1 = 2 * hits / np.maximum(support + chosen, 1)
    macro_f1 = np.where(present, f1, 0).sum(axis=1) / classes
    return hits.sum(axis=1) / tables.sum(axis=(1, 2)), recall, macro_f1


def _redrawn(found: Counts, seed: int) -> Iterator[Counts]:
    """Yield totals of texts drawn anew, shape (draws, names, 3), a few at a time."""
    random = np.random.default_rng(seed)
    number = len(found)
    flat = found.reshape(number, -1)
    step = max(DRAWN_AT_ONCE // number, 1)
    for start in range(0, RESAMPLES, step):
        draws = min(step, RESAMPLES - start)
        weights = random.multinomial(number, np.full(number, 1 / number), size=draws)
        yield (weights @ flat).reshape(draws, *found.shape[1:])


def _rates(totals: Counts, occurs: npt.NDArray[np.bool_]) -> Sequence[Counts]:
    """Return precision, recall, F1 and macro F1 of totals of the shape (draws, names, 3)."""
    right, wrong, missed = (totals[:, :, part].sum(axis=1) for part in range(3))
    each = totals[:, occurs]
    f1 = 2 * each[:, :, 0] / np.maximum(2 * each[:, :, 0] + each[:, :, 1] + each[:, :, 2], 1)
    return (
        right / np.maximum(right + wrong, 1),
        right / np.maximum(right + missed, 1),
        2 * right / np.maximum(2 * right + wrong + missed, 1),
        f1.mean(axis=1) if occurs.any() else np.zeros(len(totals)),
    )
