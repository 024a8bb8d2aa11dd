"""Marks on incidents propose another budget, by the desk and the command, and never set it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.bootstrap import Application
from app.cli.main import app as command_line
from app.cli.session import session
from app.handling import IncidentDesk
from app.own_rules import rules_by_name, save_own_rule
from tests.fakes import crisis, scenario
from tests.fakes.crisis_home import Home
from tests.fakes.homes import open_scenario
from tests.fakes.marked import mark_incidents

WORDS = "false_alarms_per_week: 0.02 would have kept 5 of 6 useful and dropped 4 of 5 noise"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """Return an application of two rules in the file, without mentions."""
    scenario.write_configuration(tmp_path / "configs")
    made = open_scenario(tmp_path, writes=True)
    yield made
    made.close()


def test_the_marks_of_a_rule_speak_for_that_rule(application: Application) -> None:
    """Each rule by its own marks and its own budget; those of a rule that is gone for none."""
    own = {"name": "Own", "kind": "negative_spike", "topic": "Acme", "false_alarms_per_week": 0.02}
    save_own_rule(application, own)
    for rule in ("Acme: volume", "Own", "Removed"):
        mark_incidents(application, rule)
    records = IncidentDesk(application).records()
    assert set(records) == {"Acme: volume", "Own", "Removed"}
    seen = records["Acme: volume"]
    assert seen.budget is not None
    assert (seen.budget.words, seen.budget.current) == (WORDS, 0.1)
    # With 0.02 only one of the marked noise rings still: that is precise enough.
    assert records["Own"].budget is None
    assert (records["Removed"].budget, records["Removed"].proposal) == (None, None)
    assert rules_by_name(application)["Acme: volume"].rule.false_alarms_per_week == 0.1  # type: ignore[attr-defined]


def test_a_rule_that_was_always_useful_is_offered_more(application: Application) -> None:
    """Ten weeks with five alerts, the faintest just told."""
    mark_incidents(application, "Acme: volume", (0.01, 0.02, 0.03, 0.06, 0.08), ())
    budget = IncidentDesk(application).records()["Acme: volume"].budget
    assert budget is not None
    assert budget.budget == 0.2
    assert budget.per_week == pytest.approx(0.5, abs=0.01)


def test_marks_without_evidence_propose_no_budget(application: Application) -> None:
    """An incident whose loudness nobody kept says how far to trust the rule, and no more."""
    mark_incidents(application, "Acme: volume")
    for incident in application.state.incidents():
        unknown = incident.model_copy(update={"needed_budget": None})
        application.state.save_incident(unknown)
    record = IncidentDesk(application).records()["Acme: volume"]
    assert record.precision is not None
    assert record.budget is None


def test_the_command_says_it_to_people_and_programs(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alerts list` ends with the proposal, and has it in its JSON."""
    mark_incidents(application, "Acme: volume")
    monkeypatch.setenv("GROUNDSWELL_HOME", str(tmp_path / "home"))
    front = ["--config", str(tmp_path / "configs"), "--now", scenario.NOW.isoformat()]
    try:
        shown = CliRunner().invoke(command_line, [*front, "alerts", "list"])
        assert f"Acme: volume: {WORDS}." in " ".join(shown.stdout.split())
        told = CliRunner().invoke(command_line, [*front, "--json", "alerts", "list"])
    finally:
        session.is_json = False
    rules = {one["name"]: one for one in json.loads(told.stdout)["rules"]}
    assert rules["Acme: volume"]["record"]["budget"]["budget"] == 0.02
    assert rules["Acme: negative"]["record"] is None


def test_an_incident_keeps_what_its_loudest_window_needed(home: Home) -> None:
    """The crisis of the scenario rings far below the budget, and its rest does not raise that."""
    home.evaluate("Acme volume")
    (opened,) = home.application.state.incidents()
    assert opened.needed_budget is not None
    assert 0 <= opened.needed_budget < 0.001
    home.clock.now += crisis.NOW - crisis.BEGAN
    home.evaluate("Acme volume")
    (later,) = home.application.state.incidents()
    assert later.latest != opened.latest
    assert later.needed_budget == min(
        one for one in (opened.needed_budget, later.latest.needed_budget) if one is not None
    )
