"""The demo's configuration folder: what a person would write for these sources and brands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from demo.server import DemoServer
from demo.stream import own_accounts
from demo.world import (
    BRANDS,
    CAMPAIGN_QUERY,
    FEEDS,
    GROUP,
    MASTODON_TAGS,
    PENDRAKE,
    Brand,
    FeedSource,
)

POLL = "5s"
"""A real feed is polled every few minutes; the demo has only a few to show."""

RECIPIENT = "you@groundswell.example"
CAMPAIGN = "Pendrake by bike"
CAMPAIGN_SEGMENT = "Friends of the cargo bikes"
Yaml = dict[str, Any]

_HEADER = "# Written by the demo; it is overwritten at the next start.\n"


def write_configuration(folder: Path, server: DemoServer, dashboard_port: int = 8501) -> None:
    """Write the five files for ``server`` into ``folder``, which is made where it is missing.

    Raises OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {
        "settings.yml": _settings(dashboard_port),
        "sources.yml": _sources(server),
        "topics.yml": _topics(),
        "alerts.yml": _alerts(),
        "audiences.yml": _audiences(),
    }
    for name, content in files.items():
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        (folder / name).write_text(_HEADER + text, encoding="utf-8")


def _settings(dashboard_port: int) -> Yaml:
    return {
        "time_zone": "Europe/London",
        "languages": ["en", "es"],
        "mail": {
            "recipients": [RECIPIENT],
            "sender": "Groundswell demo <demo@groundswell.example>",
        },
        "dashboard": {"port": dashboard_port},
    }


def _sources(server: DemoServer) -> list[Yaml]:
    common = {"every": POLL, "allow_private": True, "synthetic": True}
    feeds = [_feed(feed, server.url) | common for feed in FEEDS]
    searches = [
        {
            "name": f"hacker-news-{brand.key}",
            "type": "hackernews",
            "query": brand.key,
            "url": f"{server.url}/api/v1",
        }
        | common
        for brand in BRANDS
    ]
    mastodon = {
        "name": "mastodon",
        "type": "mastodon",
        "url": server.url,
        "hashtags": list(MASTODON_TAGS),
    }
    bluesky = {
        "name": "bluesky",
        "type": "bluesky",
        "url": server.jetstream_url,
        "api_url": server.url,
    }
    return [*feeds, *searches, mastodon | common, bluesky | common]


def _feed(feed: FeedSource, base: str) -> Yaml:
    return {"name": feed.name, "type": "feed", "url": base + feed.path, "channel": feed.channel}


def _topics() -> list[Yaml]:
    topics = [_topic(brand) for brand in BRANDS]
    topics.append(
        {
            "name": CAMPAIGN,
            "group": "campaigns",
            "kind": "campaign",
            "query": CAMPAIGN_QUERY,
            "examples": {"match": ["What a trailer! #PendrakeByBike"], "no_match": ["by bike"]},
        }
    )
    return topics


def _topic(brand: Brand) -> Yaml:
    topic: Yaml = {"name": brand.name, "group": GROUP, "kind": brand.kind, "query": brand.query}
    if brand is PENDRAKE:
        topic["own"] = [
            {"service": service, "id": account_id} for service, account_id in own_accounts()
        ]
        topic["examples"] = {
            "match": ["My #pendrake parcel is late", "Quiet and quick! #PendrakeByBike"],
            "no_match": ["New Pendrake album drops on Friday", "The Pendrake band played Leeds"],
        }
    return topic


def _alerts() -> list[Yaml]:
    def rule(name: str, kind: str, topic: str, minimum: int) -> Yaml:
        return {"name": name, "kind": kind, "topic": topic, "minimum": minimum}

    return [
        rule("Pendrake: volume", "volume_spike", PENDRAKE.name, 15),
        rule("Pendrake: anger", "negative_spike", PENDRAKE.name, 12),
    ]


def _audiences() -> list[Yaml]:
    return [
        {
            "name": CAMPAIGN_SEGMENT,
            "topic": CAMPAIGN,
            "query": "sentiment:positive",
            "minimum_mentions": 1,
            "followers": {"min": 100},
        },
        {"name": "Regulars", "topic": PENDRAKE.name, "minimum_mentions": 3},
    ]
