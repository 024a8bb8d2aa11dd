"""How a rule's alerts become one incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incident import Cause, Evidence, Incident, IncidentStep
from alerts.incidents import (
    ABOUT_OURSELVES,
    QUIET_BEFORE_RESOLVED,
    STALE_AFTER,
    Findings,
    began_with,
    begun_after,
    fall_quiet,
    go_on,
    is_doubled,
    is_fresh,
    known_at,
    level_told_at,
    open_incident,
    open_level,
    settle,
    step_key,
)
from core.rules import RuleKind, VolumeSpikeRule

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
RULE = VolumeSpikeRule(name="Acme volume", topic="Acme", query="lang:en")
MINUTE = timedelta(minutes=1)


def evidence(
    end: datetime = NOW, began: timedelta = timedelta(hours=1), seen: int = 40
) -> Evidence:
    """Return what a rule saw in the hour before ``end``."""
    return Evidence(
        window_start=end - timedelta(hours=1),
        window_end=end,
        started_at=end - began,
        observed=seen,
        expected=5.0,
        low=2,
        high=8,
        factor=seen / 5,
        p=1e-9,
    )


def opened(total: int = 40, now: datetime = NOW) -> Incident:
    """Return an incident that was just opened."""
    return open_incident(RULE, evidence(now), Findings(total), now).incident


def test_opening_keeps_what_was_found() -> None:
    """A new incident carries rule, topic, query, evidence, causes and examples, and is told."""
    cause = Cause(field="hashtag", value="late", count=30, expected=0.5)
    found = Findings(40, (cause,), ("m1", "m2"))
    advance = open_incident(RULE, evidence(), found, NOW)
    incident = advance.incident
    assert advance.step is IncidentStep.OPENED
    assert (incident.rule, incident.topic, incident.query) == ("Acme volume", "Acme", "lang:en")
    assert (incident.total, incident.told_total, incident.peak_observed) == (40, 40, 40)
    assert (incident.causes, incident.mention_ids) == ((cause,), ("m1", "m2"))
    assert incident.resolved_at is None


def test_same_alert_is_the_same_incident() -> None:
    """The id follows from rule and beginning alone, so evaluating twice opens one incident."""
    again = open_incident(RULE, evidence(), Findings(41), NOW).incident
    assert again.id == opened().id
    other = RULE.model_copy(update={"name": "Other"})
    assert open_incident(other, evidence(), Findings(40), NOW).incident.id != again.id
    later = evidence(began=timedelta(minutes=30))
    assert open_incident(RULE, later, Findings(40), NOW).incident.id != again.id


def test_going_on_without_doubling_tells_nothing() -> None:
    """An incident that grows a little is updated silently."""
    advance = go_on(opened(40), evidence(NOW + MINUTE, seen=55), Findings(79), NOW + MINUTE)
    assert advance.step is None
    assert advance.incident.step is IncidentStep.OPENED
    assert (advance.incident.total, advance.incident.told_total) == (79, 40)
    assert advance.incident.peak_observed == 55
    assert advance.incident.updated_at == NOW + MINUTE


def test_doubling_is_told_with_a_key_of_its_own() -> None:
    """Twice as many as last told is told again, each doubling as a step of its own."""
    first = go_on(opened(40), evidence(), Findings(80), NOW)
    assert first.step is IncidentStep.DOUBLED
    second = go_on(first.incident, evidence(), Findings(160), NOW)
    keys = {
        step_key(IncidentStep.DOUBLED, first.incident),
        step_key(IncidentStep.DOUBLED, second.incident),
    }
    assert keys == {"doubled-80", "doubled-160"}
    assert step_key(IncidentStep.OPENED, second.incident) == "opened"


def test_peak_never_falls() -> None:
    """A quieter window leaves the peak where it was."""
    assert go_on(opened(), evidence(seen=12), Findings(52), NOW).incident.peak_observed == 40


def test_the_loudest_window_says_what_budget_an_incident_needs() -> None:
    """The least of its windows, whichever of them know it."""

    def needs(before: float | None, now: float | None) -> float | None:
        incident = opened().model_copy(update={"needed_budget": before})
        seen = evidence().model_copy(update={"needed_budget": now})
        return go_on(incident, seen, Findings(41), NOW).incident.needed_budget

    assert [needs(0.02, 0.05), needs(0.05, 0.02)] == [0.02, 0.02]
    assert [needs(None, 0.05), needs(0.02, None), needs(None, None)] == [0.05, 0.02, None]


def test_short_pause_is_the_same_incident() -> None:
    """Less quiet than the limit changes nothing; from the limit on it is resolved, told once."""
    incident = opened()
    just_before = NOW + QUIET_BEFORE_RESOLVED - MINUTE
    assert fall_quiet(incident, just_before).incident == incident
    assert fall_quiet(incident, just_before).step is None
    advance = fall_quiet(incident, NOW + QUIET_BEFORE_RESOLVED)
    assert advance.step is IncidentStep.RESOLVED
    assert advance.incident.resolved_at == NOW + QUIET_BEFORE_RESOLVED


@pytest.mark.parametrize("kind", sorted(ABOUT_OURSELVES))
def test_what_is_about_ourselves_is_over_in_minutes(kind: RuleKind) -> None:
    """No silence has to be listened to: an answer is an answer."""
    incident = opened().model_copy(update={"kind": kind})
    assert fall_quiet(incident, NOW + 9 * MINUTE).step is None
    assert fall_quiet(incident, NOW + 10 * MINUTE).step is IncidentStep.RESOLVED


def test_stale_evidence_is_history() -> None:
    """A window that ended hours ago, as after an import, is nothing to tell."""
    assert is_fresh(evidence(), NOW)
    assert is_fresh(evidence(), NOW + STALE_AFTER - MINUTE)
    assert not is_fresh(evidence(), NOW + STALE_AFTER)


def test_new_incident_begins_after_the_last_one() -> None:
    """A beginning that reaches back into a resolved incident is cut, and gives a new id."""
    long_ago = evidence(began=timedelta(hours=5))
    assert begun_after(long_ago, None) == long_ago
    assert begun_after(long_ago, NOW - timedelta(hours=6)) == long_ago
    cut = begun_after(long_ago, NOW - timedelta(hours=3))
    assert cut.started_at == NOW - timedelta(hours=3)
    assert begun_after(long_ago, NOW + MINUTE).started_at == NOW
    first = open_incident(RULE, long_ago, Findings(9), NOW).incident
    assert open_incident(RULE, cut, Findings(9), NOW).incident.id != first.id


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 50))
def test_tellings_grow_like_the_logarithm(gains: list[int], first: int) -> None:
    """However an incident grows, it is told at most once for each doubling, and never shrinking."""
    incident, total, told = opened(first), first, 0
    for gain in gains:
        total += gain
        will = is_doubled(incident, total)
        advance = go_on(incident, evidence(), Findings(total), NOW)
        assert (advance.step is IncidentStep.DOUBLED) is will
        assert advance.incident.told_total >= incident.told_total
        told += advance.step is not None
        incident = advance.incident
    assert told <= log2(total / first)


@given(st.lists(st.one_of(st.none(), st.integers(1, 90)), max_size=30))
def test_same_history_same_incident(minutes: list[int | None]) -> None:
    """The same alerts and pauses lead to equal incidents, resolved exactly after enough quiet."""

    def run() -> list[Incident]:
        at, incident, states = NOW, opened(), list[Incident]()
        for step in minutes:
            at += (step or 30) * MINUTE
            if step is None:
                advance = go_on(incident, evidence(at), Findings(incident.total + 1), at)
            else:
                advance = fall_quiet(incident, at)
                was_quiet = at - incident.updated_at >= QUIET_BEFORE_RESOLVED
                assert (advance.step is IncidentStep.RESOLVED) is was_quiet
            incident = advance.incident
            states.append(incident)
            if incident.resolved_at is not None:
                break
        return states

    assert run() == run()


def test_a_new_level_ends_the_incident_it_grew_from() -> None:
    """It is over at once, keeps its first evidence, and tells the level as a step of its own."""
    level = evidence(NOW, began=timedelta(hours=30), seen=120)
    advance = settle(opened(), level, NOW + MINUTE)
    assert advance.step is IncidentStep.LEVEL
    assert advance.incident.resolved_at == NOW + MINUTE
    assert advance.incident.level_since == level.started_at
    assert advance.incident.first == evidence()
    assert advance.incident.latest == level


def test_a_level_without_an_incident_is_told_by_one_of_its_own() -> None:
    """It is over at once, and no burst that began then has its id."""
    level = evidence(NOW, began=timedelta(hours=30), seen=120)
    advance = open_level(RULE, level, Findings(120), NOW)
    assert advance.step is IncidentStep.OPENED
    assert advance.incident.resolved_at == NOW
    assert advance.incident.id != open_incident(RULE, level, Findings(120), NOW).incident.id
    assert level_told_at([opened(), advance.incident]) == NOW
    assert level_told_at([opened()]) is None


def test_only_a_rise_that_began_with_it_ends_an_incident() -> None:
    """A fall, or an incident that began long after the rise, is another matter."""
    rise = evidence(NOW, began=timedelta(hours=2), seen=40)
    assert began_with(opened(), rise)
    assert not began_with(opened(), evidence(NOW, began=timedelta(hours=2), seen=1))
    later = opened().model_copy(update={"latest": evidence(NOW, seen=400)})
    assert not began_with(later, evidence(NOW, began=timedelta(days=3), seen=40))


def test_an_incident_of_a_later_day_that_stands_no_higher_is_the_level() -> None:
    """A rise by day falls below the alarm each night, and rings anew in the morning."""
    level = evidence(NOW, began=timedelta(days=3), seen=40)
    assert began_with(opened(), level)


def test_an_incident_is_seen_as_it_stood_then() -> None:
    """What was over later was open."""
    over = opened().model_copy(update={"resolved_at": NOW + MINUTE})
    assert known_at(over, NOW + MINUTE) == over
    assert known_at(over, NOW).resolved_at is None
    assert known_at(opened(), NOW) == opened()
