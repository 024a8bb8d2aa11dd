"""What people do about incidents, from the dashboard, the command line and the links in mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from alerts.handling import (
    Deed,
    Event,
    Handling,
    Precision,
    Proposal,
    checked,
    fold,
    precision_of,
    propose,
)
from alerts.incident import Incident
from alerts.signing import UNSUBSCRIBE, Grant, sign
from app.own_rules import rules_by_name
from app.secret import links_key
from app.stores.incident_events import EventStore
from core.errors import UsageError
from core.rules import BurstRule
from insights.budgets import BudgetProposal, Mark, propose_budget

if TYPE_CHECKING:
    from app.bootstrap import Application

LINK_DAYS = timedelta(days=14)
"""How long a mail's links act: an incident is over by then."""

UNSUBSCRIBE_DAYS = timedelta(days=400)

ACT_PATH = "/act"


@dataclass(frozen=True, slots=True)
class Record:
    """How a rule's marked incidents were found, and what would make it better.

    That is its precision, a ``minimum`` and a budget of false alarms, each where one helps.
    """

    precision: Precision | None
    proposal: Proposal | None
    budget: BudgetProposal | None = None


class IncidentDesk:
    """Writes down what people do about incidents, and says where those stand."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._events = EventStore(application.state)

    def do(
        self, incident: str, deed: Deed, by: str, text: str = "", until: datetime | None = None
    ) -> Event:
        """Write a deed down and return it. Doing again what stands already changes nothing.

        Who is assigned by an address is mailed. Raises UsageError for an unknown incident or a
        deed that lacks its words, RetryableError when the mail cannot be written now.
        """
        found = self._application.state.incident(incident)
        if found is None:
            raise UsageError("there is no such incident any more")
        event = checked(Event(incident, self._application.clock(), deed, by, text, until))
        if not self._stands(event):
            if deed is Deed.ASSIGN:
                self._tell_assignee(found, event)
            self._events.add(event)
            if deed is Deed.WAKE:
                self._application.outbox.hasten(incident)
        return event

    def _tell_assignee(self, incident: Incident, event: Event) -> None:
        """Queue the mail to whom an incident is given.

        That comes before the deed is written down: who does it again after a crash is not mailed
        twice, and nobody is assigned without knowing it.
        """
        from app.handing_over import tell_assignee

        earlier = sum(one.deed is Deed.ASSIGN for one in self._events.of(incident.id))
        tell_assignee(self._application, incident, event, earlier)

    def pin(self, incident: str, by: str, text: str, at: datetime) -> Event:
        """Mark on an incident's time what was done about it at ``at``.

        Raises UsageError as ``do``, and for a time to come.
        """
        if at > self._application.clock():
            raise UsageError("pin: it lies in the future")
        if self._application.state.incident(incident) is None:
            raise UsageError("there is no such incident any more")
        event = checked(Event(incident, at, Deed.PIN, by, text))
        self._events.add(event)
        return event

    def _stands(self, event: Event) -> bool:
        """Return whether the deed would change nothing."""
        held = self.handling(event.incident)
        return {
            Deed.ACKNOWLEDGE: held.acknowledged_by is not None,
            Deed.ASSIGN: held.assignee == event.text,
            Deed.WAKE: held.snoozed_until is None,
            Deed.USEFUL: held.is_useful is True,
            Deed.NOISE: held.is_useful is False,
        }.get(event.deed, False)

    def events(self, incident: str) -> list[Event]:
        """Return what people did about an incident, in order."""
        return self._events.of(incident)

    def handling(self, incident: str) -> Handling:
        """Return where an incident stands."""
        return fold(self._events.of(incident))

    def records(self) -> dict[str, Record]:
        """Return, by rule, what people made of its incidents."""
        marks, now = self._events.marks(), self._application.clock()
        if not marks:
            return {}
        by_rule: dict[str, list[Incident]] = {}
        for incident in self._application.state.incidents():
            by_rule.setdefault(incident.rule, []).append(incident)
        rules = rules_by_name(self._application)
        records = {}
        for name, told in by_rule.items():
            marked = [(one, marks[one.id]) for one in told if one.id in marks]
            known = rules.get(name)
            if not marked:
                continue
            record = Record(precision_of([is_useful for _, is_useful in marked]), None)
            if known is not None and isinstance(known.rule, BurstRule):
                record = replace(
                    record,
                    proposal=propose(marked, known.rule.minimum),
                    budget=_budget_for(known.rule, told, marked, now),
                )
            records[name] = record
        return records


def _budget_for(
    rule: BurstRule,
    told: Sequence[Incident],
    marked: Sequence[tuple[Incident, bool]],
    now: datetime,
) -> BudgetProposal | None:
    """Return the budget that the marks speak for; incidents that no budget decided say nothing."""
    marks = [
        Mark(incident.needed_budget, is_useful)
        for incident, is_useful in marked
        if incident.needed_budget is not None
    ]
    weeks = (now - min(incident.opened_at for incident in told)) / timedelta(weeks=1)
    return propose_budget(marks, rule.false_alarms_per_week, weeks, len(told))


class Links:
    """Makes the signed links of mails; the key is read or made at the first."""

    def __init__(self, application: Application) -> None:
        self._base = application.configuration.settings.link_base
        self.key = links_key(application.home)

    def deed(self, deed: Deed, incident: str, recipient: str, at: datetime) -> str:
        """Return the link by which ``recipient`` does something about an incident."""
        return self._link(deed.value, incident, recipient, at + LINK_DAYS)

    def unsubscribe(self, rule: str, recipient: str, at: datetime) -> str:
        """Return the link by which ``recipient`` gets no more mails of a rule."""
        return self._link(UNSUBSCRIBE, rule, recipient, at + UNSUBSCRIBE_DAYS)

    @property
    def is_public(self) -> bool:
        """Whether mail programs may use the links by themselves (RFC 8058 asks for https)."""
        return self._base.startswith("https://")

    def _link(self, action: str, subject: str, recipient: str, expires: datetime) -> str:
        token = sign(Grant(action, subject, recipient, int(expires.timestamp())), self.key)
        return f"{self._base}{ACT_PATH}?{urlencode({'t': token})}"
