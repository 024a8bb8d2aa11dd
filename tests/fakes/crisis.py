"""Six weeks of a brand's mentions with a crisis, dense enough for the rules to judge."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.bootstrap import Application, Clock, open_application
from core.identity import service_item_id
from core.mention import Author, Channel, Engagement, Enrichment, Mention, Sentiment, TopicTag

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=1)

TOPICS_YML = """\
- name: Acme
  query: acme
- name: Quiet
  query: nobody
"""
SETTINGS_YML = """\
public_url: https://listen.example/
mail:
  sender: Groundswell <groundswell@listen.example>
  recipients: [press@listen.example]
"""
ALERTS_YML = """\
- name: Acme volume
  kind: volume_spike
  topic: Acme
- name: Acme negative
  kind: negative_spike
  topic: Acme
"""
WORDS = ("kettle", "boils", "quickly", "morning", "kitchen", "bought", "colour", "gift", "sturdy")


def mention(
    number: int,
    at: datetime,
    text: str,
    label: Sentiment | None = Sentiment.NEUTRAL,
    hashtags: Sequence[str] = (),
    *,
    synthetic: bool = False,
    topic: str = "Acme",
) -> Mention:
    """Return one enriched mention of ``topic``, by one of 90 people."""
    person = number % 90
    made = Mention(
        id=service_item_id("mastodon", str(number)),
        service="mastodon",
        channel=Channel.SOCIAL,
        url=f"https://social.example/@p{person}/{number}",
        text=text,
        language="en",
        published_at=at,
        collected_at=at,
        known_at=at,
        author=Author(
            service="mastodon",
            id=f"https://social.example/users/p{person}",
            handle=f"p{person}@social.example",
            name=f"Person {person}",
            followers=person * 40 if person % 7 else None,
        ),
        sources=("Fediverse",),
        topics=(TopicTag(name=topic),),
        engagement=Engagement(reactions=number % 40, observed_us=1),
        synthetic=synthetic,
    ).with_version(1)
    enrichment = Enrichment(
        content_version=made.version,
        enriched_us=1,
        language="en",
        sentiment=label,
        hashtags=tuple(hashtags),
        story_id=service_item_id("story", text),
    )
    return made.model_copy(update={"enrichment": enrichment})


def ordinary(days: int = 42, until: datetime = NOW, seed: int = 3) -> list[Mention]:
    """Return ``days`` of calm before ``until``: about six mentions an hour by day, two by night."""
    rng = random.Random(seed)
    found: list[Mention] = []
    start = until - timedelta(days=days)
    for hour in range(days * 24):
        at = start + timedelta(hours=hour)
        rate = 6 if 7 <= at.hour <= 22 else 2
        for _ in range(min(max(round(rng.gauss(rate, rate**0.5)), 0), 3 * rate)):
            label = rng.choices(list(Sentiment), (2, 5, 3))[0]
            text = f"my acme {' '.join(rng.sample(WORDS, 4))} {len(found)}"
            moment = at + timedelta(seconds=rng.randrange(3600))
            found.append(mention(len(found), moment, text, label))
    return found


def crisis(
    count: int, start: datetime = BEGAN, length: timedelta = timedelta(hours=1)
) -> list[Mention]:
    """Return ``count`` angry mentions spread evenly over ``length`` from ``start`` on."""
    return [
        mention(
            1_000_000 + round(start.timestamp()) + number * 100_000,
            start + length * number / count,
            f"acme refund refused again, order number {number}",
            Sentiment.NEGATIVE,
            ("refundnow",),
        )
        for number in range(count)
    ]


def write_home(folder: Path, settings: str = SETTINGS_YML, **files: str) -> Path:
    """Write a configuration into ``folder``; ``files`` replace whole files, e.g. ``alerts``."""
    configs = folder / "configs"
    configs.mkdir(parents=True)
    told = {"topics": TOPICS_YML, "settings": settings, "alerts": ALERTS_YML} | files
    for name, text in told.items():
        (configs / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


def open_home(folder: Path, clock: Clock) -> Application:
    """Open the application of ``folder`` for writing, its time told by ``clock``."""
    application = open_application(
        folder / "configs", folder / "home", NOW, writes=True, producer="test"
    )
    application.clock, application.is_clock_held = clock, False
    return application
