"""How a model does on the operator's own mentions, from random answers."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from core.mention import Sentiment
from insights.measures import Estimate
from insights.quality import (
    MINIMUM,
    Answer,
    Judged,
    accuracy,
    assess,
    confusion,
    difference,
    draw,
)

TODAY = date(2026, 3, 5)
NEGATIVE, NEUTRAL, POSITIVE = Sentiment


def judged(
    answer: str, days_ago: int = 0, predicted: Sentiment = NEGATIVE, channel: str = "social"
) -> Judged:
    """Return an answer to a mention that the model had called negative."""
    day = TODAY - timedelta(days=days_ago)
    return Judged(predicted, Answer(answer), channel, "en", "m@1", day)


def test_a_draw_is_the_same_for_everybody_and_another_each_day() -> None:
    """Order and company do not matter; a further item changes the draw by itself at most."""
    ids = [f"id{number}" for number in range(200)]
    drawn = draw(TODAY, ids, 5, str)
    assert draw(TODAY, reversed(ids), 5, str) == drawn
    assert draw(TODAY + timedelta(days=1), ids, 5, str) != drawn
    with_more = draw(TODAY, [*ids, "late"], 5, str)
    assert len(set(drawn) - set(with_more)) <= 1
    assert draw(TODAY, ids[:3], 5, str) != []
    assert len(draw(TODAY, ids[:3], 5, str)) == 3


def test_a_draw_is_uniform() -> None:
    """Over many days each of ten items is drawn about as often as any other."""
    ids = [f"id{number}" for number in range(10)]
    days = 4_000
    drawn = Counter(
        key for number in range(days) for key in draw(TODAY + timedelta(number), ids, 5, str)
    )
    # Half of the days, within five standard errors.
    assert all(abs(drawn[key] - days / 2) < 5 * (days / 4) ** 0.5 for key in ids)


def test_accuracy_is_not_told_of_too_few() -> None:
    """One answer below the minimum there is no estimate; with it there is Wilson's."""
    few = [judged("negative")] * (MINIMUM - 1)
    assert accuracy(few).estimate is None
    enough = accuracy([*few, judged("neutral")])
    assert enough.n == MINIMUM
    assert enough.estimate is not None
    assert enough.estimate.value == pytest.approx(29 / 30)
    # Wilson's interval of 29 out of 30, by hand.
    assert (enough.estimate.low, enough.estimate.high) == pytest.approx((0.8333, 0.9941), abs=2e-4)


def test_what_cannot_be_told_counts_neither_way() -> None:
    """It is told beside the others and moves no share."""
    found = accuracy([judged("negative")] * MINIMUM + [judged("cannot tell")] * 4)
    assert (found.n, found.unclear) == (MINIMUM, 4)
    assert found.estimate is not None
    assert found.estimate.value == 1


def test_confusion_has_people_in_rows_and_the_model_in_columns() -> None:
    """An answer stands in the row of what was said and the column of what the model had said."""
    found = confusion(
        [judged("neutral"), judged("neutral", predicted=POSITIVE), judged("cannot tell")]
    )
    assert found.counts == ((0, 0, 0), (1, 0, 1), (0, 0, 0))
    assert found.n == 2


def test_groups_come_with_most_answers_first() -> None:
    """Each channel, language and model has a row of its own."""
    report = assess([judged("negative", channel="news")] + [judged("negative")] * 2, TODAY)
    assert list(report.by_channel) == ["social", "news"]
    assert report.by_channel["news"].n == 1
    assert report.by_language["en"].n == 3
    assert report.by_model["m@1"].n == 3


def test_old_answers_are_left_out() -> None:
    """The report looks back 90 days, and no answer of tomorrow is in it."""
    report = assess([judged("negative", days) for days in (-1, 0, 89, 90)], TODAY)
    assert report.overall.n == 2


def test_a_drift_is_told_once_both_months_have_answers() -> None:
    """The difference of 30 days from the 30 before has an interval; one of chance spans zero."""
    good = [judged("negative", 40)] * 60
    assert assess(good, TODAY).drift.difference is None
    assert not assess(good, TODAY).drift.is_certain
    now_bad = [judged("neutral", 3)] * 50 + [judged("negative", 3)] * 10
    drift = assess([*good, *now_bad], TODAY).drift
    assert (drift.now.n, drift.before.n) == (60, 60)
    assert drift.difference is not None
    assert drift.difference.value == pytest.approx(10 / 60 - 1)
    assert drift.is_certain
    same = assess([*good, *[judged("negative", 3)] * 60], TODAY).drift
    assert same.difference is not None
    assert same.difference.value == 0
    assert not same.is_certain


def test_an_answer_of_one_day_is_in_one_month_only() -> None:
    """The months are half-open: 30 days ago belongs to the earlier one."""
    drift = assess([judged("negative", days) for days in (29, 30, 59, 60)], TODAY).drift
    assert (drift.now.n, drift.before.n) == (1, 2)


def test_the_difference_is_newcombes() -> None:
    """The published example: 56 of 70 against 48 of 80 differ by .2, from .0524 to .3339."""
    first = Estimate(56 / 70, 0.6921, 0.8768, 70)
    second = Estimate(48 / 80, 0.4905, 0.7004, 80)
    found = difference(first, second)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=3e-4)
    assert found.n == 70
