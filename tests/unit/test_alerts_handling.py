"""What people do about incidents, the links that let them, and when nobody is to be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.handling import (
    SNOOZE,
    Deed,
    Event,
    checked,
    fold,
    precision_of,
    propose,
)
from alerts.plain import JOINER, without_calls, without_links
from alerts.quiet import day_of, is_urgent, quiet_until
from alerts.signing import Grant, sign, verify
from core.errors import UsageError
from core.rules import Rule, RuleKind
from core.settings import QuietHours
from insights.budgets import FEWEST_MARKS
from tests.unit.test_alerts_mail import evidence, incident

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = b"k" * 32


def event(deed: Deed, text: str = "", by: str = "kim", **told: object) -> Event:
    """Return a deed about one incident."""
    return replace(Event("i1", NOW, deed, by, text), **told)  # type: ignore[arg-type]


# --- deeds


def test_nothing_done_is_nobodys() -> None:
    """An incident that nobody touched stands as it was opened."""
    found = fold([])
    assert (found.acknowledged_by, found.assignee, found.is_useful) == (None, None, None)
    assert not found.is_snoozed(NOW)


def test_where_an_incident_stands_follows_from_its_deeds() -> None:
    """The first who acknowledged, the last assignee, the last word on its use, every pin."""
    found = fold(
        [
            event(Deed.ACKNOWLEDGE),
            event(Deed.ACKNOWLEDGE, by="late"),
            event(Deed.ASSIGN, "sam"),
            event(Deed.ASSIGN, "alex"),
            event(Deed.NOISE),
            event(Deed.USEFUL),
            event(Deed.COMMENT, "words"),
            event(Deed.PIN, "statement"),
            event(Deed.PIN, "call"),
        ]
    )
    assert (found.acknowledged_by, found.assignee, found.is_useful) == ("kim", "alex", True)
    assert [pin.text for pin in found.pins] == ["statement", "call"]


def test_a_snooze_ends_by_itself_or_by_hand() -> None:
    """It holds until its end, half-open, and waking ends it at once."""
    snoozed = fold([checked(event(Deed.SNOOZE))])
    assert snoozed.is_snoozed(NOW + SNOOZE - timedelta(seconds=1))
    assert not snoozed.is_snoozed(NOW + SNOOZE)
    assert not fold([checked(event(Deed.SNOOZE)), event(Deed.WAKE)]).is_snoozed(NOW)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (event(Deed.COMMENT, "  "), "what there is to say"),
        (event(Deed.ASSIGN), "who is to take care"),
        (event(Deed.PIN), "what was done"),
        (event(Deed.ACKNOWLEDGE, by=" "), "say who you are"),
        (event(Deed.SNOOZE, until=NOW - HOUR), "within the next seven days"),
        (event(Deed.SNOOZE, until=NOW + timedelta(days=8)), "within the next seven days"),
    ],
)
def test_a_deed_that_says_nothing_is_refused(bad: Event, words: str) -> None:
    """The message says what is missing."""
    with pytest.raises(UsageError, match=words):
        checked(bad)


def test_texts_are_bounded_and_on_one_line_but_for_comments() -> None:
    """A comment keeps its lines; nothing is longer than is read."""
    assert checked(event(Deed.ASSIGN, "sam\n\tsmith")).text == "sam smith"
    assert checked(event(Deed.COMMENT, "one\ntwo")).text == "one\ntwo"
    assert len(checked(event(Deed.COMMENT, "x" * 9000)).text) == 2000


# --- was it useful?


def test_precision_has_its_interval() -> None:
    """Eight of ten useful: the share, and Wilson's interval around it."""
    assert precision_of([]) is None
    found = precision_of([True] * 8 + [False] * 2)
    assert found is not None
    assert (found.useful, found.noise, found.marked, found.value) == (8, 2, 10, 0.8)
    assert found.low == pytest.approx(0.490, abs=0.001)
    assert found.high == pytest.approx(0.943, abs=0.001)


def test_a_higher_minimum_loses_nothing_useful() -> None:
    """It is the smallest that a useful incident held, where that leaves out noise."""
    peaks = [(12, False), (14, False), (31, True), (40, True), (35, False)]
    marked = [(incident(peak_observed=peak), is_useful) for peak, is_useful in peaks]
    found = propose(marked, minimum=10)
    assert found is not None
    assert (found.minimum, found.noise_left_out, found.noise, found.useful) == (31, 2, 3, 2)
    assert propose(marked[: FEWEST_MARKS - 1], minimum=10) is None
    assert propose(marked, minimum=31) is None


def test_all_noise_proposes_more_than_any_of_it() -> None:
    """Where nothing was useful, the minimum lies above all that was noise."""
    marked = [(incident(peak_observed=peak), False) for peak in (12, 14, 15, 16, 20)]
    found = propose(marked, minimum=10)
    assert found is not None
    assert (found.minimum, found.noise_left_out) == (21, 5)


# --- signed links

GRANT = Grant("acknowledge", "i1", "press@acme.example", int((NOW + HOUR).timestamp()))


def test_a_link_comes_back_as_it_was_signed() -> None:
    """Whatever the names hold."""
    grant = replace(GRANT, subject="Acme: “volume”|\n", recipient="zoë@acme.example")
    assert verify(sign(grant, KEY), KEY, NOW) == grant


@given(st.integers(min_value=0, max_value=400), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    """A token with one byte changed grants nothing."""
    token = bytearray(sign(GRANT, KEY).encode())
    place %= len(token)
    token[place] ^= change
    text = token.decode("latin-1")
    try:
        found = verify(text, KEY, NOW)
    except UsageError:
        return
    # Base64 has bits to spare at its end: they spell the same bytes, and so the same grant.
    assert found == GRANT


@pytest.mark.parametrize("token", ["", ".", "a.b", "ü.b", "x" * 5000, sign(GRANT, b"other" * 8)])
def test_what_was_not_signed_here_is_refused(token: str) -> None:
    """Nonsense and another installation's links are told as such."""
    with pytest.raises(UsageError, match="not complete or was not made here"):
        verify(token, KEY, NOW)


def test_an_old_link_says_until_when_it_was_good() -> None:
    """An expired link names its end and the way instead."""
    with pytest.raises(UsageError, match="good until 23 November 2026; use the dashboard"):
        verify(sign(GRANT, KEY), KEY, NOW + 2 * HOUR)


# --- quiet hours

NIGHT = QuietHours(start=time(22), end=time(7))


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T20:59", None),
        ("2026-11-23T21:00", "2026-11-24T06:00"),
        ("2026-11-24T05:59", "2026-11-24T06:00"),
        ("2026-11-24T06:00", None),
        # The clock goes back at night: the quiet night is an hour longer.
        ("2026-10-24T20:30", "2026-10-25T06:00"),
        ("2026-10-25T00:30", "2026-10-25T06:00"),
        # And forward in spring.
        ("2026-03-28T22:00", "2026-03-29T05:00"),
    ],
)
def test_quiet_hours_are_local(at: str, ends: str | None) -> None:
    """From ten to seven in Berlin, whatever the clock does in between."""
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(ends).replace(tzinfo=UTC) if ends else None
    assert quiet_until(now, NIGHT, "Europe/Berlin") == expected


def test_a_quiet_weekend_ends_on_monday_morning() -> None:
    """From Friday night to Monday at seven."""
    friday = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
    quiet = NIGHT.model_copy(update={"weekends": True})
    assert quiet_until(friday, quiet, "UTC") == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


def test_no_quiet_hours_are_never_quiet() -> None:
    """Without the setting nothing is held back; within a day it holds from start to end."""
    assert quiet_until(NOW, None, "UTC") is None
    siesta = QuietHours(start=time(13), end=time(15))
    assert quiet_until(NOW, siesta, "UTC") == NOW + HOUR


def test_a_day_is_a_local_day() -> None:
    """The day that caps count in begins and ends at the local midnight."""
    assert day_of(NOW, "Europe/Berlin") == (
        datetime(2026, 11, 22, 23, tzinfo=UTC),
        datetime(2026, 11, 23, 23, tzinfo=UTC),
    )


def test_yaml_reads_an_unquoted_time_as_minutes() -> None:
    """22:00 without quotes is a number to YAML, and a time here; nonsense is refused."""
    assert QuietHours.model_validate({"start": 22 * 60, "end": "07:30"}).start == time(22)
    with pytest.raises(ValidationError, match="start and end must differ"):
        QuietHours.model_validate({"start": "07:00", "end": "07:00"})
    with pytest.raises(ValidationError):
        QuietHours.model_validate({"start": 24 * 60, "end": "07:00"})


def test_what_breaks_through() -> None:
    """An urgent rule always does; others from the level on, and never while learning."""
    rule = Rule(name="r", kind=RuleKind.VOLUME_SPIKE)
    assert is_urgent(rule, incident(evidence(factor=10.0)), NIGHT)
    assert not is_urgent(rule, incident(evidence(factor=9.9)), NIGHT)
    assert not is_urgent(rule, incident(evidence(factor=50.0, is_learning=True)), NIGHT)
    assert not is_urgent(rule, incident(evidence(factor=None)), NIGHT)
    assert not is_urgent(rule, incident(), None)
    assert is_urgent(rule.model_copy(update={"urgent": True}), incident(), None)


# --- texts of strangers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/pay?x=1 now", "see evil[.]example/pay?x=1 now"),
        ("WWW.Evil.Example", "WWW[.]Evil[.]Example"),
        ("pay at evil.example/x", "pay at evil[.]example/x"),
        ("javascript://x.example", "x[.]example"),
        ("costs 3.50 in v2.0", "costs 3.50 in v2.0"),
    ],
)
def test_no_address_of_a_stranger_is_a_link(text: str, shown: str) -> None:
    """No program makes a link of it, and people read what it was."""
    assert without_links(text) == shown


def test_a_topic_that_is_called_like_a_host_stays_as_it_is() -> None:
    """Nobody outside decides what that is."""
    text = "Acme.example has 9, see evil.example"
    assert without_links(text, ["acme.example"]) == "Acme.example has 9, see evil[.]example"


@pytest.mark.parametrize(
    "call", ["<!channel>", "<!here|x>", "<@U123>", "@everyone", "@here", "@all", "<at>x</at>"]
)
def test_a_text_calls_nobody(call: str) -> None:
    """What rings in Slack, Discord, Teams or Mattermost is there, but rings no more."""
    shown = without_calls(call)
    assert "<" not in shown
    assert "@" not in shown.replace(f"@{JOINER}", "")
    assert shown.replace(JOINER, "").replace("‹", "<").replace("›", ">") == call
