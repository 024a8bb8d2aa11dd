"""How urgently a mention waits for an answer: a sum of points, each of which can be told.

- what it wants: a complaint 3, a request or a question 2, praise 0.5, else 0
- how it speaks: negative 2, positive -1
- who hears it: 1 for a hundred followers, 2 for ten thousand, 3 for a million and above
- how long it waits: 1 for each eight hours, 3 at most; after three days 1 less for each day more
- where it is said: 4 less where one cannot answer
What is done is never urgent.
"""

from __future__ import annotations

import math
from datetime import timedelta

WANTS = {"complaint": 3.0, "request": 2.0, "question": 2.0, "praise": 0.5}
SPEAKS = {"negative": 2.0, "positive": -1.0}
MOST_FOLLOWERS_POINTS = 3.0
WAIT_STEP = timedelta(hours=8)
MOST_WAIT_POINTS = 3.0
STALE_AFTER = timedelta(days=3)
"""An answer that comes later seldom helps; what is new goes first again."""
UNANSWERABLE = 4.0

DONE = -math.inf


def urgency(
    intent: str | None,
    sentiment: str | None,
    followers: int | None,
    age: timedelta,
    *,
    is_answerable: bool = True,
    is_done: bool = False,
) -> float:
    """Return the points of one mention; more is more urgent. Unknown values add nothing.

    ``age`` is how long ago it was published; one below zero counts as zero.
    """
    if is_done:
        return DONE
    points = WANTS.get(intent or "", 0.0) + SPEAKS.get(sentiment or "", 0.0)
    points += min(math.log10(1 + (followers or 0)) / 2, MOST_FOLLOWERS_POINTS)
    points += min(max(age / WAIT_STEP, 0.0), MOST_WAIT_POINTS)
    if age > STALE_AFTER:
        points -= (age - STALE_AFTER) / timedelta(days=1)
    return points if is_answerable else points - UNANSWERABLE
