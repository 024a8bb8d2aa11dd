"""Messages to chats through Apprise: what is really sent, and what a stranger's text does there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from alerts.chat_text import BODY_CHARS, Note, from_bytes, note_of, to_bytes
from alerts.chats import AppriseNotifier, redacted
from alerts.held import HeldFacts, HeldItem, compose_list
from alerts.plain import JOINER
from core.errors import QuarantineError, RetryableError
from core.settings import Configuration, MailSettings, Settings, masked
from tests.mockserver.replies import error, text
from tests.mockserver.server import MockServer

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BASE = "https://listen.example"
HOSTILE = (
    "acme <!channel> @everyone <@U123> ![x](https://evil.example/x.png) https://evil.example/login"
)
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
TEAMS = "workflows://prod-00.westeurope.logic.azure.example:443/643e69f83c8944/THn2vaBfmUTuUHVKmcE"
"""Teams takes messages by workflows since it has no connectors any more."""


def mail(text: str = HOSTILE) -> EmailMessage:
    """Return a mail as rules write it, with a stranger's words in it."""
    message = EmailMessage()
    message["Subject"] = "Acme <!here>: 4.3 times the volume"
    message.set_content(
        f"Acme · Acme volume\n\nAcme has 4.3 times the volume.\n\n{text}\n\nTHE MENTIONS\n\n"
        f'"more"\n  {BASE}/mentions?q=id%3A%22m1%22\n\nSee the 90 mentions:\n'
        f"{BASE}/mentions?topic=Acme\n\nI am on it (asks once more):\n{BASE}/act?t=secret\n"
    )
    return message


def test_note_says_the_first_and_opens_the_mentions() -> None:
    """Its only link is ours, and it is the one to all mentions, none that acts."""
    note = note_of(mail("90 mentions since 14:00."), BASE)
    assert note.title == "Acme ‹!here›: 4.3 times the volume"
    assert note.body.splitlines() == [
        "Acme · Acme volume",
        "Acme has 4.3 times the volume.",
        "90 mentions since 14:00.",
        f"{BASE}/mentions?topic=Acme",
    ]
    assert from_bytes(to_bytes(note)) == note


def story(*blocks: str) -> Note:
    """Return the note of a mail of these blocks."""
    message = EmailMessage()
    message["Subject"] = "Acme"
    message.set_content("\n\n".join(blocks) + "\n")
    return note_of(message, BASE)


def test_a_note_about_single_mentions_shows_the_first_and_opens_all() -> None:
    """A heading alone says nothing; the link is the button's, whatever it asks for."""
    shown = f"{BASE}/mentions?q=id%3A%22m1%22"
    note = story(
        "Acme · Recall",
        "@mira wrote about Acme.",
        "THE MENTIONS THAT MATTER",
        f'"recall it"\n  @mira\n  {shown}&only=1',
        f"See the mention:\n{shown}",
        f"Useful (asks once more):\n{BASE}/act?t=secret",
        "WHY THIS MAIL\nThe rule watches.",
    )
    assert note.body.splitlines() == [
        "Acme · Recall",
        "@mira wrote about Acme.".replace("@", f"@{JOINER}"),
        '"recall it"',
        f"@{JOINER}mira",
        shown,
    ]


def test_a_note_of_a_list_has_every_item_and_one_link() -> None:
    """What was held back is all there; links of ours within a line leave no rest."""
    items = [HeldItem(NOW, f"Acme {n}", "over", f"{BASE}/alerts?incident={n}") for n in range(5)]
    facts = HeldFacts("held.a", items, "Held back: quiet hours.", NOW, "UTC", f"{BASE}/alerts")
    message = compose_list(facts, MailSettings(), "notify:team")
    note = note_of(message, BASE, None)
    lines = note.body.splitlines()
    assert [line for line in lines if line.endswith(tuple("01234"))] == [
        f"Thu 12:00  Acme {n}" for n in range(5)
    ]
    assert lines.count("over") == 5
    assert lines[-1] == f"{BASE}/alerts"
    assert note.body.count("://") == 1
    assert "All incidents" not in note.body


def test_a_long_note_is_cut_before_its_link() -> None:
    """A chat takes so many characters, and the link is what is wanted most."""
    note = story("Acme", "word " * 600, f"See the 90 mentions:\n{BASE}/mentions?topic=Acme")
    assert len(note.body) <= BODY_CHARS
    assert note.body.endswith(f"…\n{BASE}/mentions?topic=Acme")


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what Apprise would have posted to services of the internet."""
    bodies: list[str] = []

    def post(
        session: requests.Session, method: str, url: str, *, data: Any = None, **_: Any
    ) -> requests.Response:
        bodies.append(data.decode() if isinstance(data, bytes) else str(data))
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b"ok"
        return answer

    monkeypatch.setattr(requests.Session, "request", post)
    return bodies


@pytest.mark.parametrize("address", [SLACK, DISCORD, TEAMS])
def test_hostile_text_rings_nobody_and_fetches_nothing(address: str, posted: list[str]) -> None:
    """No call, no picture and no foreign address is in what the service gets."""
    note = note_of(mail(), BASE)
    told = AppriseNotifier({"team": address}, BASE).send("notify:team", note.title, note.body)
    assert told.startswith("team (")
    body = posted[0].replace("\\", "")  # Teams' card escapes what Markdown might read
    assert len(posted) == 1
    for bad in ("<!", "&lt;!", "@everyone", "<@", "://evil", "evil.example", "githubusercontent"):
        assert bad not in body
    assert "evil[.]example" in body
    assert f"{BASE}/mentions" in body


def test_a_service_of_ones_own_gets_the_message(mock_server: MockServer) -> None:
    """Mattermost's webhook, for one, gets title and text over a real connection."""
    route = mock_server.route("/hooks/3ccdd113474722377935511fc85d3dd4", text("ok"))
    host = route.partition("://")[2].partition("/")[0]
    address = f"mmost://{host}/3ccdd113474722377935511fc85d3dd4"
    AppriseNotifier({"team": address}, BASE).send("notify:team", "title", "the words")
    (request,) = mock_server.requests_to("/hooks/3ccdd113474722377935511fc85d3dd4")
    assert "the words" in json.loads(request.body)["text"]


def test_refusal_waits_and_keeps_the_address_secret(mock_server: MockServer) -> None:
    """A service that does not take it is told without its address."""
    route = mock_server.route("/hooks/3ccdd113474722377935511fc85d3dd4", error(500))
    host = route.partition("://")[2].partition("/")[0]
    address = f"mmost://{host}/3ccdd113474722377935511fc85d3dd4"
    with pytest.raises(RetryableError, match="team did not take it") as caught:
        AppriseNotifier({"team": address}, BASE).send("notify:team", "title", "words")
    assert "3ccdd113474722377935511fc85d3dd4" not in str(caught.value)


def test_addresses_that_are_none() -> None:
    """A name that is not set and an address that Apprise does not know are told for good."""
    with pytest.raises(QuarantineError, match="no address of that name"):
        AppriseNotifier({}, BASE).send("notify:team", "t", "b")
    with pytest.raises(QuarantineError, match="none that Apprise knows"):
        AppriseNotifier({"team": "gopher://x"}, BASE).send("notify:team", "t", "b")


def test_no_part_of_an_address_is_told() -> None:
    """Tokens go, wherever they stand; short common words stay."""
    assert redacted("POST https://h/TIiajkdnlazkcOXrIdevi7FQ", SLACK) == "POST https://h/***"


def test_addresses_are_masked_where_the_configuration_is_printed() -> None:
    """`check-config` shows that there is one, not what it is."""
    settings = Settings.model_validate({"notify": {"team": SLACK}, "heartbeat_url": "http://h/x"})
    shown = masked(Configuration(settings=settings))["settings"]
    assert shown["notify"] == {"team": "**********"}
    assert "http://h/x" not in str(shown)
