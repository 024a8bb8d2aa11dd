"""Mails whoever was given an incident by somebody else, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.handling import Event
from alerts.handover import STEP, Handover, address_in, handover_key, recipient_of
from alerts.incident import Incident
from alerts.notification import Delivery, DeliveryState, Notification
from app.delivering import STILL_OF_INTEREST
from app.own_rules import rules_by_name
from app.queries import Queries
from app.telling import IncidentTeller
from core.errors import UsageError

if TYPE_CHECKING:
    from app.bootstrap import Application


def known_addresses(application: Application) -> list[str]:
    """Return the addresses that the settings or a rule mail to, sorted."""
    rules = (known.rule for known in rules_by_name(application).values())
    told = [*application.configuration.settings.mail.recipients]
    told += [one for rule in rules for one in rule.recipients]
    return sorted({address_in(one) or one for one in told}, key=str.casefold)


def check_assignee(application: Application, to: str) -> None:
    """Raises UsageError where ``to`` is an address to which nothing is mailed here.

    Who has a link of a mail may not be one of us: he makes us mail nobody else.
    """
    address, known = address_in(to), known_addresses(application)
    if address is not None and address.casefold() not in map(str.casefold, known):
        raise UsageError(
            f"{address} gets no mail here; by this link you can give it to "
            f"{', '.join(known) or 'a name'}, on the Alerts page to anybody"
        )


def tell_assignee(application: Application, incident: Incident, event: Event, earlier: int) -> bool:
    """Queue the mail about an assignment, ``earlier`` of that incident having gone before it.

    Returns False where nobody is to be mailed, or was already. Raises RetryableError when the
    index does not answer.
    """
    recipient, outbox = recipient_of(event), application.outbox
    if recipient is None:
        return False
    key = handover_key(incident.id, recipient, earlier)
    if outbox.has(key):
        return False
    known = rules_by_name(application).get(incident.rule)
    rule = known.rule if known is not None and known.problem is None else None
    teller = IncidentTeller(application, Queries(application), event.at)
    message = teller.hand_over(rule, incident, Handover(event.by, event.at, key), recipient)
    told = Notification(
        key=key,
        step=STEP,
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]),
        created_at=event.at,
        expires_at=event.at + STILL_OF_INTEREST,
        incident=incident.id,
        is_urgent=True,
    )
    # A person sent it: quiet hours, caps and chats are for what rules tell.
    waits = DeliveryState.WAITING
    letter = Delivery(key, recipient, waits, event.at, event.at, content=bytes(message))
    return outbox.add(told, [letter])
