"""Ends the incidents that no rule watches any more, before a round looks at the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from alerts.ending import end_incident, why_unwatched
from alerts.incident import Incident
from app.own_rules import rules_by_name

if TYPE_CHECKING:
    from app.bootstrap import Application

log = structlog.get_logger()


def end_unwatched(application: Application) -> list[Incident]:
    """End the open incidents whose rule is gone or watches nothing, and return them.

    Nobody is told: the dashboard says why.
    """
    opened = application.state.open_incidents()
    if not opened:
        return []
    known = rules_by_name(application)
    ended = []
    for incident in opened:
        held = known.get(incident.rule)
        rule, problem = (held.rule, held.problem) if held else (None, None)
        reason = why_unwatched(incident, rule, problem)
        if reason is not None:
            ended.append(end_incident(incident, reason, application.clock()))
            application.state.save_incident(ended[-1])
            log.info("incident_ended", rule=incident.rule, id=incident.id, reason=reason)
    return ended
