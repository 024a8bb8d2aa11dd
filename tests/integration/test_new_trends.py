"""The rule about new trends: once each, and again when one comes back after quiet days."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.alerting import Outcome
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALERTS = "- {name: News, kind: new_trend, topic: Acme, minimum: 8}\n"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with calm weeks, the last two of which are to come, to copy."""
    made = Home(crisis.write_home(tmp_path_factory.mktemp("trends"), alerts=ALERTS))
    calm = crisis.ordinary(40, crisis.NOW + 14 * DAY)
    made.application.index.apply(calm, crisis.NOW - 30 * DAY)
    made.application.close()
    return made.folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "of-its-own")))
    yield made
    made.application.close()


def burst(home: Home, after: timedelta) -> Outcome:
    """Let a hashtag burst for an hour that ends so long after now; return what its rule does."""
    home.clock.now = crisis.NOW + after
    home.add(40, home.clock.now - HOUR)
    return home.evaluate()["News"].outcome


def test_a_trend_is_told_once_while_it_lasts(home: Home) -> None:
    """Hours and days later the same hashtag is no news, also when it bursts again."""
    assert burst(home, HOUR) is Outcome.TOLD
    assert burst(home, 5 * HOUR) is Outcome.QUIET
    assert burst(home, 4 * DAY) is Outcome.QUIET
    assert burst(home, 10 * DAY) is Outcome.QUIET
    (mail,) = home.mailer.sent
    assert "#refundnow bursts" in str(mail["Subject"])


def test_a_trend_that_comes_back_after_a_quiet_week_is_told_again(home: Home) -> None:
    """It is an incident of its own, with a mail and a Message-ID of its own."""
    assert burst(home, HOUR) is Outcome.TOLD
    assert burst(home, 9 * DAY) is Outcome.TOLD
    first, second = home.mailer.sent
    assert first["Message-ID"] != second["Message-ID"]
    assert "again when it comes back after 7 quiet days" in str(second.get_body(("plain",)))
    assert len(home.application.state.incidents()) == 2


def test_a_trend_that_grows_through_the_night_is_told_once(home: Home) -> None:
    """Beside what it has grown to its beginning looks quiet; that makes it no other trend."""
    hours = (3, 3, 4, 3, 2, 3, 3, 3, 3, 12, 25, 40)
    for number, count in enumerate(hours):
        home.clock.now = crisis.NOW + (number + 1) * HOUR
        home.add(count, home.clock.now - HOUR)
        home.evaluate()
    assert len(home.mailer.sent) == 1


def test_all_terms_share_the_budget_not_only_those_of_now(home: Home) -> None:
    """Of a thousand hashtags one is said four times in an hour by chance; forty are news."""
    (rule,) = home.application.configuration.alerts
    generous = rule.model_copy(update={"minimum": 3})
    home.application.configuration = home.application.configuration.model_copy(
        update={"alerts": (generous,)}
    )
    home.clock.now = crisis.NOW + HOUR
    said = [
        crisis.mention(9_500_000 + n, crisis.NOW - n * HOUR / 3, f"acme {n}", None, [f"tag{n}"])
        for n in range(1_000)
    ]
    rare = [n * 50 * HOUR for n in range(1, 6)] + [n * HOUR / 10 for n in range(4)]
    said += [
        crisis.mention(9_700_000 + n, home.clock.now - ago - HOUR / 20, f"so {n}", None, ["rare"])
        for n, ago in enumerate(rare)
    ]
    home.application.index.apply(said, home.clock.now)
    assert home.evaluate()["News"].message == "quiet: nothing bursts"
    assert burst(home, 2 * HOUR) is Outcome.TOLD


def test_the_topics_own_words_are_no_trend(home: Home) -> None:
    """Who says only the brand's name, as a word and as a hashtag, begins no trend."""
    home.clock.now = crisis.NOW + HOUR
    said = [
        crisis.mention(9_000_000 + n, crisis.NOW + n * timedelta(minutes=1), "acme", None, ["acme"])
        for n in range(50)
    ]
    home.application.index.apply(said, home.clock.now)
    assert home.evaluate()["News"].message == "quiet: nothing bursts"
