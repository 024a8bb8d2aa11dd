"""Every kind of rule: its name, what it says of itself, and what it does in a round.

A new kind is one entry here, one class in ``core.rules`` and its lines in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.schedule import next_due
from app import all_clear, digests, instant, new_trends, outages, verdicts
from app.rounds import Found, Letter, Round
from core.rules import (
    AllClearRule,
    AuthorRule,
    CompetitorMoveRule,
    DigestRule,
    InfluencerRule,
    InstantRule,
    KeywordRule,
    NegativeSpikeRule,
    NewTrendRule,
    OutletRule,
    Period,
    RuleKind,
    ScheduledRule,
    SelfTestRule,
    SourceOutageRule,
    VolumeSpikeRule,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule.

    ``describe`` says in a few words what a rule watches. In a round a rule is looked at by
    ``examine``, or has a mail by the clock, from ``letter``. ``state`` says how it stands without
    looking, None where only looking tells.
    """

    title: str
    describe: Callable[[Any], str]
    examine: Callable[[Round, Any], Found] | None = None
    letter: Callable[[Round, Any], Letter | None] | None = None
    state: Callable[[Round, Any], str] | None = None


def _describe_volume(rule: VolumeSpikeRule) -> str:
    return f"the volume of {rule.topic}, from {rule.minimum} mentions"


def _describe_negative(rule: NegativeSpikeRule) -> str:
    return f"the negative share of {rule.topic}, from {rule.minimum} mentions"


def _describe_move(rule: CompetitorMoveRule) -> str:
    return f"the share of {rule.topic} in its group, from {rule.minimum} mentions"


def _describe_trend(rule: NewTrendRule) -> str:
    return f"what begins to burst in {rule.topic}, from {rule.minimum} mentions"


def _describe_keyword(rule: KeywordRule) -> str:
    return f"every story about {rule.topic} that matches {_short(rule.query)}"


def _describe_author(rule: AuthorRule) -> str:
    return f"every story about {rule.topic} by {_listed(rule.authors)}"


def _describe_influencer(rule: InfluencerRule) -> str:
    return f"every story about {rule.topic} by accounts from {rule.followers:,} followers"


def _describe_outlet(rule: OutletRule) -> str:
    names = tuple(name for group in rule.outlets for name in group.domains)
    return f"every story about {rule.topic} on {_listed(names)}"


def _describe_outage(rule: SourceOutageRule) -> str:
    return f"{_listed(rule.sources) or 'every source'}, silent for {_length(rule.after)}"


def _describe_self_test(rule: SelfTestRule) -> str:
    every = _length(rule.every).removeprefix("an ").removeprefix("a ")
    return f"a mention of its own every {every}, within {_length(rule.within)}"


def _describe_digest(rule: DigestRule) -> str:
    when = f"{rule.weekday.value.capitalize()}s" if rule.every is Period.WEEKLY else "daily"
    return f"{_listed(rule.topics) or 'every topic'}, {when} at {rule.at:%H:%M}"


def _describe_all_clear(rule: AllClearRule) -> str:
    return f"{_listed(rule.topics) or 'every topic'}, daily at {rule.at:%H:%M}"


def _told_today(here: Round, rule: InstantRule) -> str:
    count = sum(here.now - incident.opened_at < timedelta(days=1) for incident in here.known)
    return f"{count} told in 24 hours, at most {rule.mails_a_day}"


def _told_this_week(here: Round, _rule: NewTrendRule) -> str:
    count = sum(here.now - incident.opened_at < timedelta(days=7) for incident in here.known)
    return f"{count} told in 7 days"


def _out_now(here: Round, rule: SourceOutageRule) -> str:
    return outages.examine_sources(here, rule).words


def _next_letter(here: Round, rule: ScheduledRule) -> str:
    zone = ZoneInfo(rule.time_zone or here.zone)
    due = next_due(rule, here.now, here.zone).astimezone(zone)
    return f"next on {due:%A} {due.day} {due:%b} at {due:%H:%M}"


def _last_self_test(here: Round, _rule: SelfTestRule) -> str:
    return outages.self_test_words(here)


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _listed(names: tuple[str, ...], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _length(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    hours = minutes // 60
    if minutes % 60 or not hours:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    return "an hour" if hours == 1 else f"{hours} hours"


def _instant(title: str, describe: Callable[[Any], str]) -> Kind:
    return Kind(title, describe, examine=instant.examine, state=_told_today)


KINDS: dict[RuleKind, Kind] = {
    RuleKind.VOLUME_SPIKE: Kind("Volume spike", _describe_volume, examine=verdicts.examine),
    RuleKind.NEGATIVE_SPIKE: Kind("Negative spike", _describe_negative, examine=verdicts.examine),
    RuleKind.COMPETITOR_MOVE: Kind("Competitor move", _describe_move, examine=verdicts.examine),
    RuleKind.NEW_TREND: Kind(
        "New trend", _describe_trend, examine=new_trends.examine, state=_told_this_week
    ),
    RuleKind.KEYWORD: _instant("Keyword", _describe_keyword),
    RuleKind.AUTHOR: _instant("Author", _describe_author),
    RuleKind.INFLUENCER: _instant("Influencer", _describe_influencer),
    RuleKind.OUTLET: _instant("Outlet", _describe_outlet),
    RuleKind.SOURCE_OUTAGE: Kind(
        "Source outage", _describe_outage, examine=outages.examine_sources, state=_out_now
    ),
    RuleKind.SELF_TEST: Kind(
        "Self-test", _describe_self_test, examine=outages.examine_self_test, state=_last_self_test
    ),
    RuleKind.DIGEST: Kind("Digest", _describe_digest, letter=digests.letter, state=_next_letter),
    RuleKind.ALL_CLEAR: Kind(
        "All-clear", _describe_all_clear, letter=all_clear.letter, state=_next_letter
    ),
}
"""What each kind is and does."""
