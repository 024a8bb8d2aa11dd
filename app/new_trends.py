"""The rule that tells a hashtag, name, phrase or link when it begins to burst."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.events import open_event
from alerts.incident import Words
from alerts.plain import without_links
from app.answers import TrendRow
from app.judging import rule_selection
from app.rounds import Found, Round, Standing
from app.scope import Preset, Scope
from app.seasonal import with_seasons
from app.trending import TERM_FIELDS
from app.versions import since_words
from core.questions import Order
from core.rules import NewTrendRule
from core.window import TimeWindow, bucket_start
from insights.sentence import describe_season, format_factor
from insights.trends import Direction, run_start, trend_level

EVERY = timedelta(minutes=15)
"""Trends are looked at this often: they are found within hours, not minutes."""

RECENT, STEP = 6, timedelta(hours=1)
"""What ``app.trending`` compares with the two weeks before, for a window of a day."""

LEARNING = timedelta(days=14)
TOLD_AGAIN_AFTER = timedelta(days=7)
"""A term that was quiet for so long and comes back is another matter."""

APART = timedelta(hours=2)
"""A crisis brings term after term: what comes within two hours is told together."""

TOLD_KINDS = ("hashtag", "entity", "phrase", "theme", "link")
KIND_WORDS = {kind: kind for kind in TOLD_KINDS} | {"entity": "name"}
SHOWN = 5
CANDIDATES = 200


def examine(here: Round, rule: NewTrendRule) -> Found:
    """Return the terms that burst now and were not told of late, as one event."""
    selection = rule_selection(rule, here.now)
    first = here.queries.counts.heard_from(selection)
    if first is None:
        return Found("no mention yet", Standing.NO_DATA)
    unlike = here.queries.counts.unlike(selection)
    first = max([first, *(one.window.end for one in unlike)])
    if here.now - first < LEARNING:
        day = (here.now - first) // timedelta(days=1) + 1
        since = since_words(unlike, TimeWindow.before(here.now, LEARNING), here.zone)
        words = f"learning since {since}" if since else "learning"
        return Found(f"{words}, day {day} of {LEARNING.days}", Standing.LEARNING)
    is_same = here.awake and bucket_start(here.awake.last, EVERY) == bucket_start(here.now, EVERY)
    if is_same and not here.is_dry:
        return Found(f"quiet: looks every {EVERY // timedelta(minutes=1)} minutes")
    if any(here.now - incident.opened_at < APART for incident in here.known):
        return Found("quiet: told less than 2 hours ago")
    scope = _scope(rule)
    rows, quiet = _news(here, _bursting(here, rule, here.queries.trends(scope, CANDIDATES)))
    if not rows:
        return Found(f"quiet: {quiet}")
    query = " OR ".join(f"({row.scope.query})" for row in rows[:SHOWN])
    window = rows[0].window
    asked = replace(here.queries.selection(replace(scope, query=query)), window=window)
    page = here.queries.index.page(asked, SHOWN, Order.ENGAGEMENT)
    event = open_event(
        rule,
        page.mentions,
        _words(rule, rows),
        here.now,
        query=query,
        stories=[f"{row.kind}:{row.term}" for row in rows],
        total=page.total,
        since=window.start,
    )
    return Found(f"bursts: {', '.join(row.label for row in rows[:SHOWN])}", event=event)


def _scope(rule: NewTrendRule) -> Scope:
    """Return the rule's mentions of a day, copies left out."""
    scope = Scope(topics=(rule.topic,), preset=Preset.DAY, query=rule.watched_query)
    return scope if "copy:" in rule.watched_query else scope.narrowed("copy:false")


def _bursting(here: Round, rule: NewTrendRule, rows: list[TrendRow]) -> list[TrendRow]:
    """Return the rows that the rule's budget allows to tell, the surest first."""
    told: dict[str, datetime] = {}
    for incident in sorted(here.known, key=lambda one: one.opened_at):
        told |= dict.fromkeys(incident.stories, incident.opened_at)
    found: list[TrendRow] = []
    levels: dict[str, float] = {}
    for row in rows:
        is_high = row.direction is Direction.RISING and row.observed >= rule.minimum
        if not is_high or row.kind not in TOLD_KINDS:
            continue
        if row.kind not in levels:
            levels[row.kind] = _level(here, rule, row)
        if row.p > levels[row.kind]:
            continue
        told_at = told.get(f"{row.kind}:{row.term}")
        if told_at is None or _has_come_back(row, told_at):
            found.append(row)
    return sorted(found, key=lambda row: (row.p, -row.observed, row.term))


def _news(here: Round, rows: list[TrendRow]) -> tuple[list[TrendRow], str]:
    """Return the rows that do not come as they always do, and in words what bursts but for them."""
    known = with_seasons(here.queries, rows)
    usual = [f"{row.spoken} ({row.comes})" for row in known if row.is_seasonal]
    words = f"comes as usual: {', '.join(usual[:SHOWN])}" if usual else "nothing bursts"
    return [row for row in known if not row.is_seasonal], words


def _level(here: Round, rule: NewTrendRule, row: TrendRow) -> float:
    """Return the p-value below which a term of the row's kind may be told.

    Each kind has an equal part of the budget, which all its terms of the two weeks share: those
    that are looked at are the most frequent of now, chosen among all.
    """
    (field,) = (field for field, kind in TERM_FIELDS.items() if kind == row.kind)
    window = TimeWindow(row.window.start - LEARNING, row.window.end)
    selection = replace(here.queries.selection(_scope(rule)), window=window)
    known = here.queries.index.distinct(selection, field)
    return trend_level(rule.false_alarms_per_week / len(TOLD_KINDS), known, RECENT, STEP)


def _has_come_back(row: TrendRow, told_at: datetime) -> bool:
    """Return whether a term that was told was quiet for long before it burst anew."""
    start = run_start(row.counts, RECENT, TOLD_AGAIN_AFTER // STEP)
    if start is None:
        return False
    began = row.window.start - (len(row.counts) - RECENT - start) * STEP
    return began - told_at >= TOLD_AGAIN_AFTER


def _words(rule: NewTrendRule, rows: list[TrendRow]) -> Words:
    first, hours = rows[0], RECENT
    named = without_links(first.spoken)
    lead = f"{named} bursts in what is said about {rule.topic}: {_size(first)}."
    story = [
        f"{without_links(row.spoken)} ({KIND_WORDS[row.kind]}): {_size(row)}."
        for row in rows[1:SHOWN]
    ]
    if len(rows) > SHOWN:
        story.append(f"{len(rows) - SHOWN} more burst with them.")
    return Words(
        subject=(f"{rule.topic}: {named} bursts, {first.observed:,} mentions in {hours} hours"),
        lead=lead,
        story=tuple(story),
        why=(
            (
                f'The rule "{rule.name}" tests every hashtag, name, phrase and link of the last '
                f"{hours} hours against two weeks before, and is wrong about "
                f"{rule.false_alarms_per_week:g} times a week at most. A term is told once, and "
                f"again when it comes back after {TOLD_AGAIN_AFTER.days} quiet days."
            ),
        ),
    )


def _size(row: TrendRow) -> str:
    text = f"{row.observed:,} mentions in {RECENT} hours"
    if row.is_new and row.season is None:
        is_known = row.first_seen is None or row.first_seen < row.window.start
        return f"{text}, {'not seen in two weeks' if is_known else 'never seen before'}"
    usual = "" if row.is_new else f", {format_factor(row.factor)} times the usual"
    season = f"; it {describe_season(row.season)}" if row.season else ""
    return f"{text}{usual}{season}"
