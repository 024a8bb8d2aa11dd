"""The self-test, from the collector to a real mail server that takes it, or does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.incident import Incident
from app.alerting import Outcome, RuleOutcome, evaluate_rules
from app.collecting import collect_sources
from app.heartbeat import Heartbeat
from app.queries import Queries
from app.self_test import read_self_test
from core.mention import Enrichment
from core.questions import Selection
from tests.fakes import crisis
from tests.servers.ports import find_free_port
from tests.servers.smtp import SmtpServer

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MORNING = datetime(2026, 3, 5, 7, 55, tzinfo=UTC)
SETTINGS = """\
public_url: https://listen.example/
mail:
  sender: Groundswell <groundswell@listen.example>
  recipients: [press@listen.example, night@listen.example]
  host: 127.0.0.1
  port: {port}
  security: none
  timeout: 2s
"""
ALERTS = "- {name: Self-test, kind: self_test}\n"


class Home:
    """A home whose mails go to a server that the test starts and stops."""

    def __init__(self, folder: Path, alerts: str = ALERTS) -> None:
        self.now, self.port = MORNING, find_free_port()
        settings = SETTINGS.format(port=self.port)
        crisis.write_home(folder, settings=settings, alerts=alerts)
        self.application = crisis.open_home(folder, lambda: self.now)
        self.round(timedelta())  # from now on it is awake

    def send(self) -> None:
        """Let the collector bring the mention, and the enricher put it into the index."""
        collect_sources(self.application, (), once=True, stop=threading.Event())
        for entry in self.application.spool.read(500):
            assert entry.envelope is not None
            fragment = entry.envelope.fragment()
            made = Enrichment(content_version=fragment.version, enriched_us=1)
            whole = fragment.model_copy(update={"enrichment": made})
            self.application.index.apply([whole], self.now)
            self.application.spool.acknowledge([entry])
        self.application.index.refresh()

    def round(self, after: timedelta = MINUTE) -> RuleOutcome:
        """Let time pass, and look at the rules once."""
        self.now += after
        (outcome,) = evaluate_rules(self.application)
        return outcome

    @property
    def incidents(self) -> list[Incident]:
        """Every incident so far."""
        return self.application.state.incidents()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return a home that watches nothing but itself."""
    made = Home(tmp_path / "own")
    yield made
    made.application.close()


def test_it_ends_with_the_mail_server_and_mails_nobody(home: Home) -> None:
    """Twelve hours of it ask for every recipient, leave one line in the ledger, and no mail."""
    with SmtpServer(port=home.port) as server:
        for hour in range(12):
            home.now = MORNING + hour * HOUR
            home.send()
            home.round(timedelta(seconds=38))
            sent = read_self_test(home.application)
            outcome = home.round()
            assert outcome.message == f"quiet: at {home.now - MINUTE:%H:%M} it arrived in 38 s"
        assert server.offered == ["press@listen.example", "night@listen.example"] * 12
        assert not server.mails
    assert sent.seconds is not None
    assert not home.incidents
    store = home.application.outbox._store
    keys = {f"self-test.{(MORNING + hour * HOUR).isoformat()}" for hour in range(12)}
    assert sum(store.has(key) for key in keys) == 1
    assert Queries(home.application).index.count(Selection(include_own=True)) == 0


def test_a_mail_server_that_is_down_fails_it_with_the_reason(home: Home) -> None:
    """An incident says why in words, the heartbeat stops, and all is well when it is back."""
    home.send()
    opened = [home.round(5 * MINUTE).outcome for _ in range(4)]
    assert Outcome.QUEUED in opened
    (incident,) = home.incidents
    words = incident.latest.words
    assert words is not None
    assert words.lead == "The self-test did not arrive: its mail was not taken."
    assert words.story[0].startswith(f"What keeps it: 127.0.0.1:{home.port} cannot be used: ")
    assert Heartbeat(home.application)._problem(home.now) is not None
    for _ in range(3):  # later ones wait behind it
        home.now += HOUR
        home.send()
        home.round()
    with SmtpServer(port=home.port) as server:
        for _ in range(30):
            home.round()
        assert [str(one.message["Subject"]).strip() for one in server.mails][:1] == [
            "Self-test failed: alerts may not reach you"
        ]
        assert server.offered.count("press@listen.example") >= 3
        test = read_self_test(home.application)
        assert (test.waiting_since, test.reason) == (None, None)
        assert Heartbeat(home.application)._problem(home.now) is None
        home.send()
        home.round()
        home.now += 2 * HOUR
        home.send()
        for _ in range(5):
            home.round()
        assert home.incidents[0].resolved_at is not None
        told = {str(one.message["Subject"]).strip() for one in server.mails}
        assert "The self-test arrives again." in told


def test_a_recipient_that_is_refused_fails_it(home: Home) -> None:
    """Whoever the server does not know would get no alert; the next one tries anew."""
    with SmtpServer(port=home.port) as server:
        server.refused = {"night@listen.example": "550 unknown here"}
        home.send()
        for _ in range(17):
            home.round()
        (incident,) = home.incidents
        assert incident.latest.words is not None
        assert "night@listen.example: 550 unknown here" in incident.latest.words.story[0]
        server.refused = {}
        home.now += HOUR
        home.send()
        home.round()
        assert home.round().message in ("open", "quiet: at 09:13 it arrived in 60 s")
        assert read_self_test(home.application).reason is None


def test_an_address_of_its_own_gets_a_mail_each_time(tmp_path: Path) -> None:
    """With `mail_to` it ends in that mailbox, and nobody else is asked for."""
    alerts = "- {name: Self-test, kind: self_test, mail_to: watchdog@listen.example}\n"
    home = Home(tmp_path / "own", alerts)
    with SmtpServer(port=home.port) as server:
        for _ in range(2):
            home.send()
            home.round()
            home.round()
            home.now += HOUR
        assert [one.recipients for one in server.mails] == [("watchdog@listen.example",)] * 2
        assert server.offered == ["watchdog@listen.example"] * 2
        ids = {str(one.message["Message-ID"]) for one in server.mails}
        assert len(ids) == 2
        assert str(server.mails[0].message["Subject"]).strip() == "Groundswell self-test"
    home.application.close()


def test_dying_before_it_is_remembered_queues_it_once(home: Home) -> None:
    """A round that ended after the outbox and before the state is done again."""
    home.send()
    state = home.application.state
    before = state.load("|self-test-arrived")
    home.round()
    state.save("|self-test-arrived", before)
    with SmtpServer(port=home.port) as server:
        for _ in range(3):
            home.round()
        assert server.offered == ["press@listen.example", "night@listen.example"]
    assert read_self_test(home.application).arrived_at is not None
