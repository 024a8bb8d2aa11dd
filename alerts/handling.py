"""What people do about incidents: acknowledge, assign, snooze, comment, pin, call it noise.

Deeds are only ever added; where an incident stands follows from them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.incident import Incident
from core.errors import UsageError
from insights.budgets import FEWEST_MARKS
from insights.distributions import wilson_interval

SNOOZE = timedelta(hours=4)
"""Half a working day: long enough to work on it, short enough not to forget it."""

LONGEST_SNOOZE = timedelta(days=7)
TEXT_CHARS = 2000
NAME_CHARS = 320


class Deed(StrEnum):
    """What a person did about an incident."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    WAKE = "wake"
    COMMENT = "comment"
    PIN = "pin"
    USEFUL = "useful"
    NOISE = "noise"


NEEDS_TEXT = {
    Deed.ASSIGN: "who is to take care of it",
    Deed.COMMENT: "what there is to say",
    Deed.PIN: "what was done",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One deed: by whom, when, and what was written about it.

    ``until`` ends a snooze; a pin's ``at`` is when it happened, which may be earlier than it was
    written down.
    """

    incident: str
    at: datetime
    deed: Deed
    by: str
    text: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """Where an incident stands with the people who care for it."""

    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    snoozed_until: datetime | None = None
    is_useful: bool | None = None
    pins: tuple[Event, ...] = ()

    def is_snoozed(self, now: datetime) -> bool:
        """Return whether nothing is to be told now."""
        return self.snoozed_until is not None and now < self.snoozed_until


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of a rule's marked incidents were useful, with the 95 % interval of that share."""

    useful: int
    noise: int
    value: float
    low: float
    high: float

    @property
    def marked(self) -> int:
        """How many incidents somebody marked."""
        return self.useful + self.noise


@dataclass(frozen=True, slots=True)
class Proposal:
    """A higher ``minimum`` for a rule, and which of its marked incidents it leaves out."""

    minimum: int
    noise_left_out: int
    noise: int
    useful: int


def checked(event: Event) -> Event:
    """Return the event with its texts on bounds. Raises UsageError for one that says nothing."""
    text = " ".join(event.text.split()) if event.deed is not Deed.COMMENT else event.text.strip()
    by = " ".join(event.by.split())[:NAME_CHARS]
    if not by:
        raise UsageError("say who you are")
    if event.deed in NEEDS_TEXT and not text:
        raise UsageError(f"{event.deed.value}: write {NEEDS_TEXT[event.deed]}")
    until = event.until
    if event.deed is Deed.SNOOZE:
        until = until or event.at + SNOOZE
        if not event.at < until <= event.at + LONGEST_SNOOZE:
            raise UsageError("snooze: choose a time within the next seven days")
    return replace(event, text=text[:TEXT_CHARS], by=by, until=until)


def fold(events: Iterable[Event]) -> Handling:
    """Return where an incident stands after ``events``, in the order they were written down."""
    found = Handling()
    for event in events:
        match event.deed:
            case Deed.ACKNOWLEDGE:
                if found.acknowledged_by is None:
                    found = replace(found, acknowledged_by=event.by, acknowledged_at=event.at)
            case Deed.ASSIGN:
                found = replace(found, assignee=event.text)
            case Deed.SNOOZE:
                found = replace(found, snoozed_until=event.until)
            case Deed.WAKE:
                found = replace(found, snoozed_until=None)
            case Deed.PIN:
                found = replace(found, pins=(*found.pins, event))
            case Deed.USEFUL | Deed.NOISE:
                found = replace(found, is_useful=event.deed is Deed.USEFUL)
            case Deed.COMMENT:
                pass
    return found


def precision_of(marks: Sequence[bool]) -> Precision | None:
    """Return the share of useful ones among marked incidents; None where none is marked."""
    if not marks:
        return None
    useful = sum(marks)
    low, high = wilson_interval(useful, len(marks))
    return Precision(useful, len(marks) - useful, useful / len(marks), low, high)


def propose(marked: Sequence[tuple[Incident, bool]], minimum: int) -> Proposal | None:
    """Return a higher minimum that leaves out noise and no incident that was useful.

    It goes by the most that any window of each incident held, which the rule compares with its
    ``minimum``. None where fewer than five are marked, or none would be left out.
    """
    if len(marked) < FEWEST_MARKS:
        return None
    # A new level that no window told is not found by a higher minimum.
    marked = [one for one in marked if one[0].level_since is None]
    useful = [incident.peak_observed for incident, is_useful in marked if is_useful]
    noise = [incident.peak_observed for incident, is_useful in marked if not is_useful]
    level = min(useful) if useful else max(noise, default=0) + 1
    left_out = sum(peak < level for peak in noise)
    if level <= minimum or not left_out:
        return None
    return Proposal(level, left_out, len(noise), len(useful))
