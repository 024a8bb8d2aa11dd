"""What real life does to rules: silence, gaps and clocks, over a real index, state and mails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.alerting import Outcome
from core.mention import Mention
from core.ports import Delivery as Arrived
from core.ports import Poll, PollStatus
from tests.fakes import crisis
from tests.integration.test_rule_kinds import Home, body

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALERTS = """\
- {name: Volume, kind: volume_spike, topic: Acme}
- {name: Anger, kind: negative_spike, topic: Acme}
"""


def home_at(folder: Path, now: datetime, mentions: Iterable[Mention], zone: str = "UTC") -> Home:
    """Return a home at ``now`` that holds ``mentions``."""
    settings = crisis.SETTINGS_YML + f"time_zone: {zone}\n"
    home = Home(crisis.write_home(folder, settings=settings, alerts=ALERTS))
    home.now = now
    home.application.index.apply(list(mentions), now)
    return home


def steady(start: datetime, end: datetime, apart: timedelta, first: int = 0) -> Sequence[Mention]:
    """Return a mention each ``apart`` from ``start`` to ``end``."""
    return [
        crisis.mention(
            first + number, start + number * apart, f"acme as ever, number {first + number}"
        )
        for number in range((end - start) // apart)
    ]


def outcomes_over(home: Home, length: timedelta, step: timedelta) -> set[Outcome]:
    """Return all outcomes of judging every ``step`` from now on for ``length``."""
    found: set[Outcome] = set()
    for _ in range(length // step):
        found |= {one.outcome for one in home.evaluate().values()}
        home.now += step
    return found


def test_three_mentions_in_a_month_ring_nobody(tmp_path: Path) -> None:
    """The third one comes now, and is no burst."""
    home = home_at(tmp_path, crisis.NOW, steady(crisis.NOW - 30 * DAY, crisis.NOW + DAY, 15 * DAY))
    assert outcomes_over(home, 2 * HOUR, 20 * MINUTE) == {Outcome.QUIET}
    assert home.mails == []
    home.application.close()


def test_nothing_after_a_first_mention_rings_nobody(tmp_path: Path) -> None:
    """Four weeks of noughts are quiet, not an alarm and not an error."""
    home = home_at(tmp_path, crisis.NOW, [crisis.mention(1, crisis.NOW - 28 * DAY, "acme")])
    assert outcomes_over(home, HOUR, 20 * MINUTE) == {Outcome.QUIET}
    home.application.close()


@pytest.mark.parametrize("minutes", [1, 30])
def test_a_topic_that_begins_today_rings_for_a_burst_alone(tmp_path: Path, minutes: int) -> None:
    """How lively it is from its first minute is no burst; ten times as much is."""
    began = crisis.NOW - 20 * MINUTE
    end = began + 7 * HOUR
    home = home_at(tmp_path, crisis.NOW, steady(began, end, minutes * MINUTE))
    assert outcomes_over(home, 5 * HOUR, 30 * MINUTE) == {Outcome.LEARNING}
    burst = steady(home.now - HOUR, home.now, minutes * MINUTE / 20, first=100_000)
    home.application.index.apply(list(burst), home.now)
    assert home.evaluate()["Volume"].outcome is Outcome.TOLD
    home.application.close()


def test_a_year_of_outage_is_no_quiet_year(tmp_path: Path) -> None:
    """What comes when the sources are back is no burst beside a year in which none answered."""
    back = crisis.NOW - 3 * HOUR
    before = steady(back - 395 * DAY, back - 365 * DAY, HOUR)
    after = steady(back, crisis.NOW + 3 * HOUR, 10 * MINUTE, first=50_000)
    home = home_at(tmp_path, crisis.NOW, [*before, *after])
    state = home.application.state
    for hours in range(70 * 24, 3, -1):
        state.record_poll(Poll("Daily", crisis.NOW - hours * HOUR, PollStatus.ERROR, reason="gone"))
    for tens in range(18, -18, -1):
        state.record_poll(Poll("Daily", crisis.NOW - tens * 10 * MINUTE, PollStatus.OK))
    assert outcomes_over(home, 2 * HOUR, 30 * MINUTE) == {Outcome.LEARNING}
    assert home.mails == []
    home.application.close()


@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]
)
def test_the_clocks_change_and_nobody_is_told(tmp_path: Path, change: datetime) -> None:
    """A rhythm of the wall clock that moves by an hour against UTC rings in neither direction."""
    until = change + 2 * DAY
    rhythm = crisis.ordinary(days=44, until=until)
    moved = [
        one
        if one.published_at < change
        else one.model_copy(update={"published_at": one.published_at + shift})
        for shift in [timedelta(hours=-1 if change.month == 3 else 1)]
        for one in rhythm
    ]
    home = home_at(tmp_path, change - 2 * HOUR, moved, "Europe/Berlin")
    assert outcomes_over(home, 26 * HOUR, 30 * MINUTE) == {Outcome.QUIET}
    home.application.close()


def test_clocks_of_sources_that_are_wrong_make_no_burst(tmp_path: Path) -> None:
    """A source three hours ahead and one two days behind add to hours, and ring nobody."""
    now = crisis.NOW
    home = home_at(tmp_path, now, crisis.ordinary())
    for offset, first in ((3 * HOUR, 300_000), (-2 * DAY, 400_000)):
        skewed = steady(now - HOUR + offset, now + offset, 20 * MINUTE, first)
        home.add(*(one.model_copy(update={"collected_at": now}) for one in skewed))
    assert {one.outcome for one in home.evaluate().values()} == {Outcome.QUIET}
    home.application.close()


def test_a_clock_that_steps_back_tells_nothing_twice(tmp_path: Path) -> None:
    """After a step of the machine's clock the incident is the same, and no second mail is sent."""
    home = home_at(tmp_path, crisis.NOW, crisis.ordinary())
    home.application.index.apply(crisis.crisis(60), crisis.NOW)
    assert home.evaluate()["Volume"].outcome is Outcome.TOLD
    sent = home.subjects
    home.now -= 40 * MINUTE
    home.evaluate()
    home.now += 40 * MINUTE
    home.evaluate()
    assert home.subjects == sent
    assert len(home.application.state.incidents()) == 2
    home.application.close()


def test_an_alert_of_ours_that_comes_back_counts_for_nothing(tmp_path: Path) -> None:
    """Forwarded in a hundred posts it matches no topic; the same posts without our link do."""
    home = home_at(tmp_path, crisis.NOW, crisis.ordinary())
    home.application.index.apply(crisis.crisis(60), crisis.NOW)
    home.evaluate()
    quoted = body(home.mails[0])
    assert "acme" in quoted.lower()
    posts = [crisis.mention(700_000 + n, crisis.NOW, f"{n} fwd: {quoted}") for n in range(100)]
    plain = [crisis.mention(800_000 + n, crisis.NOW, f"{n} fwd: acme refund") for n in range(3)]
    receipt = home.application.intake().deliver(Arrived("Mailbox", [*posts, *plain]))
    assert (receipt.new, receipt.unmatched) == (3, 100)
    home.application.close()
