"""What comes each year is labelled so, and is news only where it is well above the last time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from alerts.incident import IncidentStep
from app.alerting import Outcome
from app.digests import trend_row
from app.queries import Queries
from app.scope import Preset, Scope
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

RULE = "Acme trends"
ALERTS = f"- {{name: {RULE}, kind: new_trend, topic: Acme}}\n"
HOUR = timedelta(hours=1)
YEAR = timedelta(days=364)
"""A year ago to the weekday, as Black Friday is: the 6th of March 2025."""

ACME = Scope(topics=("Acme",), preset=Preset.DAY)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Six weeks of calm, before them a year in which the topic was named once a month."""
    made = Home(crisis.write_home(tmp_path, alerts=ALERTS))
    monthly = [
        crisis.mention(9_000_000 + n, crisis.NOW - n * timedelta(days=30), f"acme once more {n}")
        for n in range(2, 15)
    ]
    made.application.index.apply([*monthly, *crisis.ordinary()], crisis.NOW)
    yield made
    made.application.close()


def test_what_comes_each_year_at_its_usual_size_is_not_mailed(home: Home) -> None:
    """The rule says what it kept still about."""
    home.add(30, crisis.BEGAN - YEAR)
    home.add(30, crisis.BEGAN)
    outcome = home.evaluate(RULE)[RULE]
    assert outcome.outcome is Outcome.QUIET
    assert outcome.message == "quiet: comes as usual: #refundnow (as a year ago, around 5 March)"
    assert home.mailer.sent == []


def test_well_above_the_last_time_is_mailed_with_the_season(home: Home) -> None:
    """Four times as many as a year ago is news, and the mail says of what."""
    home.add(20, crisis.BEGAN - YEAR)
    home.add(80, crisis.BEGAN)
    outcome = home.evaluate(RULE)[RULE]
    assert (outcome.outcome, outcome.step) == (Outcome.TOLD, IncidentStep.OPENED)
    (mail,) = home.mailer.sent
    body = mail.get_body(("plain",))
    assert body is not None
    told = " ".join(body.get_content().split())
    assert "it comes as a year ago, around 5 March, now 4.0 times as much as on 6 Mar 2025" in told


def test_without_a_year_before_it_is_a_trend_like_any(home: Home) -> None:
    """The same burst, never seen before, is told."""
    home.add(30, crisis.BEGAN)
    assert home.evaluate(RULE)[RULE].outcome is Outcome.TOLD


def test_a_trend_says_when_it_comes_anyway(home: Home) -> None:
    """In what the dashboard draws and in plain data, with the last time."""
    home.add(20, crisis.BEGAN - YEAR)
    home.add(30, crisis.BEGAN)
    row = next(row for row in Queries(home.application).trends(ACME) if row.term == "refundnow")
    assert row.season is not None
    assert (row.season.last, row.season.last_size) == (date(2025, 3, 6), 20)
    data = row.as_data()
    assert data["recurs"] == "as a year ago, around 5 March"
    assert (data["last_time"], data["times_last_time"]) == ("2025-03-06", 1.5)
    assert row.is_seasonal
    assert trend_row(row, "https://listen.example").note == (
        "hashtag, 30 mentions, new; comes as a year ago, around 5 March, "
        "now 1.5 times as much as on 6 Mar 2025"
    )
