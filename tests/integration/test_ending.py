"""Incidents whose rule or topic is gone end at the next round, without a mail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.incident import Incident, IncidentStep
from app.alerting import Outcome
from app.own_rules import delete_own_rule, save_own_rule
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

MINUTE = timedelta(minutes=1)
OWN = {"name": "Own volume", "kind": "volume_spike", "topic": "Acme"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks and a crisis, told by a rule of each origin; to copy."""
    home = Home(crisis.write_home(tmp_path_factory.mktemp("filled")))
    home.application.index.apply([*crisis.ordinary(), *crisis.crisis(90)], home.clock.now)
    save_own_rule(home.application, dict(OWN))
    outcomes = home.evaluate()
    assert [one.outcome for one in outcomes.values()] == [Outcome.TOLD] * 3
    home.application.close()
    return home.folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own, a minute later."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "own")))
    made.clock.now += MINUTE
    yield made
    made.application.close()


def incident_of(home: Home, rule: str) -> Incident:
    """Return the rule's only incident."""
    (found,) = [one for one in home.application.state.incidents() if one.rule == rule]
    return found


def test_a_rule_removed_from_the_file_ends_its_incident(home: Home) -> None:
    """It is over, says why, and nobody is mailed that it fell quiet; the others go on."""
    home.application.close()
    alerts = "- {name: Acme negative, kind: negative_spike, topic: Acme}\n"
    (home.folder / "configs" / "alerts.yml").write_text(alerts, encoding="utf-8")
    home.open()
    home.evaluate("Own volume")  # whichever rules a round looks at
    ended = incident_of(home, "Acme volume")
    assert (ended.resolved_at, ended.ended_because) == (home.clock.now, "the rule was removed")
    assert incident_of(home, "Acme negative").resolved_at is None
    home.clock.now += timedelta(hours=3)
    home.evaluate()
    assert incident_of(home, "Acme volume") == ended
    assert incident_of(home, "Own volume").step is IncidentStep.RESOLVED
    assert [one.step for one, _ in home.told(ended)] == ["opened"]


def test_a_rule_deleted_on_the_page_ends_its_incident(home: Home) -> None:
    """A rule of the dashboard goes as one of the file."""
    delete_own_rule(home.application, "Own volume")
    home.evaluate()
    assert incident_of(home, "Own volume").ended_because == "the rule was removed"
    assert not home.mailer.sent


def test_a_topic_that_is_gone_ends_its_incidents(home: Home) -> None:
    """The rule is idle with its problem, and so the incident says it too."""
    home.application.close()
    for name, text in (("topics", "- {name: Quiet, query: nobody}\n"), ("alerts", "[]\n")):
        (home.folder / "configs" / f"{name}.yml").write_text(text, encoding="utf-8")
    home.open()
    outcomes = home.evaluate()
    assert outcomes["Own volume"].outcome is Outcome.IDLE
    ended = incident_of(home, "Own volume")
    assert "no topic is named 'Acme'" in (ended.ended_because or "")
    assert not home.mailer.sent


def test_a_renamed_rule_goes_on_with_its_incident(home: Home) -> None:
    """Under the new name it tells the same crisis not anew, and at last that it is over."""
    save_own_rule(home.application, {**OWN, "name": "Loud"}, replaces="Own volume")
    assert home.evaluate()["Loud"].outcome is Outcome.OPEN
    assert not home.mailer.sent
    home.clock.now += timedelta(hours=3)
    home.evaluate()
    over = incident_of(home, "Loud")
    assert (over.step, over.ended_because) == (IncidentStep.RESOLVED, None)
    assert [one.step for one, _ in home.told(over)] == ["opened", "resolved"]


def test_renaming_takes_nothing_from_a_rule_of_the_file(home: Home) -> None:
    """What is kept under a name that stands in alerts.yml is not that of the page's."""
    own = {**OWN, "name": "Acme volume"}
    home.application.state.save_own_rule("Acme volume", own)
    save_own_rule(home.application, {**OWN, "name": "Loud"}, replaces="Acme volume")
    assert incident_of(home, "Acme volume").resolved_at is None
    names = {one["name"] for one in home.application.state.own_rules()}
    assert names == {"Own volume", "Loud"}


def test_what_comes_back_is_a_new_incident(home: Home) -> None:
    """A rule that is made again finds the crisis that still lasts, and tells it anew."""
    delete_own_rule(home.application, "Own volume")
    home.evaluate()
    save_own_rule(home.application, dict(OWN))
    home.add(40, home.clock.now, 10 * MINUTE)
    home.clock.now += 15 * MINUTE
    assert home.evaluate("Own volume")["Own volume"].outcome is Outcome.TOLD
    found = [one for one in home.application.state.incidents() if one.rule == "Own volume"]
    assert [one.ended_because for one in found] == [None, "the rule was removed"]


def test_a_look_without_writing_ends_nothing(home: Home) -> None:
    """A dry run leaves every incident as it stands."""
    delete_own_rule(home.application, "Own volume")
    home.evaluate(dry_run=True)
    assert incident_of(home, "Own volume").resolved_at is None


def test_a_rule_of_the_file_is_not_silenced_by_one_of_the_page(home: Home) -> None:
    """Of two that are called the same, the one of alerts.yml watches on."""
    home.application.state.save_own_rule("Acme volume", {**OWN, "name": "Acme volume"})
    assert home.evaluate()["Acme volume"].outcome is Outcome.OPEN
    assert incident_of(home, "Acme volume").resolved_at is None
