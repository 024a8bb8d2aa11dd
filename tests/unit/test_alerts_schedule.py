"""Mails by the clock: once each, on wall clocks that are moved, and after a long sleep."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.schedule import Occurrence, latest_due, next_due
from core.rules import AllClearRule, DigestRule, Period, Weekday

HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"
DAILY = DigestRule(name="d", every=Period.DAILY, at=time(8), time_zone=BERLIN)
WEEKLY = DigestRule(name="w", weekday=Weekday.MONDAY, at=time(8))


def at(text: str) -> datetime:
    """Return an instant of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(rule: DigestRule | AllClearRule, text: str) -> Occurrence:
    """Return what is due; something must be."""
    found = latest_due(rule, at(text), "UTC")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("now", "key", "hours"),
    [
        ("2026-03-28T07:00", "2026-03-28", 24),  # winter: 8:00 is 7:00 UTC
        ("2026-03-29T06:00", "2026-03-29", 23),  # the clocks went forward at night
        ("2026-03-30T06:00", "2026-03-30", 24),
        ("2026-10-25T07:00", "2026-10-25", 25),  # and back
        ("2026-10-26T07:00", "2026-10-26", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(now: str, key: str, hours: int) -> None:
    """The mail comes at eight on the wall clock, and is about all hours since the last eight."""
    found = due(DAILY, now)
    assert (found.key, found.window.end) == (key, at(now))
    assert found.window.length == hours * HOUR


@pytest.mark.parametrize(
    ("day", "utc"), [("2026-03-29", "2026-03-29T01:30"), ("2026-10-25", "2026-10-25T00:30")]
)
def test_an_hour_that_is_skipped_or_comes_twice_has_one_mail(day: str, utc: str) -> None:
    """Half past two is skipped in spring (the mail comes an hour later) and twice in autumn."""
    rule = AllClearRule(name="a", at=time(2, 30), time_zone=BERLIN)
    seen = {
        (found.key, found.window.end)
        for minutes in range(0, 24 * 60, 10)
        if (found := latest_due(rule, at(day) + timedelta(minutes=minutes), "UTC"))
        and found.key == day
    }
    assert seen == {(day, at(utc))}


def test_a_machine_that_slept_has_one_mail_at_most() -> None:
    """After eight nights only the last morning is due, and not any more in the evening."""
    assert due(DAILY, "2026-06-09T08:30").key == "2026-06-09"
    assert latest_due(DAILY, at("2026-06-09T18:30"), "UTC") is None


def test_weekly_digests_come_on_their_day() -> None:
    """From Monday to Monday; on Tuesday it is still due, on Thursday it is past."""
    found = due(WEEKLY, "2026-11-23T08:00")
    assert (found.window.start, found.key) == (at("2026-11-16T08:00"), "2026-11-23")
    assert due(WEEKLY, "2026-11-24T12:00").key == "2026-11-23"
    assert latest_due(WEEKLY, at("2026-11-23T07:59"), "UTC") is None
    assert latest_due(WEEKLY, at("2026-11-26T12:00"), "UTC") is None


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - made aware below
    st.times(),
    st.sampled_from(list(Period)),
    st.sampled_from(list(Weekday)),
    st.sampled_from([BERLIN, "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)
def test_what_is_due_is_over_and_the_next_is_to_come(
    now: datetime, clock: time, every: Period, day: Weekday, zone: str
) -> None:
    """Whatever the zone: a mail is about time that has passed, and the next one lies ahead."""
    instant = now.replace(tzinfo=UTC, microsecond=0)
    clock = clock.replace(second=0, microsecond=0)
    rule = DigestRule(name="d", every=every, weekday=day, at=clock, time_zone=zone)
    found, following = latest_due(rule, instant, "UTC"), next_due(rule, instant, "UTC")
    assert following > instant
    if found is not None:
        assert found.window.end <= instant < following
        days = 7 if every is Period.WEEKLY else 1
        assert abs(found.window.length - timedelta(days=days)) <= HOUR
        assert latest_due(rule, found.window.end, "UTC") == found
