"""What one published item of the demo is, before a server gives it a service's wire format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Service(StrEnum):
    """Which kind of server publishes an item."""

    FEED = "feed"
    MASTODON = "mastodon"
    HACKERNEWS = "hackernews"
    BLUESKY = "bluesky"


@dataclass(frozen=True, slots=True)
class Person:
    """An account. ``followers`` is None where the service tells none; ``voice`` is its style."""

    id: str
    handle: str
    name: str
    url: str
    home: str
    language: str
    voice: str
    city: str
    followers: int | None = None
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Reactions:
    """Counts at serving time; None where the service tells none."""

    likes: int | None = None
    shares: int | None = None
    replies: int | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """The truth behind an item, for tests alone: no server ever serves it.

    ``sentiment`` is what the writing intended, ``event`` the happening that it belongs to (None:
    daily life), ``skeletons`` the lines it was written from, ``copy_of`` the id of the item whose
    text it repeats on purpose.
    """

    sentiment: str
    event: str | None = None
    skeletons: tuple[str, ...] = ()
    item: str | None = None
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class DemoPost:
    """One published item.

    ``feed`` names the feed that carries it (None for other services). ``id`` is the service's own
    id. ``tags`` are the hashtags in the text, lower case, without '#'.
    """

    service: Service
    id: str
    url: str
    author: Person
    text: str
    language: str
    published_at: datetime
    brand: str
    labels: Labels
    title: str | None = None
    feed: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    quoted_id: str | None = None
    reactions: Reactions = Reactions()
    media: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_own: bool = False
