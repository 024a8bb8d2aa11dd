"""What a judge found becomes evidence, and what it does not know stays unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import calendar_of
from app.verdicts import evidence_of, level_evidence
from core.rules import VolumeSpikeRule
from core.settings import Settings
from core.window import TimeWindow
from insights.levels import Shift
from insights.verdict import Learning, Measure, Status, Verdict

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
NO_CALENDAR = calendar_of(Settings(), NOW)
RULE = VolumeSpikeRule(name="Acme volume", topic="Acme")
SURE = Verdict(
    measure=Measure.VOLUME,
    status=Status.BURST,
    is_alert=True,
    at=NOW,
    window=TimeWindow.before(NOW, timedelta(hours=1)),
    observed=61,
    expected=6.1,
    low=3,
    high=9,
    factor=10.0,
    p=2.5e-7,
    level=1e-5,
    reference=TimeWindow.before(NOW, timedelta(weeks=8)),
    coverage=0.97,
    started_at=NOW - timedelta(hours=2),
)


def test_evidence_says_what_the_judge_found() -> None:
    """Observed, expected, usual range, factor and probability are the verdict's."""
    seen = evidence_of(SURE, RULE, NO_CALENDAR)
    assert (seen.observed, seen.expected, seen.low, seen.high) == (61, 6.1, 3, 9)
    assert (seen.factor, seen.p, seen.started_at) == (10.0, 2.5e-7, NOW - timedelta(hours=2))
    assert not seen.is_learning
    assert seen.needed_budget == pytest.approx(0.1 * 2.5e-7 / 1e-5)


def test_evidence_names_the_holiday_that_it_fell_on() -> None:
    """Only where Sundays were compared with: a share is with the same hours of all days."""
    outing = Settings(own_holidays={"2026-03-05": "works outing"})
    calendar = calendar_of(outing, NOW)
    assert evidence_of(replace(SURE, is_holiday=True), RULE, calendar).holiday == "works outing"
    assert evidence_of(SURE, RULE, calendar).holiday is None


def test_what_a_learning_rule_does_not_know_is_none() -> None:
    """No history, no expectation: unknown is None and never nought."""
    learning = Learning(day=3, days=14, threshold=12)
    young = replace(
        SURE, expected=None, low=None, high=None, factor=None, p=None, level=None, learning=learning
    )
    seen = evidence_of(young, RULE, NO_CALENDAR)
    assert (seen.expected, seen.low, seen.high, seen.factor, seen.p) == (None,) * 5
    assert seen.is_learning
    assert seen.note is not None
    assert "day 3 of 14" in seen.note


def test_nothing_expected_is_known_and_a_factor_of_it_is_not() -> None:
    """An expectation of nought stays; how many times nought that is nobody can say."""
    seen = evidence_of(replace(SURE, expected=0.0, low=0, high=0, factor=None), RULE, NO_CALENDAR)
    assert (seen.expected, seen.low, seen.high, seen.factor) == (0.0, 0, 0, None)


def test_a_new_level_is_told_in_plain_words() -> None:
    """Since when on the installation's clock, how many times, and that it counts as usual."""
    start = NOW - timedelta(days=2)
    rise = level_evidence(Shift(start, NOW, 3.14, 314, 100, 8.0), RULE, "Europe/Berlin")
    assert rise.words is not None
    assert rise.words.lead == "Since Tue 03 Mar 16:00 Acme has 3.1 times the mentions it had."
    assert rise.words.subject == "Acme: new level, 3.1 times the mentions since Tue 03 Mar 16:00"
    assert "counts as usual" in rise.words.story[0]
    assert len(rise.words.story) == 2
    fall = level_evidence(Shift(start, NOW, 0.45, 45, 100, 8.0), RULE, "UTC")
    assert fall.words is not None
    assert "45 % of the mentions it had" in fall.words.lead
    assert "went silent" in fall.words.story[1]
    silent = level_evidence(Shift(start, NOW, 0.004, 0, 120, 8.0), RULE, "UTC")
    assert silent.words is not None
    assert "hardly any of the mentions it had" in silent.words.lead
