"""The holidays of the settings as local days: those of countries, and the installation's own."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.settings import Settings
from insights.baseline import Holidays

YEARS_BACK = 10
"""How old what is judged or compared may be; a baseline reads weeks, a season some years."""

NAMES_IN = "en_US"
"""The language of names where the library has them in it; else they are in the country's own."""


@dataclass(frozen=True)
class Calendar:
    """What the holidays are called, by their date on the installation's clock."""

    names: Mapping[date, str]
    zone: str
    days: Holidays

    def name_on(self, instant: datetime) -> str | None:
        """Return what the holiday at ``instant`` (aware) is called; None on any other day."""
        return self.names.get(instant.astimezone(ZoneInfo(self.zone)).date())

    def next_after(self, instant: datetime, number: int) -> list[tuple[date, str]]:
        """Return the next holidays from the day of ``instant`` (aware) on, soonest first."""
        today = instant.astimezone(ZoneInfo(self.zone)).date()
        return sorted(pair for pair in self.names.items() if pair[0] >= today)[:number]


def calendar_of(settings: Settings, now: datetime) -> Calendar:
    """Return the holidays of ten years before ``now`` and of the year after it.

    The same settings in the same year give the same object, so that what is remembered by its days
    stays remembered.
    """
    own = tuple(settings.own_holidays.items())
    return _calendar(settings.holidays, own, settings.time_zone, now.year)


@lru_cache(maxsize=8)
def _calendar(
    countries: tuple[str, ...], own: tuple[tuple[str, str], ...], zone: str, year: int
) -> Calendar:
    years = range(year - YEARS_BACK, year + 2)
    names: dict[date, str] = {}
    for code in countries:
        for day, name in _national(code, years):
            names.setdefault(day, name)
    for text, name in own:
        for day in _dates(text, years):
            names[day] = name
    return Calendar(names, zone, frozenset(names))


def _national(code: str, years: range) -> Iterator[tuple[date, str]]:
    """Yield the public holidays of a country, or of a part of it, with their names."""
    from holidays import country_holidays

    country, _, part = code.partition("-")
    found = country_holidays(country, subdiv=part or None, years=years, language=NAMES_IN)
    for day, name in sorted(found.items()):
        yield day, name.replace("; ", " and ")


def _dates(text: str, years: range) -> Iterator[date]:
    """Yield the date that ``text`` names, or that day of every year that has it."""
    if len(text) > len("12-24"):
        yield date.fromisoformat(text)
        return
    month, day = (int(number) for number in text.split("-"))
    for year in years:
        if (month, day) != (2, 29) or isleap(year):
            yield date(year, month, day)
