"""The self-test: a mention of our own that goes the whole way, and is counted nowhere.

A collector brings it as it brings any other; it is spooled, enriched and indexed, and whoever
evaluates the rules finds it, writes a mail about it and keeps how long that took.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING

from alerts.outage import SelfTest
from core.mention import Mention
from core.rules import SelfTestRule
from core.self_test import CANARY_CURSOR, CANARY_ID, CanarySource
from core.window import EPOCH

if TYPE_CHECKING:
    from app.bootstrap import Application

ARRIVED = "|self-test-arrived"
"""Where the state keeps what arrived; no source can be named so."""

MICROSECOND = timedelta(microseconds=1)

FOLDER = "self-test"
"""Below the home: the mailbox of the mails that nobody is to read."""


def canary_source(application: Application) -> CanarySource | None:
    """Return the source of the self-test, None where no rule asks for one."""
    from app.own_rules import all_rules

    every = [
        known.rule.every for known in all_rules(application) if isinstance(known.rule, SelfTestRule)
    ]
    return CanarySource(every=min(every)) if every else None


def read_self_test(application: Application) -> SelfTest:
    """Return what is known of the self-test, without looking whether anything arrived."""
    sent = application.state.load(CANARY_CURSOR)
    held = application.state.load(ARRIVED)
    seconds = held.get("seconds")
    return SelfTest(
        sent_at=_instant(sent.get("sent_at")),
        waiting_since=_instant(held.get("waiting_since")),
        arrived_at=_instant(held.get("arrived_at")),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
    )


def observe(application: Application, now: datetime) -> SelfTest:
    """Look whether the last mention arrived; if so, put its mail away and keep how long it took."""
    sent = application.state.load(CANARY_CURSOR)
    sent_at = _instant(sent.get("sent_at"))
    held = application.state.load(ARRIVED)
    if sent_at is None or held.get("sent_at") == sent.get("sent_at"):
        return read_self_test(application)
    found = application.index.known([CANARY_ID]).get(CANARY_ID)
    if found is not None and _is_enriched_since(found, sent_at):
        from alerts.delivery import FolderMailer

        FolderMailer(application.home / FOLDER).send(_mail(sent_at))
        application.state.save(
            ARRIVED,
            {
                "sent_at": sent["sent_at"],
                "arrived_at": now.isoformat(),
                "seconds": (now - sent_at).total_seconds(),
            },
        )
    elif held.get("waiting_since") is None:
        application.state.save(ARRIVED, {**held, "waiting_since": sent["sent_at"]})
    return read_self_test(application)


def _is_enriched_since(found: Mention, sent_at: datetime) -> bool:
    """Return whether what is stored is as new as what was sent, and went through enrichment."""
    is_new = found.version[1] >= (sent_at - EPOCH) // MICROSECOND
    return (
        is_new
        and found.enrichment is not None
        and (found.enrichment.content_version == found.version)
    )


def _mail(sent_at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Groundswell self-test"
    message["Date"] = sent_at
    message["Message-ID"] = "<self-test@groundswell.invalid>"
    message.set_content(f"Sent at {sent_at.isoformat()}. Nobody needs to read this.\n")
    return message


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
