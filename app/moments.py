"""What charts over time mark: pins, new levels, changes of query or model, and holidays."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.stores.incident_events import EventStore
from app.verdicts import factor_words
from charts.moments import Moment
from core.versions import VersionKind, VersionStep
from core.window import TimeWindow

if TYPE_CHECKING:
    from alerts.incident import Incident
    from app.calendar import Calendar
    from app.stores.state import StateStore


def moments_in(
    state: StateStore, window: TimeWindow, topics: Collection[str] = ()
) -> tuple[Moment, ...]:
    """Return the moments in ``window`` that are about ``topics``, or about any where none is named.

    A change of the sentiment models or of the themes is about every topic.
    """
    found = [
        Moment(version.at, version.words)
        for version in state.versions.all()
        if version.step is VersionStep.CHANGED
        and (not topics or version.kind is not VersionKind.QUERY or version.topic in topics)
    ]
    about = {one.id: one for one in state.incidents() if not topics or one.topic in topics}
    found += [_level(one) for one in about.values() if one.level_since is not None]
    found += [
        Moment(pin.at, pin.text) for pin in EventStore(state).pins(window) if pin.incident in about
    ]
    return tuple(sorted((one for one in found if one.at in window), key=lambda one: one.at))


def holidays_in(calendar: Calendar, window: TimeWindow) -> tuple[Moment, ...]:
    """Return the holidays that begin in ``window``, each at its midnight."""
    zone = ZoneInfo(calendar.zone)
    found = [
        Moment(datetime.combine(day, time(), zone).astimezone(UTC), f"holiday: {name}")
        for day, name in calendar.names.items()
    ]
    return tuple(sorted((one for one in found if one.at in window), key=lambda one: one.at))


def _level(incident: Incident) -> Moment:
    """Return when an incident's volume became a new level, and by what factor."""
    assert incident.level_since is not None  # noqa: S101 - asked before
    factor = incident.latest.factor
    words = f"new level, {factor_words(factor)} the old" if factor else "new level"
    return Moment(incident.level_since, words)
