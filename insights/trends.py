"""What bursts now among many terms, ranked by evidence.

Each term's recent count is tested against its own history by the posterior predictive of a
gamma-Poisson model (Gelman et al., Bayesian Data Analysis, 3rd ed., 2013, 2.6): with a mentions in
an exposure of b, the next count in an exposure of e is negative binomial with mean e (a + s) /
(b + s / r) and spread 1 / (a + s), s being the weight of the prior rate r (that of the typical
term). Terms vary more than Poisson, which adds the moment estimate of their own spread, drawn to
that of all terms. Exposure is the volume of all mentions where it is handed in, so that a lively
hour raises no term, else time. Over all terms the false-discovery rate is held
(Benjamini-Hochberg), upwards and downwards apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from insights.distributions import (
    FloatArray,
    benjamini_hochberg,
    count_interval,
    lower_tail,
    upper_tail,
)
from insights.verdict import USUAL_MASS

# The typical term's rate weighs as much as half a mention in a term's own history.
PRIOR_WEIGHT = 0.5
# Spread of a term's counts between buckets: prior mean and standard deviation.
SPREAD_PRIOR = 0.3
SPREAD_PRIOR_DEVIATION = 0.3
SPREAD_LIMITS = (0.02, 4.0)
# How often windows of one length that slide over each other count: see ``trend_level``.
CROSSINGS = 4.0
# A bursting term whose second half holds less than this share of its recent mentions is waning.
FADING_SHARE = 0.25


class Rhythm(StrEnum):
    """How often a term is as lively."""

    DAY = "every day"
    WEEK = "every week"


PERIODS = {Rhythm.DAY: timedelta(days=1), Rhythm.WEEK: timedelta(weeks=1)}


class Direction(StrEnum):
    """Where a term is heading."""

    RISING = "rising"
    STEADY = "steady"
    FADING = "fading"


@dataclass(frozen=True, slots=True)
class TermCounts:
    """One term's mentions in equal buckets, oldest first, the recent ones included.

    ``kind`` is what sort of term it is (hashtag, entity, theme, link, story, ...); ``first_seen``
    when it was first seen at all, None if unknown.
    """

    kind: str
    term: str
    counts: Sequence[int]
    first_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """What one term does now.

    ``observed`` mentions in the recent buckets against ``expected`` and the usual range ``low`` to
    ``high``; ``factor`` = observed / expected; ``p`` the probability of so many or more by chance,
    ``q`` the same after correcting for the number of terms; ``sparkline`` all its buckets.
    """

    kind: str
    term: str
    observed: int
    expected: float
    low: int
    high: int
    factor: float
    p: float
    q: float
    direction: Direction
    sparkline: tuple[int, ...]
    first_seen: datetime | None

    @property
    def is_new(self) -> bool:
        """Whether the term was never seen before the recent buckets."""
        return self.observed > 0 and sum(self.sparkline) == self.observed


def rank_trends(
    terms: Sequence[TermCounts],
    recent: int,
    *,
    totals: Sequence[int] | None = None,
    false_discovery_rate: float = 0.05,
    minimum: int = 3,
    tested: int | None = None,
) -> list[Trend]:
    """Return all terms, those that burst first, each group by evidence.

    ``recent`` buckets at the end of each term's counts are now, the others history. ``totals`` are
    all mentions per bucket. A term with fewer than ``minimum`` recent mentions is never rising.
    ``tested`` is the number of terms looked at where more were than are handed in.
    Raises ValueError if bucket numbers differ or leave no history.
    """
    if not terms:
        return []
    number = len(terms[0].counts)
    if any(len(term.counts) != number for term in terms):
        raise ValueError("all terms need counts of the same buckets")
    if not 0 < recent < number:
        raise ValueError(f"of {number} buckets, 1 to {number - 1} can be recent, not {recent}")
    counts = np.array([term.counts for term in terms], dtype=np.float64)
    exposure = _exposure(totals, number)
    now, past = counts[:, -recent:].sum(axis=1), counts[:, :-recent]
    past_exposure, now_exposure = exposure[:-recent], float(exposure[-recent:].sum())
    expected, spread = _predict(past, past_exposure, now_exposure, recent)
    p = upper_tail(now, expected, spread)
    q = benjamini_hochberg(p, tested)
    q_down = benjamini_hochberg(lower_tail(now, expected, spread), tested)
    halves = counts[:, -(recent // 2) :].sum(axis=1) if recent > 1 else now
    trends = []
    for i, term in enumerate(terms):
        is_high = q[i] <= false_discovery_rate and now[i] >= minimum
        is_waning = bool(is_high and halves[i] < FADING_SHARE * now[i])
        is_low = bool(q_down[i] <= false_discovery_rate)
        direction = Direction.RISING if is_high else Direction.STEADY
        low, high = count_interval(float(expected[i]), float(spread[i]), USUAL_MASS)
        trends.append(
            Trend(
                kind=term.kind,
                term=term.term,
                observed=int(now[i]),
                expected=float(expected[i]),
                low=low,
                high=high,
                factor=float(now[i] / expected[i]),
                p=float(p[i]),
                q=float(q[i]),
                direction=Direction.FADING if is_waning or is_low else direction,
                sparkline=tuple(int(count) for count in term.counts),
                first_seen=term.first_seen,
            )
        )
    order = {Direction.RISING: 0, Direction.FADING: 1, Direction.STEADY: 1}
    return sorted(trends, key=lambda t: (order[t.direction], t.p, -t.observed, t.kind, t.term))


def _exposure(totals: Sequence[int] | None, number: int) -> FloatArray:
    """Return what each bucket's counts are relative to."""
    if totals is None:
        return np.ones(number)
    if len(totals) != number:
        raise ValueError(f"{len(totals)} totals for {number} buckets")
    # Half a mention more: an hour without any mention still had time for one.
    return np.array(totals, dtype=np.float64) + 0.5


def _predict(
    past: FloatArray, past_exposure: FloatArray, now_exposure: float, recent: int
) -> tuple[FloatArray, FloatArray]:
    """Return the expected recent count of each term and its spread."""
    known = float(past_exposure.sum())
    seen = past.sum(axis=1)
    typical = max(float(np.median(seen)), PRIOR_WEIGHT) / known
    weight = seen + PRIOR_WEIGHT
    rate = weight / (known + PRIOR_WEIGHT / typical)
    awaited = rate[:, None] * past_exposure[None, :]
    squares = (awaited**2).sum(axis=1)
    excess = ((past - awaited) ** 2 - awaited).sum(axis=1)
    pooled = float(np.clip(excess.sum() / squares.sum(), *SPREAD_LIMITS)) if len(seen) > 9 else None
    prior = SPREAD_PRIOR if pooled is None else pooled
    noise = (awaited + 2 * (awaited + prior * awaited**2) ** 2).sum(axis=1) / squares**2
    trust = SPREAD_PRIOR_DEVIATION**2 / (SPREAD_PRIOR_DEVIATION**2 + noise)
    spread = np.clip(prior + trust * (excess / squares - prior), *SPREAD_LIMITS)
    # The sum of several buckets spreads less than each, but lively spells span buckets.
    return rate * now_exposure, spread / np.sqrt(recent) + 1 / weight


def recurs(counts: Sequence[int], recent: int, period: int) -> bool:
    """Return whether a term is as lively every ``period`` buckets, such as every week.

    Its last ``recent`` buckets are compared with the same ones of earlier periods; two thirds of
    those that lie in ``counts`` whole, and at least two, must hold half as many mentions or more.
    """
    now, held = sum(counts[-recent:]), []
    end = len(counts) - period
    while end - recent >= 0:
        held.append(2 * sum(counts[end - recent : end]) >= now)
        end -= period
    return now > 0 and len(held) >= 2 and 3 * sum(held) >= 2 * len(held)


def rhythm_of(counts: Sequence[int], recent: int, step: timedelta) -> Rhythm | None:
    """Return in which rhythm a term comes anyway, None in none.

    What comes every day comes every week too, so the shorter one is told.
    """
    for rhythm, period in PERIODS.items():
        buckets = round(period / step)
        if buckets >= recent and recurs(counts, recent, buckets):
            return rhythm
    return None


def run_start(counts: Sequence[int], recent: int, pause: int) -> int | None:
    """Return the bucket in which what a term does now began; None where that is not known.

    A window of ``recent`` buckets is lively that holds half as many mentions as the last one, or
    more. Lively windows that lie less than ``pause`` buckets apart belong together, and without as
    many quiet buckets before the first nobody knows whether it is the first. Raises ValueError if
    the last window holds no mention.
    """
    held = np.convolve(np.asarray(counts), np.ones(recent, dtype=np.int64), "valid")
    if held[-1] == 0:
        raise ValueError("the term has no recent mention")
    lively = np.flatnonzero(2 * held >= held[-1])
    apart = np.diff(lively, prepend=-recent) - recent
    breaks = np.flatnonzero(apart >= pause)
    if not breaks.size:
        return None
    first = int(lively[breaks[-1]])
    return first + int(np.flatnonzero(counts[first : first + recent])[0])


def trend_level(false_alarms_per_week: float, tested: int, recent: int, step: timedelta) -> float:
    """Return the p-value below which one of ``tested`` terms may be told, for so many false alarms.

    The budget of a week is shared equally by the terms and by the looks (Bonferroni). ``tested``
    counts every term that could have been looked at: the most frequent ones of now are chosen by
    what is tested, and their number alone would promise too much. Looks at windows of ``recent``
    buckets of ``step`` that overlap cross a high level about as often as ``CROSSINGS`` independent
    ones a window would.
    """
    looks = CROSSINGS * (timedelta(weeks=1) / (recent * step))
    return false_alarms_per_week / (looks * max(tested, 1))
