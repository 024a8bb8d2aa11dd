"""What bursts now: hashtags, names, phrases, themes, links, stories against their own history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.answers import TrendRow
from app.naming import headline, name_themes, shortened, theme_names
from app.repeating import (
    Words,
    drop_repeated,
    is_name,
    is_told,
    label_phrases,
    names_in,
    without_parts,
)
from app.scope import Scope
from app.seasonal import with_seasons
from core.mention import Mention
from core.questions import GroupField, Order, Selection, ValueCount
from core.window import TimeWindow, bucket_start
from insights.trends import Direction, TermCounts, rank_trends, rhythm_of

if TYPE_CHECKING:
    from app.queries import Queries

TERM_FIELDS = {
    GroupField.HASHTAG: "hashtag",
    GroupField.ENTITY: "entity",
    GroupField.PHRASE: "phrase",
    GroupField.THEME: "theme",
    GroupField.DISCOVERED: "discovered",
    GroupField.LINK: "link",
    GroupField.STORY: "story",
}
"""What can trend, and the name of the query's field that finds it."""

CANDIDATES = 40
"""Values of a field that are looked at: one outside the first forty of now is no news yet."""

PHRASE_CANDIDATES = 200
"""A mention holds a dozen phrases, most of which are part of another or said every day."""

COMPARED_PHRASES = 60
"""Phrases whose history is looked at, each by a question of its own: asked together, an index
would count every other phrase of the same mentions too."""

SHOWN_THEMES = 8
"""Discovered themes that are named, each by two questions."""

SHOWN_STORIES = 5
"""Stories that are named; in a crisis every second post is copied, and names say it better."""

EXPLAINED, EXAMPLES = 6, 2
"""Terms that are told more about, and mentions that show each: what fits a page."""

NAMING = frozenset({"hashtag", "entity"})
"""Kinds of terms that may be the topic's own name, which says nothing about why it bursts."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How a window is cut: ``recent`` buckets of ``step`` against ``history`` before them."""

    step: timedelta
    recent: int
    history: int


def pace_of(length: timedelta | None) -> _Pace:
    """Return buckets that suit a window: hours for a day, days for a month."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    if length is not None and length <= 2 * day:
        return _Pace(hour, 6, 14 * 24)
    if length is not None and length <= 10 * day:
        return _Pace(6 * hour, 8, 4 * 28)
    return _Pace(day, 7, 56)


def find_trends(queries: Queries, scope: Scope) -> list[TrendRow]:
    """Return every candidate term of the scope, those that burst first.

    The most frequent terms of now are tested together, so that the false-discovery rate holds
    over all kinds.
    """
    now = queries.now()
    window = scope.window(now)
    end = window.end if window else now
    pace = pace_of(window.length if window else None)
    first = bucket_start(end, pace.step) - (pace.recent + pace.history - 1) * pace.step
    whole = TimeWindow(first, end)
    recent = TimeWindow(bucket_start(end, pace.step) - (pace.recent - 1) * pace.step, end)
    selection = queries.selection(scope)
    asked = names_in(queries, scope)
    terms: list[TermCounts] = []
    for field in TERM_FIELDS:
        if field is GroupField.PHRASE:
            terms += _phrases(queries, asked, selection, whole, recent, pace.step)
        else:
            terms += _candidates(queries, selection, field, whole, recent, pace.step)
    terms = [term for term in terms if term.kind not in NAMING or not is_name(term.term, asked)]
    if not terms:
        return []
    totals = _totals(queries, replace(selection, window=whole), whole, pace.step)
    ranked = drop_repeated(rank_trends(terms, pace.recent, totals=totals), pace.recent)
    labels = _story_labels(
        queries, [t.term for t in ranked if t.kind == "story"][:SHOWN_STORIES], selection
    )
    labels |= label_phrases(queries, ranked, replace(selection, window=recent))
    labels |= theme_names(queries.configuration)
    discovered = [t.term for t in ranked if t.kind == "discovered"][:SHOWN_THEMES]
    labels |= name_themes(queries, discovered, replace(selection, window=whole), asked)
    rows: list[TrendRow] = []
    for trend in ranked:
        label = _label(trend.kind, trend.term, labels)
        if label is None:
            continue
        usual = sum(trend.sparkline[: -pace.recent]) / pace.history * pace.recent
        found = scope.narrowed(f"{trend.kind}:{quoted(trend.term)}").within(recent)
        rows.append(
            TrendRow(
                kind=trend.kind,
                term=trend.term,
                label=label,
                observed=trend.observed,
                expected=usual,
                factor=trend.observed / usual if usual else trend.factor,
                p=trend.p,
                q=trend.q,
                direction=trend.direction,
                is_new=trend.is_new,
                window=recent,
                counts=trend.sparkline,
                scope=found,
                low=trend.low,
                high=trend.high,
                recurs=rhythm_of(trend.sparkline, pace.recent, pace.step),
            )
        )
    return rows


def explained(queries: Queries, rows: Sequence[TrendRow]) -> list[TrendRow]:
    """Return the rows; of the first that rise, with season, beginning, leader and examples."""
    shown = [row for row in rows if row.direction is Direction.RISING][:EXPLAINED]
    seasons = {(row.kind, row.term): row.season for row in with_seasons(queries, shown)}
    found = []
    for row in rows:
        if row not in shown:
            found.append(row)
            continue
        selection = queries.selection(row.scope)
        whole = replace(selection, window=None)
        oldest = queries.index.page(whole, 1, Order.OLDEST).mentions
        leaders = queries.index.top(selection, GroupField.AUTHOR, 1)
        pool = queries.index.page(selection, EXAMPLES * 5, Order.ENGAGEMENT).mentions
        examples: dict[str, Mention] = {}
        for one in pool:
            examples.setdefault(one.story_id or one.id, one)
        name = next((n for one in pool if (n := _name_of(one, leaders))), None)
        found.append(
            replace(
                row,
                season=seasons[row.kind, row.term],
                first_seen=oldest[0].published_at if oldest else None,
                leader=name or (leaders[0].value if leaders else None),
                leader_count=leaders[0].count if leaders else 0,
                examples=tuple(examples.values())[:EXAMPLES],
            )
        )
    return found


def _name_of(mention: Mention, leaders: Sequence[ValueCount]) -> str | None:
    """Return the handle of the author who leads, if it is this mention's."""
    author = mention.author
    if author is None or not leaders or f"{author.service}:{author.id}" != leaders[0].value:
        return None
    return f"@{author.handle}" if author.handle else author.name


def quoted(value: str) -> str:
    """Return a value as a query's field takes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _candidates(
    queries: Queries,
    selection: Selection,
    field: GroupField,
    whole: TimeWindow,
    recent: TimeWindow,
    step: timedelta,
) -> list[TermCounts]:
    from app.queries import any_of, narrowed

    top = queries.index.top(replace(selection, window=recent), field, CANDIDATES)
    names = [value.value for value in top if value.count > 1]
    if not names:
        return []
    wanted = replace(narrowed(selection, any_of(TERM_FIELDS[field], names)), window=whole)
    counts: dict[str, dict[datetime, int]] = {name: {} for name in names}
    for bucket in queries.index.buckets(wanted, step, field):
        if bucket.value in counts:
            counts[bucket.value][bucket.start] = bucket.count
    starts = list(whole.buckets(step))
    return [
        TermCounts(TERM_FIELDS[field], name, [counts[name].get(at, 0) for at in starts])
        for name in names
    ]


def _phrases(
    queries: Queries,
    asked: frozenset[Words],
    selection: Selection,
    whole: TimeWindow,
    recent: TimeWindow,
    step: timedelta,
) -> list[TermCounts]:
    """Return the phrases of now that say more than what was asked for, with their history."""
    from app.queries import any_of, narrowed

    top = queries.index.top(replace(selection, window=recent), GroupField.PHRASE, PHRASE_CANDIDATES)
    told = {v.value: v.count for v in top if v.count > 1 and not is_told(v.value, asked)}
    starts = list(whole.buckets(step))
    terms = []
    for phrase in without_parts(told)[:COMPARED_PHRASES]:
        wanted = replace(narrowed(selection, any_of("phrase", [phrase])), window=whole)
        found = {bucket.start: bucket.count for bucket in queries.index.buckets(wanted, step)}
        terms.append(TermCounts("phrase", phrase, [found.get(at, 0) for at in starts]))
    return terms


def _totals(
    queries: Queries, selection: Selection, whole: TimeWindow, step: timedelta
) -> list[int]:
    found = {bucket.start: bucket.count for bucket in queries.index.buckets(selection, step)}
    return [found.get(at, 0) for at in whole.buckets(step)]


def _label(kind: str, term: str, labels: dict[str, str]) -> str | None:
    if kind == "hashtag":
        return f"#{term}"
    if kind == "link":
        return shortened(re.sub(r"^https?://(www\.)?", "", term).rstrip("/"))
    if kind in ("phrase", "theme"):
        return labels.get(term, term)
    return labels.get(term) if kind in ("story", "discovered") else term


def _story_labels(queries: Queries, stories: Sequence[str], selection: Selection) -> dict[str, str]:
    """Return the headline of each story."""
    from app.queries import any_of

    labels = {}
    for story in stories:
        asked = replace(selection, query=any_of("story", [story]), window=None)
        page = queries.index.page(asked, 1)
        if page.mentions:
            labels[story] = headline(page.mentions[0])
    return labels
