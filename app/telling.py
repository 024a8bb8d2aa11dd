"""Makes the messages about incidents and puts them into the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from alerts.handling import Deed, Handling
from alerts.handover import Handover
from alerts.incident import Incident, IncidentStep
from alerts.incidents import notification_key
from alerts.mail import Action, MailFacts, compose, drawn
from alerts.message import CHART_SIZE
from alerts.quiet import is_urgent
from app.bootstrap import Application
from app.causes import first_posts
from app.handling import IncidentDesk, Links
from app.judging import rule_selection
from app.queries import Queries
from app.scope import Preset, Scope
from charts.chart import Chart, Frame
from charts.volume import VolumePoint, volume_chart
from core.mention import Mention, Sentiment
from core.rules import BurstRule, Rule, RuleKind
from core.window import TimeWindow

CHART_LENGTH = timedelta(hours=48)
CHART_AFTER = timedelta(hours=6)
"""So much is shown of the time after an incident."""

LEVEL_CHART_LENGTH = timedelta(days=9)
"""A new level stands beside the days before it."""

_ON = (
    (Deed.ACKNOWLEDGE, "I am on it"),
    (Deed.ASSIGN, "Give it to somebody"),
    (Deed.SNOOZE, "Quiet for 4 hours"),
    (Deed.NOISE, "This is noise"),
)
_OVER = (
    (Deed.USEFUL, "This was useful"),
    (Deed.NOISE, "This was noise"),
)
ACTIONS = {
    IncidentStep.OPENED: _ON,
    IncidentStep.DOUBLED: _ON,
    IncidentStep.RESOLVED: _OVER,
    IncidentStep.LEVEL: _OVER,
}
"""What a mail offers to do, by what it tells."""


class IncidentTeller:
    """Tells the steps of incidents, each once, as of one instant.

    With ``is_replay`` the instant is past, and what was published counts as known by then.
    """

    def __init__(
        self,
        application: Application,
        queries: Queries,
        now: datetime,
        *,
        is_replay: bool = False,
    ) -> None:
        self._application, self._queries, self._now = application, queries, now
        self._is_replay = is_replay
        self._desk, self._links = IncidentDesk(application), Links(application)

    def tell(self, rule: Rule, incident: Incident, step: IncidentStep) -> bool:
        """Queue one step; return False if it was queued before."""
        key = notification_key(step, incident)
        outbox = self._application.outbox
        if outbox.has(key):
            return False
        settings = self._application.configuration.settings
        facts = drawn(self._facts(rule, incident, step))
        handling = self._desk.handling(incident.id)
        told = outbox.recipients(rule.recipients, rule)
        facts = replace(
            facts,
            status=_status(handling, settings.time_zone, self._now),
            others=max(len(told.mailed) - 1, 0),
        )

        def write(recipient: str) -> EmailMessage:
            actions = self._actions(incident, recipient, step, incident.updated_at)
            return compose(replace(facts, actions=actions), settings.mail, [recipient])

        return outbox.enqueue(
            write,
            key,
            rule.recipients,
            step=step.value,
            rule=rule,
            incident=incident.id,
            is_urgent=is_urgent(rule, incident, settings.quiet_hours),
            not_before=handling.snoozed_until if handling.is_snoozed(self._now) else None,
        )

    def write(self, rule: Rule, incident: Incident, step: IncidentStep) -> EmailMessage:
        """Return one step as a mail to all recipients, without links to act by; nothing is kept."""
        mail = self._application.configuration.settings.mail
        facts = self._facts(rule, incident, step)
        return compose(facts, mail, rule.recipients or mail.recipients)

    def hand_over(
        self, rule: Rule | None, incident: Incident, handover: Handover, recipient: str
    ) -> EmailMessage:
        """Return the mail by which ``recipient`` is given an incident, as it stands now.

        ``rule`` is None where it watches no more: its chart is left out.
        """
        settings = self._application.configuration.settings
        step = IncidentStep.RESOLVED if incident.resolved_at else incident.step
        # The mail is written before the deed: whoever had it until now has it no more.
        handling = replace(self._desk.handling(incident.id), assignee=None)
        facts = replace(
            self._facts(rule, incident, incident.step if incident.ended_because else step),
            status=_status(handling, settings.time_zone, self._now),
            actions=self._actions(incident, recipient, step, handover.at),
            handover=handover,
        )
        return compose(facts, settings.mail, [recipient])

    def _actions(
        self, incident: Incident, recipient: str, step: IncidentStep, at: datetime
    ) -> list[Action]:
        """Return what the reader can do from the mail, each by a link that only asks."""
        return [
            Action(words, self._links.deed(deed, incident.id, recipient, at))
            for deed, words in ACTIONS[step]
        ]

    def _facts(self, rule: Rule | None, incident: Incident, step: IncidentStep) -> MailFacts:
        settings = self._application.configuration.settings
        scope = replace(
            self._queries.incident_scope(incident),
            # The quiet hours before it is called resolved are no part of it.
            until=incident.updated_at if incident.resolved_at else self._now,
            sentiments=(Sentiment.NEGATIVE,) if incident.kind is RuleKind.NEGATIVE_SPIKE else (),
            # What becomes known later is not what the mail told.
            as_of=None if self._is_replay else self._now,
        )
        stored = self._queries.index.get(incident.mention_ids)
        mentions = [
            stored[key] for key in incident.mention_ids if key in stored and stored[key].has_content
        ]
        base, words = settings.link_base, incident.latest.words
        return MailFacts(
            incident=incident,
            step=step,
            mentions=mentions,
            link=f"{base}/{words.page if words and words.page else scope.url('mentions')}",
            count=self._queries.count(scope),
            zone=settings.time_zone,
            mention_links={one.id: f"{base}/{_only(one).url('mentions')}" for one in mentions},
            chart=self._chart(rule, incident) if isinstance(rule, BurstRule) else None,
            is_synthetic=self._queries.count(scope.narrowed("synthetic:true")) > 0,
            first=self._first_posts(incident, scope) if step is IncidentStep.OPENED else (),
            copies=self._queries.count(scope.narrowed("copy:true")),
        )

    def _first_posts(self, incident: Incident, scope: Scope) -> tuple[Mention, ...]:
        """Return what began it; kinds with words of their own tell that themselves."""
        if incident.latest.words is not None:
            return ()
        selection = self._queries.selection(scope)
        return first_posts(self._queries.index, selection, incident.causes)

    def _chart(self, rule: BurstRule, incident: Incident) -> Chart:
        from app.overview import volume_points

        zone = self._application.configuration.settings.time_zone
        began = incident.first.started_at
        longest = CHART_LENGTH if incident.level_since is None else LEVEL_CHART_LENGTH
        # Of what is long over, such as what is handed on, the time when it was is shown.
        until = min(self._now, (incident.resolved_at or self._now) + CHART_AFTER)
        window = TimeWindow(max(began - CHART_LENGTH / 2, until - longest), until)
        points = volume_points(
            self._queries, rule_selection(rule, self._now), window, self._now, zone
        )
        ended = incident.updated_at if incident.resolved_at else self._now
        shown = [
            VolumePoint(
                window=point.window,
                count=point.count,
                expected=point.expected,
                low=point.low,
                high=point.high,
                is_incomplete=not (point.is_complete and point.is_covered),
                is_burst=point.window.end > began and point.window.start < ended,
            )
            for point in points
        ]
        width, height = CHART_SIZE
        frame = Frame(width=width, height=height, zone=zone)
        moments = self._queries.moments(window, (incident.topic,))
        return volume_chart(shown, frame, moments=moments)


def _status(handling: Handling, zone: str, now: datetime) -> str | None:
    """Return who does something about the incident, and what was done."""
    local = ZoneInfo(zone)

    def clock(at: datetime) -> str:
        shown = at.astimezone(local)
        is_today = shown.date() == now.astimezone(local).date()
        return f"{shown:%H:%M}" if is_today else f"{shown:%a %H:%M}"

    told = []
    if handling.acknowledged_by and handling.acknowledged_at:
        told.append(f"{handling.acknowledged_by} is on it since {clock(handling.acknowledged_at)}.")
    if handling.assignee:
        told.append(f"Assigned to {handling.assignee}.")
    told += [f"{clock(pin.at)}: {pin.text}." for pin in handling.pins]
    return " ".join(told) or None


def _only(mention: Mention) -> Scope:
    """Return the scope that holds this one mention, whatever becomes of it."""
    return Scope(
        preset=Preset.ALL,
        query=f'id:"{mention.id}"',
        include_own=True,
        include_irrelevant=True,
    )
