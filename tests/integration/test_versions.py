"""A baseline mixes neither queries nor models: after a change a rule is learning, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.actions import Actions
from app.alerting import Outcome
from app.queries import Queries
from app.scope import Scope
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VOLUME, NEGATIVE, MOVE, TREND = "Acme volume", "Acme negative", "Acme share", "Acme trend"
ALERTS = (
    crisis.ALERTS_YML
    + """\
- name: Acme share
  kind: competitor_move
  topic: Acme
- name: Acme trend
  kind: new_trend
  topic: Acme
"""
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return six weeks of calm that rules were judged on."""
    made = Home(crisis.write_home(tmp_path, alerts=ALERTS))
    made.application.index.apply(crisis.ordinary(days=45, until=crisis.NOW + 3 * DAY), crisis.NOW)
    assert states(made) == dict.fromkeys((VOLUME, NEGATIVE, MOVE, TREND), Outcome.QUIET)
    yield made
    made.application.close()


def states(home: Home) -> dict[str, Outcome]:
    """Return how each rule stands."""
    return {name: one.outcome for name, one in home.evaluate().items()}


def write(home: Home, name: str, text: str) -> None:
    """Change a file of the configuration, as its owner does; the next process reads it."""
    (home.folder / "configs" / f"{name}.yml").write_text(text, encoding="utf-8")
    home.restart()


def test_after_another_query_rules_learn_and_say_since_when(home: Home) -> None:
    """A wider query counts what was never stored before; other topics' rules go on."""
    write(home, "topics", crisis.TOPICS_YML.replace("query: acme", "query: acme OR kettle"))
    home.clock.now += HOUR
    told = home.evaluate()
    assert {one.outcome for one in told.values()} == {Outcome.LEARNING}
    for name in (VOLUME, NEGATIVE, MOVE, TREND):
        assert (
            "learning since the query of Acme changed on 5 Mar, day 1 of 14" in told[name].message
        )
    home.clock.now += 2 * DAY + 6 * HOUR
    assert ", day 3 of 14; until then from" in home.evaluate()[VOLUME].message
    sentence = "".join(
        part.text for part in Queries(home.application).overview(Scope(topics=("Acme",))).sentence
    )
    assert "being learned since the query of Acme changed on 5 Mar, day" in sentence


def test_what_was_counted_before_is_still_drawn(home: Home) -> None:
    """Bars of the old query are no gap; only what is usual is not known."""
    write(home, "topics", crisis.TOPICS_YML.replace("query: acme", "query: acme OR kettle"))
    home.evaluate()
    volume = Queries(home.application).volume(Scope(topics=("Acme",)))
    assert all(point.is_covered for point in volume)
    assert sum(point.count for point in volume) > 50
    assert {point.expected for point in volume} == {None}


def test_a_mistake_that_was_mended_loses_an_hour(home: Home) -> None:
    """The old query tagged the weeks before as it tags from now on."""
    write(home, "topics", crisis.TOPICS_YML.replace("query: acme", "query: acme OR kettle"))
    home.evaluate()
    home.clock.now += HOUR / 4
    write(home, "topics", crisis.TOPICS_YML)
    home.clock.now += 3 * HOUR
    assert set(states(home).values()) >= {Outcome.QUIET}
    assert home.evaluate()[VOLUME].outcome is Outcome.QUIET
    assert home.evaluate()[NEGATIVE].outcome is Outcome.QUIET


def test_another_model_is_nothing_to_rules_about_volume(home: Home) -> None:
    """A negative rule reads the share of one model's scores alone."""
    write(home, "settings", crisis.SETTINGS_YML + "models:\n  minimum_confidence: 0.9\n")
    home.clock.now += HOUR
    told = home.evaluate()
    assert told[NEGATIVE].outcome is Outcome.LEARNING
    assert "since the sentiment model changed on 5 Mar" in told[NEGATIVE].message
    assert told[VOLUME].outcome is Outcome.QUIET


def test_excluding_a_term_in_the_dashboard_costs_no_history(home: Home) -> None:
    """It takes the topic off what was stored, and history is of the new query at once."""
    actions = Actions(home.application, Queries(home.application))
    edit = actions.preview_exclusion("Acme", "sturdy")
    assert actions.save_exclusion(edit) > 0
    home.restart()
    home.clock.now += HOUR
    told = home.evaluate()
    assert told[VOLUME].outcome is Outcome.QUIET
    words = [one.words for one in home.application.state.versions.all() if one.words]
    assert words == ["query of Acme changed"]
