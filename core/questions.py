"""The typed questions that an index answers, and the shapes of its answers.

An adapter says each question in its engine's words. Counts are exact but for ``distinct``.
Every question reads only mentions that have content and are not erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.mention import Mention
from core.query.ast import Node
from core.window import TimeWindow


class View(StrEnum):
    """Which time a window reads: when it was published, or when the index first showed it."""

    HISTORY = "history"
    LIVE = "live"


class Order(StrEnum):
    """How a page of mentions is ordered; ties are settled by id, unknown numbers come last.

    Newest and oldest go by publication in either view.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    ENGAGEMENT = "engagement"
    FOLLOWERS = "followers"


class GroupField(StrEnum):
    """What counts can be grouped by. Multi-valued fields count a mention once per value.

    Values are those of ``core.fields`` (mostly case-folded), but topics are named as spelt.
    """

    TOPIC = "topic"
    CHANNEL = "channel"
    SOURCE = "source"
    SERVICE = "service"
    LANGUAGE = "lang"
    SENTIMENT = "sentiment"
    TOPIC_SENTIMENT = "topic_sentiment"
    EMOTION = "emotion"
    INTENT = "intent"
    THEME = "theme"
    DISCOVERED = "discovered"
    AUTHOR = "author_id"
    DOMAIN = "domain"
    HASHTAG = "hashtag"
    ENTITY = "entity"
    PHRASE = "phrase"
    LINK = "link"
    STORY = "story"
    STATUS = "status"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which mentions a question is about. Empty restrictions let everything through.

    ``query`` is a parsed query (None matches all), ``topics`` restricts to mentions that matched
    any of them. The brand's own and irrelevant mentions are left out unless asked for.
    """

    query: Node | None = None
    window: TimeWindow | None = None
    view: View = View.HISTORY
    topics: tuple[str, ...] = ()
    include_own: bool = False
    include_irrelevant: bool = False


@dataclass(frozen=True, slots=True)
class BucketCount:
    """Mentions in one bucket of one group (``value`` is None when not grouped)."""

    start: datetime
    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class ValueCount:
    """Mentions that hold one value of a field."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some mentions of a selection in the asked order, and how many there are in all.

    ``next_token`` continues after the last one; None when there are no more.
    """

    total: int
    mentions: tuple[Mention, ...]
    next_token: str | None = None
