"""When nobody is to be told: quiet hours and caps a day. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.incident import Incident
from core.rules import Rule
from core.settings import QuietHours

DAYS_AHEAD = 5
"""A quiet weekend between two quiet nights ends within this."""

SATURDAY = 5


def quiet_until(now: datetime, quiet: QuietHours | None, zone: str) -> datetime | None:
    """Return when the quiet hours that hold at ``now`` end; None where none hold."""
    if quiet is None:
        return None
    local = now.astimezone(ZoneInfo(zone))
    if not _is_quiet(local, quiet):
        return None
    for day in range(DAYS_AHEAD):
        date = local.date() + timedelta(days=day)
        end = datetime.combine(date, quiet.end, tzinfo=ZoneInfo(zone))
        if end > local and not _is_quiet(end, quiet):
            return end.astimezone(now.tzinfo)
    return None


def _is_quiet(local: datetime, quiet: QuietHours) -> bool:
    if quiet.weekends and local.weekday() >= SATURDAY:
        return True
    clock = local.time()
    if quiet.start <= quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def day_of(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the start and the end of the local day that holds ``now``."""
    local = now.astimezone(ZoneInfo(zone))
    start = datetime.combine(local.date(), time(), tzinfo=ZoneInfo(zone))
    end = datetime.combine(local.date() + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return start.astimezone(now.tzinfo), end.astimezone(now.tzinfo)


def is_urgent(rule: Rule, incident: Incident, quiet: QuietHours | None) -> bool:
    """Return whether an incident is told at once whatever the hour and however many were told."""
    if rule.urgent:
        return True
    if incident.level_since is not None:
        return False
    seen = incident.latest
    level = quiet.breaks_through if quiet is not None else None
    if level is None or seen.is_learning or seen.factor is None:
        return False
    return seen.factor >= level
