"""How the alerts of a rule become an incident: opened, updated when it doubles, resolved.

Pure: the same incident, evidence and time always lead to the same step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.incident import Cause, Evidence, Incident, IncidentStep
from core.rules import Rule, RuleKind, TopicRule

STALE_AFTER = timedelta(hours=2)
"""A window that ended longer ago is history: backfill and imports open no incident."""

QUIET_BEFORE_RESOLVED = timedelta(hours=2)
"""A crisis that pauses for less is the same crisis."""

ABOUT_OURSELVES = {RuleKind.SOURCE_OUTAGE, RuleKind.SELF_TEST}
"""Kinds about what Groundswell knows of itself: no silence has to be listened to."""

MENDED_BEFORE_RESOLVED = timedelta(minutes=10)
"""A source that fails again sooner was not mended: it is the same outage."""

SAME_BEGINNING = timedelta(hours=12)
"""An incident that began later than this after a new level may be another matter."""

AS_HIGH = 2.0
"""So much higher than the level, as hours vary, an incident may stand that is about it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about an alert: the mentions since it began, causes and examples."""

    total: int
    causes: tuple[Cause, ...] = ()
    mention_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advance:
    """An incident after one evaluation, and the step to tell, if there is one."""

    incident: Incident
    step: IncidentStep | None


def known_at(incident: Incident, now: datetime) -> Incident:
    """Return the incident as it stood at ``now``, as far as that is kept: open if not over then."""
    if incident.resolved_at is None or incident.resolved_at <= now:
        return incident
    return incident.model_copy(update={"resolved_at": None})


def is_fresh(evidence: Evidence, now: datetime) -> bool:
    """Return whether the evidence is recent enough to tell anyone."""
    ended = evidence.window_end
    if evidence.late is not None:
        ended = max(ended, evidence.late.last_at)
    return ended > now - STALE_AFTER


def begun_after(evidence: Evidence, resolved_at: datetime | None) -> Evidence:
    """Return the evidence for what began after the rule's last incident was resolved.

    "Since when" may reach back into an incident that is over; a new one is no part of it.
    """
    if resolved_at is None or evidence.started_at >= resolved_at:
        return evidence
    return evidence.model_copy(update={"started_at": min(resolved_at, evidence.window_end)})


def is_doubled(incident: Incident, total: int) -> bool:
    """Return whether ``total`` mentions are twice as many as when the incident was last told."""
    return total >= 2 * max(incident.told_total, 1)


def open_incident(rule: Rule, evidence: Evidence, findings: Findings, now: datetime) -> Advance:
    """Return a new incident of ``rule``, whose opening is to be told."""
    return Advance(
        Incident(
            id=_incident_id(rule.name, evidence.started_at),
            rule=rule.name,
            kind=rule.kind,
            topic=rule.topic if isinstance(rule, TopicRule) else "",
            opened_at=now,
            updated_at=now,
            first=evidence,
            latest=evidence,
            peak_observed=evidence.observed,
            needed_budget=evidence.needed_budget,
            total=findings.total,
            told_total=findings.total,
            causes=findings.causes,
            mention_ids=findings.mention_ids,
            query=(rule.watched_query if isinstance(rule, TopicRule) else "") or "*:*",
        ),
        IncidentStep.OPENED,
    )


def go_on(
    incident: Incident,
    evidence: Evidence,
    findings: Findings,
    now: datetime,
    *,
    is_snoozed: bool = False,
) -> Advance:
    """Return the incident with newer evidence; it is told again when it doubled since.

    While it is snoozed it is not: that is told afterwards, of what it has grown to by then.
    """
    has_doubled = is_doubled(incident, findings.total) and not is_snoozed
    both = (incident.needed_budget, evidence.needed_budget)
    needs = [needed for needed in both if needed is not None]
    changed = incident.model_copy(
        update={
            "updated_at": now,
            "latest": evidence,
            "peak_observed": max(incident.peak_observed, evidence.observed),
            "needed_budget": min(needs, default=None),
            "total": findings.total,
            "told_total": findings.total if has_doubled else incident.told_total,
            "step": IncidentStep.DOUBLED if has_doubled else incident.step,
            "causes": findings.causes,
            "mention_ids": findings.mention_ids,
        }
    )
    return Advance(changed, IncidentStep.DOUBLED if has_doubled else None)


def fall_quiet(incident: Incident, now: datetime, unwatched: timedelta = timedelta()) -> Advance:
    """Return the incident without an alert now; resolved once it was quiet for a while.

    Of that while ``unwatched`` does not count: when nobody listened, silence says nothing.
    """
    is_ours = incident.kind in ABOUT_OURSELVES
    after = MENDED_BEFORE_RESOLVED if is_ours else QUIET_BEFORE_RESOLVED
    if now - incident.updated_at - unwatched < after:
        return Advance(incident, None)
    resolved = incident.model_copy(update={"resolved_at": now, "step": IncidentStep.RESOLVED})
    return Advance(resolved, IncidentStep.RESOLVED)


def settle(incident: Incident, level: Evidence, now: datetime) -> Advance:
    """Return the incident, over because what it told has become the new level."""
    settled = incident.model_copy(
        update={
            "updated_at": now,
            "resolved_at": now,
            "latest": level,
            "level_since": level.started_at,
            "step": IncidentStep.LEVEL,
        }
    )
    return Advance(settled, IncidentStep.LEVEL)


def began_with(incident: Incident, level: Evidence) -> bool:
    """Return whether a rise to a new level is what the incident is about.

    One that opened anew on a later day, and stands no higher, is about the same: a level that rose
    by day falls below the alarm each night.
    """
    if level.factor is None or level.factor <= 1:
        return False
    is_as_high = incident.latest.factor is not None and (
        incident.latest.factor <= AS_HIGH * level.factor
    )
    return is_as_high or incident.first.started_at <= level.started_at + SAME_BEGINNING


def open_level(rule: Rule, level: Evidence, findings: Findings, now: datetime) -> Advance:
    """Return the incident that tells a new level which no incident told before, over at once.

    Nothing grew where it fell, so nothing is named as its cause.
    """
    if (level.factor or 0) < 1:
        findings = Findings(findings.total)
    incident = open_incident(rule, level, findings, now).incident
    told = incident.model_copy(
        update={
            "id": _incident_id(f"{rule.name}\nlevel", level.started_at),
            "resolved_at": now,
            "level_since": level.started_at,
        }
    )
    return Advance(told, IncidentStep.OPENED)


def open_late(rule: Rule, evidence: Evidence, findings: Findings, now: datetime) -> Advance:
    """Return the incident that tells what was missed and is over, which ``evidence.late`` says."""
    incident = open_incident(rule, evidence, findings, now).incident
    ended = evidence.late.last_at if evidence.late else evidence.window_end
    told = incident.model_copy(
        update={
            # It may have begun with one that is open, which goes on.
            "id": _incident_id(f"{rule.name}\nlate", evidence.started_at),
            "updated_at": ended,
            "resolved_at": now,
        }
    )
    return Advance(told, IncidentStep.OPENED)


def level_told_at(known: Iterable[Incident]) -> datetime | None:
    """Return when a new level was last told by one of a rule's incidents."""
    told = (one.resolved_at for one in known if one.level_since is not None)
    return max((at for at in told if at is not None), default=None)


def step_key(step: IncidentStep, incident: Incident) -> str:
    """Return the name of one telling: doubling may be told again at each doubling."""
    return f"{step.value}-{incident.told_total}" if step is IncidentStep.DOUBLED else step.value


def notification_key(step: IncidentStep, incident: Incident) -> str:
    """Return the key under which one telling of an incident is queued, once for ever."""
    return f"{incident.id}.{step_key(step, incident)}"


def _incident_id(rule: str, started_at: datetime) -> str:
    text = f"{rule}\n{started_at.isoformat()}"
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
