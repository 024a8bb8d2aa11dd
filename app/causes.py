"""What explains an excess: the values that grew against the weeks before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from alerts.incident import Cause, Incident
from alerts.incidents import Findings, is_doubled
from app.judging import rule_selection
from app.repeating import is_name, is_own_word, is_told, own_words, without_parts
from core.fields import FIELDS as FIELDS_BY_NAME
from core.mention import Mention, Sentiment
from core.ports import Index
from core.questions import GroupField, Order, Selection
from core.rules import RuleKind, TopicRule
from core.text import tokenise
from core.window import TimeWindow
from insights.log_odds import OverIndex, over_indexed

if TYPE_CHECKING:
    from app.queries import Queries

REFERENCE = timedelta(days=14)
FIELDS = (
    GroupField.HASHTAG,
    GroupField.ENTITY,
    GroupField.PHRASE,
    GroupField.THEME,
    GroupField.LINK,
    GroupField.CHANNEL,
    GroupField.LANGUAGE,
)
NAMING = (GroupField.HASHTAG, GroupField.ENTITY)
"""What may be the topic's own name."""

CANDIDATES = 40
READ_MENTIONS = 400
"""Texts read for the words that grew: enough to be sure, few enough to take no time."""

READ_OLDEST, FIRST_POSTS = 60, 5
"""Mentions read from the beginning for those that began it, and how many of them are named."""

MENTIONS_THAT_MATTER, CONSIDERED_MENTIONS = 5, 60

SURE_Z = 3.0
GROWN = 2.0
SHOWN = 6
SHORTEST_WORD = 4


def find_findings(
    queries: Queries,
    rule: TopicRule,
    began: datetime,
    now: datetime,
    incident: Incident | None = None,
) -> Findings:
    """Return what the mentions since ``began`` show; why and which is read when it is told.

    ``incident`` is the one that they belong to where it was told before.
    """
    window = TimeWindow(min(began, now), now)
    labels = (Sentiment.NEGATIVE,) if rule.kind is RuleKind.NEGATIVE_SPIKE else ()
    index, selection = queries.index, rule_selection(rule, now, labels)
    inside = replace(selection, window=window)
    total = index.count(inside)
    if incident is not None and not is_doubled(incident, total):
        return Findings(total, incident.causes, incident.mention_ids)
    own = own_words(queries.configuration, selection.topics, selection.query, now)
    causes = find_causes(index, selection, window, own)
    pool = index.page(inside, CONSIDERED_MENTIONS, Order.ENGAGEMENT).mentions
    ids = tuple(one.id for one in by_weight(pool, causes)[:MENTIONS_THAT_MATTER])
    return Findings(total, causes, ids)


def find_causes(
    index: Index,
    selection: Selection,
    window: TimeWindow,
    own: frozenset[tuple[str, ...]] = frozenset(),
) -> tuple[Cause, ...]:
    """Return what the mentions of ``window`` hold far more of than those of the weeks before.

    The surest first, at most two of a kind, without the topic's ``own`` words: they grow with it
    and say nothing about why. Expected counts are those of as many mentions as the
    window holds, were they like the weeks before.
    """
    now = replace(selection, window=window)
    before = replace(selection, window=TimeWindow.before(window.start, REFERENCE))
    totals = index.count(now), index.count(before)
    found: list[tuple[float, Cause]] = []
    for field in FIELDS:
        here = {one.value: one.count for one in index.top(now, field, CANDIDATES)}
        if field is GroupField.PHRASE:
            here = {one: here[one] for one in without_parts(here) if not is_told(one, own)}
            there = _counts(index, before, here)
        else:
            there = {one.value: one.count for one in index.top(before, field, CANDIDATES * 5)}
        if field in NAMING:
            here = {one: count for one, count in here.items() if not is_name(one, own)}
        found += _sure(field.value, over_indexed(here, totals[0], there, totals[1]))
    words = (one for one in _words(index, now, before) if not is_own_word(one.value, own))
    found += _sure("term", words)
    found.sort(key=lambda pair: -pair[0])
    shown: list[Cause] = []
    for _, cause in found:
        told = " ".join(one.value for one in shown).casefold()
        is_new = cause.value.lstrip("#@").casefold() not in told
        if is_new and sum(one.field == cause.field for one in shown) < 2:
            shown.append(cause)
    return tuple(shown[:SHOWN])


def shows(mention: Mention, causes: Iterable[Cause]) -> bool:
    """Return whether any of ``causes`` stands in the mention: it is then part of what grew."""
    words = _words_of(mention)
    return any(
        cause.value in words
        if cause.field == "term"
        else cause.value in map(str, FIELDS_BY_NAME[cause.field].read(mention))
        for cause in causes
    )


def first_posts(index: Index, selection: Selection, causes: Sequence[Cause]) -> tuple[Mention, ...]:
    """Return the oldest mentions of ``selection`` that show what grew, five at most.

    Ordinary talk goes on beside what is unusual, so the oldest alone would name bystanders. Without
    causes they are the oldest there are.
    """
    pool = index.page(selection, READ_OLDEST, Order.OLDEST).mentions
    found = (one for one in pool if one.has_content and (not causes or shows(one, causes)))
    return tuple(islice(found, FIRST_POSTS))


def _sure(field: str, values: Iterable[OverIndex]) -> list[tuple[float, Cause]]:
    return [
        (one.z, Cause(field=field, value=one.value, count=one.count, expected=one.expected))
        for one in values
        if one.z >= SURE_Z and one.count >= GROWN * one.expected
    ][:3]


def _counts(index: Index, before: Selection, phrases: Iterable[str]) -> dict[str, int]:
    """Return how many mentions hold each phrase: there are too many for a list of the top ones."""
    from app.queries import any_of, narrowed

    return {phrase: index.count(narrowed(before, any_of("phrase", [phrase]))) for phrase in phrases}


def _words(index: Index, now: Selection, before: Selection) -> list[OverIndex]:
    here = index.page(now, READ_MENTIONS).mentions
    there = index.page(before, READ_MENTIONS * 3).mentions
    return over_indexed(_count(here), len(here), _count(there), len(there), minimum=5)


def _count(mentions: Iterable[Mention]) -> Counter[str]:
    """Return in how many mentions each word stands."""
    counts: Counter[str] = Counter()
    for mention in mentions:
        counts.update(_words_of(mention))
    return counts


def _words_of(mention: Mention) -> set[str]:
    """Return the words of title and text that are long enough to mean something."""
    words = {token.folded for token in tokenise(f"{mention.title or ''} {mention.text}")}
    return {word for word in words if len(word) >= SHORTEST_WORD and word.isalpha()}


def by_weight(pool: Sequence[Mention], causes: Sequence[Cause]) -> list[Mention]:
    """Return the first mention of each story, those first that show what grew and matter most."""
    return sorted(
        _distinct(pool), key=lambda one: (shows(one, causes), *_weight(one)), reverse=True
    )


def _distinct(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the first mention of each story, in order."""
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.story_id or mention.id, mention)
    return list(first.values())


def _weight(mention: Mention) -> tuple[float, str]:
    """Return how much a mention matters: what it stirred, and how many it may reach.

    Logarithms, because both are spread over powers of ten; reach counts half, as it is only
    potential.
    """
    followers = mention.author.followers if mention.author else None
    stirred = math.log1p(mention.engagement.total or 0)
    return stirred + 0.5 * math.log1p(followers or 0), mention.id
