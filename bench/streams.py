"""Simulated streams of mentions for bench/alerts.py, minute by minute, with bursts inside.

A stream follows a daily and a weekly rhythm; the rate of each hour itself varies (gamma, by the
stated coefficient of variation), and it may grow or have outages. Whatever is drawn depends on the
generator alone, so every rule of a run sees the same streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from insights.distributions import FloatArray, IntArray
from insights.series import Series

MINUTE = timedelta(minutes=1)
PER_HOUR = 60
PER_WEEK = PER_HOUR * 168
LEARNED_WEEKS = 8
JUDGED_WEEKS = 4
WEEKS = LEARNED_WEEKS + JUDGED_WEEKS
FIRST_JUDGED = LEARNED_WEEKS * PER_WEEK
START = datetime(2026, 1, 5, tzinfo=UTC)
BURST_MINUTES = 2 * PER_HOUR
BURST_FACTOR = 5.0
OUTAGES_A_WEEK = 2
OUTAGE_HOURS = (1, 9)
USUAL_NEGATIVE = 0.15
# The usual share itself varies between hours as a beta variable of so many pseudo-mentions.
NEGATIVE_WEIGHT = 30
CRISIS_NEGATIVE = 0.5
CRISIS_MINUTES = 6 * PER_HOUR
# Of what a burst of anger adds, so much is negative.
ANGRY_NEGATIVE = 0.7
# The crisis may end this long before it is told.
GRACE = PER_HOUR


@dataclass(frozen=True)
class Cell:
    """One kind of stream: mentions an hour, how the rate varies, and what else befalls it."""

    rate: float
    variation: float
    growth_per_week: float = 0.0
    has_outages: bool = False

    @property
    def name(self) -> str:
        """The cell in a few words."""
        more = f"{self.growth_per_week:.0%} a week" if self.growth_per_week else "steady"
        if self.has_outages:
            more = "outages"
        return f"{self.rate:2.0f}/h, {self.variation:.0%}, {more}"


CELLS = tuple(
    Cell(rate, variation, growth, has_outages)
    for rate in (3, 30)
    for variation in (0.22, 0.35)
    for growth, has_outages in ((0.0, False), (0.05, False), (0.0, True))
)


@dataclass(frozen=True, eq=False)
class Stream:
    """Counts and coverage per minute, and the mean mentions of each hour."""

    counts: IntArray
    coverage: FloatArray
    hourly: FloatArray

    def series(self, counts: IntArray | None = None, minutes: int = 1) -> Series:
        """Return the stream, or ``counts`` in its place, in buckets of ``minutes``."""
        values = self.counts if counts is None else counts
        shape = (-1, minutes)
        step = minutes * MINUTE
        return Series.build(
            START,
            step,
            values.reshape(shape).sum(axis=1),
            self.coverage.reshape(shape).mean(axis=1),
        )


def mean_rates(cell: Cell, holidays: Sequence[int] = ()) -> FloatArray:
    """Return the mean mentions of each hour; the days ``holidays`` (0 first) are like Sundays."""
    hours = np.arange(WEEKS * 168)
    daily = 1 + 0.6 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    is_free = (hours // 24 % 7 >= 5) | np.isin(hours // 24, holidays)
    weekly = np.where(is_free, 0.65, 1.14)
    growth = (1 + cell.growth_per_week) ** (hours / 168)
    return np.asarray(cell.rate * daily * weekly * growth)


def simulate(cell: Cell, rng: np.random.Generator, holidays: Sequence[int] = ()) -> Stream:
    """Return a stream of eight weeks to learn from and four to judge."""
    hourly = mean_rates(cell, holidays)
    shape = 1 / cell.variation**2
    varied = hourly * rng.gamma(shape, 1 / shape, hourly.size)
    counts = rng.poisson(np.repeat(varied / PER_HOUR, PER_HOUR))
    coverage = np.ones(counts.size)
    if cell.has_outages:
        for begin in rng.integers(0, counts.size, rng.poisson(OUTAGES_A_WEEK * WEEKS)):
            coverage[begin : begin + PER_HOUR * int(rng.integers(*OUTAGE_HOURS))] = 0
        counts[coverage == 0] = 0
    return Stream(counts, coverage, hourly)


@dataclass(frozen=True, eq=False)
class Burst:
    """Counts with a burst inside, the minutes it lasts, and the first mention that is its own."""

    counts: IntArray
    begin: int
    end: int
    first: int


def add_burst(
    stream: Stream,
    rng: np.random.Generator,
    factor: float = BURST_FACTOR,
    begin: int | None = None,
) -> Burst | None:
    """Return the stream with two hours of ``factor`` times the mean rate, from a minute on.

    That is ``begin``, or a random one. None if sources were away for most of it: nobody can tell
    what was not collected.
    """
    if begin is None:
        end = stream.counts.size - 3 * BURST_MINUTES
        begin = int(rng.integers(FIRST_JUDGED + PER_HOUR * 24, end))
    minutes = np.arange(begin, begin + BURST_MINUTES)
    more = rng.poisson(stream.hourly[minutes // PER_HOUR] / PER_HOUR * (factor - 1))
    heard = stream.coverage[minutes] > 0
    more[~heard] = 0
    if heard.mean() < 0.5 or not more.any():
        return None
    counts = stream.counts.copy()
    counts[minutes] += more
    return Burst(counts, begin, begin + BURST_MINUTES, begin + int(np.flatnonzero(more)[0]))


@dataclass(frozen=True, eq=False)
class Anger:
    """A burst whose mentions are mostly negative: the burst, and its counts of negatives."""

    burst: Burst
    negative: IntArray


@dataclass(frozen=True)
class Classifier:
    """How often a model calls a mention negative that is (``hits``), and that is not."""

    hits: float
    slips: float


def negatives(
    stream: Stream, rng: np.random.Generator, classifier: Classifier
) -> tuple[IntArray, FloatArray]:
    """Return how many mentions of each minute the classifier calls negative, and the true share."""
    share = np.repeat(
        rng.beta(
            USUAL_NEGATIVE * NEGATIVE_WEIGHT,
            (1 - USUAL_NEGATIVE) * NEGATIVE_WEIGHT,
            stream.hourly.size,
        ),
        PER_HOUR,
    )
    return rng.binomial(stream.counts, seen_share(share, classifier)), share


def seen_share(share: FloatArray | float, classifier: Classifier) -> FloatArray:
    """Return the share that a classifier sees where the true share is ``share``."""
    return np.asarray(np.asarray(share) * classifier.hits + (1 - share) * classifier.slips)


def add_crisis(
    stream: Stream, negative: IntArray, rng: np.random.Generator, classifier: Classifier
) -> Burst | None:
    """Return the negatives with six hours in which half is negative, at unchanged volume."""
    begin = int(rng.integers(FIRST_JUDGED + PER_HOUR * 24, stream.counts.size - 2 * CRISIS_MINUTES))
    during = slice(begin, begin + CRISIS_MINUTES)
    if not stream.counts[during].any():
        return None
    counts = negative.copy()
    seen = float(seen_share(CRISIS_NEGATIVE, classifier))
    counts[during] = rng.binomial(stream.counts[during], seen)
    first = begin + int(np.flatnonzero(stream.counts[during])[0])
    return Burst(counts, begin, begin + CRISIS_MINUTES, first)


def add_anger(
    stream: Stream, negative: IntArray, rng: np.random.Generator, classifier: Classifier
) -> Anger | None:
    """Return the stream with a fivefold burst of two hours that is mostly negative."""
    burst = add_burst(stream, rng)
    if burst is None:
        return None
    more = burst.counts - stream.counts
    seen = float(seen_share(ANGRY_NEGATIVE, classifier))
    return Anger(burst, negative + rng.binomial(more, seen))
