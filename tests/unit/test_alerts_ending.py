"""Which incidents nobody would ever call over, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.ending import REMOVED, end_incident, why_unwatched
from alerts.incident import Evidence, IncidentStep
from alerts.incidents import Findings, open_incident
from core.rules import KeywordRule, Rule, SelfTestRule, VolumeSpikeRule

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
RULE = VolumeSpikeRule(name="Acme volume", topic="Acme")
EVIDENCE = Evidence(
    window_start=NOW - timedelta(hours=1),
    window_end=NOW,
    started_at=NOW - timedelta(hours=1),
    observed=40,
)
OPENED = open_incident(RULE, EVIDENCE, Findings(40), NOW).incident


@pytest.mark.parametrize(
    ("rule", "problem", "reason"),
    [
        (RULE, None, None),
        (RULE.model_copy(update={"query": "lang:en", "minimum": 50}), None, None),
        (None, None, REMOVED),
        (RULE, "no topic is named 'Acme'", "watches nothing any more: no topic is named 'Acme'"),
        (KeywordRule(name=RULE.name, topic="Acme", query="x"), None, "of another kind"),
        (VolumeSpikeRule(name=RULE.name, topic="Globex"), None, "another topic"),
    ],
)
def test_an_incident_ends_when_its_rule_cannot_end_it(
    rule: Rule | None, problem: str | None, reason: str | None
) -> None:
    """A rule that is edited and still watches the same keeps its incident."""
    found = why_unwatched(OPENED, rule, problem)
    assert found == reason or (reason is not None and reason in (found or ""))


def test_an_incident_about_no_topic_stays_with_its_rule() -> None:
    """A rule about Groundswell itself names no topic that could change."""
    rule = SelfTestRule(name="Self-test")
    opened = open_incident(rule, EVIDENCE, Findings(1), NOW).incident
    assert why_unwatched(opened, rule, None) is None


def test_the_end_is_no_step_to_tell() -> None:
    """It is over now, says why, and what was told last stays what was told last."""
    later = NOW + timedelta(minutes=5)
    ended = end_incident(OPENED, REMOVED, later)
    assert (ended.resolved_at, ended.ended_because) == (later, REMOVED)
    assert (ended.step, ended.updated_at) == (IncidentStep.OPENED, NOW)
