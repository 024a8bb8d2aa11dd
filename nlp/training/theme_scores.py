"""How well the themes' model does on rows that it never met: five-fold cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from nlp.themes.evaluation import measure_themes, media_topic_classes
from nlp.themes.mapping import Labelled
from nlp.training.theme_head import (
    CODES,
    F64,
    THRESHOLD,
    HeadSettings,
    join_rows,
    sigmoid,
    train_head,
)
from nlp.vectors import F32

FOLDS: Final = 5

Bags = list[tuple[frozenset[int], ...]]
Source = tuple[F32, Bags, float]


def cross_validate(
    parts: Sequence[Source],
    news: Sequence[Labelled],
    tweets: Sequence[Labelled],
    settings: HeadSettings,
) -> dict[str, Any]:
    """Return the measures of news and of tweets, each row scored by a head that never met it.

    ``parts`` are the sources of the training, news and tweets first; the others hold our own texts
    and belong to every fold.
    """
    scored = [np.zeros((len(part[1]), len(CODES))) for part in parts[:2]]
    folds = [
        np.random.default_rng(place).permutation(len(part[1])) % FOLDS
        for place, part in enumerate(parts[:2])
    ]
    for fold in range(FOLDS):
        kept = [_without(part, folds[place] == fold) for place, part in enumerate(parts[:2])]
        head = train_head(join_rows([*kept, *parts[2:]]), settings)
        for place, part in enumerate(parts[:2]):
            held = folds[place] == fold
            scored[place][held] = told_from(head.probabilities(part[0][held]))
    return {
        name: measure_themes(rows, probabilities, media_topic_classes(rows))
        for name, rows, probabilities in (
            ("news", news, scored[0]),
            ("tweets", tweets, scored[1]),
        )
    }


def told_from(probabilities: F64) -> F64:
    """Return the probabilities moved so that the threshold lies at .5, as in use."""
    clipped = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return sigmoid(np.log(clipped / (1 - clipped)) - np.log(THRESHOLD / (1 - THRESHOLD)))


def _without(part: Source, held: np.typing.NDArray[np.bool_]) -> Source:
    vectors, bags, weight = part
    return (
        vectors[~held],
        [bag for bag, is_held in zip(bags, held, strict=True) if not is_held],
        weight,
    )
