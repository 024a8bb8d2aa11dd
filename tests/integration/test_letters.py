"""Digests, the all-clear and the self-test, over a real index, state and spool."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.alerting import Outcome
from app.collecting import collect_sources
from app.queries import Queries
from app.scope import Preset, Scope
from core.mention import Author, Engagement, Enrichment
from core.ports import Poll, PollStatus
from core.questions import Selection
from core.self_test import CANARY_ID
from tests.fakes import crisis
from tests.integration.test_rule_kinds import SOURCES, Home, body

HOUR = timedelta(hours=1)
MORNING = datetime(2026, 3, 5, 8, 0, 20, tzinfo=UTC)
ALERTS = """\
- {name: Acme volume, kind: volume_spike, topic: Acme}
- {name: The week, kind: digest, weekday: thursday, topics: [Acme]}
- {name: The day, kind: digest, every: daily, topics: [Acme]}
- {name: Good morning, kind: all_clear}
- {name: Self-test, kind: self_test}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks of calm, to copy."""
    folder = crisis.write_home(tmp_path_factory.mktemp("filled"), alerts=ALERTS)
    made = Home(folder)
    made.application.index.apply(crisis.ordinary(), crisis.NOW - timedelta(days=1))
    made.application.close()
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own, at eight in the morning."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "own")))
    made.now = MORNING
    made.application.state.record_poll(Poll("Daily", MORNING - HOUR, PollStatus.OK))
    yield made
    made.application.close()


def test_letters_come_once_and_say_what_the_page_says(home: Home) -> None:
    """At eight each letter is sent, with the number that its link opens; a minute later none is."""
    outcomes = home.evaluate()
    assert [outcomes[name].outcome for name in ("The week", "The day", "Good morning")] == [
        Outcome.TOLD
    ] * 3
    home.now += timedelta(minutes=1)
    assert home.evaluate()["The day"].outcome is Outcome.QUIET
    assert len(home.mails) == 3
    end = MORNING.replace(second=0)
    for name, days in (("The day", 1), ("Good morning", 1), ("The week", 7)):
        topics = () if name == "Good morning" else ("Acme",)
        scope = Scope(topics=topics, preset=Preset.ALL, since=end - timedelta(days=days), until=end)
        (mail,) = (one for one in home.mails if one["X-Groundswell-Rule"] == name)
        assert f"See the {Queries(home.application).count(scope):,} mentions" in body(mail)
    week = next(mail for mail in home.mails if mail["X-Groundswell-Rule"] == "The week")
    text = body(week)
    for heading in ("WHAT BURST", "INCIDENTS", "WHAT STIRRED MOST", "CHART"):
        assert heading in text
    assert "No rule fired." in text
    assert b"image/png" in week.as_bytes()


def test_a_machine_that_slept_sends_one_of_each(home: Home) -> None:
    """After a week of sleep there is one digest of the last day and one all-clear, not eight."""
    home.evaluate()
    home.now += timedelta(days=7, minutes=30)
    home.evaluate()
    rules = sorted(str(mail["X-Groundswell-Rule"]) for mail in home.mails)
    assert rules == ["Good morning"] * 2 + ["The day"] * 2 + ["The week"] * 2


def test_the_all_clear_says_what_it_knows(home: Home) -> None:
    """Quiet, with the numbers that it rests on."""
    home.evaluate("Good morning")
    (mail,) = home.mails
    text = body(mail)
    assert "Quiet, but people wait." in text
    assert "usual" in text
    assert "Sources on time 100.0 %." in text
    assert "No self-test has arrived yet." in text


def test_a_source_that_fails_is_about_every_topic(filled: Path, tmp_path: Path) -> None:
    """An all-clear for one topic is not quiet while nothing of it could come in."""
    folder = Path(shutil.copytree(filled, tmp_path / "own"))
    (folder / "configs" / "sources.yml").write_text(SOURCES, encoding="utf-8")
    (folder / "configs" / "alerts.yml").write_text(
        "- {name: Acme's morning, kind: all_clear, topics: [Acme]}\n"
        "- {name: Feeds, kind: source_outage}\n",
        encoding="utf-8",
    )
    home = Home(folder)
    home.now = MORNING - 8 * HOUR
    home.application.state.record_poll(Poll("Daily", home.now, PollStatus.OK))
    for _ in range(100):
        home.application.state.record_poll(Poll("Daily", home.now, PollStatus.ERROR))
        for _ in range(12):
            home.application.state.record_poll(Poll("Weekly", home.now, PollStatus.OK))
        home.evaluate("Feeds")
        home.now += timedelta(minutes=5)
    home.evaluate("Acme's morning")
    (letter,) = (one for one in home.mails if one["X-Groundswell-Rule"] == "Acme's morning")
    assert "Not quiet." in body(letter)
    assert "1 incident since yesterday, 1 still open." in body(letter)
    home.application.close()


def test_a_digest_links_nowhere_but_to_us(home: Home) -> None:
    """Texts, names and trends of strangers are no links in it."""
    author = Author(service="x", id="7", name="Support https://evil.example/login")
    at = MORNING - 3 * HOUR
    posts = [
        crisis.mention(6_000_000 + number, at, f"acme {number} https://evil.example/pay")
        for number in range(30)
    ]
    loud = Engagement(reactions=900)
    made = [one.model_copy(update={"author": author, "engagement": loud}) for one in posts]
    home.application.index.apply(made, home.now)
    home.evaluate("The day")
    (letter,) = home.mails
    text = body(letter)
    assert "evil[.]example/pay" in text
    assert "Support evil[.]example/login" in text
    assert "evil.example" not in text


def send_canary(home: Home) -> None:
    """Let the collector visit the self-test's source once."""
    collect_sources(home.application, (), once=True, stop=threading.Event())


def enrich(home: Home) -> None:
    """Bring what waits in the spool into the index, enriched as the enricher does."""
    for entry in home.application.spool.read(500):
        assert entry.envelope is not None
        fragment = entry.envelope.fragment()
        made = Enrichment(content_version=fragment.version, enriched_us=1)
        home.application.index.apply([fragment.model_copy(update={"enrichment": made})], home.now)
        home.application.spool.acknowledge([entry])
    home.application.index.refresh()


def test_a_self_test_goes_the_whole_way_and_is_counted_nowhere(home: Home) -> None:
    """From the collector to a mail, in a time that is kept; no number changes by it."""
    index = home.application.index
    everything = Selection(include_own=True, include_irrelevant=True)
    before = index.size(), index.count(everything)
    send_canary(home)
    home.now += timedelta(seconds=20)
    assert home.evaluate("Self-test")["Self-test"].message.startswith("waiting")
    enrich(home)
    home.now += timedelta(seconds=18)
    assert home.evaluate("Self-test")["Self-test"].message.startswith("waiting")
    home.now += timedelta(minutes=1)
    outcome = home.evaluate("Self-test")["Self-test"]
    assert outcome.message == "quiet: at 08:00 it arrived in 38 s"
    assert index.get([CANARY_ID])[CANARY_ID].is_canary
    assert (index.size(), index.count(everything)) == before
    assert not home.mails
    assert not list((home.application.home / "mail").iterdir())
    send_canary(home)
    assert home.application.spool.pending() == 1


def test_a_self_test_that_does_not_arrive_is_an_alert(home: Home) -> None:
    """Where nothing is enriched, a quarter of an hour later a mail says so, and later its end."""
    home.evaluate("Self-test")
    for _ in range(10):
        home.now += timedelta(minutes=15)
        home.evaluate("Self-test")
    send_canary(home)
    told = []
    for _ in range(4):
        home.now += timedelta(minutes=8)
        told.append(home.evaluate("Self-test")["Self-test"].outcome)
    assert told.count(Outcome.TOLD) == 1
    assert home.subjects == ["Self-test failed: alerts may not reach you"]
    enrich(home)
    for _ in range(6):
        home.now += timedelta(minutes=25)
        if home.now.minute < 30:
            send_canary(home)
            enrich(home)
        home.evaluate("Self-test")
    assert "The self-test arrives again." in home.subjects
