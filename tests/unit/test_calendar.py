"""Holidays of countries and of one's own, on the clock of the installation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest

from app.calendar import YEARS_BACK, calendar_of
from app.moments import holidays_in
from core.settings import Settings
from core.window import TimeWindow

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_without_a_country_no_day_is_a_holiday() -> None:
    """The default knows none, so that nothing is compared with Sundays unasked."""
    found = calendar_of(Settings(), NOW)
    assert found.days == frozenset()
    assert found.name_on(datetime(2026, 12, 25, tzinfo=UTC)) is None
    assert found.next_after(NOW, 3) == []


def test_holidays_of_a_country_and_its_part() -> None:
    """A part of a country has its country's holidays and its own, named in English."""
    whole = calendar_of(Settings(holidays=("DE",)), NOW)
    part = calendar_of(Settings(holidays=("DE-BY",)), NOW)
    assert whole.names[date(2026, 12, 25)] == "Christmas Day"
    assert date(2027, 1, 6) not in whole.days
    assert part.names[date(2027, 1, 6)] == "Epiphany"
    assert whole.days < part.days


def test_several_countries_share_one_calendar() -> None:
    """A day is a holiday where it is one in any of them; own ones stand above their names."""
    settings = Settings(holidays=("DE", "US"), own_holidays={"2026-12-25": "The shop's birthday"})
    found = calendar_of(settings, NOW)
    assert {date(2026, 10, 3), date(2026, 11, 26)} <= found.days
    assert found.names[date(2026, 12, 25)] == "The shop's birthday"


def test_own_days_are_of_one_year_or_of_every_year() -> None:
    """12-24 comes every year, 02-29 in leap years, 2026-05-04 once."""
    own = {"12-24": "Christmas Eve", "02-29": "Leap day", "2026-05-04": "Works outing"}
    found = calendar_of(Settings(own_holidays=own), NOW)
    eves = sorted(day.year for day, name in found.names.items() if name == "Christmas Eve")
    assert eves == list(range(2026 - YEARS_BACK, 2028))
    leaps = {day.year for day, name in found.names.items() if name == "Leap day"}
    assert leaps == {2016, 2020, 2024}
    assert found.names[date(2026, 5, 4)] == "Works outing"
    assert date(2025, 5, 4) not in found.days


def test_a_holiday_begins_at_midnight_of_the_installation() -> None:
    """Christmas in New York begins five hours after Christmas in Greenwich."""
    found = calendar_of(Settings(holidays=("US",), time_zone="America/New_York"), NOW)
    assert found.name_on(datetime(2026, 12, 25, 4, 59, tzinfo=UTC)) is None
    assert found.name_on(datetime(2026, 12, 25, 5, 0, tzinfo=UTC)) == "Christmas Day"
    assert found.name_on(datetime(2026, 12, 26, 4, 59, tzinfo=UTC)) == "Christmas Day"


def test_the_next_holidays_are_told_in_order() -> None:
    """Today's is one of them."""
    found = calendar_of(Settings(holidays=("DE",)), NOW)
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert [day for day, _ in found.next_after(christmas, 2)] == [
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


def test_charts_mark_a_holiday_at_its_midnight() -> None:
    """In the installation's zone, where it lies in what the chart shows."""
    found = calendar_of(Settings(holidays=("DE",), time_zone="Europe/Berlin"), NOW)
    christmas = datetime(2026, 12, 24, 23, tzinfo=UTC)
    day = timedelta(days=1)
    (moment,) = holidays_in(found, TimeWindow(christmas, christmas + day))
    assert (moment.at, moment.words) == (christmas, "holiday: Christmas Day")
    assert len(holidays_in(found, TimeWindow(christmas, christmas + 2 * day))) == 2
    assert holidays_in(found, TimeWindow.before(christmas, day)) == ()


def test_the_same_settings_give_the_same_days() -> None:
    """One object a year, as the hours of the week are remembered by it."""
    one, other = (calendar_of(Settings(holidays=("DE",)), NOW) for _ in range(2))
    assert one.days is other.days


def test_every_country_that_may_be_named_has_a_calendar() -> None:
    """No code that the settings take fails later, when rules are judged."""
    for code, parts in holidays.list_supported_countries(include_aliases=False).items():
        chosen = (code, *(f"{code}-{part}" for part in parts[:1]))
        found = calendar_of(Settings(holidays=chosen), NOW)
        assert all(name.strip() for name in found.names.values()), code


@pytest.mark.parametrize("written", ["no", "NO", False, " no"])
def test_norway_may_be_written_as_anybody_would(written: object) -> None:
    """YAML reads an unquoted NO as a no; it is a country all the same."""
    assert Settings.model_validate({"holidays": [written]}).holidays == ("NO",)
