"""Measure themes on labelled texts, with intervals.

What is scored are classes: the labels of the file, those that stand for the same media topics taken
together (``nlp.themes.mapping``). A class is found where any of its themes is. A label that stands
for no theme ("diaries & daily life") is listed, and its texts count as texts without it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import BadInputError
from core.media_topics import MEDIA_TOPICS
from core.themes import DEFAULT_THEMES, Theme
from nlp.themes.mapping import Labelled, is_known, read_labelled_themes, themes_of
from nlp.themes.taxonomy import MOST, ThemeFinder
from nlp.vectors import load_vectors

RESAMPLES: Final = 1_000
"""Bootstrap resamples of the texts."""

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ThemeClass:
    """Labels that mean the same themes, and the places of these among all themes."""

    labels: tuple[str, ...]
    columns: tuple[int, ...]

    @property
    def name(self) -> str:
        """The labels, joined."""
        return " + ".join(self.labels)


def evaluate_themes(
    path: Path, *, themes: Sequence[Theme] = DEFAULT_THEMES, seed: int = 0
) -> dict[str, Any]:
    """Find the themes of every text of ``path`` by its meaning and return the measures.

    Keys: those of ``measure_themes`` (its ``classes`` as ``per_class``; ``coverage`` and
    ``accuracy_covered`` as ``answered``), ``model`` and ``texts_per_second``. Queries of themes are
    left out, as the file has no mentions. Raises BadInputError for a file that cannot be read or a
    label that is neither a theme's name nor one of the known data sets'.
    """
    rows = read_labelled_themes(path)
    finder = ThemeFinder(themes, load_vectors())
    classes, unmapped = classes_of(rows, themes, str(path))
    finder.probabilities(["ready"])
    started = time.perf_counter()
    probabilities = finder.probabilities([row.text for row in rows])
    seconds = time.perf_counter() - started
    measured = measure_themes(rows, probabilities, classes, seed=seed)
    if "coverage" in measured:
        coverage, accuracy = measured.pop("coverage"), measured.pop("accuracy_covered")
        answered = {"n": round(coverage * len(rows)), "coverage": coverage, "accuracy": accuracy}
        measured["answered"] = answered
    return {
        "model": ", ".join(reversed(finder.models)),
        "per_class": measured.pop("classes"),
        **measured,
        "without_theme": unmapped,
        "texts_per_second": round(len(rows) / max(seconds, 1e-9), 1),
    }


def classes_of(
    rows: Sequence[Labelled], themes: Sequence[Theme], where: str = "labels"
) -> tuple[list[ThemeClass], dict[str, int]]:
    """Return the classes that the rows' labels form, and how often each label without one stands.

    Raises BadInputError for a label that nothing is known of.
    """
    by_name = {theme.name.casefold(): place for place, theme in enumerate(themes)}
    counts = Counter(label for row in rows for label in row.labels)
    groups: dict[tuple[int, ...], list[str]] = {}
    unmapped: dict[str, int] = {}
    for label, count in sorted(counts.items()):
        named = by_name.get(label.strip().casefold())
        if named is None and not is_known(label):
            allowed = ", ".join(theme.name for theme in themes)
            raise BadInputError(
                f"{where}: label {label!r} is unknown; use the names of themes ({allowed}), or "
                "the labels of AG News or TweetTopic"
            )
        codes = themes_of(label)
        columns = tuple(place for place, theme in enumerate(themes) if theme.code in codes)
        columns = (named,) if named is not None else columns
        if columns:
            groups.setdefault(columns, []).append(label)
        else:
            unmapped[label] = count
    if not groups:
        raise BadInputError(f"{where}: no label stands for any of the themes")
    return [ThemeClass(tuple(labels), columns) for columns, labels in groups.items()], unmapped


def measure_themes(
    rows: Sequence[Labelled], probabilities: F64, classes: Sequence[ThemeClass], *, seed: int = 0
) -> dict[str, Any]:
    """Return how well (texts, themes) ``probabilities`` tell the classes of ``rows``.

    Keys: ``n``; ``micro_f1`` and ``macro_f1`` over what is told (at least .5, at most ``MOST``
    themes a text); ``classes`` (name -> precision, recall, f1, support); where every text has one
    label also ``accuracy`` of the likeliest class, ``coverage`` (texts that are told any class) and
    ``accuracy_covered``; ``interval_95`` (measure -> [low, high], bootstrap over texts).
    """
    expected = np.array([[bool({*c.labels} & {*row.labels}) for c in classes] for row in rows])
    ranks = (-probabilities).argsort(axis=1, kind="stable").argsort(axis=1)
    told = (probabilities >= 0.5) & (ranks < MOST)
    found = np.stack([told[:, c.columns].any(axis=1) for c in classes], axis=1)
    likely = np.stack([probabilities[:, c.columns].max(axis=1) for c in classes], axis=1)
    weights = np.random.default_rng(seed).multinomial(
        len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES
    )
    weights = np.concatenate([np.ones((1, len(rows)), dtype=weights.dtype), weights])
    values = _f1s(expected, found, weights.astype(np.float64))
    if all(len(row.labels) == 1 for row in rows):
        values |= _singles(expected, found, likely, weights.astype(np.float64))
    return {
        "n": len(rows),
        **{name: round(float(value[0]), 4) for name, value in values.items()},
        "classes": _per_class(expected, found, classes),
        "interval_95": {
            name: [round(float(end), 4) for end in np.quantile(value[1:], (0.025, 0.975))]
            for name, value in values.items()
        },
    }


def _f1s(expected: Flags, found: Flags, weights: F64) -> dict[str, F64]:
    """Return micro and macro F1 for each row of ``weights``, (resamples, texts)."""
    hits = weights @ (expected & found)
    both = weights @ expected.astype(np.float64) + weights @ found.astype(np.float64)
    has_any = expected.any(axis=0)
    each = 2 * hits[:, has_any] / np.maximum(both[:, has_any], 1)
    micro = 2 * hits.sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    return {"micro_f1": micro, "macro_f1": each.mean(axis=1)}


def _singles(expected: Flags, found: Flags, likely: F64, weights: F64) -> dict[str, F64]:
    """Return accuracy of the likeliest class, coverage, and accuracy where a class is told."""
    is_right = expected[np.arange(len(likely)), likely.argmax(axis=1)].astype(np.float64)
    is_told = found.any(axis=1).astype(np.float64)
    told = np.maximum(weights @ is_told, 1)
    return {
        "accuracy": weights @ is_right / weights.sum(axis=1),
        "coverage": weights @ is_told / weights.sum(axis=1),
        "accuracy_covered": weights @ (is_right * is_told) / told,
    }


def _per_class(
    expected: Flags, found: Flags, classes: Sequence[ThemeClass]
) -> Mapping[str, dict[str, float | int | None]]:
    result = {}
    for place, entry in enumerate(classes):
        hits = int((expected[:, place] & found[:, place]).sum())
        support, chosen = int(expected[:, place].sum()), int(found[:, place].sum())
        result[entry.name] = {
            "precision": round(hits / chosen, 4) if chosen else None,
            "recall": round(hits / support, 4) if support else None,
            "f1": round(2 * hits / (support + chosen), 4) if support + chosen else None,
            "support": support,
        }
    return result


def media_topic_classes(rows: Sequence[Labelled]) -> list[ThemeClass]:
    """Return the classes of ``rows`` among the 17 media topics, in the order of their codes."""
    return classes_of(rows, [Theme(name=n, code=c) for c, n in MEDIA_TOPICS.items()])[0]
