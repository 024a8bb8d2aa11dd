from datetime import UTC, datetime, timedelta

from app.inbox import most_urgent_first, urgent_page
from core.mention import (
    Author,
    Channel,
    Correction,
    Enrichment,
    Intent,
    Mention,
    Overlay,
    Sentiment,
    Status,
)
from core.questions import Selection
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def _mention(
    key: str,
    intent: Intent | None,
    sentiment: Sentiment | None = None,
    *,
    hours: float = 1,
    followers: int | None = None,
    channel: Channel = Channel.SOCIAL,
    is_done: bool = False,
) -> Mention:
    status = Correction(value=Status.DONE, by="ana", at_us=2) if is_done else None
    return Mention(
        id=key,
        version=(0, 1, key),
        channel=channel,
        text="text",
        published_at=NOW - timedelta(hours=hours),
        author=Author(service="x", id=key, followers=followers),
        enrichment=Enrichment(
            content_version=(0, 1, key), enriched_us=1, intent=intent, sentiment=sentiment
        ),
        overlay=Overlay(status=status),
    )


MENTIONS = [
    _mention("praise", Intent.PRAISE, Sentiment.POSITIVE, followers=50),
    _mention("news", Intent.OTHER, Sentiment.NEGATIVE, channel=Channel.NEWS),
    _mention("done", Intent.COMPLAINT, Sentiment.NEGATIVE, followers=10**6, is_done=True),
    _mention("question", Intent.QUESTION),
    _mention("angry question", Intent.QUESTION, Sentiment.NEGATIVE, followers=2_000),
    _mention("complaint", Intent.COMPLAINT, Sentiment.NEGATIVE, followers=2_000),
    _mention("old complaint", Intent.COMPLAINT, Sentiment.NEGATIVE, hours=24 * 14),
]


def test_the_most_urgent_comes_first_and_what_is_done_last() -> None:
    """Negative complaints before questions, old ones after new, articles and done ones behind."""
    ranked = [mention.id for mention in most_urgent_first(MENTIONS, NOW)]

    assert ranked[:3] == ["complaint", "angry question", "question"]
    assert ranked[-1] == "done"
    assert ranked.index("praise") < ranked.index("news") < ranked.index("old complaint")


def test_a_page_by_urgency_knows_how_many_there_are() -> None:
    """The page holds the first of the ranking, the total, and says that more follow."""
    index = MemoryIndex(MENTIONS)

    page = urgent_page(index, Selection(), 2, NOW)
    whole = urgent_page(index, Selection(), 50, NOW)

    assert [mention.id for mention in page.mentions] == ["complaint", "angry question"]
    assert (page.total, page.next_token is None) == (7, False)
    assert (len(whole.mentions), whole.next_token) == (7, None)
