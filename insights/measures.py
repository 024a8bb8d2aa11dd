"""Measures with their uncertainty: net sentiment, share of voice, engagement rate, a usual range.

Unknown is None: a measure of nothing has no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import sqrt

import numpy as np

from core.window import TimeWindow
from insights.baseline import HOUR, NO_HOLIDAYS, Holidays, fit_baseline
from insights.distributions import count_interval, wilson_interval
from insights.series import Series
from insights.verdict import USUAL_MASS

# Two-sided 95 %.
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval, from ``n`` mentions."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Share:
    """One name's part of a group: ``count`` mentions, ``share`` of all (0..1)."""

    name: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class ShareOfVoice:
    """The parts of a group, largest first; they sum to 1 of ``total`` mentions.

    Its error is coverage, not chance: the count is complete for the ``sources`` that were asked.
    """

    shares: tuple[Share, ...]
    total: int
    sources: int | None


class Denominator(StrEnum):
    """What engagement is divided by. A rate without a named denominator says nothing."""

    FOLLOWERS = "followers"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class EngagementRate:
    """Engagement per follower or view, over the ``known`` of ``mentions`` that state both."""

    rate: Estimate
    by: Denominator
    known: int
    mentions: int


@dataclass(frozen=True, slots=True)
class UsualRange:
    """What a window usually holds: the middle 80 % between ``low`` and ``high``, inclusive."""

    expected: float
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """How long answers took: the median of ``n`` with its 95 % interval."""

    median: timedelta
    low: timedelta
    high: timedelta
    n: int


@dataclass(frozen=True, slots=True)
class Growth:
    """An account's followers at the first and the last time that they were seen."""

    since: datetime
    until: datetime
    first: int
    last: int

    @property
    def change(self) -> int:
        """How many followers came (or went)."""
        return self.last - self.first


def net_sentiment(positive: int, neutral: int, negative: int) -> Estimate | None:
    """Return (positive - negative) / scored, in -1..1; None when nothing was scored.

    Interval: adjusted Wald for the difference of two shares of one multinomial, one count added to
    each of the two (Bonett and Price, J. Educ. Behav. Stat. 37, 2012), cut to -1..1.
    Raises ValueError for a negative count.
    """
    if min(positive, neutral, negative) < 0:
        raise ValueError("a count cannot be negative")
    n = positive + neutral + negative
    if n == 0:
        return None
    value = (positive - negative) / n
    up, down = (positive + 1) / (n + 2), (negative + 1) / (n + 2)
    centre = up - down
    half = Z * sqrt((up + down - centre**2) / (n + 2))
    return Estimate(
        value, min(value, max(centre - half, -1.0)), max(value, min(centre + half, 1.0)), n
    )


def share(count: int, total: int) -> Estimate | None:
    """Return count / total with Wilson's interval; None if there is no total."""
    if total == 0:
        return None
    low, high = wilson_interval(count, total, Z)
    return Estimate(count / total, low, high, total)


def share_of_voice(counts: Mapping[str, int], sources: int | None = None) -> ShareOfVoice | None:
    """Return each name's part of all mentions of the group, largest first; None if there are none.

    Raises ValueError for a negative count.
    """
    if any(count < 0 for count in counts.values()):
        raise ValueError("a count cannot be negative")
    total = sum(counts.values())
    if total == 0:
        return None
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shares = tuple(Share(name, count, count / total) for name, count in ordered)
    return ShareOfVoice(shares, total, sources)


def engagement_rate(
    engagement: Sequence[int | None], denominators: Sequence[int | None], by: Denominator
) -> EngagementRate | None:
    """Return the sum of engagement over the sum of followers or views.

    Mentions of which either is unknown, or whose denominator is 0, are left out; None if none is
    left. Interval: the ratio estimator's linearised variance, n / (n - 1) * sum((e - R d)^2) /
    (sum d)^2 (Cochran, Sampling Techniques, 3rd ed., 1977, 6.4); a single mention leaves it open
    (Wilson). Raises ValueError if the two differ in length.
    """
    if len(engagement) != len(denominators):
        raise ValueError(f"{len(engagement)} engagements for {len(denominators)} {by}")
    pairs = [
        (e, d)
        for e, d in zip(engagement, denominators, strict=True)
        if e is not None and d is not None and d > 0
    ]
    if not pairs:
        return None
    e, d = np.array(pairs, dtype=np.float64).T
    total = float(d.sum())
    rate = float(e.sum()) / total
    n = len(pairs)
    if n == 1:
        # Reactions can outnumber followers; a proportion cannot be above 1.
        low, high = wilson_interval(min(float(e.sum()), total), total, Z)
        estimate = Estimate(rate, min(low, rate), max(high, rate), 1)
    else:
        half = Z * sqrt(n / (n - 1) * float(((e - rate * d) ** 2).sum())) / total
        estimate = Estimate(rate, max(rate - half, 0.0), rate + half, n)
    return EngagementRate(estimate, by, n, len(engagement))


def response_time(times: Sequence[timedelta]) -> ResponseTime | None:
    """Return the median of how long answers took; None without any.

    Interval: order statistics around the median (Conover, Practical Nonparametric Statistics, 3rd
    ed., 1999, 3.2), its bounds moved outwards to whole observations.
    Raises ValueError for an answer that came before its question.
    """
    if any(time < timedelta(0) for time in times):
        raise ValueError("an answer cannot come before its question")
    if not times:
        return None
    ordered, n = sorted(times), len(times)
    half = Z * sqrt(n) / 2
    low = max(int(n / 2 - half), 0)
    high = min(int(n / 2 + half + 1), n - 1)
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    return ResponseTime(middle, ordered[low], ordered[high], n)


def growth(seen: Sequence[tuple[datetime, int | None]]) -> Growth | None:
    """Return how an account's followers changed between the first and the last time seen.

    ``seen`` are times with the number of followers then, None where it was not told; in any order.
    None with fewer than two known.
    """
    known = sorted((at, count) for at, count in seen if count is not None)
    if len(known) < 2:
        return None
    (since, first), (until, last) = known[0], known[-1]
    return Growth(since, until, first, last)


def usual_range(
    series: Series,
    window: TimeWindow,
    *,
    zone: str = "UTC",
    minimum_days: int = 14,
    holidays: Holidays = NO_HOLIDAYS,
) -> UsualRange | None:
    """Return what ``window`` usually holds, from the eight weeks before it begins.

    For the Overview: "212 mentions since yesterday, usual 180-240". The window is cut to whole
    buckets. ``holidays`` (dates in ``zone``) count as Sundays. None with fewer than
    ``minimum_days`` covered days of history, or an empty window.
    """
    number = round(window.length / series.step)
    baseline = fit_baseline(series, window.start, zone=zone, holidays=holidays)
    if baseline.covered_hours < minimum_days * 24 or number == 0:
        return None
    start = series.time_of(series.index_of(window.start))
    expected = float(baseline.expected(start, series.step, number).sum())
    spread = baseline.spread_over(max(window.length, HOUR))
    low, high = count_interval(expected, spread, USUAL_MASS)
    return UsualRange(expected, low, high)
