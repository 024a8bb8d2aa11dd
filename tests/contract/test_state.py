"""What every state database keeps to, SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.incident import Evidence, Incident
from alerts.notification import Notification
from app.stores.outbox import OutboxStore
from app.stores.samples import Sample
from app.stores.state import StateStore
from app.stores.tables import metadata
from core.errors import EngineUnavailable
from core.mention import Channel, Sentiment
from core.ports import Poll, PollStatus
from core.rules import RuleKind
from core.window import TimeWindow
from insights.quality import Answer

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)


def incident(key: str, opened_at: datetime, resolved_at: datetime | None = None) -> Incident:
    """Return an incident of the rule "spike"."""
    evidence = Evidence(
        window_start=opened_at - timedelta(hours=1),
        window_end=opened_at,
        started_at=opened_at - timedelta(hours=1),
        observed=40,
        expected=9.5,
        low=4,
        high=15,
        factor=4.2,
        p=1e-9,
    )
    return Incident(
        id=key,
        rule="spike",
        kind=RuleKind.VOLUME_SPIKE,
        topic="Acme",
        opened_at=opened_at,
        updated_at=opened_at,
        resolved_at=resolved_at,
        first=evidence,
        latest=evidence,
        peak_observed=40,
    )


def notification(key: str, rule: str) -> Notification:
    """Return what the rule tells, of no incident."""
    return Notification(
        key=key,
        step="opened",
        subject="Acme",
        message_id=f"<{key}@groundswell>",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
        rule=rule,
    )


def test_migrations_make_the_declared_tables(tmp_path: Path) -> None:
    """Every declared column is there after the migrations, and no other."""
    store = StateStore.in_folder(tmp_path)
    store.setup()
    found = sa.inspect(store._engine)
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in found.get_columns(table.name)}
        assert columns == {column.name for column in table.columns}
    store.close()


def test_setup_is_safe_at_every_start(state: StateStore) -> None:
    """Setting up again keeps what is there."""
    state.save("feed", {"etag": "1"})
    state.setup()
    assert state.load("feed") == {"etag": "1"}


def test_a_cursor_is_replaced_as_a_whole(state: StateStore) -> None:
    """The newest cursor stands alone; a source never visited has an empty one."""
    state.save("feed", {"etag": "1", "page": 3})
    state.save("feed", {"etag": "2"})
    assert state.load("feed") == {"etag": "2"}
    assert state.load("another") == {}


def test_ids_are_remembered(state: StateStore) -> None:
    """More ids than one statement takes are found again, and no others."""
    ids = {f"id{number}" for number in range(1_300)}
    state.mark_seen(ids)
    state.mark_seen({"id1", "new"})
    assert state.seen([*ids, "new", "unknown"]) == ids | {"new"}
    assert state.seen([]) == set()


def test_the_last_poll_and_the_last_success_are_kept_apart(state: StateStore) -> None:
    """A failure shows as the last poll and leaves the last success where it was."""
    state.record_poll(Poll("feed", NOW, PollStatus.OK, fetched=5, new=3))
    later = NOW + timedelta(minutes=5)
    state.record_poll(Poll("feed", later, PollStatus.ERROR, reason="HTTP 500"))
    assert state.last_polls() == {"feed": Poll("feed", later, PollStatus.ERROR, reason="HTTP 500")}
    assert state.last_successes() == {"feed": NOW}


HOUR = timedelta(hours=1)


def polled(state: StateStore, source: str, minutes: int, *, is_well: bool = True) -> None:
    """Record a poll so many minutes after ``NOW``."""
    status = PollStatus.OK if is_well else PollStatus.ERROR
    reason = None if is_well else "HTTP 500"
    state.record_poll(Poll(source, NOW + timedelta(minutes=minutes), status, reason=reason))


def gaps_at(state: StateStore, minutes: int) -> list[tuple[str | None, int, int, bool]]:
    """Return the gaps known so many minutes after ``NOW``: source, from, to (minutes), over."""
    at = NOW + timedelta(minutes=minutes)
    return [
        (
            gap.source,
            (gap.window.start - NOW) // timedelta(minutes=1),
            (gap.window.end - NOW) // timedelta(minutes=1),
            gap.is_over,
        )
        for gap in state.gaps.between(TimeWindow(NOW - HOUR, at), at)
    ]


def test_a_source_that_is_back_says_how_long_it_was_away(state: StateStore) -> None:
    """From its last answer to the next; before that nobody knows whether it will be back."""
    polled(state, "feed", 0)
    polled(state, "other", 0)
    for minutes in range(30, 181, 30):
        polled(state, "feed", minutes, is_well=False)
        polled(state, "other", minutes)
    assert gaps_at(state, 180) == []
    polled(state, "feed", 210)
    polled(state, "feed", 240)
    assert gaps_at(state, 240) == [("feed", 0, 210, True)]
    assert gaps_at(state, 200) == []
    (gap,) = state.gaps.between(TimeWindow(NOW, NOW + 9 * HOUR), NOW + 4 * HOUR)
    assert gap.reason == "HTTP 500"
    assert state.gaps.between(TimeWindow(NOW + 4 * HOUR, NOW + 5 * HOUR), NOW + 4 * HOUR) == []


def test_when_nobody_asked_is_known_also_while_it_lasts(state: StateStore) -> None:
    """A machine that slept asked nothing; an hour between polls is a pause."""
    assert gaps_at(state, 0) == []
    polled(state, "feed", 0)
    polled(state, "other", 60)
    polled(state, "feed", 120)
    assert gaps_at(state, 180) == []
    assert gaps_at(state, 500) == [(None, 120, 500, False)]
    polled(state, "other", 600)
    assert gaps_at(state, 700) == [(None, 120, 600, True), (None, 600, 700, False)]
    assert gaps_at(state, 500) == [(None, 120, 500, False)]


def test_coverage_adds_up_by_hour(state: StateStore) -> None:
    """Polls of one hour are counted together, by status, fetched and new."""
    for minutes, status in ((0, PollStatus.OK), (5, PollStatus.OK), (10, PollStatus.RATE_LIMITED)):
        at = NOW + timedelta(minutes=minutes)
        state.record_poll(Poll("feed", at, status, fetched=2, new=1))
    state.record_poll(Poll("feed", NOW + timedelta(hours=1), PollStatus.BLOCKED))
    hours = state.polls_by_hour(TimeWindow.before(NOW + timedelta(hours=2), timedelta(hours=3)))
    assert [(h.hour.hour, h.polls, h.ok, h.rate_limited, h.blocked) for h in hours] == [
        (14, 3, 2, 1, 0),
        (15, 1, 0, 0, 1),
    ]
    assert (hours[0].fetched, hours[0].new) == (6, 3)
    assert state.polls_by_hour(TimeWindow.before(NOW - timedelta(days=1), timedelta(days=1))) == []


def test_budgets_add_up_by_day(state: StateStore) -> None:
    """What a topic took and left out is added to its day."""
    state.spend("Acme", "2026-11-23", 10, 0)
    state.spend("Acme", "2026-11-23", 5, 2)
    spent = state.spent("2026-11-23")["Acme"]
    assert (spent.taken, spent.left_out) == (15, 2)
    assert state.spent("2026-11-24") == {}


def test_incidents_come_newest_first(state: StateStore) -> None:
    """Incidents are kept as they are, replaced by id, and listed from the newest."""
    state.save_incident(incident("old", NOW - timedelta(days=2), NOW - timedelta(days=1)))
    state.save_incident(incident("new", NOW))
    state.save_incident(incident("new", NOW).model_copy(update={"peak_observed": 99}))
    assert [(i.id, i.peak_observed) for i in state.incidents()] == [("new", 99), ("old", 40)]
    assert [i.id for i in state.incidents(NOW - timedelta(hours=1))] == ["new"]


def test_only_an_unresolved_incident_is_open(state: StateStore) -> None:
    """The open incident of a rule is the one that nobody resolved."""
    state.save_incident(incident("old", NOW - timedelta(days=2), NOW))
    assert state.open_incident("spike") is None
    state.save_incident(incident("new", NOW))
    assert state.open_incident("spike") == incident("new", NOW)
    assert state.open_incident("another") is None
    assert state.open_incidents() == [incident("new", NOW)]


def test_a_renamed_rule_keeps_what_is_known_of_it(state: StateStore) -> None:
    """Its incidents, what was told and who unsubscribed go by the new name, and no other's."""
    outbox = OutboxStore(state)
    state.save_own_rule("spike", {"name": "spike", "minimum": 5})
    state.save_incident(incident("a", NOW))
    state.save_incident(incident("b", NOW).model_copy(update={"rule": "other"}))
    outbox.add(notification("a.opened", "spike"), [])
    for recipient, rule in (("ann@acme.example", "spike"), ("ann@acme.example", "loud")):
        outbox.mute(recipient, rule, NOW)
    outbox.mute("ben@acme.example", "spike", NOW)
    state.save_own_rule("loud", {"name": "loud", "minimum": 5}, replaces="spike")
    assert state.own_rules() == [{"name": "loud", "minimum": 5}]
    assert {one.id: one.rule for one in state.incidents()} == {"a": "loud", "b": "other"}
    opened = state.open_incident("loud")
    assert opened is not None
    assert (opened.id, opened.rule) == ("a", "loud")
    told = outbox.notification("a.opened")
    assert told is not None
    assert told.rule == "loud"
    assert set(outbox.muted()) == {("ann@acme.example", "loud"), ("ben@acme.example", "loud")}


def test_threads_write_side_by_side(state: StateStore) -> None:
    """Writers wait for each other instead of failing, and no poll is lost."""

    def poll() -> None:
        for _ in range(20):
            state.record_poll(Poll("feed", NOW, PollStatus.OK, fetched=1))

    threads = [threading.Thread(target=poll) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (hour,) = state.polls_by_hour(TimeWindow.before(NOW + timedelta(hours=1), timedelta(hours=2)))
    assert hour.fetched == 80


def test_a_database_that_is_away_is_a_retryable_error(tmp_path: Path) -> None:
    """A folder that cannot be opened is told as an engine that does not answer."""
    store = StateStore(f"sqlite:///{tmp_path / 'missing' / 'state.sqlite3'}")
    with pytest.raises(EngineUnavailable, match="state database"):
        store.load("feed")
    store.close()


def sample(mention: str, day: str = "2026-11-23") -> Sample:
    """Return a sampled mention that two models had called negative."""
    return Sample(mention, day, Channel.SOCIAL, "en", ("a@1", "b@2"), Sentiment.NEGATIVE)


def test_a_day_is_drawn_once(state: StateStore) -> None:
    """The first draw of a day stands, whoever draws again with other candidates."""
    assert state.samples.of_day("2026-11-23") == []
    drawn = state.samples.draw("2026-11-23", [sample("a"), sample("b"), sample("c")], 2)
    assert drawn == [sample("a"), sample("b")]
    assert state.samples.draw("2026-11-23", [sample("c")], 2) == drawn
    assert state.samples.of_day("2026-11-23") == drawn


def test_no_mention_is_drawn_twice(state: StateStore) -> None:
    """What was asked about on one day leaves its place to the next candidate on another."""
    state.samples.draw("2026-11-23", [sample("a")], 2)
    tomorrow = [sample(key, "2026-11-24") for key in ("a", "b", "c")]
    assert state.samples.draw("2026-11-24", tomorrow, 2) == tomorrow[1:]
    assert state.samples.draw("2026-11-25", [sample("a", "2026-11-25")], 2) == []


def test_an_answer_is_kept_replaced_and_taken_back(state: StateStore) -> None:
    """What the model had said stays beside it; without an answer the mention is no answered one."""
    state.samples.draw("2026-11-23", [sample("a"), sample("b")], 2)
    state.samples.answer("a", Answer.CANNOT_TELL, by="kim", at=NOW)
    state.samples.answer("a", Answer.POSITIVE, by="mira", at=NOW, corrected_from=Sentiment.NEGATIVE)
    (held,) = state.samples.answered()
    assert (held.mention, held.predicted, held.answer) == ("a", Sentiment.NEGATIVE, Answer.POSITIVE)
    assert (held.answered_by, held.answered_at) == ("mira", NOW)
    assert held.corrected_from is Sentiment.NEGATIVE
    assert state.samples.answered(since="2026-11-24") == []
    state.samples.retract("a")
    assert state.samples.answered() == []
    assert state.samples.of_day("2026-11-23") == [sample("a"), sample("b")]


def test_two_who_draw_at_once_get_the_same(state: StateStore) -> None:
    """Threads with different candidates end up with one sample of the day, of the right size."""
    found: list[list[Sample]] = []

    def draw(first: int) -> None:
        candidates = [sample(f"m{number}") for number in range(first, first + 5)]
        found.append(state.samples.draw("2026-11-23", candidates, 5))

    threads = [threading.Thread(target=draw, args=(first,)) for first in (0, 3, 6, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(drawn == found[0] for drawn in found)
    assert len(found[0]) == 5
