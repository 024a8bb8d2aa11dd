from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.window import TimeWindow
from insights.measures import UsualRange
from insights.seasons import Season
from insights.sentence import (
    BurstNews,
    LinkTarget,
    OverviewFacts,
    describe_learning,
    describe_season,
    describe_verdict,
    format_factor,
    format_length,
    format_range,
    overview_sentence,
    plain,
)
from insights.verdict import Learning, Measure, Status, Verdict

NOW = datetime(2026, 3, 3, 16, 30, tzinfo=UTC)  # a Tuesday
YESTERDAY = NOW - timedelta(days=1)
LATE = BurstNews("late deliveries", 4.3, datetime(2026, 3, 3, 13, tzinfo=UTC), 61, 88)


def verdict(measure: Measure = Measure.VOLUME, **changed: object) -> Verdict:
    """A burst of two hours."""
    at = datetime(2026, 3, 3, 16, tzinfo=UTC)
    window = TimeWindow.before(at, timedelta(hours=2))
    whole = Verdict(
        measure=measure,
        status=Status.BURST,
        is_alert=True,
        at=at,
        window=window,
        observed=88,
        expected=20.5,
        low=15,
        high=27,
        factor=4.29,
        p=1e-9,
        level=1e-4,
        reference=TimeWindow.before(window.start, timedelta(weeks=8)),
        coverage=1.0,
        started_at=window.start,
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


def test_the_whole_sentence() -> None:
    """All facts together read as people say it, each part linked to its mentions."""
    facts = OverviewFacts(
        212, YESTERDAY, UsualRange(210.0, 180, 240), bursts=(LATE,), needing_answer=5
    )
    parts = overview_sentence(facts, NOW)
    assert plain(parts) == (
        "212 mentions since yesterday, usual 180-240. Late deliveries: 4.3 times the usual since "
        "13:00, 61 of 88 negative. 5 need an answer."
    )
    assert [part.target for part in parts if part.target] == [
        LinkTarget.ALL,
        LinkTarget.BURST,
        LinkTarget.NEGATIVE,
        LinkTarget.NEEDS_ANSWER,
    ]
    burst = next(part for part in parts if part.target is LinkTarget.BURST)
    assert (burst.about, burst.since) == ("late deliveries", LATE.since)


def test_an_empty_day_says_so() -> None:
    """Without mentions there is a sentence, and nothing to open."""
    parts = overview_sentence(
        OverviewFacts(0, YESTERDAY, UsualRange(0.5, 0, 2), needing_answer=0), NOW
    )
    assert plain(parts) == ("No mentions since yesterday, usual 0-2. Nothing waits for an answer.")
    assert all(part.target is None for part in parts)


def test_learning_says_so() -> None:
    """Before anything is usual, the sentence says how far learning is."""
    facts = OverviewFacts(1, YESTERDAY, learning=Learning(3, 14, 12), needing_answer=1)
    assert plain(overview_sentence(facts, NOW)) == (
        "1 mention since yesterday; what is usual is being learned, day 3 of 14. 1 needs an answer."
    )


def test_learning_again_says_why() -> None:
    """The change that made what was known unfit to compare with is named."""
    learning = Learning(1, 14, 12, since="the query of Acme changed on 3 Mar")
    facts = OverviewFacts(1, YESTERDAY, learning=learning)
    assert plain(overview_sentence(facts, NOW)) == (
        "1 mention since yesterday; what is usual is being learned since the query of Acme changed "
        "on 3 Mar, day 1 of 14."
    )
    assert describe_learning(learning) == (
        "learning since the query of Acme changed on 3 Mar, day 1 of 14; until then from 12 "
        "mentions an hour"
    )


def test_a_burst_of_the_new_has_no_factor() -> None:
    """Where nothing was expected there is no factor, and where nothing was scored no share."""
    news = BurstNews("#recall", None, NOW - timedelta(hours=1))
    facts = OverviewFacts(1204, NOW.replace(hour=0, minute=0), bursts=(news,))
    assert plain(overview_sentence(facts, NOW)) == (
        "1,204 mentions since 00:00. #recall: unusually many since 15:30."
    )


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (datetime(2026, 3, 2, 0, 0, tzinfo=UTC), "since yesterday."),
        (datetime(2026, 3, 2, 22, 10, tzinfo=UTC), "since yesterday 22:10."),
        (datetime(2026, 2, 28, 9, 0, tzinfo=UTC), "since Saturday."),
        (datetime(2026, 2, 3, 9, 0, tzinfo=UTC), "since 3 Feb."),
        (datetime(2025, 12, 24, 9, 0, tzinfo=UTC), "since 24 Dec 2025."),
    ],
)
def test_times_are_told_as_people_say_them(since: datetime, words: str) -> None:
    """Near times by the clock, farther ones by the day."""
    assert plain(overview_sentence(OverviewFacts(7, since), NOW)).endswith(words)


def test_times_follow_the_zone() -> None:
    """The same instant is another clock time in another zone."""
    facts = OverviewFacts(7, datetime(2026, 3, 3, 13, tzinfo=UTC))
    assert plain(overview_sentence(facts, NOW, "Asia/Kolkata")) == "7 mentions since 18:30."


def test_learning_in_words() -> None:
    """The rule's own words while it learns, for volume and for negative rules."""
    assert describe_learning(Learning(3, 14, 12)) == (
        "learning, day 3 of 14; until then from 12 mentions an hour"
    )
    assert describe_learning(Learning(1, 14, None)).endswith("; no hour to compare with yet")
    assert describe_learning(Learning(1, 14, 8), Measure.NEGATIVE).endswith(
        "from 8 negative mentions an hour"
    )


def test_seasons_in_words() -> None:
    """When it comes, and how it compares with the last time."""
    season = Season("every year around 27 November", date(2025, 11, 28), 40, 57)
    assert describe_season(season) == (
        "comes every year around 27 November, now 1.4 times as much as on 28 Nov 2025"
    )


def test_verdicts_in_words() -> None:
    """Plain words first: how many, how unusual, what is usual."""
    assert describe_verdict(verdict()) == (
        "88 mentions in 2 hours, 4.3 times a usual Tuesday 14:00; usual 15-27"
    )
    assert describe_verdict(verdict(is_holiday=True)) == (
        "88 mentions in 2 hours, 4.3 times a usual Sunday 14:00; usual 15-27"
    )
    assert describe_verdict(verdict(is_alert=False)) == "88 mentions in 2 hours; usual 15-27"
    negative = verdict(Measure.NEGATIVE, observed=61, scored=88)
    assert describe_verdict(negative) == (
        "61 of 88 scored mentions in 2 hours are negative, usual 15-27"
    )
    one = verdict(Measure.NEGATIVE, observed=1, scored=None)
    assert describe_verdict(one).startswith("1 of 0 scored mentions in 2 hours is negative")
    share = verdict(Measure.SHARE, observed=40, scored=88)
    assert describe_verdict(share) == "40 of 88 mentions of its group in 2 hours, usual 15-27"
    learning = verdict(low=None, high=None, factor=None, learning=Learning(3, 14, 12))
    assert describe_verdict(learning) == (
        "88 mentions in 2 hours (learning, day 3 of 14; until then from 12 mentions an hour)"
    )
    assert describe_verdict(verdict(low=None, high=None, is_alert=False)) == (
        "88 mentions in 2 hours"
    )


def test_numbers_in_words() -> None:
    """Factors, ranges and lengths are written one way."""
    assert [format_factor(f) for f in (1.25, 9.94, 12.4, 250)] == ["1.2", "9.9", "12", "over 100"]
    assert [format_range(3, 3), format_range(1200, 1500)] == ["3", "1,200-1,500"]
    lengths = [timedelta(minutes=m) for m in (0, 15, 60, 90, 120)]
    assert [format_length(length) for length in lengths] == [
        "0 minutes",
        "15 minutes",
        "1 hour",
        "90 minutes",
        "2 hours",
    ]
