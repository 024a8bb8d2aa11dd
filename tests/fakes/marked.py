"""Incidents that people marked useful or noise, over half a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from alerts.handling import Deed
from app.bootstrap import Application
from app.handling import IncidentDesk
from tests.fakes import scenario

WEEK = timedelta(weeks=1)
USEFUL = (0.001, 0.002, 0.004, 0.01, 0.015, 0.09)
NOISE = (0.012, 0.03, 0.05, 0.06, 0.08)
"""Budgets that incidents needed: 0.02 keeps 5 of 6 useful ones and drops 4 of 5 noise."""


def mark_incidents(
    application: Application,
    rule: str,
    useful: Sequence[float] = USEFUL,
    noise: Sequence[float] = NOISE,
) -> None:
    """Save incidents of ``rule`` that are over, a week apart, and mark each."""
    desk = IncidentDesk(application)
    marks = [*((need, Deed.USEFUL) for need in useful), *((need, Deed.NOISE) for need in noise)]
    for number, (need, deed) in enumerate(marks):
        at = scenario.NOW - (number + 1) * 2 * WEEK
        incident = scenario.incident(at).model_copy(
            update={
                "id": f"{rule}-{number}",
                "rule": rule,
                "resolved_at": at,
                "needed_budget": need,
            }
        )
        application.state.save_incident(incident)
        desk.do(incident.id, deed, "Ben Ode")
