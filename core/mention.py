"""The one type that crosses every boundary: a published item that matched a topic.

A mention is kept as a join of parts that arrive in any order and any number of times (see
``core.merge``). Each part is a register with a version, so this module also says which field
belongs to which register.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from core.window import EPOCH, require_utc

MAX_FIELD_CHARS = 1_000_000
"""Longest text kept of any one field; the longest real article seen is a tenth of it."""

CANARY_SERVICE = "groundswell-self-test"
"""The service of mentions that Groundswell sends itself; no question of anybody finds them."""

Version = tuple[int, int, str]
"""Order of two contents of one id: source's revision, microsecond of observation, digest."""

NO_VERSION: Version = (0, 0, "")

T = TypeVar("T")


def clean_text(value: object) -> object:
    """Drop NUL and lone surrogates from a string and cap its length; leave other types alone."""
    if not isinstance(value, str):
        return value
    value = value[:MAX_FIELD_CHARS]
    if "\x00" in value:
        value = value.replace("\x00", "")
    if value.isascii():
        return value
    return value.encode("utf-8", "ignore").decode("utf-8")


Text = Annotated[str, BeforeValidator(clean_text)]
Instant = Annotated[datetime, AfterValidator(require_utc)]
Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """Base of everything stored: frozen, and refusing fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Channel(StrEnum):
    """Kind of source."""

    NEWS = "news"
    BLOG = "blog"
    FORUM = "forum"
    SOCIAL = "social"
    REVIEW = "review"
    VIDEO = "video"


class Sentiment(StrEnum):
    """Whether a text speaks well or badly of what it is about."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Emotion(StrEnum):
    """What a text is moved by; None where the model is not sure enough to say."""

    ANGER = "anger"
    JOY = "joy"
    OPTIMISM = "optimism"
    SADNESS = "sadness"


class Intent(StrEnum):
    """What the author of a text wants from whoever reads it."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    REQUEST = "request"
    OTHER = "other"


class Status(StrEnum):
    """Where a mention stands in the inbox."""

    OPEN = "open"
    DONE = "done"


class Author(Part):
    """The account that published a mention. ``id`` never changes, ``handle`` may."""

    service: Text
    id: Text
    handle: Text | None = None
    name: Text | None = None
    url: Text | None = None
    followers: Count | None = None


class Engagement(Part):
    """Reactions known at one observation; None where the source does not say."""

    reactions: Count | None = None
    comments: Count | None = None
    shares: Count | None = None
    views: Count | None = None
    observed_us: int = 0

    @property
    def total(self) -> int | None:
        """Sum of the known reactions, comments and shares; None when none is known."""
        known = [n for n in (self.reactions, self.comments, self.shares) if n is not None]
        return sum(known) if known else None


class TopicTag(Part):
    """The verdict of one version of a topic's query on a mention."""

    name: Text
    query_version: int = 1
    matched: bool = True


class Entity(Part):
    """A name found in the text; ``start`` and ``end`` count characters of ``text``.

    ``in_title`` says that the name stands in the title alone, whose characters they then count.
    """

    text: Text
    label: str
    start: int
    end: int
    in_title: bool = False


class TopicSpan(Part):
    """What a text says towards one topic, and the passage that decided it.

    ``start`` and ``end`` count characters of ``text``; ``in_title`` says that the passage stands in
    the title alone, whose characters they then count. ``sentiment`` is None where the model is not
    sure enough.
    """

    topic: Text
    sentiment: Sentiment | None
    confidence: float
    start: int
    end: int
    in_title: bool = False


class Enrichment(Part):
    """What nlp says about one content of a mention, and which models said it.

    ``is_copy`` says that another mention told the story ``story_id`` before. A label is None where
    its model does not know the language or is not sure enough; the confidence, where there is one,
    says how sure it was. ``themes`` are names out of the taxonomy, ``discovered_theme`` the id of
    a cluster of mentions that nobody named beforehand. One that ``is_brief`` says nothing yet of
    what takes long, tone and names.
    """

    content_version: Version
    enriched_us: int
    is_brief: bool = False
    models: tuple[str, ...] = ()
    language: str | None = None
    sentiment: Sentiment | None = None
    sentiment_confidence: float | None = None
    emotion: Emotion | None = None
    emotion_confidence: float | None = None
    is_offensive: bool | None = None
    intent: Intent | None = None
    themes: tuple[str, ...] = ()
    discovered_theme: str | None = None
    entities: tuple[Entity, ...] = ()
    hashtags: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    story_id: str | None = None
    is_copy: bool = False
    topic_sentiment: tuple[str, ...] = ()
    topic_spans: tuple[TopicSpan, ...] = ()


class Correction(Part, Generic[T]):
    """One register of the overlay: what a person set, who and when.

    ``withdrawn`` says that they took it back: the model's word stands again.
    """

    value: T
    by: Text
    at_us: int
    withdrawn: bool = False


class Overlay(Part):
    """What people said about a mention. It stands above any model's word.

    ``tags_added`` and ``tags_removed`` hold (tag, microsecond) pairs sorted by tag: a tag is on
    while its newest addition is newer than its newest removal.
    """

    sentiment: Correction[Sentiment | None] | None = None
    irrelevant: Correction[bool] | None = None
    status: Correction[Status] | None = None
    tags_added: tuple[tuple[str, int], ...] = ()
    tags_removed: tuple[tuple[str, int], ...] = ()

    @property
    def said(self) -> Correction[Sentiment | None] | None:
        """The sentiment that a person stands by; None where none was set, or it was taken back."""
        return None if self.sentiment is None or self.sentiment.withdrawn else self.sentiment

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that are on, sorted."""
        removed = dict(self.tags_removed)
        return tuple(tag for tag, at in self.tags_added if at > removed.get(tag, -1))


class Mention(Part):
    """One published item that matched a topic, with all that is known about it.

    Times are aware UTC in whole seconds: ``published_at`` is what the author's service claims
    (made plausible by ``core.times``), ``collected_at`` when we first fetched it, ``known_at`` when
    the index first made it visible. ``links`` and ``media`` are URLs that the source delivered.
    """

    id: str
    # content: one register, ordered by ``version``
    version: Version = NO_VERSION
    service: Text = ""
    channel: Channel = Channel.NEWS
    url: Text | None = None
    title: Text | None = None
    text: Text = ""
    language: str | None = None
    published_at: Instant = EPOCH
    published_estimated: bool = False
    backdated: bool = False
    author: Author | None = None
    parent_id: Text | None = None
    root_id: Text | None = None
    quoted_id: Text | None = None
    copy_of: Text | None = None
    links: tuple[Text, ...] = ()
    media: tuple[Text, ...] = ()
    is_own: bool = False
    synthetic: bool = False
    # registers of their own
    sources: tuple[str, ...] = ()
    collected_at: Instant = EPOCH
    known_at: Instant | None = None
    topics: tuple[TopicTag, ...] = ()
    engagement: Engagement = Engagement()
    enrichment: Enrichment | None = None
    overlay: Overlay = Overlay()
    erased: bool = False

    @property
    def has_content(self) -> bool:
        """Whether the item itself is here, not only parts that arrived before it."""
        return self.version != NO_VERSION and not self.erased

    @property
    def is_canary(self) -> bool:
        """Whether Groundswell sent it itself, to see that what is sent arrives."""
        return self.service == CANARY_SERVICE

    @property
    def sentiment(self) -> Sentiment | None:
        """The person's word if there is one, else the model's, else None."""
        if self.overlay.said is not None:
            return self.overlay.said.value
        return self.enrichment.sentiment if self.enrichment else None

    def sentiment_towards(self, topic: str) -> Sentiment | None:
        """The person's word if there is one, which counts for every topic of the mention.

        Else what nlp says towards ``topic``, None where it was not sure. A topic that matched after
        nlp had read the mention is spoken of as the whole text speaks.
        """
        if self.overlay.said is not None or self.enrichment is None:
            return self.sentiment
        for span in self.enrichment.topic_spans:
            if span.topic == topic:
                return span.sentiment
        for said in self.enrichment.topic_sentiment:
            name, _, label = said.rpartition("|")
            if name == topic:
                return Sentiment(label)
        return self.enrichment.sentiment

    @property
    def is_irrelevant(self) -> bool:
        """Whether a person said that this is not about the topic."""
        return self.overlay.irrelevant is not None and self.overlay.irrelevant.value

    @property
    def status(self) -> Status:
        """Where the mention stands in the inbox; open until a person closes it."""
        return self.overlay.status.value if self.overlay.status else Status.OPEN

    @property
    def matched_topics(self) -> tuple[str, ...]:
        """Names of the topics whose query holds, sorted."""
        return tuple(tag.name for tag in self.topics if tag.matched)

    @property
    def story_id(self) -> str | None:
        """The story that the mention is a copy of, once nlp has said so."""
        return self.enrichment.story_id if self.enrichment else None

    @property
    def is_copy(self) -> bool:
        """Whether another mention told the same story before, as far as nlp has said."""
        return self.enrichment is not None and self.enrichment.is_copy

    def with_version(self, observed_us: int, revision: int = 0) -> Self:
        """Return a copy whose version says when this content was seen.

        ``revision`` is the source's own counter where it has one (an edit count or the
        microsecond of the edit). The digest covers all content fields.
        """
        return self.model_copy(update={"version": (revision, observed_us, self.digest())})

    def digest(self) -> str:
        """Return a hash of the content fields alone: equal for equal deliveries."""
        content = self.model_dump_json(include=set(DELIVERED_FIELDS))
        return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


CONTENT_FIELDS = frozenset(
    {
        "version",
        "service",
        "channel",
        "url",
        "title",
        "text",
        "language",
        "published_at",
        "published_estimated",
        "backdated",
        "author",
        "parent_id",
        "root_id",
        "quoted_id",
        "copy_of",
        "links",
        "media",
        "is_own",
        "synthetic",
    }
)
"""The fields that form one register: they are taken together from the newer version."""

DELIVERED_FIELDS = CONTENT_FIELDS - {"version", "published_at", "backdated", "language", "author"}
"""Content that says whether a source delivered something new; an author's growing number of
followers or an estimated date is no edit."""
