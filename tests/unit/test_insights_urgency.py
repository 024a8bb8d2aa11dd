import math
from datetime import timedelta

import pytest

from insights.urgency import urgency

NOW = timedelta(0)


def test_what_waits_for_an_answer_goes_first() -> None:
    """Complaint before question before praise before nothing, all else alike."""
    points = [
        urgency(intent, None, None, NOW) for intent in ("complaint", "question", "praise", None)
    ]

    assert points == sorted(points, reverse=True)
    assert len(set(points)) == 4


def test_negative_words_and_many_listeners_weigh() -> None:
    """Negative, and heard by many, is more urgent; a million followers is the most."""
    assert urgency("question", "negative", 10, NOW) > urgency("question", "positive", 10, NOW)
    assert urgency(None, None, 10_000, NOW) == pytest.approx(2, abs=0.01)
    assert urgency(None, None, 10**9, NOW) == urgency(None, None, 10**6, NOW)


def test_waiting_weighs_until_it_is_stale() -> None:
    """The first day of waiting adds, the days after the third take away."""
    hours = [urgency(None, None, None, timedelta(hours=h)) for h in (0, 8, 24, 72, 96, 240)]

    assert hours == pytest.approx([0, 1, 3, 3, 2, -4])


def test_what_cannot_be_answered_comes_after() -> None:
    """An article ranks below a post like it, what is done below everything."""
    post = urgency("complaint", "negative", 0, NOW)

    assert urgency("complaint", "negative", 0, NOW, is_answerable=False) == post - 4
    assert urgency("complaint", "negative", 0, NOW, is_done=True) == -math.inf


def test_a_claim_from_the_future_counts_as_new() -> None:
    """A published time after now adds nothing."""
    assert urgency(None, None, None, timedelta(hours=-9)) == 0
