"""Who is given an incident by an address gets one mail about it, through a real mail server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.handling import Deed
from alerts.incident import Incident
from alerts.notification import Delivery, DeliveryState, Notification
from app.bootstrap import Application
from app.handling import IncidentDesk
from app.own_rules import delete_own_rule, save_own_rule
from app.stores.incident_events import EventStore
from app.stores.outbox import OutboxStore
from core.errors import EngineUnavailable
from tests.fakes import crisis
from tests.fakes.crisis_home import Clock, Home
from tests.servers.smtp import SmtpServer

ANNA, BEN = "anna@acme.example", "ben@acme.example"
SETTINGS = """\
public_url: https://listen.example/
quiet_hours: {{start: "00:00", end: "23:59"}}
mail:
  sender: Groundswell <groundswell@listen.example>
  recipients: [press@listen.example]
  host: 127.0.0.1
  port: {port}
  security: none
  per_day: 1
"""


class Desk:
    """The desk of a home whose mails go to a real server."""

    def __init__(self, folder: Path, port: int) -> None:
        text = SETTINGS.format(port=port)
        (folder / "configs" / "settings.yml").write_text(text, encoding="utf-8")
        self.application: Application = crisis.open_home(folder, Clock())
        self.desk = IncidentDesk(self.application)
        self.incident: Incident = self.application.state.incidents()[0]

    def give(self, to: str, by: str = "Ben Ode") -> None:
        """Give the incident to somebody, and send what there is to send."""
        self.desk.do(self.incident.id, Deed.ASSIGN, by, to)
        self.application.outbox.deliver_due()

    @property
    def told(self) -> list[tuple[Notification, list[Delivery]]]:
        """What was told about the incident, in order."""
        return OutboxStore(self.application.state).of_incident(self.incident.id)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with an open incident of a rule made in the dashboard, to copy."""
    home = Home(crisis.write_home(tmp_path_factory.mktemp("opened"), alerts="[]\n"))
    home.application.index.apply([*crisis.ordinary(), *crisis.crisis(60)], home.clock.now)
    save_own_rule(
        home.application, {"name": "Acme volume", "kind": "volume_spike", "topic": "Acme"}
    )
    home.evaluate()
    home.application.close()
    return home.folder


@pytest.fixture
def desk(opened: Path, tmp_path: Path, smtp_server: SmtpServer) -> Iterator[Desk]:
    """Return a desk of the test's own."""
    made = Desk(Path(shutil.copytree(opened, tmp_path / "own")), smtp_server.port)
    yield made
    made.application.close()


def test_whoever_is_given_an_incident_is_mailed_once(desk: Desk, smtp_server: SmtpServer) -> None:
    """At any hour and above the caps: with the incident, its mentions and links that are theirs."""
    desk.give(ANNA)
    desk.give(ANNA)
    (mail,) = smtp_server.mails
    assert mail.recipients == (ANNA,)
    assert str(mail.message["Subject"]).strip().startswith("Ben Ode gave you this incident: Acme: ")
    assert mail.message["List-Unsubscribe"] is None
    part = mail.message.get_body(("plain",))
    assert part is not None
    text = part.get_content().replace("\r\n", "\n")
    assert "THE MENTIONS THAT MATTER" in text
    assert "https://listen.example/mentions?" in text
    assert "I am on it (asks once more):\nhttps://listen.example/act?t=" in text
    ((_, (delivery,)),) = [one for one in desk.told if one[0].step == "assigned"]
    assert (delivery.recipient, delivery.state) == (ANNA, DeliveryState.SENT)


def test_a_name_and_oneself_are_mailed_nothing(desk: Desk, smtp_server: SmtpServer) -> None:
    """They are written down all the same."""
    desk.give("Anna Ito")
    desk.give(ANNA, by=ANNA)
    assert not smtp_server.mails
    assert desk.desk.handling(desk.incident.id).assignee == ANNA


def test_giving_it_back_is_another_mail(desk: Desk, smtp_server: SmtpServer) -> None:
    """Each handover is told to whom it concerns."""
    for to in (ANNA, BEN, ANNA):
        desk.give(to)
    assert [one.recipients for one in smtp_server.mails] == [(ANNA,), (BEN,), (ANNA,)]
    assert len({str(one.message["Message-ID"]) for one in smtp_server.mails}) == 3


def test_the_mail_names_nobody_who_had_it_before(desk: Desk, smtp_server: SmtpServer) -> None:
    """Who is given an incident does not read that it is somebody else's."""
    desk.give("anna@acme.example")
    desk.give("ben@acme.example")
    (mail,) = (one for one in smtp_server.mails if "ben@acme.example" in one.recipients)
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "anna@acme.example" not in str(body.get_content())


def test_dying_between_mail_and_deed_doubles_nothing(
    desk: Desk, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does it again finds the mail queued, and the deed is written down."""
    with monkeypatch.context() as patched:

        def die(*_: object) -> None:
            raise EngineUnavailable("the state database does not answer")

        patched.setattr(EventStore, "add", die)
        with pytest.raises(EngineUnavailable):
            desk.give(ANNA)
    desk.give(ANNA)
    assert [one.recipients for one in smtp_server.mails] == [(ANNA,)]
    assert desk.desk.handling(desk.incident.id).assignee == ANNA


def test_a_server_that_is_down_gets_it_later(desk: Desk, smtp_server: SmtpServer) -> None:
    """The mail waits in the outbox as any other."""
    smtp_server.refuse_next("451 try later")
    desk.give(ANNA)
    assert not smtp_server.mails
    clock = desk.application.clock
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=5)
    desk.application.outbox.deliver_due()
    assert [one.recipients for one in smtp_server.mails] == [(ANNA,)]


def test_an_incident_without_its_rule_can_be_given(desk: Desk, smtp_server: SmtpServer) -> None:
    """What is over and watched by nobody still has somebody who looks at it."""
    delete_own_rule(desk.application, "Acme volume")
    desk.give(ANNA)
    (mail,) = smtp_server.mails
    assert "gave you this incident" in str(mail.message["Subject"])
