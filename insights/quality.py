"""How a model does on the operator's own mentions, from answers on mentions drawn at random.

Only such answers say it. What people correct on their own is what caught their eye, and is no
sample of anything.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import sqrt
from typing import TypeVar

from core.mention import Sentiment
from insights.measures import Estimate, share

T = TypeVar("T")

LABELS = tuple(Sentiment)
"""The order of rows and columns of every table of counts: negative, neutral, positive."""

MINIMUM = 30
"""Fewer answers tell next to nothing: at an accuracy of .7 the interval of 30 is .33 wide."""

MONTH = timedelta(days=30)

PERIOD = 3 * MONTH
"""What the report looks back on: five answers a day make 450, an interval .08 wide, and older ones
speak of other mentions and mostly of other models."""


class Answer(StrEnum):
    """What a person reads in a mention."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Judged:
    """One mention of a random sample: what the model had said, and what a person said.

    ``day`` is the day for which it was drawn.
    """

    predicted: Sentiment
    answer: Answer
    channel: str
    language: str
    model: str
    day: date

    @property
    def is_right(self) -> bool:
        """Whether the person read what the model had."""
        return self.answer.value == self.predicted.value


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of right answers among ``n``; ``unclear`` more could not be told and do not count.

    ``estimate`` is None with fewer than MINIMUM answers.
    """

    n: int
    unclear: int
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of answers: rows are what people said, columns what the model had said, as LABELS."""

    counts: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """How many answers there are."""
        return sum(map(sum, self.counts))


@dataclass(frozen=True, slots=True)
class Drift:
    """The accuracy of the last 30 days and of the 30 before, and the difference between them.

    ``difference`` (now less before) is None until both have MINIMUM answers.
    """

    now: Accuracy
    before: Accuracy
    difference: Estimate | None

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.difference is not None and self.difference.low * self.difference.high > 0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How the model does: in all, by channel, language and model, where it errs, and since when.

    Groups come with most answers first.
    """

    overall: Accuracy
    by_channel: dict[str, Accuracy]
    by_language: dict[str, Accuracy]
    by_model: dict[str, Accuracy]
    confusion: Confusion
    drift: Drift


def draw(day: date, items: Iterable[T], count: int, identity: Callable[[T], str]) -> list[T]:
    """Return ``count`` of ``items`` at random, in random order, always the same for one day.

    Those with the smallest digests of day and ``identity``: each set is as likely as any other,
    and who draws elsewhere, or with an item more, gets the same but for that item.
    """
    return heapq.nsmallest(
        count, items, key=lambda item: _digest(f"{day.isoformat()} {identity(item)}")
    )


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def assess(judged: Sequence[Judged], today: date) -> QualityReport:
    """Return the report on the answers of the PERIOD that ends with ``today``."""
    recent = [one for one in judged if today - PERIOD < one.day <= today]
    return QualityReport(
        overall=accuracy(recent),
        by_channel=_by(recent, lambda one: one.channel),
        by_language=_by(recent, lambda one: one.language),
        by_model=_by(recent, lambda one: one.model),
        confusion=confusion(recent),
        drift=_drift(recent, today),
    )


def accuracy(judged: Sequence[Judged]) -> Accuracy:
    """Return the accuracy with Wilson's interval, whatever cannot be told left out."""
    told = [one for one in judged if one.answer is not Answer.CANNOT_TELL]
    right = sum(one.is_right for one in told)
    estimate = share(right, len(told)) if len(told) >= MINIMUM else None
    return Accuracy(len(told), len(judged) - len(told), estimate)


def confusion(judged: Sequence[Judged]) -> Confusion:
    """Return how often each label was given for each."""
    pairs = Counter((one.answer.value, one.predicted.value) for one in judged)
    rows = (tuple(pairs[said.value, model.value] for model in LABELS) for said in LABELS)
    return Confusion(tuple(rows))


def _by(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, Accuracy]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(key(one), []).append(one)
    found = {name: accuracy(group) for name, group in groups.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1].n, item[0])))


def _drift(judged: Sequence[Judged], today: date) -> Drift:
    now = accuracy([one for one in judged if one.day > today - MONTH])
    before = accuracy([one for one in judged if today - 2 * MONTH < one.day <= today - MONTH])
    if now.estimate is None or before.estimate is None:
        return Drift(now, before, None)
    return Drift(now, before, difference(now.estimate, before.estimate))


def difference(now: Estimate, before: Estimate) -> Estimate:
    """Return now less before, two independent shares with Wilson's intervals.

    Interval: Newcombe's hybrid score (method 10 in Statistics in Medicine 17, 1998), which keeps
    its 95 % also near 0 and 1, where the usual one does not. ``n`` is the smaller sample's.
    """
    value = now.value - before.value
    below = sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    above = sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Estimate(value, value - below, value + above, min(now.n, before.n))
