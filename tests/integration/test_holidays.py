"""A configured holiday is compared with Sundays, wherever volume is, and the mail says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.incident import IncidentStep
from app.alerting import Outcome
from app.judging import RECENT, judged_by, rehearsal_of
from app.queries import Queries
from app.scope import Preset, Scope
from core.rules import VolumeSpikeRule
from core.window import bucket_start
from insights.rehearsed import VolumeRehearsal
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

HOUR = timedelta(hours=1)
TODAY = crisis.NOW.date()  # a Thursday
OUTING = f"own_holidays: {{{TODAY}: works outing}}\n"
ACME = Scope(topics=("Acme",), preset=Preset.DAY)
RULE = "Acme volume"


def _is_free(at: datetime) -> bool:
    return at.weekday() == 6 or at.date() == TODAY


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Six weeks in which hardly anybody writes on Sundays, nor on this Thursday, a holiday."""
    made = Home(crisis.write_home(tmp_path, crisis.SETTINGS_YML + OUTING))
    said = [
        one
        for number, one in enumerate(crisis.ordinary())
        if number % 4 == 0 or not _is_free(one.published_at)
    ]
    made.application.index.apply(said, crisis.NOW)
    yield made
    made.application.close()


def _unaware(home: Home) -> Queries:
    """Return the questions of the same home without a calendar."""
    configuration = home.application.configuration
    settings = configuration.settings.model_copy(update={"own_holidays": {}})
    other = replace(
        home.application, configuration=configuration.model_copy(update={"settings": settings})
    )
    other.__dict__ |= {name: home.application.__dict__[name] for name in ("index", "state")}
    return Queries(other)


def test_a_burst_on_a_holiday_is_told_beside_sundays(home: Home) -> None:
    """The mail names the holiday and compares with Sundays; without a calendar nothing is told."""
    home.add(14, crisis.BEGAN)
    outcome = home.evaluate(RULE)[RULE]
    assert (outcome.outcome, outcome.step) == (Outcome.TOLD, IncidentStep.OPENED)
    (mail,) = home.mailer.sent
    body = mail.get_body(("plain",))
    assert body is not None
    told = " ".join(body.get_content().split())
    assert "of a usual Sunday 15:00." in told
    assert "It is a holiday (works outing): compared with Sundays." in told
    rule = home.application.configuration.alerts[0]
    assert isinstance(rule, VolumeSpikeRule)
    judged = judged_by(_unaware(home), rule, crisis.NOW, RECENT, timedelta(minutes=1))
    assert not judged.judge(judged.observed.last_closed(crisis.NOW)).is_alert


def test_every_page_expects_of_a_holiday_what_sundays_hold(home: Home) -> None:
    """The sentence, the band of the chart and a rule's rehearsal know the calendar."""
    aware, unaware = Queries(home.application), _unaware(home)
    usual, other = (one.overview(ACME).usual for one in (aware, unaware))
    assert usual is not None
    assert other is not None
    assert usual.expected < 0.8 * other.expected
    midnight = bucket_start(crisis.NOW, timedelta(days=1))
    today, otherwise = (
        sum(p.expected or 0 for p in one.volume(ACME) if p.window.start >= midnight)
        for one in (aware, unaware)
    )
    assert 0 < today < 0.5 * otherwise
    rule = home.application.configuration.alerts[0]
    assert isinstance(rule, VolumeSpikeRule)
    (marked,) = aware.overview(ACME).moments
    assert (marked.at, marked.words) == (midnight, "holiday: works outing")
    assert unaware.overview(ACME).moments == ()
    rehearsal = rehearsal_of(aware, rule, crisis.NOW)
    assert isinstance(rehearsal, VolumeRehearsal)
    assert rehearsal.usual.holidays == {TODAY}
