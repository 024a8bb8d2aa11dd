"""Who began an incident: the oldest of what grew, not of what is said anyway."""

from __future__ import annotations

from datetime import timedelta

from alerts.incident import Cause
from app.causes import FIRST_POSTS, first_posts
from core.mention import Mention
from core.questions import Selection
from tests.fakes import crisis
from tests.fakes.memory_index import MemoryIndex

MINUTE = timedelta(minutes=1)
CAUSE = Cause(field="hashtag", value="refundnow", count=9, expected=0.1)


def posts() -> list[Mention]:
    """Return three ordinary posts, then seven of a crisis with three ordinary ones between."""
    return [
        crisis.mention(
            number,
            crisis.BEGAN + number * MINUTE,
            f"post {number}",
            hashtags=("refundnow",) if number >= 3 and number not in (4, 6, 8) else (),
        )
        for number in range(13)
    ]


def numbers(*causes: Cause) -> list[int]:
    """Return which posts are found to have begun it."""
    index = MemoryIndex()
    index.apply(posts()[::-1], crisis.NOW)
    found = first_posts(index, Selection(), causes)
    return [int(one.text.removeprefix("post ")) for one in found]


def test_the_oldest_of_what_grew_began_it() -> None:
    """Posts that do not show what grew are passed over, and five are enough."""
    assert numbers(CAUSE) == [3, 5, 7, 9, 10]
    assert len(numbers(CAUSE)) == FIRST_POSTS


def test_without_causes_the_oldest_of_all_did() -> None:
    """Where nothing is known to have grown, the first posts are the first."""
    assert numbers() == [0, 1, 2, 3, 4]


def test_causes_that_no_early_post_shows_name_nobody() -> None:
    """Nobody is named who may have nothing to do with it."""
    assert numbers(CAUSE.model_copy(update={"value": "other"})) == []
