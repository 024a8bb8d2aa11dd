"""Train what tells the default themes apart: one logistic regression a theme over sentence vectors.

No public data set names the 17 top-level media topics. Two come near and are mapped where the
mapping is honest: a class of AG News and a topic of a tweet say that one of a few themes holds
("World" is politics, conflict, disaster, ...), so a row's evidence is a set of themes of which at
least one is right (noisy-or, as in multiple-instance learning). The rest comes from our own phrases
and sentences in ``nlp.training.media_topics``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.media_topics import MEDIA_TOPICS
from nlp.themes.mapping import Labelled, themes_of
from nlp.training.media_topics import PHRASES, SENTENCES
from nlp.vectors import F32

F64 = npt.NDArray[np.float64]

CODES: Final = tuple(MEDIA_TOPICS)
THRESHOLD: Final = 0.4
"""A theme is told from this probability on: with .5 fewer themes of tweets are found, with .3 more
of those of news are wrong."""


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What the training weighs, each chosen by cross-validation on the training rows.

    ``negative`` is the weight of "another theme than these", which is no proof of absence;
    ``tweet``, ``phrase`` and ``sentence`` are a row's weight beside a row of news.
    """

    penalty: float = 1e-4
    negative: float = 0.3
    tweet: float = 8.0
    phrase: float = 1.0
    sentence: float = 3.0
    steps: int = 300


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows: vectors (n, d), sets of themes (each row's bags), and weights (n,)."""

    vectors: F32
    bags: tuple[tuple[frozenset[int], ...], ...]
    weights: F64


@dataclass(frozen=True, slots=True)
class Head:
    """Weights (17, d) and bias (17,) of the themes, in the order of ``CODES``."""

    weights: F64
    bias: F64

    def probabilities(self, vectors: F32) -> F64:
        """Return the probability of each theme, shape (n, 17)."""
        return sigmoid(vectors @ self.weights.T + self.bias)


def sigmoid(values: F64) -> F64:
    """Return 1 / (1 + exp(-x)) without overflow."""
    result: F64 = 0.5 * (1 + np.tanh(0.5 * values))
    return result


def own_texts() -> tuple[list[str], list[str], list[int]]:
    """Return our phrases and sentences as texts, the kind of each, and its theme's number."""
    texts: list[str] = []
    kinds: list[str] = []
    themes: list[int] = []
    for number, code in enumerate(CODES):
        phrases = [" ".join(phrase.split()) for phrase in PHRASES[code].split(";")]
        for kind, written in (("phrase", phrases), ("sentence", SENTENCES[code])):
            texts += written
            kinds += [kind] * len(written)
            themes += [number] * len(written)
    return texts, kinds, themes


def bags_of(row: Labelled) -> tuple[frozenset[int], ...]:
    """Return, for each label of a row that maps to themes, the numbers of these."""
    numbers = {code: number for number, code in enumerate(CODES)}
    found = (themes_of(label) for label in row.labels)
    return tuple(frozenset(numbers[code] for code in codes) for codes in found if codes)


def train_head(rows: Rows, settings: HeadSettings) -> Head:
    """Return the head that fits ``rows``; deterministic."""
    from scipy.optimize import minimize

    number, size = rows.vectors.shape
    data: F64 = np.hstack([rows.vectors.astype(np.float64), np.ones((number, 1))])
    members, is_outside = _matrices(rows.bags)
    outside = is_outside * settings.negative * rows.weights[:, None]
    total = rows.weights.sum()

    def loss(flat: F64) -> tuple[float, F64]:
        weights = flat.reshape(len(CODES), size + 1)
        p = np.clip(sigmoid(data @ weights.T), 1e-9, 1 - 1e-9)
        value = -(outside * np.log1p(-p)).sum()
        slope = outside * p
        log_absent = np.log1p(-p)
        for owners, mask in members:
            # 1 - the product of (1 - p) over the bag: the probability that any of it holds.
            none = np.exp((mask * log_absent[owners]).sum(axis=1))
            some = np.maximum(1 - none, 1e-9)
            value -= (rows.weights[owners] * np.log(some)).sum()
            pull = (rows.weights[owners] * none / some)[:, None] * mask * p[owners]
            np.subtract.at(slope, owners, pull)
        penalty = settings.penalty * total / 2
        value += penalty * (weights[:, :-1] ** 2).sum()
        gradient = slope.T @ data
        gradient[:, :-1] += 2 * penalty * weights[:, :-1]
        return float(value / total), (gradient / total).ravel()

    start = np.zeros((len(CODES), size + 1))
    start[:, -1] = -2.5
    found = minimize(
        loss,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": settings.steps, "maxcor": 20},
    )
    weights = found.x.reshape(len(CODES), size + 1)
    return Head(weights[:, :-1], weights[:, -1])


def _matrices(
    bags: Sequence[Sequence[frozenset[int]]],
) -> tuple[list[tuple[npt.NDArray[np.int64], F64]], F64]:
    """Return (rows, membership) of the first, second, ... bag of each row, and what is in none."""
    outside = np.ones((len(bags), len(CODES)))
    layers: list[tuple[npt.NDArray[np.int64], F64]] = []
    for row, held in enumerate(bags):
        for bag in held:
            outside[row, list(bag)] = 0
    for layer in range(max((len(held) for held in bags), default=0)):
        owners = np.array([row for row, held in enumerate(bags) if len(held) > layer])
        mask = np.zeros((len(owners), len(CODES)))
        for place, row in enumerate(owners):
            mask[place, list(bags[row][layer])] = 1
        layers.append((owners, mask))
    return layers, outside


def join_rows(parts: Sequence[tuple[F32, Sequence[tuple[frozenset[int], ...]], float]]) -> Rows:
    """Return the rows of several sources, each with the weight of one of its rows."""
    return Rows(
        np.concatenate([vectors for vectors, _, _ in parts]),
        tuple(bag for _, bags, _ in parts for bag in bags),
        np.concatenate([np.full(len(bags), weight) for _, bags, weight in parts]),
    )
