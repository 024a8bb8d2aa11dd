"""The report: what happened in a window of time, as a PDF to pass on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.letters import Figure, Row
from app.digests import (
    figures_of,
    incident_row,
    incidents_in,
    mention_row,
    top_rows,
    trend_row,
)
from app.queries import Queries
from app.scope import Scope
from charts.chart import Chart, Frame
from charts.sentiment import SentimentPoint, net_sentiment_chart
from charts.share import share_of_voice_chart
from charts.volume import VolumePoint, volume_chart
from insights.measures import EngagementRate, ShareOfVoice

if TYPE_CHECKING:
    from app.bootstrap import Application

CHART_WIDTH = 660
TALL, LOW = 210, 150
TOP_TRENDS, TOP_SHARED, TOP_INCIDENTS = 8, 5, 12


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with what stands below it: sentences, a chart, or rows."""

    title: str
    note: str = ""
    chart: Chart | None = None
    rows: Sequence[Row] = ()
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that the PDF shows."""

    title: str
    days: str
    lead: str
    figures: Sequence[Figure]
    parts: Sequence[Part]
    foot: str
    made_at: datetime
    is_synthetic: bool = False


def write_report(application: Application, scope: Scope, out: Path) -> Report:
    """Write the report about ``scope`` as a PDF to ``out``, whole or not at all; return it.

    Raises QueryError; OSError where it cannot be written.
    """
    from app.report_pdf import render
    from app.stores.segment import replace_file

    report = build_report(Queries(application), scope)
    replace_file(out, render(report))
    return report


def build_report(queries: Queries, scope: Scope) -> Report:
    """Return what the report about ``scope`` says: the Overview's numbers and charts."""
    now, zone = queries.now(), scope.zone
    found = queries.overview(scope)
    window = found.window
    scope = scope.within(window)
    base = queries.configuration.settings.link_base
    total = sum(entry.share.count for entry in found.shares)
    voice = ShareOfVoice(tuple(entry.share for entry in found.shares), total, None)
    own = next((entry.share.name for entry in found.shares if entry.is_own), None)
    frame = Frame(width=CHART_WIDTH, height=TALL, zone=zone)
    parts = [
        Part(
            "Volume",
            "the band is what is usual" if found.usual else "",
            volume_chart(
                [
                    VolumePoint(
                        window=point.window,
                        count=point.count,
                        expected=point.expected,
                        low=point.low,
                        high=point.high,
                        is_incomplete=not point.is_final,
                    )
                    for point in found.volume
                ],
                frame,
                moments=found.moments,
            ),
        ),
        Part(
            "Net sentiment",
            "with its 95 % interval",
            net_sentiment_chart(
                [SentimentPoint(point.window, **point.counts) for point in found.sentiment],
                Frame(width=CHART_WIDTH, height=LOW, zone=zone),
                moments=found.moments,
            ),
        ),
    ]
    if found.shares:
        sources = found.measures.sources
        noun = "source" if sources == 1 else "sources"
        parts.append(
            Part(
                "Share of voice",
                f"of {total:,} mentions in {sources} {noun}",
                share_of_voice_chart(voice, Frame(width=CHART_WIDTH - 120, zone=zone), own=own),
            )
        )
    parts += [
        Part(
            "What burst",
            "against its own history",
            rows=[trend_row(row, base) for row in found.bursts[:TOP_TRENDS]],
            empty="Nothing stood out. That is news too.",
        ),
        Part(
            "Incidents",
            rows=[
                incident_row(incident, base, zone)
                for incident in incidents_in(queries, window, scope.topics)[:TOP_INCIDENTS]
            ],
            empty="No rule fired.",
        ),
        Part("What stirred most", rows=top_rows(queries, scope, base, zone)),
        Part(
            "Worth sharing",
            rows=[mention_row(one.mention, base, zone) for one in found.worth[:TOP_SHARED]],
        ),
    ]
    return Report(
        title=", ".join(scope.topics) or "All topics",
        days=_days(window.start, window.end, zone),
        lead="".join(part.text for part in found.sentence),
        figures=[*figures_of(found), *_engagement(found.measures.engagement)],
        parts=[part for part in parts if part.chart or part.rows or part.empty],
        foot=(
            f"Counted are {found.total:,} mentions, own accounts and what was marked as not about "
            f"the topic left out. All times are {zone}."
        ),
        made_at=now,
        is_synthetic=queries.count(scope.narrowed("synthetic:true")) > 0,
    )


def _engagement(rate: EngagementRate | None) -> list[Figure]:
    """Return engagement per follower as a figure, where it is known."""
    if rate is None:
        return []
    value, low, high = (100 * part for part in (rate.rate.value, rate.rate.low, rate.rate.high))
    return [
        Figure(
            "Engagement per follower",
            f"{value:.2g} %",
            f"{low:.2g} to {high:.2g} %, of {rate.known:,} mentions",
        )
    ]


def _days(start: datetime, end: datetime, zone: str) -> str:
    info = ZoneInfo(zone)
    first, last = start.astimezone(info), (end - timedelta(seconds=1)).astimezone(info)
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
