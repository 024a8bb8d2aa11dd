"""Dates as a query writes them: a whole year, month, day or second, or relative to ``now``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

ALLOWED = (
    "a date is written 2026, 2026-01, 2026-01-31 or 2026-01-31T14:05:00Z (UTC unless it says "
    "otherwise), or now, now-7d, now-7d/d with the units s, m, h, d, w, M, y"
)


class Period(NamedTuple):
    """The time that a written date covers: from ``start`` on and before ``end``."""

    start: datetime
    end: datetime


_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_MONTHS = {"M": 1, "y": 12}
_CALENDAR = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z", re.ASCII)
_RELATIVE = re.compile(r"now((?:[+-]\d{1,6}[smhdwMy])*)(?:/([smhdwMy]))?\Z", re.ASCII)
_STEP = re.compile(r"([+-]\d+)([smhdwMy])", re.ASCII)


def is_relative(written: str) -> bool:
    """Return whether ``written`` depends on the present time."""
    return written.startswith("now")


def read_date(written: str, now: datetime) -> Period:
    """Return the period that ``written`` names.

    Raises ValueError for what is no date, and OverflowError for one beyond the years 1 to 9999.
    """
    if is_relative(written):
        return _relative(written, now)
    if calendar := _CALENDAR.match(written):
        year, month, day = (int(part) if part else None for part in calendar.groups())
        start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        return _period(start, "d" if day else "M" if month else "y")
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return _period(instant.astimezone(UTC).replace(microsecond=0), "s")


def _relative(written: str, now: datetime) -> Period:
    match = _RELATIVE.match(written)
    if match is None:
        raise ValueError(written)
    at = now.astimezone(UTC).replace(microsecond=0)
    for step in _STEP.finditer(match[1]):
        at = _moved(at, int(step[1]), step[2])
    unit = match[2] or "s"
    return _period(_floor(at, unit), unit)


def _period(start: datetime, unit: str) -> Period:
    return Period(start, _moved(start, 1, unit))


def _moved(at: datetime, count: int, unit: str) -> datetime:
    """Return ``at`` moved by ``count`` units; a month later than January 31 is February's end."""
    if unit in _UNITS:
        return at + count * _UNITS[unit]
    months = at.year * 12 + at.month - 1 + count * _MONTHS[unit]
    first = at.replace(year=months // 12, month=months % 12 + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(at.day, (following - timedelta(days=1)).day))


def _floor(at: datetime, unit: str) -> datetime:
    """Return the start of the unit that holds ``at``; weeks start on Monday."""
    if unit == "y":
        return at.replace(month=1, day=1, hour=0, minute=0, second=0)
    if unit == "M":
        return at.replace(day=1, hour=0, minute=0, second=0)
    if unit == "w":
        return _floor(at, "d") - timedelta(days=at.weekday())
    midnight = at.replace(hour=0, minute=0, second=0)
    return midnight + (at - midnight) // _UNITS[unit] * _UNITS[unit]
