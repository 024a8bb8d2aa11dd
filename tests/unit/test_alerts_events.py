"""Which mentions are news to a rule that tells each story once, and how it says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.events import LINKED, News, find_news, headline, host_of, open_news
from alerts.incident import Incident
from core.mention import Author, Enrichment, Mention
from core.rules import AuthorRule, InfluencerRule, InstantRule, KeywordRule, OutletRule

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEYWORD = KeywordRule(name="Recall", topic="Acme", query="recall", mails_a_day=2)
OUTLETS = OutletRule.model_validate(
    {"name": "Papers", "topic": "Acme", "outlets": [{"domains": ["daily.org"]}]}
)


def mention(
    key: str, ago: timedelta = MINUTE, story: str | None = None, **fields: object
) -> Mention:
    """Return a mention published so long ago, of a story."""
    author = Author(service="x", id=key, handle=key, followers=100)
    made = Mention(id=key, text=f"text of {key}", published_at=NOW - ago, author=author)
    made = made.model_copy(update={"known_at": NOW, **fields})
    enrichment = Enrichment(content_version=made.version, enriched_us=1, story_id=story or key)
    return made.model_copy(update={"enrichment": enrichment})


def news(known: list[Incident], *candidates: Mention, now: datetime = NOW) -> News:
    """Return what is news to a rule with two mails a day."""
    return find_news(candidates, known, now, mails_a_day=2, zone="UTC")


def told(*mentions: Mention, at: datetime = NOW) -> Incident:
    """Return the event that told these."""
    return open_news(KEYWORD, News(mentions), at)


def test_the_first_mention_of_each_story_is_news_once() -> None:
    """Copies, told stories and old ones are none."""
    first, copy = mention("a", 9 * MINUTE, "s"), mention("b", MINUTE, "s")
    old, other = mention("c", timedelta(hours=25)), mention("d")
    found = news([], copy, old, first, other)
    assert [one.id for one in found.mentions] == ["a", "d"]
    assert not news([told(first)], copy).mentions


def test_the_cap_holds_back_until_midnight_and_for_good() -> None:
    """The second mail is the last; what was held back yesterday is not told today."""
    mails = [told(mention("a"), at=NOW - HOUR), told(mention("b"), at=NOW - MINUTE)]
    assert news(mails[:1], mention("c")).is_last_mail
    held = news(mails, mention("c"), mention("d"))
    assert (held.mentions, held.held_back) == ((), 2)
    morning = NOW + 13 * HOUR
    assert not news(mails, mention("c"), now=morning).mentions
    fresh = mention("e", -12.5 * HOUR, known_at=morning)
    assert [one.id for one in news(mails, fresh, now=morning).mentions] == ["e"]


def test_the_same_stories_make_the_same_event() -> None:
    """Dying over it and doing it again is one incident, over at once."""
    one, other = told(mention("a"), mention("b")), told(mention("a"), mention("b"))
    assert one == other
    assert one.resolved_at == one.opened_at
    assert one.query == 'id:"a" OR id:"b"'
    many = told(*(mention(f"m{n}") for n in range(LINKED + 1)))
    assert many.query == "recall"
    words = many.latest.words
    assert words is not None
    assert words.story[0] == "5 of 21 stories are shown here."


AUTHORS = AuthorRule(name="A", topic="Acme", authors=("x",))
INFLUENCERS = InfluencerRule(name="I", topic="Acme", followers=50)
PAGE = "https://www.daily.org/1"


@pytest.mark.parametrize(
    ("rule", "mentions", "says"),
    [
        (KEYWORD, [mention("a")], '1 new mention of Acme matches "Recall".'),
        (AUTHORS, [mention("a")], "@a (100 followers) wrote about Acme."),
        (INFLUENCERS, [mention("a"), mention("b")], "@a and 1 more wrote about Acme, 2 times."),
        (INFLUENCERS, [mention("a", author=None)], "Somebody wrote about Acme."),
        (
            AUTHORS,
            [mention("a", author=Author(service="x", id="7", name="Mira"))],
            "Mira wrote about Acme.",
        ),
        (OUTLETS, [mention("a", url=PAGE)], "daily.org (tier 1) reports on Acme."),
        (
            OUTLETS,
            [mention("a", url=PAGE), mention("b", url=PAGE)],
            "2 reports on Acme by one outlet that you watch.",
        ),
        (
            OUTLETS,
            [mention("a", url=PAGE), mention("b", url="https://x.daily.org/2")],
            "2 reports on Acme by 2 outlets that you watch.",
        ),
    ],
)
def test_a_headline_says_who_or_where(
    rule: InstantRule, mentions: list[Mention], says: str
) -> None:
    """Each kind of rule in its words."""
    assert headline(rule, mentions) == says
    words = open_news(rule, News(tuple(mentions)), NOW).latest.words
    assert words is not None
    assert words.subject.startswith(says.rstrip("."))
    assert rule.name in words.why[0]


@pytest.mark.parametrize(
    ("ago", "says"),
    [(40 * MINUTE, "It was published 40 minutes ago"), (5 * HOUR, "It was published 5 hours ago")],
)
def test_what_is_late_says_so(ago: timedelta, says: str) -> None:
    """A source that was down brings it hours after."""
    words = told(mention("a", ago)).latest.words
    assert words is not None
    assert words.story[0].startswith(says)


def test_nothing_that_a_stranger_wrote_is_a_link() -> None:
    """Neither a name nor the words of a subject; a handle keeps its dots."""
    named = Author(service="x", id="7", name="Support https://evil.example/login")
    text = "Pay at https://evil.example/pay or www.evil.example now"
    words = open_news(AUTHORS, News((mention("a", author=named, text=text),)), NOW).latest.words
    assert words is not None
    said = " ".join((words.subject, words.lead, *words.story))
    assert "evil.example" not in said
    assert "Support evil[.]example/login wrote about Acme" in said
    handle = Author(service="bluesky", id="did:plc:x", handle="mira.bsky.social")
    assert headline(AUTHORS, [mention("a", author=handle)]).startswith("@mira.bsky.social ")


def test_a_mention_without_a_page_has_no_host() -> None:
    """Nor has one whose address is none."""
    assert host_of(mention("a")) == ""
    assert host_of(mention("a", url="nonsense")) == ""
