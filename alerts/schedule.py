"""When a mail that comes by the clock is due, on a wall clock that is moved twice a year.

Pure. A machine that slept through an hour tells it when it wakes up, once: only the newest hour
that passed is ever due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.rules import DigestRule, Period, ScheduledRule, Weekday
from core.window import TimeWindow

DAY = timedelta(days=1)

GRACE = {1: timedelta(hours=12), 7: timedelta(days=2)}
"""By days between two mails: a morning mail that comes at night is no morning mail any more."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One mail of a rule: the time that it is about, which ends when it is due, and its name."""

    window: TimeWindow
    key: str


def latest_due(rule: ScheduledRule, now: datetime, zone: str) -> Occurrence | None:
    """Return the newest occurrence that is due at ``now``; None where the newest is long past.

    ``zone`` is where the rule names none. The window reaches from the same hour of the day (or
    the week) before, so it is an hour shorter or longer where the clocks change.
    """
    info, days = ZoneInfo(rule.time_zone or zone), _days(rule)
    day = now.astimezone(info).date()
    if isinstance(rule, DigestRule) and rule.every is Period.WEEKLY:
        day -= timedelta(days=(day.weekday() - list(Weekday).index(rule.weekday)) % 7)
    if instant_of(day, rule.at, info) > now:
        day -= days * DAY
    end = instant_of(day, rule.at, info)
    if now - end > GRACE[days]:
        return None
    return Occurrence(TimeWindow(instant_of(day - days * DAY, rule.at, info), end), f"{day}")


def next_due(rule: ScheduledRule, now: datetime, zone: str) -> datetime:
    """Return the first instant after ``now`` at which the rule has a mail."""
    info, days = ZoneInfo(rule.time_zone or zone), _days(rule)
    day = now.astimezone(info).date()
    if isinstance(rule, DigestRule) and rule.every is Period.WEEKLY:
        day += timedelta(days=(list(Weekday).index(rule.weekday) - day.weekday()) % 7)
    while (due := instant_of(day, rule.at, info)) <= now:
        day += days * DAY
    return due


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when the wall clock shows ``at`` on ``day``.

    A time that the clocks skip is that much later; of one that comes twice, the first counts.
    """
    return datetime.combine(day, at, zone).astimezone(UTC)


def _days(rule: ScheduledRule) -> int:
    return 7 if isinstance(rule, DigestRule) and rule.every is Period.WEEKLY else 1
