"""What comes each month, each year or on holidays is known by its days, at its size of then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.seasons import Season, find_season
from insights.series import Series

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = timedelta(hours=12)


def series(
    first: date, last: date, days: Mapping[date, int], *, hour: int = 9, noise: float = 0.0
) -> Series:
    """Return a term's hours from one day to the end of another; each day's mentions in one hour."""
    number = (last - first).days + 1
    counts = np.random.default_rng(1).poisson(noise, number * 24)
    for day, count in days.items():
        counts[(day - first).days * 24 + hour] += count
    return Series.build(datetime(first.year, first.month, first.day, tzinfo=UTC), HOUR, counts)


def season(
    days: Collection[date] | Mapping[date, int],
    first: date,
    holidays: Collection[date] = (),
    **made: float,
) -> Season | None:
    """Return the season of what bursts on the last of the days, 40 mentions a day unless told."""
    sizes = days if isinstance(days, Mapping) else dict.fromkeys(days, 40)
    last = max(sizes)
    told = series(first, last, sizes, **made)  # type: ignore[arg-type]
    return find_season(told, TimeWindow.before(told.end, DAY), holidays=frozenset(holidays))


def words(*args: object, **made: object) -> str | None:
    """Return the season in words."""
    found = season(*args, **made)  # type: ignore[arg-type]
    return found.words if found else None


FRIDAYS = [date(2024, 11, 29), date(2025, 11, 28), date(2026, 11, 27)]
"""Black Fridays, which lie up to six days apart in the year."""


def test_what_comes_every_year_is_known_within_days() -> None:
    """Black Friday moves with the week; two earlier ones make every year, one a year ago."""
    assert words(FRIDAYS, date(2024, 1, 1)) == "every year around 27 November"
    assert words(FRIDAYS[1:], date(2025, 6, 1)) == "as a year ago, around 27 November"
    assert words(FRIDAYS[1:], date(2025, 6, 1), noise=0.1) == "as a year ago, around 27 November"


def test_a_year_must_have_been_seen() -> None:
    """Without a year of history nothing comes every year; a year that was missed speaks against."""
    assert season(FRIDAYS[2:], date(2025, 12, 1)) is None
    assert season(FRIDAYS[2:], date(2024, 1, 1)) is None
    missed = [date(2022, 11, 25), date(2026, 11, 27)]
    assert season(missed, date(2022, 1, 1)) is None
    assert words([date(2023, 11, 24), *FRIDAYS[1:]], date(2023, 1, 1)) is not None


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ([date(2026, m, 1) for m in range(5, 9)], "on the 1st of each month"),
        ([date(2026, m, 15) for m in (5, 7, 8)], "on the 15th of each month"),
        ([date(2026, m, 12) for m in (5, 6, 7)], "on the 12th of each month"),
        ([date(2026, m, 23) for m in (5, 6, 7)], "on the 23rd of each month"),
        (
            [date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31), date(2026, 8, 31)],
            "on the last day of each month",
        ),
        (
            [date(2026, 5, 1), date(2026, 6, 5), date(2026, 7, 3), date(2026, 8, 7)],
            "each first Friday of the month",
        ),
        (
            [date(2026, 5, 25), date(2026, 6, 29), date(2026, 7, 27), date(2026, 8, 31)],
            "each last Monday of the month",
        ),
    ],
)
def test_what_comes_each_month_is_known_by_its_day(days: list[date], told: str) -> None:
    """By the day of the month, its last one, or the weekday; one miss in three is allowed."""
    assert words(days, date(2026, 4, 20)) == told


def test_a_fifth_weekday_and_a_30th_are_not_in_each_month() -> None:
    """Months without that day neither speak for nor against it."""
    fifths = [date(2026, 5, 29), date(2026, 7, 31), date(2026, 10, 30)]
    assert words(fifths, date(2026, 4, 20), noise=0.01) == "each fifth Friday of the month"
    late = [date(2025, 12, 30), date(2026, 1, 30), date(2026, 3, 30)]
    assert words(late, date(2025, 12, 20)) == "on the 30th of each month"


def test_what_comes_on_holidays_is_known_by_the_calendar() -> None:
    """Without the calendar the same days are nothing that is known."""
    free = [date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14)]
    begin = date(2026, 3, 1)
    assert words([*free, date(2026, 5, 25)], begin, [*free, date(2026, 5, 25)]) == "on holidays"
    assert season([*free, date(2026, 5, 25)], begin) is None
    assert season([free[0], date(2026, 5, 25)], begin, [*free, date(2026, 5, 25)]) is None


def test_holidays_of_the_same_week_are_one() -> None:
    """The 26th of December is not proven by the 25th: both belong to what bursts now."""
    christmas = [date(2026, 12, 25), date(2026, 12, 26)]
    assert season(christmas, date(2026, 10, 20), christmas) is None


def test_what_bursts_often_has_no_season() -> None:
    """Each Friday, or any odd days: that the first of the month is among them says nothing."""
    weekly = [date(2026, 8, 28) - n * timedelta(weeks=1) for n in range(16)]
    assert season(weekly, date(2026, 5, 1)) is None
    odd = [date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)]
    often = [date(2026, 5, 9), date(2026, 5, 20), date(2026, 6, 17)]
    assert season([*odd, *often], date(2026, 4, 20)) is None
    assert words([*odd, often[0]], date(2026, 4, 20)) == "on the 1st of each month"


def test_the_size_of_the_last_time_says_what_is_news() -> None:
    """Up to twice as many as the last time is usual; the season is known all the same."""
    usual = season({FRIDAYS[0]: 30, FRIDAYS[1]: 40, FRIDAYS[2]: 80}, date(2024, 1, 1))
    assert usual == Season("every year around 27 November", FRIDAYS[1], 40, 80)
    assert usual.is_usual
    large = season({FRIDAYS[0]: 30, FRIDAYS[1]: 40, FRIDAYS[2]: 90}, date(2024, 1, 1))
    assert large is not None
    assert not large.is_usual
    assert large.factor == pytest.approx(2.25)


def test_next_to_nothing_is_no_earlier_burst() -> None:
    """Two mentions a year ago, or five where two hundred come now, are no season."""
    assert season({FRIDAYS[1]: 2, FRIDAYS[2]: 40}, date(2025, 6, 1)) is None
    assert season({FRIDAYS[1]: 5, FRIDAYS[2]: 200}, date(2025, 6, 1)) is None
    assert season({FRIDAYS[2]: 0}, date(2025, 6, 1)) is None


def test_a_day_that_is_not_over_is_compared_until_the_same_time() -> None:
    """At noon, what last came in the evening is not missed, nor counted."""
    first, last = date(2025, 6, 1), FRIDAYS[2]
    told = series(first, last, {FRIDAYS[1]: 40, last: 40})
    evening = series(first, last, {FRIDAYS[1]: 400}, hour=20)
    both = Series.build(told.start, HOUR, told.counts + evening.counts)
    midnight = told.end - DAY
    noon = find_season(both, TimeWindow(midnight, midnight + NOON))
    assert noon is not None
    assert (noon.last_size, noon.size) == (40, 40)
    early = find_season(both, TimeWindow(midnight, midnight + HOUR * 5))
    assert early is None


def test_the_liveliest_day_of_a_long_window_is_compared() -> None:
    """A week that ends on Sunday is told by its Friday."""
    sunday = FRIDAYS[2] + 2 * DAY
    told = series(date(2024, 1, 1), sunday, dict.fromkeys(FRIDAYS, 40) | {sunday: 5})
    found = find_season(told, TimeWindow.before(told.end, timedelta(days=7)))
    assert found == Season("every year around 27 November", FRIDAYS[1], 40, 40)


def test_days_are_those_of_the_zone() -> None:
    """Late on the first in New York is the second in Greenwich; only there it is the first."""
    days = [date(2026, m, 2) for m in range(5, 9)]
    told = series(date(2026, 4, 20), days[-1], dict.fromkeys(days, 40), hour=2)
    window = TimeWindow.before(told.end, DAY)
    york = find_season(told, window, "America/New_York")
    assert york is not None
    assert (york.words, york.last) == ("on the 1st of each month", date(2026, 7, 1))
    greenwich = find_season(told, window)
    assert greenwich is not None
    assert greenwich.words == "on the 2nd of each month"


def test_too_little_history_and_other_steps() -> None:
    """A series of some hours has no day before; one of days cannot be read."""
    start = datetime(2026, 5, 1, 3, tzinfo=UTC)
    short = Series.build(start, HOUR, [5] * 4)
    assert find_season(short, TimeWindow(start, short.end)) is None
    with pytest.raises(ValueError, match="seasons are found in hours"):
        find_season(Series.build(start, DAY, [5]), TimeWindow(start, start + DAY))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]))
@settings(max_examples=20, deadline=None)
def test_what_comes_later_moves_no_season(seed: int, zone: str) -> None:
    """Of any stream, hours after the window's end change nothing."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.05, 200 * 24)
    counts[rng.integers(0, counts.size, 12)] += 30
    start = datetime(2026, 1, 1, tzinfo=UTC)
    end = start + 190 * DAY
    whole = Series.build(start, HOUR, counts)
    window = TimeWindow.before(end, 6 * HOUR)
    known = Series.build(start, HOUR, counts[: 190 * 24])
    assert find_season(whole, window, zone) == find_season(known, window, zone)


def test_bursts_at_random_seldom_look_like_a_season() -> None:
    """Of terms that burst on eight random days of two years, under one in twenty has a season."""
    rng = np.random.default_rng(5)
    first, last = date(2024, 11, 1), date(2026, 11, 27)
    days = (last - first).days
    found = 0
    for _ in range(200):
        drawn = {first + int(n) * DAY: 40 for n in rng.integers(0, days - 8, 8)}
        found += season(drawn | {last: 40}, first) is not None
    assert found <= 10
