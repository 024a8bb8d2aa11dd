"""The demo, started as a newcomer starts it, shows what it promises and leaves nothing behind."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.home import read_beginning
from demo.timeline import Calendar
from tests.integration.command_line import ROOT, environment, groundswell

LONGEST_SECONDS = 240
"""Generous: the suite shares its machine. The demo itself says how long it took."""

LEAST_MENTIONS = 5_000


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(
        [sys.executable, "-m", "demo", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the home of a demo that was played once, and what it printed."""
    home = tmp_path_factory.mktemp("demo") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDSWELL_HOME", str(home))
        done = demo("--no-serve")
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout


@pytest.fixture
def home(played: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the played demo's home, which commands of the test use too."""
    monkeypatch.setenv("GROUNDSWELL_HOME", str(played[0]))
    return played[0]


def ask(home: Path, *words: str) -> Any:
    """Return the JSON document of a command on the demo's configuration."""
    (settings,) = home.rglob("settings.yml")
    done = groundswell(*words, "--json", "--config", settings.parent)
    assert done.code == 0, done.err
    return json.loads(done.out)


pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_SECONDS + 60)]


def test_the_summary_names_what_happened(played: tuple[Path, str]) -> None:
    """Mentions, stories, the mail's path and the export's path stand in the summary."""
    home, text = played
    assert "Synthetic mentions" in text
    assert "stories" in text
    paths = [Path(word) for word in text.split() if word.startswith(str(home))]
    assert any(path.suffix == ".eml" and path.is_file() for path in paths)
    assert any("exports" in path.parts and path.exists() for path in paths)


def test_a_month_of_three_brands_is_stored(home: Path) -> None:
    """At least five thousand mentions went the whole way, all of them marked as synthetic."""
    stats = ask(home, "stats")
    assert stats["all"]["mentions"] >= LEAST_MENTIONS
    assert len(stats["topics"]) >= 3
    assert ask(home, "search", "synthetic:false", "--limit", "1")["total"] == 0
    negative = stats["all"]["sentiment"]["negative"]
    assert 0 < negative < stats["all"]["mentions"]


def test_the_mail_about_the_open_crisis_says_it_is_synthetic(home: Path) -> None:
    """The alert is told in subject, words and picture, and links to the dashboard."""
    (path, *_) = sorted((home / "mail").glob("*.eml"))
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    # A subject too long for its line may begin on the next one (RFC 5322, 2.2.3), after a space.
    assert str(message["Subject"]).lstrip().startswith("[synthetic] ")
    kinds = {part.get_content_type() for part in message.walk()}
    assert {"text/plain", "text/html", "image/png"} <= kinds
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "/mentions?" in plain.get_content()
    assert "SYNTHETIC" in plain.get_content()


def test_rules_find_the_crises_and_no_decoy(home: Path) -> None:
    """The strike and the day of anger are found; the copied wire story wakes nobody."""
    beginning = read_beginning(home)
    assert beginning is not None
    calendar = Calendar(beginning.now)

    def fired(rule: str) -> list[tuple[datetime, datetime]]:
        episodes = ask(home, "alerts", "preview", rule, "--days", "29")["episodes"]
        return [
            (datetime.fromisoformat(e["first_alert"]), datetime.fromisoformat(e["last_alert"]))
            for e in episodes
        ]

    volume, anger = fired("Pendrake: volume"), fired("Pendrake: anger")
    assert any(first in calendar.strike for first, _ in volume)
    assert not any(first in calendar.wire for first, _ in volume)
    assert any(first in calendar.fee_day for first, _ in anger)


def test_a_second_start_goes_on_at_once(home: Path) -> None:
    """What is stored is not replayed again."""
    before = ask(home, "stats")["all"]["mentions"]
    started = time.monotonic()
    again = demo("--no-serve")
    assert again.returncode == 0, again.stderr
    assert "going on with the stored demo" in again.stdout
    assert time.monotonic() - started < 60
    assert ask(home, "stats")["all"]["mentions"] >= before


def test_one_command_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's folder goes, and a folder that is none of its own stays."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("GROUNDSWELL_HOME", str(other))
    refused = demo("--remove")
    assert refused.returncode != 0
    assert [path.name for path in other.iterdir()] == ["precious.txt"]
