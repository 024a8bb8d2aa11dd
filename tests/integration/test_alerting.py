"""From mentions to mails: the rules over a real index and state, round after round."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.handling import Deed
from alerts.incident import IncidentStep
from alerts.notification import DeliveryState
from app.alerting import Outcome, RuleOutcome, watch_rules
from app.awake import awake_since
from app.counting import Counts
from app.delivering import Outbox, Sent
from app.handling import IncidentDesk
from app.judging import FIRST_TOLD, STEP
from app.kinds import KINDS
from app.previewing import preview
from app.queries import Queries
from app.rounds import Found
from app.scope_reading import parse_scope
from core.errors import QuarantineError, QueryError, RetryableError, UsageError
from core.mention import Mention
from core.ports import Poll, PollStatus
from core.questions import Selection
from core.rules import RuleKind
from core.window import TimeWindow
from insights.series import Series
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

MINUTES = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_crisis_is_told_once_by_each_rule(home: Home) -> None:
    """Both kinds of rule tell the crisis, and evaluating again and again tells nothing more."""
    first = home.evaluate()
    assert [one.outcome for one in first.values()] == [Outcome.TOLD, Outcome.TOLD]
    assert {one.step for one in first.values()} == {IncidentStep.OPENED}
    for minute in range(5):
        home.clock.now += MINUTES
        if minute == 2:
            home.restart()
        again = home.evaluate()
        assert [one.outcome for one in again.values()] == [Outcome.OPEN, Outcome.OPEN]
    assert home.mailer.steps == ["opened", "opened"]
    assert len(home.application.state.incidents()) == 2


def test_calm_tells_nothing(home: Home) -> None:
    """Half an hour before the crisis the rules are quiet and say what is usual."""
    home.clock.now = crisis.BEGAN - 30 * MINUTES
    outcomes = home.evaluate()
    assert [one.outcome for one in outcomes.values()] == [Outcome.QUIET, Outcome.QUIET]
    assert "usual" in outcomes["Acme volume"].message
    assert not home.mailer.sent


def test_number_in_the_mail_is_the_number_behind_its_link(home: Home) -> None:
    """Each link of each mail opens, in the dashboard's own words, as many mentions as it says.

    Also later, when more became known of that time: the link carries the instant of the mail.
    """
    home.evaluate()
    application = home.application
    home.clock.now += 20 * MINUTES
    late = [one.model_copy(update={"known_at": None}) for one in crisis.crisis(7, crisis.BEGAN)]
    application.index.apply([_renamed(one, n) for n, one in enumerate(late)], home.clock.now)
    application.index.refresh()
    for message in home.mailer.sent:
        body = message.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        links = [line.strip() for line in text.splitlines() if "://" in line]
        links = [link for link in links if not link.startswith("https://listen.example/act?t=")]
        assert all(link.startswith("https://listen.example/mentions?") for link in links)
        counts = []
        for link in links:
            scope, problems = parse_scope(
                parse_qs(urlsplit(link).query), application.configuration, home.clock.now
            )
            assert not problems
            counts.append(Queries(application).count(scope))
        assert counts == [1] * (len(links) - 1) + [int(text.split("See the ")[1].split()[0])]
        assert f"{counts[-1]} " in text.split("\n")[3]


def _renamed(mention: Mention, number: int) -> Mention:
    """Return the mention as another one, which nobody had seen."""
    return mention.model_copy(update={"id": f"late-{number}"})


def test_machine_that_slept_calls_nothing_over(home: Home) -> None:
    """After eight hours without a poll an incident is not over; two hours of listening later it is.

    Nobody had listened: the silence says nothing.
    """
    poll = Poll("Fediverse", crisis.NOW, PollStatus.OK)
    home.application.state.record_poll(poll)
    home.evaluate("Acme volume")
    home.clock.now += timedelta(hours=8)
    assert home.evaluate("Acme volume")["Acme volume"].step is None
    assert home.mailer.steps == ["opened"]
    for _ in range(6):
        home.application.state.record_poll(replace(poll, at=home.clock.now))
        home.clock.now += 30 * MINUTES
        home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened", "resolved"]


def test_snoozed_incident_is_told_afterwards(home: Home) -> None:
    """What doubles while it is snoozed is told when the snooze is over, by what it is then."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    desk = IncidentDesk(home.application)
    desk.do(incident.id, Deed.SNOOZE, "kim", until=home.clock.now + HOUR)
    home.clock.now += 30 * MINUTES
    home.add(90, crisis.NOW, 30 * MINUTES)
    home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened"]
    desk.do(incident.id, Deed.WAKE, "kim")
    home.clock.now += MINUTES
    home.evaluate("Acme volume")
    assert [step.partition("-")[0] for step in home.mailer.steps] == ["opened", "doubled"]


def test_who_wants_mails_again_gets_what_waited(home: Home) -> None:
    """That it is over was to be told when the snooze ends; taking that back tells it now."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    desk = IncidentDesk(home.application)
    desk.do(incident.id, Deed.SNOOZE, "kim", until=home.clock.now + 24 * HOUR)
    home.clock.now += 6 * HOUR
    home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened"]
    desk.do(incident.id, Deed.WAKE, "kim")
    home.application.outbox.deliver_due()
    assert home.mailer.steps == ["opened", "resolved"]


def test_later_mail_says_who_is_on_it(home: Home) -> None:
    """Acknowledged and pinned since, the next mail names who and what."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    desk = IncidentDesk(home.application)
    desk.do(incident.id, Deed.ACKNOWLEDGE, "Kim")
    desk.pin(incident.id, "Kim", "statement", home.clock.now)
    home.clock.now += 30 * MINUTES
    home.add(90, crisis.NOW, 30 * MINUTES)
    home.evaluate("Acme volume")
    body = home.mailer.sent[-1].get_body(("plain",))
    assert body is not None
    assert "Kim is on it since 15:00. 15:00: statement." in body.get_content()


def test_mail_says_what_grew_and_shows_it(home: Home) -> None:
    """The hashtag of the crisis is named, and the mentions that matter are of the crisis."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    assert incident.causes[0].value == "refundnow"
    shown = home.application.index.get(incident.mention_ids)
    assert shown
    assert all("refund" in one.text for one in shown.values())
    assert home.mailer.sent[0].get_content_type() == "multipart/alternative"
    assert b"image/png" in home.mailer.sent[0].as_bytes()


def test_first_mail_names_who_posted_first(home: Home) -> None:
    """The oldest posts of the crisis are named in order, not the ordinary talk beside it."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    angry = crisis.crisis(60, crisis.BEGAN)
    oldest = sorted(angry, key=lambda one: one.published_at)[:5]
    body = home.mailer.sent[0].get_body(("plain",))
    assert body is not None
    (told,) = [line for line in body.get_content().splitlines() if line.startswith("First to post")]
    names = [
        part.split(" (")[0] for part in told.removeprefix("First to post what grew: ").split(", ")
    ]
    assert incident.causes
    assert names == list(dict.fromkeys(f"@{one.author.handle}" for one in oldest if one.author))


def test_doubling_and_resolution_are_told(home: Home) -> None:
    """A crisis that doubles is told again; two quiet hours later its end is, and no more."""
    home.evaluate("Acme volume")
    home.clock.now += 30 * MINUTES
    home.add(90, crisis.NOW, 30 * MINUTES)
    assert home.evaluate("Acme volume")["Acme volume"].step is IncidentStep.DOUBLED
    for _ in range(12):
        home.clock.now += 30 * MINUTES
        home.evaluate("Acme volume")
    assert [step.partition("-")[0] for step in home.mailer.steps] == [
        "opened",
        "doubled",
        "resolved",
    ]
    (incident,) = home.application.state.incidents()
    assert [told.step for told, _ in home.told(incident)] == list(IncidentStep)[:3]
    assert incident.resolved_at is not None


def test_long_incident_is_resolved_by_mail(home: Home) -> None:
    """The end is told however long ago the beginning was."""
    home.evaluate("Acme volume")
    (incident,) = home.application.state.incidents()
    opened = incident.opened_at - timedelta(days=9)
    home.application.state.save_incident(incident.model_copy(update={"opened_at": opened}))
    home.clock.now += timedelta(hours=8)
    home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened", "resolved"]


def test_new_crisis_after_a_resolved_one_is_a_new_incident(home: Home) -> None:
    """What begins after the end of an incident is told as its own, from its own beginning."""
    home.evaluate("Acme volume")
    home.clock.now += timedelta(hours=8)
    home.evaluate("Acme volume")
    home.add(80, home.clock.now, HOUR)
    home.clock.now += HOUR
    home.evaluate("Acme volume")
    second, first = home.application.state.incidents()
    assert home.mailer.steps == ["opened", "resolved", "opened"]
    assert first.resolved_at is not None
    assert second.first.started_at >= first.resolved_at


def test_mail_server_that_is_down_is_waited_for(home: Home) -> None:
    """What could not be told is told at the next round, the end of an incident too."""
    home.mailer.before = RetryableError("nobody listens")
    assert home.evaluate("Acme volume")["Acme volume"].outcome is Outcome.QUEUED
    assert not home.mailer.sent
    home.clock.now += MINUTES
    home.mailer.before = None
    assert home.evaluate("Acme volume")["Acme volume"].outcome is Outcome.TOLD
    home.mailer.before = RetryableError("nobody listens")
    home.clock.now += timedelta(hours=8)
    home.evaluate("Acme volume")
    home.mailer.before = None
    home.clock.now += 10 * MINUTES
    assert home.evaluate("Acme volume")["Acme volume"].destination == "kept 2"
    home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened", "resolved"]


def test_mail_that_waited_two_days_is_not_sent(home: Home) -> None:
    """An incident that is long over is found on the dashboard, not in a mail."""
    home.mailer.before = RetryableError("nobody listens")
    home.evaluate("Acme volume")
    home.clock.now += timedelta(hours=8)
    home.evaluate("Acme volume")
    home.mailer.before = None
    home.clock.now += timedelta(days=3)
    home.evaluate("Acme volume")
    # Where no source is asked, three days without a mention are no news either.
    assert home.mailer.sent == []


def test_refused_mail_is_told_as_refused_and_not_sent_again(home: Home) -> None:
    """A server's "never" stands in the ledger and on the incident."""
    home.mailer.before = QuarantineError("550 spam")
    assert home.evaluate("Acme volume")["Acme volume"].destination == "refused: 550 spam"
    home.mailer.before = None
    home.evaluate("Acme volume")
    assert not home.mailer.sent
    ((_, (delivery,)),) = home.told(home.application.state.incidents()[0])
    assert (delivery.state, delivery.words) == (DeliveryState.REFUSED, "refused: 550 spam")


class Killed(BaseException):
    """The process ends here."""


def test_death_before_sending_loses_no_mail(home: Home) -> None:
    """The incident is saved first, so the next process sends what this one did not."""
    home.mailer.before = Killed()
    with pytest.raises(Killed):
        home.evaluate("Acme volume")
    home.mailer.before = None
    home.restart()
    home.evaluate("Acme volume")
    assert home.mailer.steps == ["opened"]


def test_death_after_sending_doubles_it_under_the_same_id(home: Home) -> None:
    """Where the ledger was not written the mail comes twice, with one Message-ID and content."""
    home.mailer.after = Killed()
    with pytest.raises(Killed):
        home.evaluate("Acme volume")
    home.mailer.after = None
    home.restart()
    home.evaluate("Acme volume")
    first, second = home.mailer.sent
    assert first.as_bytes() == second.as_bytes()
    home.evaluate("Acme volume")
    assert len(home.mailer.sent) == 2


def test_dry_run_saves_and_sends_nothing(home: Home) -> None:
    """It says what would be told, and leaves no trace."""
    outcomes = home.evaluate(dry_run=True)
    assert {one.message for one in outcomes.values()} == {"would tell: opened"}
    assert not home.mailer.sent
    assert not home.application.state.incidents()
    assert all(one.destination is None for one in outcomes.values())


def test_same_data_and_time_same_answer(home: Home) -> None:
    """Evaluating twice without saving gives equal verdicts and the same incident."""
    assert home.evaluate(dry_run=True) == home.evaluate(dry_run=True)


def test_rule_that_fails_does_not_stop_the_others(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure is told with its reason, and the other rule still tells the crisis."""
    series = Counts.series

    def fail(self: Counts, selection: Selection, window: TimeWindow, step: timedelta) -> Series:
        if selection.query == FIRST_TOLD and step == STEP:
            raise QueryError("too many words", "acme", 1)
        return series(self, selection, window, step)

    monkeypatch.setattr(Counts, "series", fail)
    outcomes = home.evaluate()
    assert outcomes["Acme volume"].outcome is Outcome.FAILED
    assert "too many words" in outcomes["Acme volume"].message
    assert outcomes["Acme negative"].outcome is Outcome.TOLD


def test_unknown_rule_names_the_known_ones(home: Home) -> None:
    """A typing mistake is answered with what there is."""
    with pytest.raises(UsageError, match="Acme volume, Acme negative"):
        home.evaluate("Acme")


ONE_RULE = """\
- name: Quiet
  kind: {kind}
  topic: {topic}
"""


def young_home(folder: Path, kind: str, topic: str = "Acme") -> Home:
    """Return a home with two days and some hours of history and one rule."""
    alerts = ONE_RULE.format(kind=kind, topic=topic)
    made = Home(crisis.write_home(folder, alerts=alerts))
    history = crisis.ordinary(days=2, until=crisis.BEGAN - 5 * HOUR)
    calm = [one for one in history if int(one.text.split()[-1]) % 3 == 0]
    made.application.index.apply(calm, crisis.NOW)
    return made


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("volume_spike", r"learning, day \d of 14; until then from 1\d mentions an hour"),
        ("negative_spike", r"learning, day \d of 14; until then from 8 negative mentions an hour"),
    ],
)
def test_young_rule_says_how_far_it_is(tmp_path: Path, kind: str, words: str) -> None:
    """Without two weeks of history a rule says so, and fires from its threshold on."""
    home = young_home(tmp_path, kind)
    outcome = home.evaluate()["Quiet"]
    assert outcome.outcome is Outcome.LEARNING
    home.add(60, crisis.BEGAN)
    assert home.evaluate()["Quiet"].outcome is Outcome.TOLD
    (message,) = home.mailer.sent
    body = message.get_body(("plain",))
    assert body is not None
    assert outcome.message in body.get_content()
    assert re.fullmatch(words, outcome.message)
    home.application.close()


def test_rule_without_any_mention_has_no_data(tmp_path: Path) -> None:
    """A topic that nothing matched yet is no quiet topic."""
    home = young_home(tmp_path, "volume_spike", topic="Quiet")
    outcome = home.evaluate()["Quiet"]
    assert (outcome.outcome, outcome.message) == (Outcome.NO_DATA, "no mention yet")
    rule = home.application.configuration.alerts[0]
    assert preview(home.application, rule, 30 * 24 * HOUR).episodes == []
    home.application.close()


def test_rule_with_now_in_its_query_is_judged(tmp_path: Path) -> None:
    """A rule's query may count from now, as its configuration allows."""
    alerts = ONE_RULE.format(kind="volume_spike", topic="Acme") + "  query: published:>now-50d\n"
    home = Home(crisis.write_home(tmp_path, alerts=alerts))
    home.application.index.apply(crisis.ordinary(), crisis.NOW)
    home.add(60, crisis.BEGAN)
    assert home.evaluate()["Quiet"].outcome is Outcome.TOLD
    home.application.close()


def test_watching_stops_on_the_event_and_waits_for_engines(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judging and sending go on when an engine was away or a look failed, and end when told to."""
    stop, heard, refresh = threading.Event(), list[RuleOutcome](), home.application.index.refresh
    sent = list[Sent]()
    failures: list[Exception] = [RetryableError("index is away")]

    def flaky() -> None:
        if failures:
            raise failures.pop()
        refresh()

    def tell(outcome: RuleOutcome | Sent) -> None:
        if isinstance(outcome, Sent):
            sent.append(outcome)
        else:
            heard.append(outcome)
        if len(heard) >= 4 and len(sent) == 2:
            stop.set()

    faults, deliver = [ZeroDivisionError("of ours")], Outbox.deliver_due

    def faulty(outbox: Outbox) -> list[Sent]:
        if faults:
            raise faults.pop()
        return deliver(outbox)

    monkeypatch.setattr(Outbox, "deliver_due", faulty)
    monkeypatch.setattr(home.application.index, "refresh", flaky)
    watch_rules(home.application, timedelta(milliseconds=5), stop, tell)
    assert [one.outcome for one in heard[:4]] == [
        Outcome.QUEUED,
        Outcome.QUEUED,
        Outcome.OPEN,
        Outcome.OPEN,
    ]
    assert [one.state for one in sent] == [DeliveryState.SENT, DeliveryState.SENT]


def test_a_fault_over_one_rule_silences_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw is a failed rule, and the next is judged."""
    kind = KINDS[RuleKind.VOLUME_SPIKE]

    def broken(*_: object) -> Found:
        raise ZeroDivisionError("of ours")

    monkeypatch.setitem(KINDS, RuleKind.VOLUME_SPIKE, replace(kind, examine=broken))
    home.add(60, crisis.BEGAN)
    outcomes = home.evaluate()
    assert outcomes["Acme volume"].outcome is Outcome.FAILED
    assert "an unforeseen fault (ZeroDivisionError)" in outcomes["Acme volume"].message
    assert outcomes["Acme negative"].outcome is Outcome.TOLD


def test_a_clock_that_was_ahead_is_forgotten(home: Home) -> None:
    """Rounds are counted anew once it is right again."""
    home.clock.now += timedelta(days=30)
    home.evaluate()
    home.clock.now -= timedelta(days=30)
    home.evaluate()
    home.clock.now += MINUTES
    home.evaluate()
    assert awake_since(home.application).since == home.clock.now - MINUTES


def test_one_round_asks_once_what_its_rules_share(home: Home) -> None:
    """Rules of one topic read its series once a round; the dashboard's questions are asked anew."""
    window = TimeWindow.before(crisis.NOW, HOUR)
    selection = Selection(topics=("Acme",))
    shared = Queries(home.application, is_one_round=True)
    assert shared.counts.series(selection, window, MINUTES) is shared.counts.series(
        selection, window, MINUTES
    )
    assert shared.counts.first_seen(selection) == Queries(home.application).counts.first_seen(
        selection
    )
    fresh = Queries(home.application)
    before = fresh.counts.series(selection, window, MINUTES)
    home.add(5, crisis.NOW - 20 * MINUTES, 10 * MINUTES)
    home.application.index.refresh()
    assert fresh.counts.series(selection, window, MINUTES).total() == before.total() + 5


def test_one_round_keeps_no_more_than_it_may(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest series goes when there are too many."""
    monkeypatch.setattr("app.counting.REMEMBERED_SERIES", 1)
    shared = Queries(home.application, is_one_round=True)
    selection, window = Selection(topics=("Acme",)), TimeWindow.before(crisis.NOW, HOUR)
    first = shared.counts.series(selection, window, MINUTES)
    shared.counts.series(selection, window, 5 * MINUTES)
    again = shared.counts.series(selection, window, MINUTES)
    assert again is not first
    assert again == first
