"""A small brand's month: enough for every page to have something true to show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.incident import Cause, Evidence, Incident
from alerts.notification import Delivery, DeliveryState, Notification
from app.stores.outbox import OutboxStore
from app.stores.state import StateStore
from core.identity import service_item_id
from core.mention import (
    Author,
    Channel,
    Engagement,
    Enrichment,
    Entity,
    Mention,
    Sentiment,
    TopicTag,
)
from core.ports import Poll, PollStatus
from core.rules import RuleKind

NOW = datetime(2026, 3, 5, 15, 20, tzinfo=UTC)
DAYS = 30

TOPICS_YML = """\
# What we listen to.
- name: Acme
  group: brands
  kind: own
  query: acme OR @acme  # the short name
- name: Globex
  group: brands
  kind: competitor
  query: globex
"""

SOURCES_YML = """\
- name: City feed
  type: feed
  url: https://news.example/feed.xml
- name: Fediverse
  type: mastodon
  url: https://social.example
  hashtags: [acme]
- name: Hacker News
  type: hackernews
  query: acme
"""

ALERTS_YML = """\
- name: "Acme: volume"
  kind: volume_spike
  topic: Acme
- name: "Acme: negative"
  kind: negative_spike
  topic: Acme
"""

CALM = (
    ("My acme kettle has lasted four winters now, still boils in two minutes", "positive"),
    ("does anybody know if the acme app works offline on the train?", "neutral"),
    ("acme just restocked the blue ones if you were waiting", "neutral"),
    ("Honestly impressed: acme support answered on a Sunday evening", "positive"),
    ("The acme lid cracked after a week. Second one. Not buying a third", "negative"),
    ("reading the acme manual so you don't have to: press the button twice", "neutral"),
    ("Ordered at acme on Monday, here on Tuesday. Thank you!", "positive"),
    ("Compared acme with globex for a month, and kept the acme", "positive"),
)
LATE = (
    "acme parcel was due on Friday, it's Wednesday, the tracker still says 'packed' #latedelivery",
    "Day six of waiting for acme. #latedelivery is no accident any more",
    "@acme where is my order? three mails, no answer #latedelivery",
    "cancelled my acme order today, eleven days without a word #latedelivery",
    "great, acme moved my delivery for the third time. #latedelivery",
)
STATUS_PAGE = "https://Status.example/Acme?parcels=1"
RIVAL = (
    ("globex has a new range, the green one looks good", "positive"),
    ("My globex broke on day one", "negative"),
    ("Is globex any good?", "neutral"),
)
REPAIR = (
    "In a former bakery, acme engineers spend their Saturdays showing neighbours how to mend what "
    "others throw away. The queue reached around the corner by ten."
)
TESTED = (
    "We boiled eighty litres of water to find out which kettle is quiet, quick and easy to "
    "descale. The acme came first in two of three tests, and globex in the third."
)
ARTICLES = (
    ("How a small maker taught a town to repair its kettles", REPAIR),
    ("Five kettles tested: the quiet one wins", TESTED),
)
PEOPLE = (
    ("mira", "Mira Oduya", 4210),
    ("t.lind", "Tom Lind", 87),
    ("kettleclub", "Kettle Club", 15300),
    ("jo_b", "Jo B.", 312),
    ("sanna", "Sanna ☕", 1204),
    ("p_ferro", "Paolo Ferro", None),
)


def mentions(now: datetime = NOW) -> list[Mention]:
    """Return the month: a daily rhythm, a rival, two articles, and a crisis since two hours."""
    rng = random.Random(7)
    found: list[Mention] = []
    start = now - timedelta(days=DAYS)
    hours = int((now - start) / timedelta(hours=1))
    for hour in range(hours):
        at = start + timedelta(hours=hour)
        for _ in range(rng.choice((0, 1, 1, 2)) if 7 <= at.hour <= 22 else rng.choice((0, 0, 1))):
            text, label = rng.choice(CALM)
            found.append(_post(rng, len(found), at, text, label, "Acme"))
        if rng.random() < 0.45:
            text, label = rng.choice(RIVAL)
            found.append(_post(rng, len(found), at, text, label, "Globex"))
    for minute in range(0, 140, 3):
        at = now - timedelta(minutes=140 - minute)
        text = rng.choice(LATE)
        label = rng.choice(("negative", "negative", "negative", "neutral"))
        found.append(_post(rng, len(found), at, text, label, "Acme", hashtags=("latedelivery",)))
    for number, (title, text) in enumerate(ARTICLES):
        found.append(_article(now - timedelta(hours=5 + 9 * number), title, text, number))
    return found


def _post(
    rng: random.Random,
    number: int,
    at: datetime,
    text: str,
    label: str,
    topic: str,
    hashtags: Sequence[str] = (),
) -> Mention:
    at += timedelta(seconds=rng.randrange(170))
    handle, name, followers = rng.choice(PEOPLE)
    is_forum = rng.random() < 0.2
    service = "hackernews" if is_forum else "mastodon"
    mention = Mention(
        id=service_item_id(service, str(number)),
        service=service,
        channel=Channel.FORUM if is_forum else Channel.SOCIAL,
        url=f"https://{service}.example/@{handle}/{number}",
        text=text,
        language="en",
        published_at=at,
        collected_at=at + timedelta(minutes=2),
        known_at=at + timedelta(minutes=3),
        author=Author(service=service, id=handle, handle=handle, name=name, followers=followers),
        links=(STATUS_PAGE,) if hashtags else (),
        sources=("Hacker News",) if is_forum else ("Fediverse",),
        topics=(TopicTag(name=topic),),
        engagement=Engagement(
            reactions=rng.randrange(40), shares=rng.randrange(9), observed_us=number + 1
        ),
        synthetic=True,
    ).with_version(number + 1)
    return mention.model_copy(update={"enrichment": _enrichment(mention, label, hashtags)})


def _article(at: datetime, title: str, text: str, number: int) -> Mention:
    url = f"https://news.example/{number}"
    mention = Mention(
        id=service_item_id("web", url),
        service="web",
        channel=Channel.NEWS,
        url=url,
        copy_of=url,
        title=title,
        text=text,
        language="en",
        published_at=at,
        collected_at=at + timedelta(minutes=9),
        known_at=at + timedelta(minutes=9),
        author=Author(service="web", id="news.example", name="The City Paper"),
        sources=("City feed",),
        topics=(TopicTag(name="Acme"),),
        synthetic=True,
    ).with_version(number + 1)
    return mention.model_copy(update={"enrichment": _enrichment(mention, "positive", ())})


def _enrichment(mention: Mention, label: str, hashtags: Sequence[str]) -> Enrichment:
    start = mention.text.find("Sunday")
    entities = (Entity(text="Sunday", label="DATE", start=start, end=start + 6),)
    return Enrichment(
        content_version=mention.version,
        enriched_us=1,
        language="en",
        sentiment=Sentiment(label),
        sentiment_confidence=0.83,
        hashtags=tuple(hashtags),
        entities=entities if start >= 0 else (),
        story_id=service_item_id("story", mention.text),
        domains=("news.example",) if mention.service == "web" else (),
    )


def write_configuration(folder: Path, settings: str = "") -> Path:
    """Write a configuration of two brands, three sources and two rules into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "topics.yml").write_text(TOPICS_YML, encoding="utf-8")
    (folder / "sources.yml").write_text(SOURCES_YML, encoding="utf-8")
    (folder / "alerts.yml").write_text(ALERTS_YML, encoding="utf-8")
    (folder / "settings.yml").write_text(settings, encoding="utf-8")
    return folder


def incident(now: datetime = NOW) -> Incident:
    """Return the crisis as the volume rule tells it."""
    began = (now - timedelta(minutes=140)).replace(minute=0, second=0)
    seen = Evidence(
        window_start=now - timedelta(hours=2),
        window_end=now,
        started_at=began,
        observed=41,
        expected=2.3,
        low=0,
        high=5,
        factor=17.8,
        p=2.4e-12,
    )
    return Incident(
        id="incident-1",
        rule="Acme: volume",
        kind=RuleKind.VOLUME_SPIKE,
        topic="Acme",
        opened_at=began + timedelta(minutes=30),
        updated_at=now,
        first=seen,
        latest=seen,
        peak_observed=41,
        causes=(Cause(field="hashtag", value="latedelivery", count=39, expected=0.1),),
        mention_ids=(),
        query="*:*",
    )


def tell_incident(state: StateStore, now: datetime = NOW, destination: str = "mail/1.eml") -> None:
    """Put into the ledger that the crisis was told, to ``destination``."""
    at = incident(now).opened_at + timedelta(minutes=1)
    told = Notification(
        key="incident-1.opened",
        step="opened",
        subject="Acme: 41 mentions in 2 hours, 18 times the usual",
        message_id="<incident-1.opened@localhost>",
        created_at=at,
        expires_at=at + timedelta(days=2),
        rule="Acme: volume",
        incident="incident-1",
    )
    store = OutboxStore(state)
    sent = Delivery(told.key, "press@acme.example", DeliveryState.WAITING, at, at, content=b"x")
    store.add(told, [sent])
    store.finish(sent, DeliveryState.SENT, at, destination)


def fill_state(state: StateStore, now: datetime = NOW, *, hours: int = 168) -> None:
    """Record a week of polls: one source well, one that fails now, one with a gap."""
    for back in range(hours, 0, -1):
        at = now - timedelta(hours=back) + timedelta(minutes=40)
        state.record_poll(Poll("Fediverse", at, PollStatus.OK, 9, 3))
        if not 60 <= back < 72:
            state.record_poll(Poll("Hacker News", at, PollStatus.NOT_MODIFIED, 0, 0))
        status = PollStatus.ERROR if back < 6 else PollStatus.OK
        reason = "answered 503 Service Unavailable" if back < 6 else None
        new = 0 if back < 6 else 1
        state.record_poll(Poll("City feed", at, status, new, new, reason))
    for source, minutes in (("Fediverse", 3), ("Hacker News", 4)):
        state.record_poll(Poll(source, now - timedelta(minutes=minutes), PollStatus.OK, 4, 1))
