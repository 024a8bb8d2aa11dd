"""A level that lasts is told once, and is what is usual from then on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from alerts.incident import IncidentStep
from app.alerting import Outcome, evaluate_rules
from app.bootstrap import Application
from app.previewing import preview
from core.mention import Mention
from core.ports import Poll, PollStatus
from tests.fakes import crisis

HOUR = timedelta(hours=1)
RULE = "Acme volume"
BEGAN = crisis.NOW


class Home:
    """Six weeks of calm, then what the test lets people say."""

    def __init__(self, folder: Path) -> None:
        self.now, self.subjects, self._number = crisis.NOW, list[str](), 5_000_000
        self.is_polled = False
        self.application: Application = crisis.open_home(
            crisis.write_home(folder), lambda: self.now
        )
        self.application.__dict__["mailer"] = self
        self.application.index.apply(crisis.ordinary(), crisis.NOW)

    def send(self, message: EmailMessage) -> str:
        """Keep the subject of a mail."""
        self.subjects.append(str(message["Subject"]))
        return "kept"

    def live(self, hours: int, factor: float, seed: int = 1) -> None:
        """Let hours pass at ``factor`` times the usual volume, looking at the rule every third."""
        rng = random.Random(seed)
        for number in range(hours):
            said = self._hour(self.now, factor, rng)
            self.now += HOUR
            self.application.index.apply(said, self.now)
            if self.is_polled:
                self.application.state.record_poll(Poll("Fediverse", self.now, PollStatus.OK))
            if number % 3 == 2:
                evaluate_rules(self.application, [RULE])

    def _hour(self, at: datetime, factor: float, rng: random.Random) -> list[Mention]:
        rate = factor * (6 if 7 <= at.hour <= 22 else 2)
        said = []
        for _ in range(round(rng.gauss(rate, 1)) if factor else 0):
            self._number += 1
            words = " ".join(rng.sample(crisis.WORDS, 4))
            moment = at + timedelta(seconds=rng.randrange(3600))
            said.append(crisis.mention(self._number, moment, f"my acme {words} n{self._number}"))
        return said


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own."""
    made = Home(tmp_path)
    yield made
    made.application.close()


def test_a_new_level_is_told_once_and_then_usual(home: Home) -> None:
    """Four times the volume opens an incident, which the new level ends; then there is silence."""
    home.live(48, 4)
    levels = [subject for subject in home.subjects if "new level" in subject]
    assert len(levels) == 1
    assert levels[0].startswith("Acme: new level, ")
    told = [one for one in home.application.state.incidents() if one.level_since is not None]
    assert [(one.step, one.rule) for one in told] == [(IncidentStep.LEVEL, RULE)]
    (level,) = told
    assert level.level_since is not None
    assert level.resolved_at is not None
    assert abs(level.level_since - BEGAN) <= 4 * HOUR
    assert level.latest.factor == pytest.approx(4, rel=0.15)
    assert "counts as usual" in " ".join(level.latest.words.story if level.latest.words else ())
    count = len(home.subjects)
    home.live(48, 4, seed=2)
    assert len(home.subjects) == count
    (found,) = [
        one
        for one in preview(
            home.application, home.application.configuration.alerts[0], timedelta(days=6)
        ).episodes
        if one.level is not None
    ]
    assert found.level == pytest.approx(4, rel=0.15)
    home.live(3, 16, seed=3)
    (outcome,) = evaluate_rules(home.application, [RULE])
    assert outcome.outcome in {Outcome.OPEN, Outcome.TOLD, Outcome.QUEUED}


def test_a_fall_is_told_once(home: Home) -> None:
    """A source that goes silent is told once, with what may be wrong."""
    home.is_polled = True
    home.live(72, 0)
    (subject,) = home.subjects
    assert subject.startswith("Acme: new level, hardly any of the mentions since")
    (incident,) = home.application.state.incidents()
    assert incident.level_since is not None
    assert incident.resolved_at == incident.opened_at
    assert incident.latest.words is not None
    assert any("went silent" in sentence for sentence in incident.latest.words.story)
    rule = home.application.configuration.alerts[0]
    (same,) = preview(home.application, rule, timedelta(days=6)).mails
    assert same.episode.level is not None
    assert same.episode.level < 0.1
    assert str(same.write()["Subject"]).strip() == subject


def test_that_nothing_comes_after_the_last_import_is_no_fall(home: Home) -> None:
    """Where no source was ever asked, silence is that nobody imported more."""
    home.live(72, 0)
    assert home.subjects == []
    assert home.application.state.incidents() == []
