"""How many are negative, corrected for the errors that the classifier is known to make.

Counting labels is biased: a model that calls one neutral text in five negative overstates the
negative share, the more so the fewer are. How often it calls each true label what is known from
labelled texts (the confusion matrix), so the true shares can be worked out from the counted ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from insights.measures import Estimate

F64 = npt.NDArray[np.float64]

MINIMUM: Final = 20
"""Labelled texts that every label must have: with fewer, its row of the matrix says nothing."""

RESAMPLES: Final = 500
"""Bootstrap resamples: the ends of a 95 % interval vary by about a tenth of it, which a note in
whole percents hides; more would be felt on the page."""

ROUNDS: Final = 150
"""Rounds of expectation and maximisation; shares then move by less than .001."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """The mentions of one channel and what is known of the model there.

    ``counted`` are mentions by the label that the model gave, ``confusion`` labelled texts: rows
    are true labels, columns the model's, all in one order.
    """

    counted: Sequence[int]
    confusion: Sequence[Sequence[int]]

    @property
    def is_usable(self) -> bool:
        """Whether there are mentions, and enough labelled texts of every label."""
        return sum(self.counted) > 0 and all(sum(row) >= MINIMUM for row in self.confusion)


def corrected_share(strata: Mapping[str, Stratum], label: int, *, seed: int = 0) -> Estimate | None:
    """Return the share of true ``label`` (its place in the order) among all mentions of ``strata``.

    The counts of predicted labels are a mixture of the rows of the confusion matrix, weighted by
    the true shares. Those are found by maximum likelihood, so that they are never negative and sum
    to 1: expectation and maximisation as in Saerens, Latinne and Decaestecker (Neural Computation
    14, 2002), on decisions instead of probabilities. For two labels it is the adjusted count,
    (share - fpr) / (tpr - fpr) cut to 0..1, of Forman (Data Mining and Knowledge Discovery 17,
    2008). Strata are corrected each by its own matrix and added up by their mentions.

    It holds where the model errs on these mentions as on the labelled ones. Interval: percentile
    bootstrap, each row of the matrix and the counts drawn anew; ``seed`` makes it repeatable. None
    where no stratum is usable; those that are not are left out, and ``n`` counts the others.
    """
    usable = [strata[name] for name in sorted(strata) if strata[name].is_usable]
    if not usable:
        return None
    random = np.random.default_rng(seed)
    total = sum(sum(one.counted) for one in usable)
    value, drawn = 0.0, np.zeros(RESAMPLES)
    for one in usable:
        weight = sum(one.counted) / total
        counted = np.array(one.counted, dtype=np.int64)
        confusion = np.array(one.confusion, dtype=np.int64)
        value += weight * float(_true_shares(counted[None], confusion[None])[0, label])
        drawn += weight * _redrawn(counted, confusion, random)[:, label]
    low, high = (float(end) for end in np.quantile(drawn, (0.025, 0.975)))
    return Estimate(value, min(low, value), max(high, value), total)


def _redrawn(
    counted: npt.NDArray[np.int64], confusion: npt.NDArray[np.int64], random: np.random.Generator
) -> F64:
    """Return the true shares of RESAMPLES draws, shape (draws, labels)."""
    rows = [random.multinomial(row.sum(), row / row.sum(), RESAMPLES) for row in confusion]
    counts = random.multinomial(counted.sum(), counted / counted.sum(), RESAMPLES)
    return _true_shares(counts, np.stack(rows, axis=1))


def _true_shares(counted: npt.NDArray[np.int64], confusion: npt.NDArray[np.int64]) -> F64:
    """Return the likeliest true shares, shape (draws, labels), of counts of the same shape.

    ``confusion`` has the shape (draws, labels, labels).
    """
    given = confusion / confusion.sum(axis=2, keepdims=True)
    seen = counted / counted.sum(axis=1, keepdims=True)
    shares: F64 = np.full(seen.shape, 1 / seen.shape[1])
    for _ in range(ROUNDS):
        joint = shares[:, :, None] * given
        expected = joint.sum(axis=1, keepdims=True)
        # A label that the model never gave a labelled text tells nothing about the true one.
        known = np.divide(joint, expected, out=np.zeros_like(joint), where=expected > 0)
        shares = (known * seen[:, None, :]).sum(axis=2)
        shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return shares
