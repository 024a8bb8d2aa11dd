from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.instants import parse_instant
from app.scope import Preset, Scope
from app.scope_reading import parse_scope
from core.errors import UsageError
from core.mention import Channel, Emotion, Intent, Sentiment, Status
from core.query.ast import And, Everything, FieldIs, Not, Or
from core.settings import Configuration, Topic

NOW = datetime(2026, 3, 5, 15, 20, tzinfo=UTC)
CONFIGURATION = Configuration(
    topics=(
        Topic(name="Acme", group="brands", query="acme"),
        Topic(name="Globex", group="brands", query="globex"),
        Topic(name="Spring sale", group="campaigns", query="#springsale"),
    )
)


def _read(**parameters: str | list[str]) -> tuple[Scope, list[str]]:
    listed = {k: [v] if isinstance(v, str) else v for k, v in parameters.items()}
    return parse_scope(listed, CONFIGURATION, NOW, "Europe/Berlin")


def test_no_parameters_is_the_last_day_of_everything() -> None:
    """A bare address shows all topics of the last 24 hours."""
    scope, problems = _read()
    assert problems == []
    assert scope == Scope(zone="Europe/Berlin")
    window = scope.window(NOW)
    assert window is not None
    assert window.length == timedelta(days=1)
    assert scope.selection(CONFIGURATION, NOW).query is None


def test_every_filter_reaches_the_selection() -> None:
    """Each parameter of the address restricts what the index is asked."""
    scope, problems = _read(
        topic="acme", q="parcel", sentiment="negative", channel=["social", "forum"], status="open"
    )
    assert problems == []
    selection = scope.selection(CONFIGURATION, NOW)
    assert selection.topics == ("Acme",)
    assert isinstance(selection.query, And)
    assert FieldIs("topic_sentiment", "Acme|negative") in selection.query.operands
    assert FieldIs("status", "open") in selection.query.operands


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"topic": "Acne"}, "Acme, Globex"),
        ({"group": "nobody"}, "brands, campaigns"),
        ({"window": "3 days"}, "24h"),
        ({"since": "last tuesday"}, "7d"),
        ({"since": "2026-03-05", "until": "2026-03-01"}, "ends before"),
        ({"sentiment": "angry"}, "negative, neutral, positive"),
        ({"channel": "tv"}, "news"),
        ({"status": "closed"}, "open, done"),
        ({"own": "maybe"}, "yes, no"),
        ({"q": '"acme'}, "column"),
    ],
)
def test_a_wrong_parameter_is_told_and_left_out(parameters: dict[str, str], word: str) -> None:
    """Each wrong value gives one message that says what is allowed, and the rest holds."""
    scope, problems = _read(**parameters, lang="en")
    assert len(problems) == 1
    assert word in problems[0]
    assert scope.languages == ("en",)


def test_a_topic_outside_the_asked_group_finds_nothing() -> None:
    """Restrictions that exclude each other match no mention instead of every mention."""
    scope, _ = _read(topic="Acme", group="campaigns")
    assert scope.selection(CONFIGURATION, NOW).query == Not(Everything())


def test_today_begins_at_the_viewers_midnight() -> None:
    """Today is the calendar day of the viewer's zone."""
    window = Scope(preset=Preset.TODAY, zone="Asia/Tokyo").window(NOW)
    assert window is not None
    assert window.start == datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert window.end == NOW


def test_all_time_has_no_window() -> None:
    """All time does not restrict."""
    assert Scope(preset=Preset.ALL).window(NOW) is None


def test_until_a_date_includes_that_day() -> None:
    """People who write a date as the end mean the whole day."""
    scope, _ = _read(since="2026-03-01", until="2026-03-02")
    window = scope.window(NOW)
    assert window is not None
    assert window.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert window.length == timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("now", NOW),
        ("2026-03-04T10:00Z", datetime(2026, 3, 4, 10, tzinfo=UTC)),
        ("2026-03-04T10:00", datetime(2026, 3, 4, 9, tzinfo=UTC)),
    ],
)
def test_instants_are_read_as_people_write_them(text: str, instant: datetime) -> None:
    """Ages, now, and times with and without a zone are understood."""
    assert parse_instant(text, NOW, "Europe/Berlin") == instant


@pytest.mark.parametrize("text", ["", "9999999999d", "2026-13-01", "yesterday"])
def test_other_times_are_refused(text: str) -> None:
    """A time that cannot be read raises a message with examples."""
    with pytest.raises(UsageError):
        parse_instant(text, NOW)


def test_a_window_that_runs_backwards_is_refused() -> None:
    """A scope never holds an end before its start."""
    with pytest.raises(UsageError, match="before it starts"):
        Scope(since=NOW, until=NOW - timedelta(hours=1))


def test_what_needs_an_answer_stays_inside_the_scope() -> None:
    """The inbox of a forum's scope holds open, negative mentions of forums alone."""
    inbox = Scope(channels=(Channel.FORUM, Channel.NEWS)).needing_answer()
    assert inbox.channels == (Channel.FORUM,)
    assert inbox.sentiments == (Sentiment.NEGATIVE,)
    assert inbox.status is Status.OPEN


def test_with_one_topic_chosen_sentiment_is_that_towards_it() -> None:
    """Of several topics, or all, the sentiment of the whole text is read."""
    towards = Scope(topics=("Acme",), sentiments=(Sentiment.NEGATIVE,))
    both = replace(towards, sentiments=(Sentiment.NEGATIVE, Sentiment.POSITIVE))

    assert towards.node(NOW) == FieldIs("topic_sentiment", "Acme|negative")
    assert both.node(NOW) == Or(
        (
            FieldIs("topic_sentiment", "Acme|negative"),
            FieldIs("topic_sentiment", "Acme|positive"),
        )
    )
    for several in ((), ("Acme", "Globex")):
        whole = replace(towards, topics=several)
        assert whole.towards is None
        assert whole.node(NOW) == FieldIs("sentiment", "negative")


def test_narrowing_keeps_the_query() -> None:
    """A link into a search finds only what the search found."""
    scope = Scope(query="acme OR globex").narrowed('hashtag:"late"')
    assert scope.query == '(acme OR globex) AND hashtag:"late"'


INSTANTS = st.integers(0, 10**6).map(lambda minutes: NOW - timedelta(minutes=minutes))


@given(
    topics=st.lists(st.sampled_from(["Acme", "Globex", "Spring sale"]), unique=True),
    preset=st.sampled_from(Preset),
    since=st.none() | INSTANTS,
    sentiments=st.lists(st.sampled_from(Sentiment), unique=True),
    intents=st.lists(st.sampled_from(Intent), unique=True),
    emotions=st.lists(st.sampled_from(Emotion), unique=True),
    channels=st.lists(st.sampled_from(Channel), unique=True),
    sources=st.lists(st.sampled_from(["a & b", "Ünï=ço?dé#", "x"]), unique=True),
    status=st.none() | st.sampled_from(Status),
    query=st.sampled_from(["", "acme", '"late parcel" AND NOT #x', "followers:[1000 TO *]"]),
    own=st.booleans(),
)
def test_an_address_says_the_same_when_read_again(
    topics: list[str],
    preset: Preset,
    since: datetime | None,
    sentiments: list[Sentiment],
    intents: list[Intent],
    emotions: list[Emotion],
    channels: list[Channel],
    sources: list[str],
    status: Status | None,
    query: str,
    own: bool,
) -> None:
    """Writing a scope into a URL and reading it back gives the same selection."""
    scope = Scope(
        topics=tuple(topics),
        preset=Preset.DAY if since else preset,
        since=since,
        query=query,
        sentiments=tuple(sentiments),
        intents=tuple(intents),
        emotions=tuple(emotions),
        channels=tuple(channels),
        sources=tuple(sources),
        status=status,
        include_own=own,
    )
    parameters = parse_qs(urlsplit(scope.url("mentions")).query)
    again, problems = parse_scope(parameters, CONFIGURATION, NOW)
    assert problems == []
    assert again == scope
