"""Data that comes late: sources that were down and a machine that slept, over a real home."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.mention import Mention, TopicTag
from core.ports import Poll, PollStatus
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

pytestmark = pytest.mark.slow

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SOURCES = """\
- {name: Fediverse, type: mastodon, url: "https://social.example", hashtags: [acme]}
- {name: Daily, type: feed, url: "https://daily.example/feed"}
"""
ALERTS = """\
- {name: Volume, kind: volume_spike, topic: Acme}
- {name: Anger, kind: negative_spike, topic: Acme}
"""
NOON = crisis.NOW - 3 * HOUR
EVENING = crisis.NOW.replace(hour=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks of calm until one at night, to copy."""
    folder = crisis.write_home(tmp_path_factory.mktemp("late"), alerts=ALERTS, sources=SOURCES)
    home = Home(folder)
    home.application.index.apply(said(None, EVENING), EVENING)
    home.application.close()
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own, at one at night, its sources asked for a day."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "own")))
    for hours in range(48, -1, -1):
        made.clock.now = EVENING - hours * HOUR / 2
        poll(made, "Fediverse", "Daily")
    yield made
    made.application.close()


def said(start: datetime | None, end: datetime) -> list[Mention]:
    """Return the ordinary mentions of six weeks that were published in this time."""
    return [
        one
        for one in crisis.ordinary()
        if (start is None or one.published_at >= start) and one.published_at < end
    ]


def poll(home: Home, *sources: str, fails: Sequence[str] = ()) -> None:
    """Ask sources now; those that fail are down."""
    for name in sources:
        home.application.state.record_poll(Poll(name, home.clock.now, PollStatus.OK))
    for name in fails:
        poll = Poll(name, home.clock.now, PollStatus.ERROR, reason="HTTP 503")
        home.application.state.record_poll(poll)


def bring(home: Home, mentions: Sequence[Mention], source: str = "Fediverse") -> None:
    """Let mentions become known now, by ``source``."""
    update = {"known_at": None, "collected_at": home.clock.now, "sources": (source,)}
    made = [one.model_copy(update=update) for one in mentions]
    home.application.index.apply(made, home.clock.now)


def go_on(home: Home, length: timedelta, step: timedelta = 30 * MINUTE) -> None:
    """Let time pass: sources answer, bring what is said, and rules are judged."""
    until = home.clock.now + length
    while home.clock.now < until:
        before = home.clock.now
        home.clock.now += step
        poll(home, "Fediverse", "Daily")
        bring(home, said(before, home.clock.now))
        home.evaluate()


def fail(home: Home, length: timedelta, step: timedelta = 30 * MINUTE) -> None:
    """Let time pass in which one source is down and the other has nothing to say."""
    until = home.clock.now + length
    while home.clock.now < until:
        home.clock.now += step
        poll(home, "Daily", fails=["Fediverse"])
        home.evaluate()


def mails_of(home: Home, rule: str) -> list[EmailMessage]:
    """Return what one rule mailed."""
    return [mail for mail in home.mailer.sent if mail["X-Groundswell-Rule"] == rule]


def text_of(mail: EmailMessage) -> str:
    """Return a mail's text part, in one line."""
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


def subject_of(mail: EmailMessage) -> str:
    """Return a mail's subject."""
    return str(mail["Subject"])


def test_a_source_that_was_down_and_replays_is_told_late(home: Home) -> None:
    """What it brings is judged by when it was published, and told once, with why it is late."""
    go_on(home, 9 * HOUR)
    fail(home, 3 * HOUR)
    assert home.mailer.sent == []
    home.clock.now += 5 * MINUTE
    poll(home, "Fediverse", "Daily")
    burst = crisis.crisis(60, home.clock.now - 150 * MINUTE, 30 * MINUTE)
    bring(home, [*said(home.clock.now - 185 * MINUTE, home.clock.now), *burst])
    outcomes = home.evaluate()
    assert "told 2 h late: the source Fediverse was down 10:00-13:05" in outcomes["Volume"].message
    (mail,) = mails_of(home, "Volume")
    assert subject_of(mail).endswith(", told 2 h late")
    assert "Told 2 h late: the source Fediverse was down 10:00-13:05." in text_of(mail)
    assert len(mails_of(home, "Anger")) == 1
    go_on(home, 8 * HOUR)
    assert steps_of(home, "Volume") == ["opened", "resolved"]
    assert steps_of(home, "Anger") == ["opened"]


def steps_of(home: Home, rule: str) -> list[str]:
    """Return the steps that one rule mailed, in order."""
    keys = [str(mail["Message-ID"]).split(".")[1] for mail in mails_of(home, rule)]
    return [key.partition("@")[0] for key in keys]


def test_a_night_asleep_with_a_burst_is_told_once(home: Home) -> None:
    """A burst at three that is over is told at nine, as over, in one mail."""
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    burst = crisis.crisis(60, EVENING + 2 * HOUR, 40 * MINUTE)
    bring(home, [*said(EVENING, home.clock.now), *burst])
    outcomes = home.evaluate()
    assert outcomes["Volume"].message == "opened, told 6 h late: nobody collected 01:00-09:00"
    (mail,) = mails_of(home, "Volume")
    text = text_of(mail)
    assert " times the volume from 03:00 to 03:" in subject_of(mail)
    assert subject_of(mail).endswith(", told 6 h late")
    assert text.startswith("Acme · Volume Acme had ")
    assert "Told 6 h late: nobody collected 01:00-09:00. It is over." in text
    (incident,) = [one for one in home.application.state.incidents() if one.rule == "Volume"]
    assert incident.resolved_at == home.clock.now
    # The longest window of a negative rule, of twelve hours, holds the burst still.
    (mail,) = mails_of(home, "Anger")
    assert "negative since 03:00, told 6 h late" in subject_of(mail)
    go_on(home, 9 * HOUR)
    assert steps_of(home, "Volume") == ["opened"]
    assert steps_of(home, "Anger") == ["opened", "resolved"]


def test_two_bursts_of_a_night_are_one_mail(home: Home) -> None:
    """However much was missed, and when it comes, a rule tells it once."""
    home.clock.now += 11 * HOUR
    poll(home, "Fediverse", "Daily")
    for hours in (1, 4):
        bring(home, crisis.crisis(60, EVENING + hours * HOUR, 20 * MINUTE))
    bring(home, said(EVENING, home.clock.now))
    home.evaluate()
    bring(home, crisis.crisis(70, EVENING + 2 * HOUR, 20 * MINUTE))
    go_on(home, 3 * HOUR)
    assert steps_of(home, "Volume") == ["opened"]
    assert " from 02:00 to 05:" in subject_of(mails_of(home, "Volume")[0])


def test_a_night_asleep_without_a_burst_rings_nobody(home: Home) -> None:
    """The posts of eight hours at once are no burst."""
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, said(EVENING, home.clock.now))
    go_on(home, 6 * HOUR)
    assert home.mailer.sent == []


def test_a_silent_night_asleep_rings_nobody(home: Home) -> None:
    """Sources that bring nothing of the night leave it unknown."""
    home.clock.now += 8 * HOUR
    go_on(home, 6 * HOUR)
    assert home.mailer.sent == []


def test_what_lasts_when_the_machine_wakes_is_told_as_lasting(home: Home) -> None:
    """A crisis that began at night and goes on opens one incident, and is told late."""
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, said(EVENING, home.clock.now))
    bring(home, crisis.crisis(120, EVENING + 5 * HOUR, 3 * HOUR))
    home.evaluate()
    (mail,) = mails_of(home, "Volume")
    assert subject_of(mail).endswith("late")
    (incident,) = [one for one in home.application.state.incidents() if one.rule == "Volume"]
    assert incident.resolved_at is None
    go_on(home, 6 * HOUR)
    assert [one.partition("-")[0] for one in home.mailer.steps].count("opened") == 2


def test_what_was_imported_rings_nobody(home: Home) -> None:
    """Old mentions from a file are history, in a gap and out of one."""
    home.clock.now += 30 * HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, crisis.crisis(60, EVENING + 2 * HOUR, 20 * MINUTE), "import")
    bring(home, crisis.crisis(60, EVENING - 20 * HOUR, 20 * MINUTE), "import")
    go_on(home, 4 * HOUR)
    assert home.mailer.sent == []


def test_an_incident_that_was_told_is_not_told_late(home: Home) -> None:
    """A crisis that was open when the machine fell asleep is the same one after it."""
    bring(home, crisis.crisis(60, EVENING - 40 * MINUTE, 40 * MINUTE))
    home.evaluate()
    assert len(home.mailer.sent) == 2
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, [*said(EVENING, home.clock.now), *crisis.crisis(40, EVENING, 20 * MINUTE)])
    go_on(home, 6 * HOUR)
    assert home.mailer.steps.count("opened") == 2


def test_what_was_missed_is_told_beside_another_crisis(home: Home) -> None:
    """While a source was down something burst, and since then something else is on."""
    fail(home, 10 * HOUR)
    home.application.index.apply(said(EVENING, home.clock.now), home.clock.now)
    live = crisis.crisis(80, home.clock.now, HOUR)
    home.clock.now += HOUR
    poll(home, "Daily", fails=["Fediverse"])
    bring(home, live, "Daily")
    home.evaluate()
    assert steps_of(home, "Volume") == ["opened"]
    home.clock.now += 5 * MINUTE
    poll(home, "Fediverse", "Daily")
    bring(home, crisis.crisis(60, EVENING + 3 * HOUR, 30 * MINUTE))
    home.evaluate()
    live_mail, late_mail = mails_of(home, "Volume")
    assert "late" not in subject_of(live_mail)
    assert "Told 8 h late: the source Fediverse was down" in text_of(late_mail)
    home.evaluate()
    assert len(mails_of(home, "Volume")) == 2
    assert home.application.state.open_incident("Volume") is not None


@pytest.mark.parametrize("is_new", [False, True])
def test_a_topic_that_is_younger_than_the_gap_is_told_nothing_of_it(
    home: Home, is_new: bool
) -> None:
    """Its mentions come late because nobody had asked for them; no source was to blame."""
    rules = home.folder / "configs" / "alerts.yml"
    rules.write_text(f"{ALERTS}- {{name: Young, kind: volume_spike, topic: Quiet}}\n")
    home.restart()
    whole = home.application.configuration
    if is_new:
        topics = tuple(one for one in whole.topics if one.name == "Acme")
        home.application.configuration = whole.model_copy(
            update={"topics": topics, "alerts": whole.alerts[:2]}
        )
    home.evaluate()
    home.clock.now += 8 * HOUR
    home.restart()
    poll(home, "Fediverse", "Daily")
    night = crisis.crisis(60, EVENING + 2 * HOUR, 40 * MINUTE)
    tags = (TopicTag(name="Quiet"),)
    past = [*said(None, home.clock.now), *night]
    quiet = [one.model_copy(update={"id": f"q{one.id}", "topics": tags}) for one in past]
    bring(home, quiet)
    home.clock.now += MINUTE
    home.evaluate()
    assert len(mails_of(home, "Young")) == (0 if is_new else 1)


def test_a_second_wave_while_asleep_is_the_same_crisis(home: Home) -> None:
    """Where it lasts, the open incident grows; nobody is told that it is over."""
    bring(home, crisis.crisis(60, EVENING - 40 * MINUTE, 40 * MINUTE))
    home.evaluate()
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    wave = crisis.crisis(300, home.clock.now - 130 * MINUTE, 130 * MINUTE)
    bring(home, [*said(EVENING, home.clock.now), *wave])
    home.evaluate()
    assert [step.partition("-")[0] for step in steps_of(home, "Volume")] == ["opened", "doubled"]
    assert "It is over." not in text_of(mails_of(home, "Volume")[-1])
    incident = home.application.state.open_incident("Volume")
    assert incident is not None
    assert incident.total > 300


def test_a_second_wave_that_is_over_is_told_by_itself(home: Home) -> None:
    """Its mail counts its own mentions, and says from when to when it was."""
    bring(home, crisis.crisis(60, EVENING - 40 * MINUTE, 40 * MINUTE))
    home.evaluate()
    home.clock.now += 10 * HOUR
    poll(home, "Fediverse", "Daily")
    wave = crisis.crisis(200, EVENING + 6 * HOUR, 40 * MINUTE)
    bring(home, [*said(EVENING, home.clock.now), *wave])
    home.evaluate("Volume")
    _, late = mails_of(home, "Volume")
    (told,) = [one for one in home.application.state.incidents() if one.first.late]
    assert 180 <= told.total <= 230
    assert told.first.started_at >= EVENING
    assert told.first.late is not None
    assert EVENING + 6.5 * HOUR <= told.first.late.last_at <= EVENING + 7.5 * HOUR
    assert "It is over." in text_of(late)


@pytest.mark.parametrize("brought_by", ["Fediverse", "export"])
def test_what_came_while_no_rule_was_judged_is_told_late(home: Home, brought_by: str) -> None:
    """Sources were asked all night, and whoever judges was down; what was imported tells nobody."""
    home.evaluate()
    until = home.clock.now + 8 * HOUR
    burst = crisis.crisis(90, EVENING + HOUR, 40 * MINUTE)
    while home.clock.now < until:
        before = home.clock.now
        home.clock.now += HOUR
        poll(home, "Fediverse", "Daily")
        talk = [*said(before, home.clock.now)]
        talk += [one for one in burst if before <= one.published_at < home.clock.now]
        bring(home, talk, brought_by)
    home.evaluate("Volume")
    if brought_by == "export":
        assert home.mailer.sent == []
        return
    (mail,) = mails_of(home, "Volume")
    assert "late: no rule was judged 01:00-09:00." in text_of(mail)
    home.clock.now += MINUTE
    home.evaluate("Volume")
    assert len(mails_of(home, "Volume")) == 1


def test_what_waited_to_be_read_is_told_late(home: Home) -> None:
    """Sources were asked and rules judged all night, and the enricher was down."""
    held = []
    for hours in range(8):
        start = EVENING + hours * HOUR
        home.clock.now = start + HOUR
        poll(home, "Fediverse", "Daily")
        held += said(start, home.clock.now)
        home.evaluate()
    held += crisis.crisis(90, EVENING + HOUR, 40 * MINUTE)
    assert home.mailer.sent == []
    # It was collected when it was published, and is known only now.
    known = [one.model_copy(update={"known_at": None}) for one in held]
    home.application.index.apply(known, home.clock.now)
    home.evaluate("Volume")
    (mail,) = mails_of(home, "Volume")
    assert "h late: what was collected was not read 01:0" in text_of(mail)
    go_on(home, 4 * HOUR)
    assert steps_of(home, "Volume") == ["opened"]


def test_the_same_data_has_the_same_answer(home: Home) -> None:
    """Judged again without saving, and as of the same instant later, nothing differs."""
    home.clock.now += 8 * HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, [*said(EVENING, home.clock.now), *crisis.crisis(60, EVENING + 2 * HOUR, HOUR)])
    at = home.clock.now
    first = home.evaluate(dry_run=True)
    assert "late" in first["Volume"].message
    assert home.evaluate(dry_run=True) == first
    for later in range(1, 9):
        home.clock.now = at + later * HOUR / 2
        poll(home, "Fediverse", "Daily")
    home.clock.now = at
    assert home.evaluate(dry_run=True) == first


def test_an_instant_of_an_outage_is_judged_as_it_was(home: Home) -> None:
    """What a source brought after it was down is not known as of the middle of the outage."""
    go_on(home, 9 * HOUR)
    fail(home, 3 * HOUR)
    at = home.clock.now
    first = home.evaluate(dry_run=True)
    assert first["Volume"].message.startswith("quiet")
    home.clock.now += HOUR
    poll(home, "Fediverse", "Daily")
    bring(home, crisis.crisis(90, at - 40 * MINUTE, 30 * MINUTE))
    assert "late" in home.evaluate(dry_run=True)["Volume"].message
    home.clock.now = at
    assert home.evaluate(dry_run=True) == first


GROUP = """\
- {name: Acme, query: acme, group: brands, kind: own}
- {name: Globex, query: globex, group: brands, kind: competitor}
"""
MOVES = "- {name: Move, kind: competitor_move, topic: Globex}\n"


def test_a_competitors_move_that_was_missed_is_told_late(tmp_path: Path) -> None:
    """The share of voice of a gap is judged like volume and anger."""
    home = Home(crisis.write_home(tmp_path, topics=GROUP, alerts=MOVES, sources=SOURCES))
    calm = said(None, EVENING)
    home.application.index.apply(
        [one if at % 4 else _as_globex(one) for at, one in enumerate(calm, start=1)], EVENING
    )
    home.clock.now = EVENING
    poll(home, "Fediverse", "Daily")
    home.clock.now += 30 * HOUR
    poll(home, "Fediverse", "Daily")
    loud = [_as_globex(one) for one in crisis.crisis(90, EVENING + 8 * HOUR, 2 * HOUR)]
    bring(home, [*said(EVENING, home.clock.now), *loud])
    outcome = home.evaluate()["Move"]
    assert "late: nobody collected from Thu 01:00 to Fri 07:00" in outcome.message
    (mail,) = home.mailer.sent
    assert subject_of(mail).endswith("late")
    assert "It is over." in text_of(mail)
    home.application.close()


def _as_globex(mention: Mention) -> Mention:
    """Return the mention as one of the competitor."""
    return mention.model_copy(update={"topics": (TopicTag(name="Globex"),)})


def test_three_days_of_sleep_tell_the_last_two(home: Home) -> None:
    """A burst of sixty hours ago is history, one of twenty is told."""
    home.clock.now += 72 * HOUR
    poll(home, "Fediverse", "Daily")
    now = home.clock.now
    bring(home, crisis.crisis(90, now - 60 * HOUR, 20 * MINUTE))
    bring(home, crisis.crisis(90, now - 20 * HOUR, 20 * MINUTE))
    home.evaluate()
    (mail,) = mails_of(home, "Volume")
    assert "nobody collected from Thu 01:00 to Sun 01:00" in text_of(mail)
    (incident,) = [one for one in home.application.state.incidents() if one.rule == "Volume"]
    assert incident.first.started_at > now - 21 * HOUR


def test_a_year_of_sleep_rings_nobody_and_takes_no_time(home: Home) -> None:
    """What came of it is no burst beside a year that nobody knows, and is judged in seconds."""
    home.clock.now += timedelta(days=365)
    poll(home, "Fediverse", "Daily")
    bring(home, crisis.crisis(90, home.clock.now - 20 * HOUR, 20 * MINUTE))
    begun = time.process_time()
    home.evaluate()
    assert time.process_time() - begun < 10
    assert home.mailer.sent == []
