"""The shapes in which questions are answered: plain data, the same for page and command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.scope import Scope
from app.stores.state import CoverageHour
from charts.moments import Moment
from core.mention import Channel, Mention, Sentiment
from core.ports import PollStatus
from core.rules import Rule
from core.window import TimeWindow
from insights.measures import (
    EngagementRate,
    Estimate,
    Growth,
    ResponseTime,
    Share,
    UsualRange,
)
from insights.seasons import Season
from insights.trends import Direction, Rhythm
from insights.verdict import Learning, Verdict

Span = tuple[int, int]
"""Offsets of characters, [start, end), of a match to highlight."""


@dataclass(frozen=True, slots=True)
class MentionRow:
    """One mention as it is listed, with what matched and what it answers.

    ``parent`` is the stored mention it replies to, None where that was never collected.
    """

    mention: Mention
    title_spans: tuple[Span, ...] = ()
    text_spans: tuple[Span, ...] = ()
    parent: Mention | None = None


@dataclass(frozen=True, slots=True)
class MentionPage:
    """Some mentions in order, and how many there are in all; ``next_token`` continues."""

    total: int
    rows: tuple[MentionRow, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """What a number of mentions amounts to. ``net_sentiment`` is None when nothing was scored."""

    mentions: int
    stories: int
    authors: int
    sentiment: dict[str, int]
    net_sentiment: Estimate | None

    def as_data(self) -> dict[str, object]:
        """Return the statistics as plain data."""
        net = self.net_sentiment
        return {
            "mentions": self.mentions,
            "stories": self.stories,
            "authors": self.authors,
            "sentiment": dict(self.sentiment),
            "net_sentiment": {
                "value": net.value if net else None,
                "low": net.low if net else None,
                "high": net.high if net else None,
                "n": net.n if net else 0,
            },
        }


@dataclass(frozen=True, slots=True)
class StatsAnswer:
    """Statistics of everything asked for, and of each topic."""

    all: Stats
    topics: dict[str, Stats]

    def as_data(self) -> dict[str, object]:
        """Return the answer as plain data."""
        return {
            "all": self.all.as_data(),
            "topics": {name: stats.as_data() for name, stats in self.topics.items()},
        }


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One hashtag, name, phrase, link or story, and how it stands against its own history.

    ``observed`` in ``window`` against ``expected``, its mean over as long a time before (``factor``
    is their ratio). ``p`` and ``q`` say how likely that is by chance in so lively a time, ``q``
    after correcting for the number of terms. ``counts`` are its mentions per bucket, oldest
    first. ``scope`` holds exactly the observed mentions.
    ``low`` to ``high`` is what as many mentions of all would usually hold. ``recurs`` is the
    rhythm in which it comes. Of terms that rise, ``season`` is that of the month, the year or the
    holidays in which it comes, ``first_seen`` when the scope's topics first
    held it, ``leader`` the author who named it most (``leader_count`` times), and ``examples`` are
    mentions that stirred most.
    """

    kind: str
    term: str
    label: str
    observed: int
    expected: float
    factor: float
    p: float
    q: float
    direction: Direction
    is_new: bool
    window: TimeWindow
    counts: tuple[int, ...]
    scope: Scope
    low: int = 0
    high: int = 0
    recurs: Rhythm | None = None
    season: Season | None = None
    first_seen: datetime | None = None
    leader: str | None = None
    leader_count: int = 0
    examples: tuple[Mention, ...] = ()

    @property
    def spoken(self) -> str:
        """The label as a sentence names it: people's words in quotation marks."""
        return f"“{self.label}”" if self.kind == "phrase" else self.label

    @property
    def comes(self) -> str | None:
        """When it comes anyway, such as "every week" or "every year around 27 November"."""
        if self.recurs is not None:
            return self.recurs.value
        return self.season.words if self.season else None

    @property
    def is_seasonal(self) -> bool:
        """Whether it comes as it always does, at its usual size."""
        return self.recurs is not None or (self.season is not None and self.season.is_usual)

    def as_data(self) -> dict[str, object]:
        """Return the trend as plain data."""
        return {
            "kind": self.kind,
            "term": self.term,
            "label": self.label,
            "observed": self.observed,
            "expected": round(self.expected, 3),
            "factor": round(self.factor, 3),
            "p": self.p,
            "q": self.q,
            "direction": self.direction.value,
            "is_new": self.is_new,
            "low": self.low,
            "high": self.high,
            "recurs": self.comes,
            "last_time": self.season.last.isoformat() if self.season else None,
            "times_last_time": round(self.season.factor, 3) if self.season else None,
            "first_seen": self.first_seen.isoformat() if self.first_seen else None,
            "leader": self.leader,
            "examples": [mention.id for mention in self.examples],
            "since": self.window.start.isoformat(),
            "until": self.window.end.isoformat(),
        }


class Tone(StrEnum):
    """How a part of the sentence is to be read."""

    PLAIN = "plain"
    ALARM = "alarm"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class SentencePart:
    """A piece of the sentence. With a scope it links to the ``count`` mentions behind it."""

    text: str
    scope: Scope | None = None
    count: int | None = None
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """Mentions in one bucket, and what was expected there (None without enough history)."""

    window: TimeWindow
    count: int
    is_covered: bool = True
    is_complete: bool = True
    expected: float | None = None
    low: int | None = None
    high: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether more mentions could no longer change what the bar says.

        One that runs and is above the usual range already will stay there.
        """
        is_high = self.high is not None and self.count > self.high
        return self.is_covered and (self.is_complete or is_high)


@dataclass(frozen=True, slots=True)
class SentimentPoint:
    """Net sentiment in one bucket, None where nothing was scored, and the counts behind it."""

    window: TimeWindow
    net: Estimate | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Worth:
    """A third-party mention worth sharing, its score (0..1) and the factors of it (0..1 each)."""

    mention: Mention
    score: float
    factors: tuple[tuple[str, float], ...]
    copies: int = 1


@dataclass(frozen=True, slots=True)
class TopicShare:
    """One topic's part of its group's volume, and the link to its mentions."""

    share: Share
    is_own: bool
    scope: Scope


@dataclass(frozen=True, slots=True)
class NegativeShare:
    """The share of negative among scored mentions, and the scope that opens the ``count`` of them.

    ``corrected`` is of the mentions in ``channels`` alone (its ``n``); None where no labelled texts
    of any channel exist, or where sentiment towards one topic is counted.
    """

    counted: Estimate
    count: int
    scope: Scope
    corrected: Estimate | None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountGrowth:
    """One of the brand's own accounts, and how its followers changed."""

    name: str
    growth: Growth


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured beside volume and sentiment; None or empty where nothing is known.

    ``engagement`` is over the newest mentions of the window that state both engagement and
    followers. ``response`` is that of the brand's own accounts; ``sources`` how many sources
    brought the group's mentions.
    """

    engagement: EngagementRate | None = None
    response: ResponseTime | None = None
    accounts: tuple[AccountGrowth, ...] = ()
    sources: int = 0


@dataclass(frozen=True, slots=True)
class ThemeCount:
    """Mentions about one theme, and the link to them. A mention may be about several.

    ``share`` is that of all mentions looked at; ``is_discovered`` says that nobody named the theme
    beforehand.
    """

    name: str
    count: int
    share: float
    scope: Scope
    is_discovered: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page shows."""

    window: TimeWindow
    total: int
    usual: UsualRange | None
    sentence: tuple[SentencePart, ...]
    stats: Stats
    negative: NegativeShare | None
    previous: Stats | None
    volume: tuple[VolumePoint, ...]
    sentiment: tuple[SentimentPoint, ...]
    shares: tuple[TopicShare, ...]
    bursts: tuple[TrendRow, ...]
    measures: Measures
    worth: tuple[Worth, ...]
    inbox: int
    inbox_scope: Scope
    has_history: bool
    themes: tuple[ThemeCount, ...] = ()
    moments: tuple[Moment, ...] = ()


class Health(StrEnum):
    """How a source does, in one word."""

    WELL = "well"
    QUIET = "not polled yet"
    LATE = "late"
    FAILING = "failing"
    OFF = "switched off"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source: its last poll, its last success, and its coverage hour by hour.

    ``hours`` covers ``hours_start`` on, an entry an hour, None where it was not polled.
    ``new_total`` and ``fetched_total`` are sums over these hours.
    """

    name: str
    type: str
    channel: Channel
    health: Health
    is_synthetic: bool
    last_poll: datetime | None
    last_status: PollStatus | None
    last_success: datetime | None
    reason: str | None
    new_total: int
    fetched_total: int
    hours_start: datetime
    hours: tuple[CoverageHour | None, ...]


@dataclass(frozen=True, slots=True)
class RuleState:
    """One alert rule and how it stands.

    ``kind`` and ``watches`` say in words what it is, ``problem`` why it watches nothing where
    that is so. ``verdict`` is that of a statistical rule on the last closed bucket, None before
    the first mention; ``words`` say how another rule stands. A rule ``is_provisioned`` in
    alerts.yml, else it was made in the dashboard.
    """

    rule: Rule
    is_open: bool
    is_provisioned: bool = True
    problem: str | None = None
    kind: str = ""
    watches: str = ""
    words: str | None = None
    verdict: Verdict | None = None

    @property
    def learning(self) -> Learning | None:
        """How far a statistical rule is that has not enough history."""
        return self.verdict.learning if self.verdict else None


@dataclass(frozen=True, slots=True)
class TopicEdit:
    """A topic's query before and after a term was excluded, and what that would remove.

    ``removed`` counts stored mentions of the last 30 days; ``samples`` are some of them.
    """

    topic: str
    term: str
    before: str
    after: str
    removed: int
    kept: int
    samples: tuple[Mention, ...]


SENTIMENT_ORDER = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
