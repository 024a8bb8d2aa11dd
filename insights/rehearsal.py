"""What a rule would do on weeks like the quiet ones of its own history, before it is trusted.

**False alarms**: whole weeks are drawn anew by a block bootstrap (Kuensch, Annals of Statistics
17, 1989) and judged as the real ones are, with eight weeks before them to learn from. A block is a
quiet day. Of each of its hours the rate is drawn from what the hour's count leaves open: with mean
m and spread a, the rate relative to m is Gamma(1 / a + count, 1 / a + m) distributed given the
count (the conjugate posterior), and the mentions of a minute are Poisson about it. So a lively day
stays lively throughout, and yet no week is like another. A rule worth having rings too seldom to be
counted in so few weeks. So alarms with several times the budget are counted: their number falls
with the budget as a power law, whose exponent is read off the counts. New levels have no budget;
those told in the drawn weeks are added as they are. The rules that are rehearsed stand in
``insights.rehearsed``.

**The smallest crisis**: so many more mentions an hour are put into the user's own quiet days, at
many moments, and the median time to the alarm is what is promised.

Randomness is an argument: the same generator gives the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from insights.baseline import (
    HOUR,
    REFERENCE_WEEKS,
    hours_before,
)
from insights.distributions import IntArray
from insights.series import GOOD_COVERAGE, Series
from insights.verdict import Scan

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
# Four weeks: each hour of the week four times, the least that says how alike they are.
LEAST_WEEKS = 4
LEAST_QUIET_DAYS = 14
# Judged weeks drawn anew, and in how many goes; each go draws eight more to learn from.
DRAWN_WEEKS = 10
DRAWS = 4
DRAWN_STEP = timedelta(minutes=5)
# Times the budget at which alarms are counted.
BUDGETS = (2.0, 4.0, 8.0)
EXPONENT_LIMITS = (0.5, 1.2)
# Fewer alarms than this at the lowest budget say nothing about how their number falls.
LEAST_COUNTED = 3
# How many moments a crisis is tried at (evenly spread over the day, as nights are quieter), and how
# long it may take to be told.
STARTS = 48
LONGEST_WAIT = timedelta(hours=24)
# Sizes that people say: about a quarter apart.
SIZES = (
    *(
        2,
        3,
        4,
        5,
        6,
        8,
        10,
        12,
        15,
        18,
        22,
        28,
        35,
        45,
        55,
        70,
        90,
        110,
        140,
        180,
        220,
        280,
        350,
        450,
    ),
    *(
        550,
        700,
        900,
        1100,
        1400,
        1800,
        2200,
        2800,
        3500,
        4500,
        5500,
        7000,
        9000,
        11000,
        14000,
        18000,
    ),
)
# What is promised: the smallest size that is told within so long.
PROMISES = (timedelta(minutes=15), HOUR, LONGEST_WAIT)


class NotEnoughHistoryError(ValueError):
    """There is too little to rehearse on; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often a rule would ring on quiet weeks.

    ``per_week`` is what is expected; ``counted`` alarms at up to eight times the budget, in
    ``weeks`` drawn from ``quiet_days``, bear it out. The ``levels`` told in them are part of it.
    """

    per_week: float
    counted: int
    weeks: int
    quiet_days: int
    levels: int = 0


@dataclass(frozen=True, slots=True)
class CrisisSize:
    """So many more mentions an hour, and the median time until they are told.

    ``delay`` is None where more than half of them are not told within a day.
    """

    more_per_hour: int
    delay: timedelta | None


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """How a rule judged drawn weeks: its windows, and how many new levels it would have told."""

    scan: Scan
    levels: int = 0


class Rehearsal(Protocol):
    """A rule of one kind with its history; ``step`` is that of its series."""

    @property
    def step(self) -> timedelta:
        """The buckets in which crises are put into its days."""

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Drawn:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``."""

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` mentions a bucket from ``start`` on."""


def check_history(hours: Series) -> None:
    """Raise NotEnoughHistoryError if there is less than four weeks of covered hours."""
    _, exposure, _ = hours_before(hours, hours.end, REFERENCE_WEEKS)
    weeks = float((exposure >= GOOD_COVERAGE).sum()) / 168
    if weeks < LEAST_WEEKS:
        raise NotEnoughHistoryError(
            f"the rule has {weeks:.1f} weeks of history, and {LEAST_WEEKS} are needed to say what "
            "is usual and how much that varies"
        )


def expect_false_alarms(
    rehearsal: Rehearsal,
    rng: np.random.Generator,
    *,
    apart: timedelta,
    draws: int = DRAWS,
    weeks: int = DRAWN_WEEKS,
) -> FalseAlarms:
    """Return how many alarms a week the rule would raise on weeks like the quiet ones.

    Alarms no further ``apart`` are one. Raises NotEnoughHistoryError where fewer than two weeks of
    days are quiet.
    """
    days = _enough(rehearsal.quiet_days())
    counts, levels = np.zeros(len(BUDGETS)), 0
    for _ in range(draws):
        drawn = rehearsal.draw(rng, days, weeks)
        levels += drawn.levels
        counts += [
            count_alarms(np.flatnonzero(drawn.scan.ratio <= budget), apart // DRAWN_STEP)
            for budget in BUDGETS
        ]
    budgets = np.array(BUDGETS)
    exponent = 1.0
    if counts[0] >= LEAST_COUNTED:
        slope = np.log(counts[-1] / counts[0]) / np.log(budgets[-1] / budgets[0])
        exponent = float(np.clip(slope, *EXPONENT_LIMITS))
    judged = draws * weeks
    alarms = float(counts.sum() / (budgets**exponent).sum())
    return FalseAlarms((alarms + levels) / judged, int(counts[-1]), judged, len(days), levels)


def count_alarms(at: IntArray, apart: int) -> int:
    """Return how many alarms the firing buckets ``at`` make that lie more than ``apart`` apart."""
    return int(at.size > 0) + int((np.diff(at) > apart).sum())


def find_sizes(rehearsal: Rehearsal, rng: np.random.Generator) -> list[CrisisSize]:
    """Return, from small to large, a size that is not told in time and the smallest that are.

    The smallest told within a day, an hour and a quarter of one are looked for by halving, as a
    larger crisis is told no later. Raises NotEnoughHistoryError where no quiet day is left to try.
    """
    days = rehearsal.crisis_days()
    if not days:
        raise NotEnoughHistoryError("no quiet day of the last weeks is left to try a crisis on")
    starts = [
        days[int(rng.integers(len(days)))] + int((n + rng.random()) * 24 * 60 / STARTS) * MINUTE
        for n in range(STARTS)
    ]
    seeds = [int(seed) for seed in rng.integers(2**32, size=STARTS)]
    known: dict[int, timedelta | None] = {}

    def is_told(place: int, within: timedelta) -> bool:
        if place not in known:
            known[place] = _median_delay(rehearsal, SIZES[place], starts, seeds)
        told = known[place]
        return told is not None and told <= within

    shown: list[int] = []
    for promise in PROMISES:
        low, high = 0, len(SIZES) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if is_told(middle, promise) else (middle + 1, high)
        is_told(low, promise)
        if promise is PROMISES[-1] and low > 0:
            is_told(low - 1, promise)
            shown.append(low - 1)
        shown.append(low)
    return [CrisisSize(SIZES[place], known[place]) for place in sorted(set(shown))]


def _median_delay(
    rehearsal: Rehearsal, size: int, starts: Sequence[datetime], seeds: Sequence[int]
) -> timedelta | None:
    """Return after how long ``size`` more mentions an hour are told in half of the cases."""
    waits = []
    for start, seed in zip(starts, seeds, strict=True):
        step = rehearsal.step
        more = np.random.default_rng(seed).poisson(size * (step / HOUR), LONGEST_WAIT // step)
        told = rehearsal.tell(start, more)
        waits.append(LONGEST_WAIT * 2 if told is None else told - start)
    median = sorted(waits)[len(waits) // 2]
    return median if median <= LONGEST_WAIT else None


def _enough(days: IntArray) -> IntArray:
    if days.size < LEAST_QUIET_DAYS:
        raise NotEnoughHistoryError(
            f"only {days.size} days of the last eight weeks are quiet and covered, and "
            f"{LEAST_QUIET_DAYS} are needed"
        )
    return days
