"""Digests: the story of a day or of a week, by mail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.incident import Incident
from alerts.letters import Figure, LetterFacts, Row, Section, compose_letter
from alerts.message import CHART_SIZE, excerpt
from alerts.plain import name_of, without_links
from alerts.quoting import SENTIMENT_COLOURS
from alerts.schedule import Occurrence, latest_due
from app.answers import Overview, Stats, TrendRow, VolumePoint
from app.rounds import Letter, Round
from app.scope import Preset, Scope
from charts.chart import Chart, Frame
from charts.moments import Moment
from charts.volume import VolumePoint as ChartPoint
from charts.volume import volume_chart
from core.mention import Mention
from core.questions import Order
from core.rules import DigestRule, Period, ScheduledRule
from core.window import TimeWindow
from insights.sentence import describe_season, format_factor, format_range

if TYPE_CHECKING:
    from app.queries import Queries

TOP_MENTIONS, TOP_TRENDS, TOP_SHARED, SHOWN_INCIDENTS = 5, 5, 3, 8
POOL = 60
"""Mentions looked at for those that stirred most: copies of one story are one."""

TREND_KINDS = {"entity": "name"}


def letter(here: Round, rule: DigestRule) -> Letter | None:
    """Return the digest that is due, None where none is."""
    due = latest_due(rule, here.now, here.zone)
    if due is None:
        return None
    key, mail = letter_key(rule, due), here.application.configuration.settings.mail
    recipients = rule.recipients or mail.recipients
    return Letter(key, lambda: compose_letter(digest_facts(here, rule, due, key), mail, recipients))


def letter_key(rule: ScheduledRule, due: Occurrence) -> str:
    """Return the name of one letter, for ever: that of its rule and of its day."""
    digest = hashlib.blake2b(rule.name.encode(), digest_size=8).hexdigest()
    return f"{rule.kind.value}.{digest}.{due.key}"


def scope_of(rule: ScheduledRule, window: TimeWindow, zone: str) -> Scope:
    """Return what a letter is about."""
    scope = Scope(topics=rule.topics, preset=Preset.ALL, zone=rule.time_zone or zone)
    return scope.within(window)


def digest_facts(here: Round, rule: DigestRule, due: Occurrence, key: str) -> LetterFacts:
    """Return the story of the digest's time: a sentence, figures, chart, and what stands out."""
    queries, window = here.queries, due.window
    zone = rule.time_zone or here.zone
    scope = scope_of(rule, window, here.zone)
    found = queries.overview(scope)
    base = here.application.configuration.settings.link_base
    name = ", ".join(rule.topics) or "All topics"
    span = "week" if rule.every is Period.WEEKLY else "day"
    days, own = _days(window, zone), [topic.name for topic in queries.configuration.topics]
    return LetterFacts(
        key=key,
        at=window.end,
        subject=f"{name}, {days}: {without_links(_headline(found))}",
        kicker=f"The {span}'s story · {name} · {days}",
        lead=without_links("".join(part.text for part in found.sentence), own),
        link=f"{base}/{scope.url('mentions')}",
        link_text=f"See the {found.total:,} mentions in Groundswell",
        figures=figures_of(found),
        sections=(
            Section(
                "What burst",
                [trend_row(row, base) for row in found.bursts[:TOP_TRENDS]],
                "Nothing stood out. That is news too.",
            ),
            Section(
                "Incidents",
                [
                    incident_row(incident, base, zone)
                    for incident in incidents_in(queries, window, rule.topics)[:SHOWN_INCIDENTS]
                ],
                "No rule fired.",
            ),
            Section("What stirred most", top_rows(queries, scope, base, zone)),
            Section(
                "Worth sharing",
                [mention_row(one.mention, base, zone) for one in found.worth[:TOP_SHARED]],
            ),
        ),
        chart=chart_of(found.volume, zone, found.moments),
        why=_why(rule, window, zone),
        rule=rule.name,
        is_synthetic=queries.count(scope.narrowed("synthetic:true")) > 0,
    )


def incidents_in(
    queries: Queries, window: TimeWindow, topics: Sequence[str] = ()
) -> list[Incident]:
    """Return the incidents opened in ``window``, of those topics or about none."""
    return [
        incident
        for incident in queries.incidents(window.start)
        if incident.opened_at < window.end and is_about(incident, topics)
    ]


def is_about(incident: Incident, topics: Sequence[str]) -> bool:
    """Return whether an incident is about one of ``topics``, or about all: a source, the mail."""
    return not topics or not incident.topic or incident.topic in topics


def figures_of(found: Overview) -> list[Figure]:
    """Return the numbers of an overview, each with what it is compared with."""
    stats, before = found.stats, found.previous
    net = stats.net_sentiment
    usual = f"usual {format_range(found.usual.low, found.usual.high)}" if found.usual else ""
    figures = [
        Figure("Mentions", f"{stats.mentions:,}", usual or _before(before, "mentions")),
        Figure("Authors", f"{stats.authors:,}", _before(before, "authors")),
        Figure(
            "Net sentiment",
            f"{net.value:+.2f}" if net else "no data",
            f"{net.low:+.2f} to {net.high:+.2f}, {net.n:,} scored" if net else "",
        ),
        Figure("Waiting", f"{found.inbox:,}", "for an answer"),
    ]
    total = sum(entry.share.count for entry in found.shares)
    figures += [
        Figure(
            f"Share of voice, {entry.share.name}",
            f"{100 * entry.share.share:.0f} %",
            f"{entry.share.count:,} of {total:,} mentions of the group",
        )
        for entry in found.shares
        if entry.is_own
    ]
    return figures


def trend_row(row: TrendRow, base: str) -> Row:
    """Return a trend as a line of a letter."""
    times = "new" if row.is_new else f"{format_factor(row.factor)} times the usual"
    kind = TREND_KINDS.get(row.kind, row.kind)
    season = f"; {describe_season(row.season)}" if row.season else ""
    note = f"{kind}, {row.observed:,} mentions, {times}{season}"
    return Row(without_links(row.label), note, f"{base}/{row.scope.url('mentions')}")


def mention_row(mention: Mention, base: str, zone: str) -> Row:
    """Return a mention as a line of a letter; it opens in the dashboard, by its id."""
    name = name_of(mention.author) if mention.author else ""
    local = mention.published_at.astimezone(ZoneInfo(zone))
    stirred = mention.engagement.total
    parts = [
        name[:60],
        mention.channel.value,
        f"{local:%a %d %b %H:%M}",
        f"{stirred:,} reactions" if stirred else "",
    ]
    only = Scope(
        preset=Preset.ALL,
        query=f'id:"{mention.id}"',
        include_own=True,
        include_irrelevant=True,
    )
    return Row(
        without_links(
            excerpt(f"{mention.title}. {mention.text}" if mention.title else mention.text)
        ),
        " · ".join(part for part in parts if part),
        f"{base}/{only.url('mentions')}",
        SENTIMENT_COLOURS[mention.sentiment],
    )


def chart_of(points: Sequence[VolumePoint], zone: str, moments: Sequence[Moment] = ()) -> Chart:
    """Return the volume as the page draws it."""
    shown = [
        ChartPoint(
            window=point.window,
            count=point.count,
            expected=point.expected,
            low=point.low,
            high=point.high,
            is_incomplete=not point.is_final,
        )
        for point in points
    ]
    width, height = CHART_SIZE
    frame = Frame(width=width, height=height, zone=zone)
    return volume_chart(shown, frame, moments=moments)


def top_rows(queries: Queries, scope: Scope, base: str, zone: str) -> list[Row]:
    """Return the mentions that stirred most, one of each story."""
    pool = queries.index.page(queries.selection(scope), POOL, Order.ENGAGEMENT).mentions
    first: dict[str, Mention] = {}
    for mention in pool:
        first.setdefault(mention.story_id or mention.id, mention)
    return [mention_row(one, base, zone) for one in list(first.values())[:TOP_MENTIONS]]


def incident_row(incident: Incident, base: str, zone: str) -> Row:
    """Return an incident as a line of a letter."""
    local = incident.opened_at.astimezone(ZoneInfo(zone))
    state = "still open" if incident.resolved_at is None else "over"
    if incident.ended_because:
        state += f", because {incident.ended_because}"
    words = incident.first.words
    seen = words.lead if words else f"{incident.total:,} mentions"
    note = f"{local:%a %d %b %H:%M}, {state}. {seen}"
    return Row(incident.rule, note, f"{base}/alerts?incident={incident.id}")


def _headline(found: Overview) -> str:
    text = f"{found.total:,} mention{'' if found.total == 1 else 's'}"
    if found.usual is not None:
        text += f", usual {format_range(found.usual.low, found.usual.high)}"
    if found.bursts:
        text += f"; {found.bursts[0].spoken} burst"
    return text


def _before(before: Stats | None, name: str) -> str:
    return f"{getattr(before, name):,} before" if before is not None else ""


def _days(window: TimeWindow, zone: str) -> str:
    """Return the days that the window's ends lie on: "Mon 16 Nov to Mon 23 Nov"."""
    return f"{_day(window.start, zone)} to {_day(window.end, zone)}"


def _day(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}"


def _why(rule: DigestRule, window: TimeWindow, zone: str) -> list[str]:
    start, end = (at.astimezone(ZoneInfo(zone)) for at in (window.start, window.end))
    when = f"every {rule.weekday.value.capitalize()}" if rule.every is Period.WEEKLY else "daily"
    return [
        f'The rule "{rule.name}" sends it {when} at {rule.at:%H:%M}.',
        f"It is about {start:%a %d %b %H:%M} to {end:%a %d %b %H:%M}.",
        f"All times are {zone}.",
    ]
