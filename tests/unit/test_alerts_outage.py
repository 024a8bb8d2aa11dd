"""What is told about Groundswell itself: sources that bring nothing, and the self-test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.outage import (
    SelfTest,
    SourceState,
    find_outages,
    outage_evidence,
    self_test_evidence,
)
from core.rules import SelfTestRule, SourceOutageRule

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = SourceOutageRule(name="Feeds")
TEST = SelfTestRule(name="Self-test")
LONG_AGO = NOW - 9 * HOUR


def state(
    name: str, success: float | None, poll: float | None, every: int = 5, reason: str | None = None
) -> SourceState:
    """Return a source by how many minutes ago it was asked, and answered."""
    return SourceState(
        name,
        every * MINUTE,
        NOW - poll * MINUTE if poll is not None else None,
        NOW - success * MINUTE if success is not None else None,
        reason,
    )


@pytest.mark.parametrize(
    ("source", "is_out"),
    [
        (state("well", 3, 3), False),
        (state("fails since a moment", 20, 1), False),
        (state("fails", 31, 1, reason="HTTP 500"), True),
        (state("is late", 40, 40), True),
        (state("is asked hourly", 70, 70, every=60), False),
        (state("never answered", None, 45), True),
        (state("was never asked", None, None), False),
    ],
    ids=lambda value: value.name if isinstance(value, SourceState) else "",
)
def test_what_counts_as_out(source: SourceState, is_out: bool) -> None:
    """Half an hour without an answer, beyond the pause in which nobody asked."""
    assert bool(find_outages(RULE, [source], NOW, LONG_AGO)) is is_out


def test_a_source_that_fails_from_the_beginning_is_out() -> None:
    """A wrong address never answered; it is told as one that stopped to."""
    failing = state("Daily", None, 1, reason="HTTP 404.")
    assert not find_outages(RULE, [failing], NOW, LONG_AGO)
    asked = replace(failing, first_poll=NOW - 29 * MINUTE)
    assert not find_outages(RULE, [asked], NOW, LONG_AGO)
    asked = replace(failing, first_poll=NOW - 31 * MINUTE)
    assert [one.reason for one in find_outages(RULE, [asked], NOW, LONG_AGO)] == ["HTTP 404."]


def test_time_asleep_is_no_outage_and_other_sources_no_concern() -> None:
    """A source is given its time after a sleep; a rule that names sources watches those alone."""
    failing = state("Daily", 600, 1, reason="HTTP 500.")
    assert not find_outages(RULE, [failing], NOW, NOW - 29 * MINUTE)
    only = SourceOutageRule(name="Feeds", sources=("Weekly",))
    assert not find_outages(only, [failing], NOW, LONG_AGO)


def test_outages_are_told_in_words() -> None:
    """Who, since when, why, and what that means."""
    sources = [state(name, 45, 1, reason="HTTP 500.") for name in ("A", "B", "C", "D")]
    outages = find_outages(RULE, sources, NOW, LONG_AGO)
    words = outage_evidence(RULE, outages, NOW).words
    assert words is not None
    assert words.lead == "4 sources bring nothing: A, B, C and 1 more."
    assert words.story[0] == "A since 45 minutes: HTTP 500."
    one = outage_evidence(RULE, find_outages(RULE, [state("A", 200, 1)], NOW, LONG_AGO), NOW).words
    assert one is not None
    assert (one.lead, one.story[0]) == ("A brings nothing.", "A since 3 hours: it was not asked.")


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (SelfTest(), None),
        (SelfTest(sent_at=NOW - 5 * MINUTE, waiting_since=NOW - 5 * MINUTE), None),
        (SelfTest(sent_at=NOW - MINUTE, waiting_since=NOW - 16 * MINUTE), "did not arrive"),
        (SelfTest(sent_at=NOW - 70 * MINUTE), None),
        (SelfTest(sent_at=NOW - 76 * MINUTE, arrived_at=NOW - 75 * MINUTE), "was not sent"),
    ],
)
def test_a_self_test_that_fails_is_told(test: SelfTest, says: str | None) -> None:
    """One that does not arrive within its time, and one that is not even sent."""
    found = self_test_evidence(TEST, test, NOW)
    assert (found is None) == (says is None)
    if found is not None and says is not None:
        assert found.words is not None
        assert says in found.words.lead
        assert found.words.page == "sources"


def test_a_mail_that_is_not_taken_is_told_with_its_reason() -> None:
    """What came as far as the mail server says what that answers; what did not, does not."""
    late = SelfTest(sent_at=NOW - 20 * MINUTE, waiting_since=NOW - 20 * MINUTE, reason="421 busy.")
    found = self_test_evidence(TEST, late, NOW)
    assert found is not None
    assert found.words is not None
    assert found.words.lead == "The self-test did not arrive: its mail was not taken."
    assert found.words.story[0] == "What keeps it: 421 busy."
    unsent = SelfTest(sent_at=NOW - 80 * MINUTE, arrived_at=NOW - 79 * MINUTE, reason="421 busy.")
    found = self_test_evidence(TEST, unsent, NOW)
    assert found is not None
    assert found.words is not None
    assert "421" not in " ".join(found.words.story)
