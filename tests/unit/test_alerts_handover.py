"""Whom an assignment mails, under which key, and what the mail says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.handling import Deed, Event
from alerts.handover import Handover, handover_key, recipient_of
from alerts.incident import Evidence, Incident, IncidentStep
from alerts.mail import MailFacts, compose, subject_of
from core.rules import RuleKind
from core.settings import MailSettings

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAIL = MailSettings(sender="Groundswell <groundswell@listen.example>")
SEEN = Evidence(
    window_start=NOW - HOUR,
    window_end=NOW,
    started_at=NOW - HOUR,
    observed=61,
    expected=6.1,
    low=3,
    high=9,
    factor=10.0,
)
INCIDENT = Incident(
    id="abc123",
    rule="Acme volume",
    kind=RuleKind.VOLUME_SPIKE,
    topic="Acme",
    opened_at=NOW,
    updated_at=NOW,
    first=SEEN,
    latest=SEEN,
)
FACTS = MailFacts(
    incident=INCIDENT,
    step=IncidentStep.OPENED,
    mentions=(),
    link="https://listen.example/mentions?since=1h",
    count=61,
    zone="UTC",
    handover=Handover("Ben Ode", NOW + HOUR, "abc123.assigned-1-ff"),
)


def given(text: str, by: str = "Ben Ode") -> Event:
    """Return an assignment."""
    return Event("abc123", NOW, Deed.ASSIGN, by, text)


@pytest.mark.parametrize(
    ("text", "by", "to"),
    [
        ("anna@acme.example", "Ben Ode", "anna@acme.example"),
        ("Anna Ito <anna@acme.example>", "Ben Ode", "anna@acme.example"),
        ("Anna Ito", "Ben Ode", None),
        ("@anna", "Ben Ode", None),
        ("ask anna@acme.example tomorrow", "Ben Ode", None),
        ("anna@acme.example, ben@acme.example", "Ben Ode", None),
        ("a@acme.example <anna@acme.example>", "Ben Ode", None),
        ("anna@acme.example\nBcc: all@evil.example", "Ben Ode", None),
        ("Anna@acme.example", "Anna Ito <anna@Acme.example>", None),
        ("anna@acme.example", "ben@acme.example", "anna@acme.example"),
    ],
)
def test_one_address_of_somebody_else_is_mailed(text: str, by: str, to: str | None) -> None:
    """Names, several addresses, sentences and oneself are not."""
    assert recipient_of(given(text, by)) == to


def test_a_key_names_one_handover() -> None:
    """The same deed done twice has one key; another person or a later return has its own."""
    keys = {
        handover_key("abc123", "anna@acme.example", 0),
        handover_key("abc123", "Anna@acme.example", 0),
        handover_key("abc123", "ben@acme.example", 0),
        handover_key("abc123", "anna@acme.example", 1),
    }
    assert len(keys) == 3
    assert all(key.startswith("abc123.assigned-") and len(key) <= 120 for key in keys)


def test_the_mail_says_who_gave_what() -> None:
    """It begins with the person, goes on with the incident, and belongs to its thread."""
    message = compose(FACTS, MAIL, ["anna@acme.example"])
    assert message["Subject"] == (
        "Ben Ode gave you this incident: Acme: 10.0 times the volume since 14:00"
    )
    assert message["Message-ID"] == "<abc123.assigned-1-ff@listen.example>"
    assert message["In-Reply-To"] == "<abc123.opened@listen.example>"
    assert message["To"] == "anna@acme.example"
    for part in message.walk():
        if part.get_content_maintype() == "text":
            text = part.get_content()
            assert "Ben Ode gave you this incident." in text
            assert "Acme has 10.0 times the volume of a usual Thursday 15:00." in text
            assert FACTS.link in text.replace("&amp;", "&")


def test_whoever_gives_writes_no_header_and_no_markup() -> None:
    """A name is one short line of text, whatever stands in it."""
    name = "Ben\r\nBcc: all@evil.example <script>x</script> " + "y" * 400
    facts = replace(FACTS, handover=Handover(name, NOW, "k"), is_synthetic=True)
    message = compose(facts, MAIL, ["anna@acme.example"])
    assert message["Bcc"] is None
    assert len(subject_of(facts)) <= 120
    assert subject_of(facts).startswith("[synthetic] Ben Bcc:")
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
