"""Incidents that no rule watches any more: they end, and say why. Pure."""

from __future__ import annotations

from datetime import datetime

from alerts.incident import Incident
from core.rules import Rule, TopicRule

REMOVED = "the rule was removed"


def why_unwatched(incident: Incident, rule: Rule | None, problem: str | None) -> str | None:
    """Return why nobody would ever call the incident over; None where its rule still can.

    ``rule`` is the one of the incident's name as it is configured now, None where there is none;
    ``problem`` is why it watches nothing.
    """
    if rule is None:
        return REMOVED
    if problem is not None:
        return f"the rule watches nothing any more: {problem}"
    if rule.kind is not incident.kind:
        return "the rule is of another kind now"
    if isinstance(rule, TopicRule) and rule.topic != incident.topic:
        return "the rule watches another topic now"
    return None


def end_incident(incident: Incident, reason: str, now: datetime) -> Incident:
    """Return the incident, over for ``reason``. That is no step to tell: nothing fell quiet."""
    return incident.model_copy(update={"resolved_at": now, "ended_because": reason})
