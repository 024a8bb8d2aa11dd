"""The links in mails, from what they open to what they change, through the dashboard's gate."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from alerts.handling import Deed
from app.bootstrap import Application
from app.handling import IncidentDesk, Links
from app.secret import LINKS_VARIABLE, kept_key, links_key
from app.stores.outbox import OutboxStore
from core.errors import UsageError
from dashboard.act_page import ActPage
from dashboard.gate import Access, Gate, Throttle
from tests.fakes import crisis, scenario

WHO = "press@acme.example"
OUTSIDE = "https://listen.example"


class Reader:
    """Somebody who has a mail and no password, and the installation that wrote it."""

    def __init__(self, folder: Path) -> None:
        self.folder = crisis.write_home(folder)
        self.now = scenario.NOW
        self.application = self.open()
        self.application.state.save_incident(scenario.incident())
        access = Access("0.0.0.0", OUTSIDE, None, b"s" * 32)  # noqa: S104 - nothing listens
        gate = Gate(Starlette(), lambda: access, Throttle(), ActPage(self.open))
        self.client = TestClient(gate, base_url=OUTSIDE, follow_redirects=False)

    def open(self) -> Application:
        """Open the application, as the dashboard does for each link."""
        return crisis.open_home(self.folder, lambda: self.now)

    def link(self, deed: Deed) -> str:
        """Return the link of the mail."""
        return Links(self.application).deed(deed, "incident-1", WHO, self.now)

    @property
    def desk(self) -> IncidentDesk:
        """What is written down."""
        return IncidentDesk(self.application)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Return a reader of a mail about the one incident there is."""
    made = Reader(tmp_path)
    yield made
    made.application.close()


def press(reader: Reader, link: str, **more: str) -> str:
    """Open a link, press the page's button as a browser does, and return the answer's text."""
    page = reader.client.get(link)
    assert page.status_code == 200
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    answer = reader.client.post("/act", data={**fields, **more}, headers={"origin": OUTSIDE})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_changes_nothing(reader: Reader, method: str) -> None:
    """A scanner that opens every link of a mail does nothing, however often."""
    for deed in (Deed.ACKNOWLEDGE, Deed.SNOOZE, Deed.USEFUL, Deed.NOISE):
        for _ in range(3):
            answer = getattr(reader.client, method)(reader.link(deed))
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
    unsubscribe = Links(reader.application).unsubscribe("Acme: volume", WHO, reader.now)
    assert getattr(reader.client, method)(unsubscribe).status_code == 200
    assert reader.desk.events("incident-1") == []
    assert reader.application.outbox.muted() == []


def test_the_page_asks_and_its_button_does(reader: Reader) -> None:
    """Who has the mail acknowledges with a comment, and both stand in the timeline by name."""
    page = reader.client.get(reader.link(Deed.ACKNOWLEDGE)).text
    assert "I am on it" in page
    assert WHO in page
    assert "Done" in press(reader, reader.link(Deed.ACKNOWLEDGE), comment="calling <them>")
    told = [(event.deed, event.by, event.text) for event in reader.desk.events("incident-1")]
    assert told == [(Deed.ACKNOWLEDGE, WHO, ""), (Deed.COMMENT, WHO, "calling <them>")]
    assert f"{WHO} is on it already" in reader.client.get(reader.link(Deed.ACKNOWLEDGE)).text


def test_an_incident_is_given_by_the_link(reader: Reader) -> None:
    """To a name, or to an address that is mailed here, which is then mailed; and to nobody else."""
    link = reader.link(Deed.ASSIGN)
    assert "press@listen.example" in reader.client.get(link).text
    assert "who takes care" in press(reader, link, to="Mira <from> legal")
    press(reader, link, to="press@listen.example")
    given = [event.text for event in reader.desk.events("incident-1")]
    assert given == ["Mira <from> legal", "press@listen.example"]
    ((told, _),) = OutboxStore(reader.application.state).of_incident("incident-1")
    assert told.step == "assigned"
    fields = {"t": link.partition("t=")[2], "sure": "yes"}
    for to, words in (("victim@elsewhere.example", "gets no mail here"), ("", "who is to take")):
        headers = {"origin": OUTSIDE}
        answer = reader.client.post("/act", data={**fields, "to": to}, headers=headers)
        assert answer.status_code == 400
        assert words in answer.text
    assert len(reader.desk.events("incident-1")) == 2


def test_pressing_twice_is_once(reader: Reader) -> None:
    """A form sent again changes nothing more."""
    press(reader, reader.link(Deed.NOISE))
    press(reader, reader.link(Deed.NOISE))
    assert [event.deed for event in reader.desk.events("incident-1")] == [Deed.NOISE]


def test_a_post_without_the_button_does_nothing(reader: Reader) -> None:
    """Only what the form sends counts as meant."""
    reader.client.post(reader.link(Deed.SNOOZE))
    assert reader.desk.events("incident-1") == []


@pytest.mark.parametrize("change", ["action", "incident", "cut"])
def test_a_link_does_nothing_else(reader: Reader, change: str) -> None:
    """It is bound to its action and incident; a changed one is refused, and changes nothing."""
    token = reader.link(Deed.USEFUL).partition("t=")[2]
    other = reader.link(Deed.NOISE).partition("t=")[2]
    bad = {
        "action": other.partition(".")[0] + "." + token.partition(".")[2],
        "incident": token[:-4] + "AAAA",
        "cut": token[:-10],
    }[change]
    answer = reader.client.post("/act", data={"t": bad, "sure": "yes"})
    assert answer.status_code == 403
    assert "not complete or was not made here" in answer.text
    assert reader.desk.events("incident-1") == []


def test_an_old_link_says_so(reader: Reader) -> None:
    """After two weeks it opens a page that says until when it was good."""
    link = reader.link(Deed.ACKNOWLEDGE)
    reader.now += timedelta(days=15)
    answer = reader.client.get(link)
    assert answer.status_code == 403
    assert "This link was good until 19 March 2026" in answer.text


def test_an_incident_that_is_gone(reader: Reader) -> None:
    """A link to what is not there any more is told."""
    link = Links(reader.application).deed(Deed.ACKNOWLEDGE, "gone", WHO, reader.now)
    assert "no such incident" in reader.client.get(link).text


def test_unsubscribing_asks_people_and_takes_mail_programs_at_their_word(reader: Reader) -> None:
    """The page asks once more; the one click of RFC 8058 is done at once."""
    link = Links(reader.application).unsubscribe("Acme: volume", WHO, reader.now)
    assert "gets no more mails" in press(reader, link)
    assert reader.application.outbox.muted() == [(WHO, "Acme: volume")]
    reader.application.outbox.unmute(WHO, "Acme: volume")
    reader.client.post(link, data={"List-Unsubscribe": "One-Click"})
    assert reader.application.outbox.muted() == [(WHO, "Acme: volume")]


@pytest.mark.parametrize("value", ["One-Click", "no"])
def test_a_mail_program_may_send_the_other_kind_of_form(reader: Reader, value: str) -> None:
    """RFC 8058 allows both; a form without the field asks, as opening the link does."""
    link = Links(reader.application).unsubscribe("Acme: volume", WHO, reader.now)
    field = "List-Unsubscribe" if value == "One-Click" else "other"
    answer = reader.client.post(link, files={field: (None, value)})
    assert answer.status_code == 200
    muted = [(WHO, "Acme: volume")] if value == "One-Click" else []
    assert reader.application.outbox.muted() == muted


def test_one_click_does_nothing_else(reader: Reader) -> None:
    """What mail programs may press by themselves is to unsubscribe, and no other link."""
    reader.client.post(reader.link(Deed.NOISE), data={"List-Unsubscribe": "One-Click"})
    assert reader.desk.events("incident-1") == []


def test_a_long_name_hides_no_address(reader: Reader) -> None:
    """What is kept is cut, so what is too long to be checked as a whole is refused."""
    link = reader.link(Deed.ASSIGN)
    page = reader.client.get(link)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    name = "A" * 1970 + " <victim@elsewhere.example>"
    name += "x" * (2000 - len(name)) + "@x"
    answer = reader.client.post("/act", data={**fields, "to": name}, headers={"origin": OUTSIDE})
    assert answer.status_code == 400
    assert "200 characters at most" in answer.text
    assert OutboxStore(reader.application.state).waiting() == []


def test_other_methods_are_refused(reader: Reader) -> None:
    """Nothing but looking and pressing."""
    assert reader.client.delete(reader.link(Deed.NOISE)).status_code == 405


def test_everything_else_still_asks_for_the_password(reader: Reader) -> None:
    """The way of the links lets nobody see the dashboard."""
    assert reader.client.get("/alerts", headers={"accept": "text/html"}).status_code == 303
    assert reader.client.get("/act/../alerts").status_code == 401


def test_the_key_is_kept_for_its_user_alone(tmp_path: Path) -> None:
    """It is made once, with mode 600, and a secret from the environment stands above it."""
    first = links_key(tmp_path, {})
    assert links_key(tmp_path, {}) == first
    assert stat.S_IMODE((tmp_path / "links.key").stat().st_mode) == 0o600
    assert links_key(tmp_path, {LINKS_VARIABLE: "x" * 16}) != first
    assert kept_key(tmp_path, "other.key") != first
    with pytest.raises(UsageError, match="at least 16 characters"):
        links_key(tmp_path, {LINKS_VARIABLE: "short"})
