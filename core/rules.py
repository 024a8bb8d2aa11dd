"""The rules of alerts.yml: one class a kind, told apart by ``kind``.

A new kind is one class here, one entry in ``app.kinds`` and its lines in the documentation.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from core.sections import Duration, MailAddress, Name, Section, ZoneName

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DOMAIN = re.compile(r"(?!-)[^\s/:@?#]+\.[^\s/:@?#.]{2,}")

HOUR = timedelta(hours=1)


class RuleKind(StrEnum):
    """What a rule watches, or what it sends at its hour."""

    VOLUME_SPIKE = "volume_spike"
    NEGATIVE_SPIKE = "negative_spike"
    NEW_TREND = "new_trend"
    COMPETITOR_MOVE = "competitor_move"
    KEYWORD = "keyword"
    AUTHOR = "author"
    INFLUENCER = "influencer"
    OUTLET = "outlet"
    SOURCE_OUTAGE = "source_outage"
    SELF_TEST = "self_test"
    DIGEST = "digest"
    ALL_CLEAR = "all_clear"


class Weekday(StrEnum):
    """The day of a weekly digest."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Period(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    WEEKLY = "weekly"


def _read_clock(value: object) -> object:
    """Return a time of day for ``08:00``; YAML reads an unquoted 18:00 as minutes (or seconds)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        value = f"{value // 60}:{value % 60:02}"
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no time of day; write it in quotes, e.g. '08:00'")
    return time(int(match[1]), int(match[2]))


def _check_domain(name: str) -> str:
    bare = name.strip().casefold().removeprefix("www.")
    if not _DOMAIN.fullmatch(bare):
        raise ValueError(f"{name!r} is no domain; write example.org, without https:// and path")
    return bare


def _check_account(name: str) -> str:
    bare = name.strip().removeprefix("@")
    if not bare or any(char.isspace() or char == '"' for char in bare):
        raise ValueError(f"{name!r} is no account; write a handle, or service:id")
    return bare


ClockTime = Annotated[time, BeforeValidator(_read_clock)]
Domain = Annotated[str, AfterValidator(_check_domain)]
Account = Annotated[str, AfterValidator(_check_account)]


class Rule(Section):
    """What every rule has: a name, a kind and who is told.

    ``notify`` names addresses of the settings that are told as well (None: all of them). An
    ``urgent`` rule knows neither quiet hours nor caps.
    """

    name: Name
    kind: RuleKind
    recipients: tuple[MailAddress, ...] = ()
    notify: tuple[str, ...] | None = None
    urgent: bool = False


class TopicRule(Rule):
    """A rule that watches the mentions of one topic, narrowed by a query where it has one."""

    topic: Name
    query: str | None = None

    @property
    def watched_query(self) -> str:
        """What narrows the topic to the rule's mentions, in the query language; empty for all."""
        return self.query or ""


class BurstRule(TopicRule):
    """A rule with a statistical test.

    ``false_alarms_per_week`` is the budget that the test keeps; ``minimum`` the fewest mentions
    that are worth a mail.
    """

    minimum: int = Field(default=10, ge=1)
    false_alarms_per_week: float = Field(default=0.1, gt=0, le=50)


class VolumeSpikeRule(BurstRule):
    """Many more mentions than usual."""

    kind: Literal[RuleKind.VOLUME_SPIKE] = RuleKind.VOLUME_SPIKE


class NegativeSpikeRule(BurstRule):
    """A larger share of negative mentions than usual."""

    kind: Literal[RuleKind.NEGATIVE_SPIKE] = RuleKind.NEGATIVE_SPIKE


class CompetitorMoveRule(BurstRule):
    """A larger share of voice of ``topic``, a competitor, in its group than usual."""

    kind: Literal[RuleKind.COMPETITOR_MOVE] = RuleKind.COMPETITOR_MOVE


class NewTrendRule(BurstRule):
    """A hashtag, name, phrase or link that bursts against its own history."""

    kind: Literal[RuleKind.NEW_TREND] = RuleKind.NEW_TREND


class InstantRule(TopicRule):
    """A rule that tells every story it matches, once, up to ``mails_a_day`` mails."""

    mails_a_day: int = Field(default=20, ge=1, le=500)


class KeywordRule(InstantRule):
    """Every story that matches ``query``."""

    kind: Literal[RuleKind.KEYWORD] = RuleKind.KEYWORD
    query: str = Field(min_length=1)


class AuthorRule(InstantRule):
    """Every story by one of ``authors``: handles, or ``service:id``, which never changes."""

    kind: Literal[RuleKind.AUTHOR] = RuleKind.AUTHOR
    authors: tuple[Account, ...] = Field(min_length=1, max_length=200)

    @property
    def watched_query(self) -> str:
        """What narrows the topic to mentions by these authors."""
        named = " OR ".join(
            f'author_id:"{_escaped(one)}" OR author:"{_escaped(one)}"' for one in self.authors
        )
        return _joined(self.query, named)


class InfluencerRule(InstantRule):
    """Every story by an author with ``followers`` or more."""

    kind: Literal[RuleKind.INFLUENCER] = RuleKind.INFLUENCER
    followers: int = Field(default=10_000, ge=1)

    @property
    def watched_query(self) -> str:
        """What narrows the topic to mentions by authors with so many followers."""
        return _joined(self.query, f"followers:[{self.followers} TO *]")


class Outlets(Section):
    """Domains of one tier: 1 is read by everybody, 3 by few."""

    tier: int = Field(default=1, ge=1, le=3)
    domains: tuple[Domain, ...] = Field(min_length=1, max_length=500)


class OutletRule(InstantRule):
    """Every story on a page of one of these domains or of their subdomains."""

    kind: Literal[RuleKind.OUTLET] = RuleKind.OUTLET
    outlets: tuple[Outlets, ...] = Field(min_length=1)

    @property
    def watched_query(self) -> str:
        """What narrows the topic to mentions on these domains, or that link to them."""
        domains = dict.fromkeys(name for group in self.outlets for name in group.domains)
        return _joined(self.query, " OR ".join(f'domain:"{name}"' for name in domains))

    def tier_of(self, host: str) -> int | None:
        """Return the best tier of a host or of a domain above it; None if it is on no list."""
        host = host.casefold()
        tiers = [
            group.tier
            for group in self.outlets
            for name in group.domains
            if host == name or host.endswith("." + name)
        ]
        return min(tiers, default=None)


class SourceOutageRule(Rule):
    """A source that brought nothing but failures for ``after``; all sources where none is named."""

    kind: Literal[RuleKind.SOURCE_OUTAGE] = RuleKind.SOURCE_OUTAGE
    sources: tuple[Name, ...] = ()
    after: Duration = Field(default=timedelta(minutes=30), ge=timedelta(minutes=5))


class SelfTestRule(Rule):
    """A mention of our own, sent ``every`` so often, that must arrive ``within`` a time.

    It ends with the mail server taking its recipients, without a mail; with ``mail_to`` it is a
    mail to that address.
    """

    kind: Literal[RuleKind.SELF_TEST] = RuleKind.SELF_TEST
    every: Duration = Field(default=HOUR, ge=timedelta(minutes=1), le=timedelta(days=1))
    within: Duration = Field(default=timedelta(minutes=15), ge=timedelta(minutes=1))
    mail_to: MailAddress | None = None


class ScheduledRule(Rule):
    """A mail at an hour of the wall clock, about ``topics`` (all where none is named)."""

    at: ClockTime = time(8)
    time_zone: ZoneName | None = None
    topics: tuple[Name, ...] = ()


class DigestRule(ScheduledRule):
    """The story of a day or of a week."""

    kind: Literal[RuleKind.DIGEST] = RuleKind.DIGEST
    every: Period = Period.WEEKLY
    weekday: Weekday = Weekday.MONDAY


class AllClearRule(ScheduledRule):
    """Each morning: quiet, or what is not, with what that rests on.

    ``answer_within`` is how long a mention may wait for an answer before it is counted here.
    """

    kind: Literal[RuleKind.ALL_CLEAR] = RuleKind.ALL_CLEAR
    answer_within: Duration = timedelta(hours=4)


AnyRule = Annotated[
    VolumeSpikeRule
    | NegativeSpikeRule
    | NewTrendRule
    | CompetitorMoveRule
    | KeywordRule
    | AuthorRule
    | InfluencerRule
    | OutletRule
    | SourceOutageRule
    | SelfTestRule
    | DigestRule
    | AllClearRule,
    Field(discriminator="kind"),
]
"""Every kind of rule."""

RULE_CLASSES: dict[RuleKind, type[Rule]] = {
    cls.model_fields["kind"].default: cls for cls in get_args(get_args(AnyRule)[0])
}
"""The class of each kind."""

RULES: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
"""Reads one rule out of plain data. Raises ValidationError."""


def topics_of(rule: Rule) -> tuple[str, ...]:
    """Return the topics that the rule names."""
    if isinstance(rule, TopicRule):
        return (rule.topic,)
    return rule.topics if isinstance(rule, ScheduledRule) else ()


def _joined(query: str | None, also: str) -> str:
    return f"({query}) AND ({also})" if query and query.strip() else also


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
