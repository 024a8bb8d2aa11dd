"""Drills: a made-up crisis in a sandbox, over a real index and state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app import drilling
from app.alerting import chosen_rules
from app.bootstrap import Application
from app.drilling import drill
from core.errors import UsageError
from core.questions import Selection
from tests.fakes import crisis

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Return a home with six weeks of calm."""
    home = crisis.write_home(tmp_path_factory.mktemp("drill"))
    opened = crisis.open_home(home, lambda: crisis.NOW)
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    opened.index.refresh()
    yield opened
    opened.close()


def test_drill_shows_what_would_be_mailed_and_touches_nothing(application: Application) -> None:
    """A crisis is mailed within minutes, to whom it would go; the real home is not touched."""
    before = application.index.count(Selection())
    (rule,) = chosen_rules(application, ["Acme volume"])
    played = drill(application, rule, 90, lasts=HOUR, watched=HOUR / 2)
    assert (played.made, played.began) == (90, crisis.NOW - timedelta(days=1))
    assert played.recipients == ("press@listen.example",)
    first = played.mails[0]
    assert timedelta(0) < first.after <= timedelta(minutes=15)
    assert first.at == played.began + first.after
    assert "Acme" in first.subject
    assert "Drill" in first.text
    application.index.refresh()
    assert application.index.count(Selection()) == before
    assert not application.state.incidents()
    assert not (application.home / "mail").exists()


def test_drill_of_a_negative_rule(application: Application) -> None:
    """The made-up mentions are negative, so that a negative rule tells them too."""
    (rule,) = chosen_rules(application, ["Acme negative"])
    played = drill(application, rule, 60, lasts=HOUR, watched=HOUR)
    assert played.mails


def test_drill_of_a_rule_that_learns_anew_shows_that(tmp_path: Path) -> None:
    """Its history is of another query; the sandbox knows that."""
    home = crisis.write_home(tmp_path)
    opened = crisis.open_home(home, lambda: crisis.NOW - 2 * DAY)
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    opened.note_versions()
    topics = home / "configs" / "topics.yml"
    topics.write_text(crisis.TOPICS_YML.replace("query: acme", "query: acme OR kettle"))
    opened.close()
    opened = crisis.open_home(home, lambda: crisis.NOW - 2 * DAY)
    opened.note_versions()
    opened.clock = lambda: crisis.NOW
    (rule,) = chosen_rules(opened, ["Acme volume"])
    played = drill(opened, rule, 120, lasts=HOUR, watched=HOUR)
    assert "learning since the query of Acme changed on 3 Mar" in played.mails[0].text
    opened.close()


def test_small_crisis_brings_no_mail(application: Application) -> None:
    """Two mentions more an hour are nothing to be told."""
    (rule,) = chosen_rules(application, ["Acme volume"])
    assert drill(application, rule, 2, lasts=HOUR, watched=HOUR / 4).mails == ()


def test_drill_needs_mentions_and_copies_no_more_than_it_may(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic without mentions has nothing to be like; one with too many is not copied."""
    (rule,) = chosen_rules(application, ["Acme volume"])
    with pytest.raises(UsageError, match="saw no mention in the week before"):
        drill(application, rule.model_copy(update={"topic": "Quiet"}), 60)
    monkeypatch.setattr(drilling, "LARGEST_COPY", 10)
    with pytest.raises(UsageError, match="copies at most 10"):
        drill(application, rule, 60)
