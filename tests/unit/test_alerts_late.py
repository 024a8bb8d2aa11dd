"""How late something is told, why, and what was told before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.incident import Evidence, Incident, Late, Unheard
from alerts.incidents import Findings, is_fresh, open_incident, open_late
from alerts.late import causes_of, is_told, late_briefly, late_words
from core.rules import VolumeSpikeRule

NOW = datetime(2026, 3, 5, 16, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = VolumeSpikeRule(name="Volume", topic="Acme")


def gap(start: timedelta, end: timedelta, source: str | None = None) -> Unheard:
    """Return a gap by how long before ``NOW`` it was."""
    return Unheard(source=source, start=NOW - start, end=NOW - end)


def late(due: timedelta, *gaps: Unheard) -> Late:
    """Return what was due so long before ``NOW`` and is over."""
    return Late(due_at=NOW - due, last_at=NOW - due + HOUR, gaps=gaps)


def evidence(due: timedelta, told: Late | None = None) -> Evidence:
    """Return an alert of so long before ``NOW``."""
    at = NOW - due
    return Evidence(window_start=at - HOUR, window_end=at, started_at=at, observed=40, late=told)


NIGHT = gap(9 * HOUR, HOUR)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (20 * MINUTE, "told 20 min late"),
        (89 * MINUTE, "told 89 min late"),
        (100 * MINUTE, "told 2 h late"),
        (47 * HOUR, "told 47 h late"),
        (-MINUTE, "told 0 min late"),
    ],
)
def test_how_late_is_said_in_minutes_then_hours(due: timedelta, words: str) -> None:
    """Nobody needs the minutes of two hours."""
    assert late_briefly(late(due, NIGHT), NOW) == words


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ([gap(132 * MINUTE, 2 * MINUTE, "Daily")], "the source Daily was down 15:00-17:10"),
        ([gap(9 * HOUR, HOUR)], "nobody collected 08:12-16:12"),
        ([gap(20 * HOUR, HOUR)], "nobody collected Wed 21:12-16:12"),
        ([gap(60 * HOUR, HOUR)], "nobody collected from Tue 05:12 to Thu 16:12"),
        ([gap(400 * 24 * HOUR, HOUR)], "nobody collected from 29 Jan 2025 to Thu 16:12"),
        (
            [gap(3 * HOUR, HOUR, "A"), gap(2 * HOUR, HOUR, "B")],
            "the source A was down 14:12-16:12 and the source B was down 15:12-16:12",
        ),
        (
            [gap(3 * HOUR, HOUR, name) for name in "ABCDE"],
            " and ".join(f"the source {name} was down 14:12-16:12" for name in "ABC")
            + " and 2 more such times",
        ),
    ],
)
def test_why_it_is_late_is_said_on_the_wall_clock(gaps: list[Unheard], words: str) -> None:
    """Who was away and when, with the day where it is not today's."""
    told = late_words(late(2 * HOUR, *gaps), NOW, "Europe/Berlin")
    assert told == f"told 2 h late: {words}"


def test_a_source_that_nobody_asked_was_not_down() -> None:
    """The first poll after a night fails on many a laptop: nobody collected, is the reason."""
    night, brief = gap(9 * HOUR, HOUR), gap(9 * HOUR, HOUR - 2 * MINUTE, "Daily")
    assert causes_of([night, brief]) == [night]
    longer = gap(20 * HOUR, HOUR, "Daily")
    assert causes_of([night, longer]) == [night, longer]
    assert causes_of([brief]) == [brief]
    assert causes_of([]) == []


def told(due: timedelta, *gaps: Unheard) -> Incident:
    """Return what was told just now as over."""
    return open_late(RULE, evidence(due, late(due, *gaps)), Findings(9), NOW).incident


def test_what_is_over_is_told_and_resolved_at_once() -> None:
    """Its end is that of the burst, not that of the telling; without a reason, of the window."""
    incident = told(5 * HOUR, NIGHT)
    assert (incident.opened_at, incident.resolved_at) == (NOW, NOW)
    assert incident.updated_at == NOW - 4 * HOUR
    assert open_late(RULE, evidence(HOUR), Findings(9), NOW).incident.updated_at == NOW - HOUR


def test_what_was_missed_is_fresh_by_when_it_ended() -> None:
    """A window of long ago whose burst lasted until now is no history."""
    assert not is_fresh(evidence(5 * HOUR, late(5 * HOUR, NIGHT)), NOW)
    assert is_fresh(evidence(5 * HOUR, late(2 * HOUR, NIGHT)), NOW)


def test_one_telling_covers_all_of_its_gap() -> None:
    """Whatever else of it comes later is not told again; what came before it and after it is."""
    known = [told(3 * HOUR, NIGHT)]
    for first in (8 * HOUR, 3 * HOUR, HOUR):
        assert is_told(known, NOW - first, NOW - first + 5 * MINUTE)
    assert not is_told(known, NOW - 10 * HOUR, NOW - 10 * HOUR)
    assert not is_told(known, NOW + HOUR, NOW + HOUR)


def test_an_incident_covers_what_fired_while_it_lasted() -> None:
    """From its beginning until two hours after its last alert; a new level covers no burst."""
    opened = open_incident(RULE, evidence(5 * HOUR), Findings(9), NOW - 5 * HOUR).incident
    assert is_told([opened], NOW - 4 * HOUR, NOW - 3 * HOUR)
    assert is_told([opened], NOW - 6 * HOUR, NOW - 5 * HOUR)
    assert not is_told([opened], NOW - 2 * HOUR, NOW - HOUR)
    assert not is_told([opened], NOW - 7 * HOUR, NOW - 6 * HOUR)
    level = opened.model_copy(update={"level_since": opened.first.started_at})
    assert not is_told([level], NOW - 4 * HOUR, NOW - 3 * HOUR)
    assert not is_told([], NOW - 4 * HOUR, NOW - 3 * HOUR)
