"""Previews, drills and `alerts evaluate`, as somebody types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import drilling
from app.alerting import chosen_rules
from app.cli.main import app as command_line
from app.cli.session import session
from app.counting import Counts
from app.previewing import preview
from app.rehearsing import promise_words, rehearse
from core.errors import QueryError, UsageError
from core.rules import RuleKind
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

MINUTES = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_preview_finds_the_crisis_alone(home: Home) -> None:
    """Replayed over a month of calm and one crisis, a rule would have fired once, at its start."""
    home.clock.now += 3 * HOUR
    for rule in home.application.configuration.alerts:
        (episode,) = preview(home.application, rule, timedelta(days=30)).episodes
        assert crisis.BEGAN < episode.first_alert <= crisis.BEGAN + 30 * MINUTES
        assert episode.first_alert < episode.last_alert
        assert episode.observed >= 60
        assert episode.p is not None


def test_preview_agrees_with_what_was_told(home: Home) -> None:
    """The first alert of the preview is the first instant at which evaluating opens an incident."""
    (rule, _) = home.application.configuration.alerts
    (episode,) = preview(home.application, rule, timedelta(days=2)).episodes
    home.clock.now = crisis.BEGAN - 10 * MINUTES
    while home.evaluate(rule.name, dry_run=True)[rule.name].step is None:
        home.clock.now += 5 * MINUTES
    assert home.clock.now == episode.first_alert


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command on the closed home, as of the crisis."""
    home.application.close()
    monkeypatch.setenv("GROUNDSWELL_HOME", str(home.folder / "home"))

    def call(*words: str, as_json: bool = True) -> tuple[int, str, str]:
        config = str(home.folder / "configs")
        front = ["--config", config, "--now", crisis.NOW.isoformat()]
        front += ["--json"] if as_json else []
        result = CliRunner().invoke(command_line, [*front, *words])
        session.is_json = False
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return call


def test_evaluate_command_delivers_and_answers_in_json(home: Home, run: Run) -> None:
    """`alerts evaluate` prints one document and puts the mails where it says."""
    code, out, _ = run("alerts", "evaluate", "--rule", "Acme volume")
    (rule,) = json.loads(out)["rules"]
    assert (code, rule["outcome"], rule["step"]) == (0, "told", "opened")
    message = message_from_bytes(Path(rule["destination"]).read_bytes(), policy=policy.default)
    assert message["Subject"].lstrip().startswith("Acme: ")
    code, out, _ = run("alerts", "list")
    listed = json.loads(out)
    assert [one["is_open"] for one in listed["rules"]] == [True, False]
    assert [one["rule"] for one in listed["incidents"]] == ["Acme volume"]


def test_list_says_which_incident_lost_its_rule(home: Home, run: Run) -> None:
    """`alerts list` calls it ended and gives the reason, to people and programs."""
    run("alerts", "evaluate", "--rule", "Acme volume")
    (home.folder / "configs" / "alerts.yml").write_text("[]\n", encoding="utf-8")
    run("alerts", "evaluate")
    _, out, _ = run("alerts", "list")
    assert json.loads(out)["incidents"][0]["ended_because"] == "the rule was removed"
    _, out, _ = run("alerts", "list", as_json=False)
    assert "the rule was removed" in " ".join(out.split())


def test_dry_run_command_sends_nothing(home: Home, run: Run) -> None:
    """`alerts evaluate --dry-run` leaves the mail folder as it was."""
    code, out, _ = run("alerts", "evaluate", "--dry-run")
    assert code == 0
    assert {one["message"] for one in json.loads(out)["rules"]} == {"would tell: opened"}
    assert not (home.folder / "home" / "mail").exists()


@pytest.mark.slow
def test_preview_command(run: Run) -> None:
    """`alerts preview` prints its episodes as JSON, and as a table to people."""
    code, out, _ = run("alerts", "preview", "Acme volume", "--days", "7")
    found = json.loads(out)
    assert (code, found["rule"], found["days"], len(found["episodes"])) == (0, "Acme volume", 7, 1)
    code, out, _ = run("alerts", "preview", "Acme volume", "--days", "7", as_json=False)
    assert "Would have fired once in 7 days" in out
    promise = found["promise"]
    assert promise["refused"] is None
    assert 0 <= promise["false_alarms"]["per_week"] < 1
    assert [one["delay_minutes"] for one in promise["crises"]][-1] <= 15
    assert "Expected false alarms: " in out
    assert "more an hour: after" in out


@pytest.mark.slow
def test_preview_command_writes_and_prints_the_mails(home: Home, run: Run) -> None:
    """`--mails` writes what every mail program opens, `--show` prints one; both say so as JSON."""
    folder = home.folder / "mails"
    words = ("alerts", "preview", "Acme negative", "--days", "2")
    code, out, _ = run(*words, "--mails", str(folder), "--show", "1", as_json=False)
    (file,) = folder.glob("*.eml")
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert code == 0
    assert f"wrote {file}" in out.replace("\n", "")
    assert message["X-Groundswell-Preview"] == "yes"
    assert str(message["Subject"]).strip() in " ".join(out.split())
    _, out, _ = run(*words, "--mails", str(folder), "--show", "1")
    found = json.loads(out)
    assert found["files"] == [str(file)]
    assert found["shown"].startswith(str(message["Subject"]).strip())
    with pytest.raises(UsageError, match="--show 2: there is 1 mail"):
        run(*words, "--show", "2")


def test_preview_without_history_promises_nothing(home: Home, run: Run) -> None:
    """Three weeks after the first mention the reason stands where the promise would."""
    home.clock.now = crisis.NOW - timedelta(days=20)
    promise = rehearse(home.application, chosen_rules(home.application, ["Acme negative"])[0])
    assert promise.refused is not None
    assert "weeks of history" in promise.refused
    home.clock.now = crisis.NOW - timedelta(days=60)
    promise = rehearse(home.application, chosen_rules(home.application, ["Acme volume"])[0])
    assert promise_words(promise, RuleKind.VOLUME_SPIKE)[0].startswith("No promise yet: ")


def test_drill_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`alerts drill` shows when which mail would have gone to whom, and the first one whole."""
    monkeypatch.setattr(drilling, "WATCHED", timedelta(minutes=20))
    code, out, _ = run("alerts", "drill", "Acme volume", "--more", "120", as_json=False)
    assert code == 0
    assert "240 made-up mentions in two hours" in out
    assert "press@listen.example" in out
    assert "Drill" in out


def test_wrong_words_are_usage_errors(run: Run) -> None:
    """Unknown rules and impossible durations are refused before anything is done."""
    with pytest.raises(UsageError, match="no rule is named 'Nope'"):
        run("alerts", "evaluate", "--rule", "Nope")
    with pytest.raises(UsageError, match="no rule is named 'Nope'"):
        run("alerts", "preview", "Nope")
    with pytest.raises(UsageError, match="at least 1s"):
        run("alerts", "evaluate", "--watch", "--every", "0s")
    with pytest.raises(UsageError, match="no duration"):
        run("alerts", "evaluate", "--watch", "--every", "often")
    for words in (("--watch", "--dry-run"), ("--watch", "--rule", "Acme volume")):
        with pytest.raises(UsageError, match="leave out --dry-run and --rule"):
            run("alerts", "evaluate", *words)
    with pytest.raises(UsageError, match="--every says how often with --watch"):
        run("alerts", "evaluate", "--every", "5m")
    with pytest.raises(UsageError, match="nothing is known of that year"):
        run("--now", "0001-01-01T00:00Z", "alerts", "list")
    assert run("alerts", "preview", "Acme volume", "--days", "0")[0] == 2


def test_without_rules_it_says_how_to_make_one(home: Home, run: Run) -> None:
    """An empty table would say nothing."""
    (home.folder / "configs" / "alerts.yml").write_text("[]\n", encoding="utf-8")
    for command in ("list", "evaluate"):
        _, out, _ = run("alerts", command, as_json=False)
        assert "No rule: write one in alerts.yml" in out


def test_an_earlier_now_changes_nothing_that_was_found_since(home: Home, run: Run) -> None:
    """Evaluated as of the crisis, an instant before it is refused, and looked at as it was."""
    run("alerts", "evaluate")
    before = ("--now", (crisis.BEGAN - timedelta(hours=2)).isoformat(), "alerts", "evaluate")
    with pytest.raises(UsageError, match="add --dry-run to see"):
        run(*before)
    code, out, _ = run(*before, "--dry-run")
    assert code == 0
    assert {one["outcome"] for one in json.loads(out)["rules"]} == {"quiet"}
    code, out, _ = run("alerts", "evaluate")
    assert {one["message"] for one in json.loads(out)["rules"]} == {"open"}


def test_failing_rule_makes_the_command_fail(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that could not be judged is exit code 1, with the document all the same."""

    def fail(*_: object) -> object:
        raise QueryError("too many words", "acme", 1)

    monkeypatch.setattr(Counts, "series", fail)
    code, out, _ = run("alerts", "evaluate")
    assert code == 1
    assert {one["outcome"] for one in json.loads(out[out.index("{\n") :])["rules"]} == {"failed"}


def test_exit_codes_of_the_real_command(home: Home) -> None:
    """The installed entry point answers a wrong name with 2 and words on stderr alone."""
    home.application.close()
    environment = {**os.environ, "GROUNDSWELL_HOME": str(home.folder / "home")}
    command = [sys.executable, "-m", "app.cli", "alerts", "evaluate", "--json", "--rule", "Nope"]
    command += ["--config", str(home.folder / "configs")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "groundswell: no rule is named 'Nope'" in done.stderr
