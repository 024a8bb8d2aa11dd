"""What a person looks at: topics, a window of time, a query and filters.

A scope is what the dashboard keeps in its address (read in ``app.scope_reading``) and the command
line takes as options, so that a link found anywhere opens the same mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.instants import format_instant
from core.errors import UsageError
from core.mention import Channel, Emotion, Intent, Sentiment, Status
from core.query.ast import And, Everything, FieldIs, FieldRange, Node, Not, Or
from core.query.parser import parse
from core.questions import Selection
from core.settings import Configuration
from core.window import TimeWindow, require_utc


class Preset(StrEnum):
    """A window that moves with the clock."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    TODAY = "today"
    ALL = "all"


PRESET_LENGTHS = {
    Preset.DAY: timedelta(days=1),
    Preset.WEEK: timedelta(days=7),
    Preset.MONTH: timedelta(days=30),
}

ANSWERABLE = (Channel.FORUM, Channel.REVIEW, Channel.SOCIAL)
"""Channels where the brand can answer in public, so that a mention can wait for an answer."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which mentions a person looks at.

    ``topics`` restricts to some topics, ``group`` to all topics of a group. The window is a
    ``preset`` unless ``since`` or ``until`` is set (half-open, aware UTC). Empty filters let
    everything through; the brand's own and irrelevant mentions are left out unless asked for.
    With one topic chosen, ``sentiments`` reads the sentiment towards it, else that of whole texts.
    ``as_of`` leaves out what became known later, so that a link shows what it showed then.
    """

    topics: tuple[str, ...] = ()
    group: str | None = None
    preset: Preset = Preset.DAY
    since: datetime | None = None
    until: datetime | None = None
    query: str = ""
    sentiments: tuple[Sentiment, ...] = ()
    intents: tuple[Intent, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    channels: tuple[Channel, ...] = ()
    languages: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    status: Status | None = None
    include_own: bool = False
    include_irrelevant: bool = False
    as_of: datetime | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raises UsageError for a window that runs backwards or an unknown time zone."""
        for name in ("since", "until", "as_of"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, require_utc(value))
        if self.since and self.until and self.until < self.since:
            raise UsageError("the window ends before it starts")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as err:
            raise UsageError(f"{self.zone!r} is no time zone") from err

    @property
    def is_pinned(self) -> bool:
        """Whether the window stands still."""
        return self.since is not None or self.until is not None

    @property
    def towards(self) -> str | None:
        """The one topic that is chosen, towards which sentiment is read; None reads whole texts.

        Of several topics, or all of a group, a mention may praise one and damn another.
        """
        return self.topics[0] if len(self.topics) == 1 else None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but topics and time narrows the scope."""
        return bool(
            self.query
            or self.sentiments
            or self.intents
            or self.emotions
            or self.channels
            or self.languages
            or self.themes
            or self.sources
            or self.status
        )

    def window(self, now: datetime) -> TimeWindow | None:
        """Return the window as of ``now``; None is all time."""
        if self.is_pinned:
            end = self.until or now
            return TimeWindow(min(self.since or datetime(1970, 1, 1, tzinfo=UTC), end), end)
        if self.preset is Preset.ALL:
            return None
        if self.preset is Preset.TODAY:
            local = now.astimezone(ZoneInfo(self.zone))
            midnight = datetime.combine(local.date(), time(), tzinfo=ZoneInfo(self.zone))
            return TimeWindow(midnight, now)
        return TimeWindow.before(now, PRESET_LENGTHS[self.preset])

    def pinned(self, now: datetime) -> Scope:
        """Return the scope with its window held still: what a link to a number needs."""
        window = self.window(now)
        if window is None:
            return replace(self, until=now)
        return replace(self, since=window.start, until=window.end)

    def within(self, window: TimeWindow) -> Scope:
        """Return the scope in another window."""
        return replace(self, since=window.start, until=window.end)

    def narrowed(self, query: str) -> Scope:
        """Return the scope with ``query`` required as well."""
        joined = f"({self.query}) AND {query}" if self.query.strip() else query
        return replace(self, query=joined)

    def needing_answer(self) -> Scope:
        """Return the part of the scope that waits for an answer.

        Negative, still open, and published where one can answer.
        """
        channels = tuple(c for c in ANSWERABLE if not self.channels or c in self.channels)
        return replace(
            self,
            sentiments=(Sentiment.NEGATIVE,),
            channels=channels or ANSWERABLE,
            status=Status.OPEN,
        )

    def node(self, now: datetime) -> Node | None:
        """Return query and filters as one syntax tree; None if they let everything through.

        Raises QueryError for a query that cannot be understood.
        """
        parts: list[Node] = []
        if self.query.strip():
            parts.append(parse(self.query, now))
        if self.sentiments:
            parts.append(sentiment_node(self.sentiments, self.towards))
        for field, values in (
            ("intent", self.intents),
            ("emotion", self.emotions),
            ("channel", self.channels),
            ("lang", self.languages),
            ("theme", self.themes),
            ("source", self.sources),
        ):
            if values:
                parts.append(_any_of(field, [str(value).casefold() for value in values]))
        if self.status is not None:
            parts.append(FieldIs("status", self.status.value))
        if self.as_of is not None:
            parts.append(FieldRange("known", None, self.as_of))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def selected_topics(self, configuration: Configuration) -> tuple[str, ...]:
        """Return the names of the topics looked at, in the configuration's order."""
        return tuple(
            topic.name
            for topic in configuration.topics
            if (not self.topics or topic.name in self.topics)
            and (self.group is None or topic.group == self.group)
        )

    def selection(self, configuration: Configuration, now: datetime) -> Selection:
        """Return the scope as what an index is asked.

        Raises QueryError for a query that cannot be understood.
        """
        is_narrowed = bool(self.topics) or self.group is not None
        topics = self.selected_topics(configuration) if is_narrowed else ()
        node = self.node(now)
        if is_narrowed and not topics:
            # Topic and group exclude each other: nothing, rather than everything.
            topics = self.topics
            node = Not(Everything())
        return Selection(
            query=node,
            window=self.window(now),
            topics=topics,
            include_own=self.include_own,
            include_irrelevant=self.include_irrelevant,
        )

    def parameters(self) -> dict[str, str | list[str]]:
        """Return the scope as readable URL parameters; what is at its default is left out."""
        found: dict[str, str | list[str]] = {}
        if self.topics:
            found["topic"] = list(self.topics)
        if self.group is not None:
            found["group"] = self.group
        if self.is_pinned:
            if self.since is not None:
                found["since"] = format_instant(self.since)
            if self.until is not None:
                found["until"] = format_instant(self.until)
        elif self.preset is not Preset.DAY:
            found["window"] = self.preset.value
        if self.query.strip():
            found["q"] = self.query.strip()
        for name, values in (
            ("sentiment", self.sentiments),
            ("intent", self.intents),
            ("emotion", self.emotions),
            ("channel", self.channels),
            ("lang", self.languages),
            ("theme", self.themes),
            ("source", self.sources),
        ):
            if values:
                found[name] = [str(value) for value in values]
        if self.status is not None:
            found["status"] = self.status.value
        flags = {"own": self.include_own, "not-us": self.include_irrelevant}
        found |= {name: "yes" for name, is_set in flags.items() if is_set}
        if self.as_of is not None:
            found["as_of"] = format_instant(self.as_of)
        return found

    def url(self, page: str) -> str:
        """Return ``page`` with the scope as its query string."""
        parameters = urlencode(self.parameters(), doseq=True, safe=":")
        return f"{page}?{parameters}" if parameters else page


def sentiment_node(labels: Sequence[Sentiment], towards: str | None) -> Node:
    """Return what holds for mentions of any of the sentiments, towards a topic or of whole texts.

    A person's correction counts either way (``core.fields``).
    """
    if towards is None:
        return _any_of("sentiment", [label.value for label in labels])
    return _any_of("topic_sentiment", [f"{towards}|{label.value}" for label in labels])


def _any_of(field: str, values: Sequence[str]) -> Node:
    nodes = tuple(FieldIs(field, value) for value in values)
    return nodes[0] if len(nodes) == 1 else Or(nodes)
