"""While a topic's past is being fetched or imported, no rule says what is usual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.alerting import Outcome
from core.mention import Mention
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return a home that has collected for three weeks, and where a crisis is on."""
    made = Home(crisis.write_home(tmp_path))
    made.application.index.apply(crisis.ordinary(21), crisis.NOW)
    made.add(60, crisis.BEGAN)
    yield made
    made.application.close()


def fetched_now(count: int, until_days: int) -> list[Mention]:
    """Return ``count`` mentions of long ago that became known this moment."""
    past = crisis.ordinary(42, seed=9)
    chosen = [one for one in past if one.published_at < crisis.NOW - until_days * DAY][:count]
    return [
        one.model_copy(update={"id": f"{one.id}-past", "known_at": crisis.NOW}) for one in chosen
    ]


def test_rules_wait_while_history_comes_in(home: Home) -> None:
    """Half of the past has arrived: nobody is mailed numbers that the other half changes."""
    home.application.index.apply(fetched_now(1000, 21), crisis.NOW)
    outcomes = home.evaluate()
    assert {one.outcome for one in outcomes.values()} == {Outcome.LEARNING}
    assert "history is still coming in" in outcomes["Acme volume"].message
    assert home.mailer.sent == []
    home.clock.now += timedelta(seconds=16)
    assert home.evaluate()["Acme volume"].outcome is Outcome.TOLD


def test_an_incident_goes_on_meanwhile(home: Home) -> None:
    """What was told is neither over nor told anew because history is fetched."""
    home.evaluate()
    told = len(home.mailer.sent)
    home.application.index.apply(fetched_now(1000, 21), crisis.NOW)
    outcomes = home.evaluate()
    assert outcomes["Acme volume"].incident is not None
    assert len(home.mailer.sent) == told
    assert home.application.state.open_incident("Acme volume") is not None


def test_a_few_old_mentions_delay_nothing(home: Home) -> None:
    """A feed that shows an old article now and then keeps no rule from being judged."""
    home.application.index.apply(fetched_now(4, 21), crisis.NOW)
    assert home.evaluate()["Acme volume"].outcome is Outcome.TOLD


def test_the_past_of_another_topic_delays_nothing(home: Home) -> None:
    """Each topic waits for its own history alone."""
    past = [
        one.model_copy(
            update={"topics": tuple(t.model_copy(update={"name": "Quiet"}) for t in one.topics)}
        )
        for one in fetched_now(1000, 21)
    ]
    home.application.index.apply(past, crisis.NOW)
    assert home.evaluate()["Acme volume"].outcome is Outcome.TOLD
