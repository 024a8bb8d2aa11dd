"""What is measured beside volume and sentiment: engagement, answers, own accounts, sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.answers import AccountGrowth, Measures
from app.scope import Scope
from core.mention import Mention
from core.query.ast import FieldIs
from core.questions import GroupField, Order, Selection
from insights.measures import Denominator, engagement_rate, growth, response_time

if TYPE_CHECKING:
    from app.queries import Queries

READ_MENTIONS = 500
"""Mentions that rates are measured on: the interval says how far that carries."""

MOST_SOURCES = 500


def measure(queries: Queries, scope: Scope) -> Measures:
    """Return the measures of a scope."""
    from app.queries import narrowed

    selection = queries.selection(scope)
    newest = queries.index.page(selection, READ_MENTIONS, Order.NEWEST).mentions
    own = narrowed(replace(selection, include_own=True), FieldIs("own", "true"))
    published = queries.index.page(own, READ_MENTIONS, Order.NEWEST).mentions
    return Measures(
        engagement=engagement_rate(
            [mention.engagement.total for mention in newest],
            [mention.author.followers if mention.author else None for mention in newest],
            Denominator.FOLLOWERS,
        ),
        response=response_time(_answer_times(queries, published)),
        accounts=_accounts(published),
        sources=_sources(queries, scope, selection),
    )


def _answer_times(queries: Queries, published: Sequence[Mention]) -> list[timedelta]:
    """Return how long after each mention the brand first answered it."""
    parents = queries.index.get([one.parent_id for one in published if one.parent_id])
    first: dict[str, timedelta] = {}
    for reply in published:
        parent = parents.get(reply.parent_id or "")
        # An own thread is no answer to anybody; nor is what a clock puts before its question.
        if parent is None or not parent.has_content or parent.is_own:
            continue
        time = reply.published_at - parent.published_at
        if time >= timedelta(0):
            first[parent.id] = min(time, first.get(parent.id, time))
    return list(first.values())


def _accounts(published: Sequence[Mention]) -> tuple[AccountGrowth, ...]:
    """Return how the followers of each own account changed, largest account first."""
    seen: dict[str, list[Mention]] = {}
    for mention in published:
        if mention.author is not None:
            seen.setdefault(f"{mention.author.service}:{mention.author.id}", []).append(mention)
    found = []
    for mentions in seen.values():
        changed = growth([(m.published_at, m.author.followers) for m in mentions if m.author])
        author = mentions[0].author
        if changed is not None and author is not None:
            found.append(AccountGrowth(author.handle or author.name or author.id, changed))
    return tuple(sorted(found, key=lambda one: -one.growth.last))


def _sources(queries: Queries, scope: Scope, selection: Selection) -> int:
    """Return how many sources brought mentions of the groups that the scope's topics are of."""
    topics = queries.configuration.topics
    chosen = set(scope.selected_topics(queries.configuration))
    groups = {topic.group for topic in topics if topic.name in chosen}
    names = tuple(topic.name for topic in topics if topic.group in groups)
    whole = replace(selection, topics=names or selection.topics)
    return len(queries.index.top(whole, GroupField.SOURCE, MOST_SOURCES))
