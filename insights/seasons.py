"""On which days a term comes anyway: those of each month or year, or the holidays.

Compared is the liveliest local day of what bursts now with all days before it, each until the same
time of day. A day is lively that holds half as many mentions or more (of the liveliest day before,
where no day held as many as now). A season is told where two thirds of its earlier days were
lively, and two thirds of all lively days belong to it: what bursts every other week has no season,
though it burst on the first of some month as well.
"""

from __future__ import annotations

from calendar import day_name, month_name, monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from core.window import TimeWindow
from insights.baseline import HOUR, NO_HOLIDAYS, Holidays
from insights.distributions import IntArray
from insights.series import Series

DAY = timedelta(days=1)
# What comes in a season begins a day or two before its day and ends as long after it.
SLACK_DAYS = 2
# What burst in the last days belongs to the burst of now.
APART_DAYS = 7
# Days of the year that follow the week move by six days at most: Black Friday lies between the
# 23rd and the 29th of November.
YEAR_DAYS = 6
# Fewer mentions on a day are no burst that could have come before.
LEAST_SIZE = 3
# A day that held less than this part of what bursts now says nothing about it.
LEAST_PART = 0.1
# More than so many times the last time is news, season or not.
WELL_ABOVE = 2.0
ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, slots=True)
class Season:
    """When a term comes, in ``words``, such as "every year around 27 November".

    ``last`` is the day on which it last did; ``last_size`` its mentions then until the same time
    of day as ``size`` ones now.
    """

    words: str
    last: date
    last_size: int
    size: int

    @property
    def factor(self) -> float:
        """How many times as many as the last time there are now."""
        return self.size / self.last_size

    @property
    def is_usual(self) -> bool:
        """Whether it comes at its usual size, and so is no news."""
        return self.factor <= WELL_ABOVE


@dataclass(frozen=True, slots=True)
class _Occasions:
    """The earlier days of one season; ``around`` days off count as well, ``least`` are needed."""

    words: str
    days: Sequence[date]
    around: int = 0
    least: int = 2


def find_season(
    series: Series, window: TimeWindow, zone: str = "UTC", holidays: Holidays = NO_HOLIDAYS
) -> Season | None:
    """Return the season in which a term comes that bursts in ``window``, None in none.

    ``series`` has its mentions by the hour, from when they would have been seen until the window's
    end at least. ``holidays`` are dates in ``zone``. Raises ValueError for another step.
    """
    if series.step != HOUR:
        raise ValueError(f"seasons are found in hours, not in buckets of {series.step}")
    first, sizes = _daily_sizes(series, window, ZoneInfo(zone))
    if sizes.size == 0:
        return None
    day, size = first + (sizes.size - 1) * DAY, int(sizes[-1])
    earlier = sizes[: -1 - APART_DAYS]
    reference = min(size, int(earlier.max(initial=0)))
    if reference < max(LEAST_SIZE, LEAST_PART * size):
        return None
    lively = 2 * earlier >= reference
    for known in _seasons(day, first, holidays):
        spans = [_around((one - first) // DAY, known.around) for one in known.days]
        held = [span for span in spans if lively[span].any()]
        if len(spans) < known.least or 3 * len(held) < 2 * len(spans):
            continue
        others = lively.copy()
        for one in known.days:
            others[_around((one - first) // DAY, known.around + SLACK_DAYS)] = False
        if 3 * others.sum() <= lively.sum():
            last = held[-1].start + int(np.argmax(earlier[held[-1]]))
            return Season(known.words, first + last * DAY, int(earlier[last]), size)
    return None


def _daily_sizes(series: Series, window: TimeWindow, zone: ZoneInfo) -> tuple[date, IntArray]:
    """Return the mentions of each local day until the same time, the first and the last day's date.

    The last day is the one in ``window`` that held most; of a day that is not over all others count
    as far as it has come. Of the first day all must be known.
    """
    local = series.start.astimezone(zone)
    first = local.date() if local.time() == time() else local.date() + DAY
    end = min(window.end, series.end).astimezone(zone)
    days = [first + n * DAY for n in range((end.date() - first) // DAY + 2)]
    if len(days) < 2:
        return first, np.zeros(0, dtype=np.int64)
    midnights = _hours_to(series, days, zone)
    sums = np.concatenate([[0], np.cumsum(series.counts)])
    whole = np.diff(sums[midnights])
    since = max((window.start.astimezone(zone).date() - first) // DAY, 0)
    last = since + int(np.argmax(whole[since:]))
    passed = min(-((midnights[last] * HOUR - (window.end - series.start)) // HOUR), 25)
    ends = np.minimum(midnights[:-1] + passed, midnights[1:])
    return first, (sums[ends] - sums[midnights[:-1]])[: last + 1]


def _hours_to(series: Series, days: Sequence[date], zone: ZoneInfo) -> IntArray:
    """Return how many hours of the series lie before the local midnight of each day."""
    midnights = [datetime.combine(day, time(), zone).astimezone(UTC) for day in days]
    hours = [-((series.start - midnight) // HOUR) for midnight in midnights]
    return np.clip(np.array(hours, dtype=np.int64), 0, len(series))


def _around(at: int, days: int) -> slice:
    """Return where the days lie that are at most so many off the one at ``at``."""
    return slice(max(at - days, 0), at + days + 1)


def _seasons(day: date, first: date, holidays: Holidays) -> Iterator[_Occasions]:
    """Yield the seasons that ``day`` may belong to, with their days from ``first`` on."""
    months = list(_earlier_months(day, first))
    ends = [month.replace(day=monthrange(month.year, month.month)[1]) for month in months]
    begun = day - APART_DAYS * DAY
    name, place = day_name[day.weekday()], (day.day - 1) // 7
    same = [end.replace(day=day.day) for end in ends if day.day <= end.day]
    if (day + DAY).day == 1:
        yield _known("on the last day of each month", ends, first)
    yield _known(f"on the {_ordinal(day.day)} of each month", same, first)
    nth = [_weekday(end.replace(day=1), day.weekday()) + place * timedelta(weeks=1) for end in ends]
    in_month = [one for one, end in zip(nth, ends, strict=True) if one <= end]
    yield _known(f"each {ORDINALS[place]} {name} of the month", in_month, first)
    if (day + timedelta(weeks=1)).month != day.month:
        last = [_weekday(end - 6 * DAY, day.weekday()) for end in ends]
        yield _known(f"each last {name} of the month", last, first)
    if day in holidays:
        yield _known("on holidays", sorted(one for one in holidays if one < begun), first)
    years = [
        date(year, day.month, min(day.day, monthrange(year, day.month)[1]))
        for year in range(first.year, day.year)
    ]
    known = [one for one in years if one >= first]
    words = f"around {day.day} {month_name[day.month]}"
    if len(known) == 1:
        yield _Occasions(f"as a year ago, {words}", known, YEAR_DAYS, least=1)
    yield _Occasions(f"every year {words}", known, YEAR_DAYS)


def _known(words: str, days: Sequence[date], first: date) -> _Occasions:
    return _Occasions(words, [day for day in days if day >= first])


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number in (11, 12, 13) else ending}"


def _earlier_months(day: date, first: date) -> Iterator[date]:
    """Yield the first days of the months before that of ``day``, oldest first."""
    month = first.replace(day=1)
    while month < day.replace(day=1):
        yield month
        month = (month + 31 * DAY).replace(day=1)


def _weekday(start: date, weekday: int) -> date:
    """Return the first such weekday from ``start`` on."""
    return start + (weekday - start.weekday()) % 7 * DAY
