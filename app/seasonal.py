"""Trends that come anyway, each month, each year or on holidays, by what is stored of a term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from app.answers import TrendRow
from core.questions import Selection
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR
from insights.seasons import Season, find_season
from insights.series import Series

if TYPE_CHECKING:
    from app.queries import Queries

HISTORY = timedelta(days=4 * 366)
"""How far back seasons are looked for: an index counts 65,000 buckets at most, seven years."""

LEAST = timedelta(days=28)
"""What is known for less has no month to be compared with."""

TOLD_KINDS = frozenset({"hashtag", "entity", "phrase", "theme", "link"})
"""A story is told once, and a discovered theme has no name for years."""


def with_seasons(queries: Queries, rows: Sequence[TrendRow]) -> list[TrendRow]:
    """Return the rows with the season in which each comes, by one question to the index each."""
    return [replace(row, season=_season(queries, row)) for row in rows]


def _season(queries: Queries, row: TrendRow) -> Season | None:
    if row.kind not in TOLD_KINDS or row.recurs is not None:
        return None
    selection = replace(queries.selection(row.scope), window=None)
    first = queries.counts.first_seen(selection)
    end = row.window.end
    if first is None or first > end - LEAST:
        return None
    series = _hours(queries, selection, TimeWindow(max(first, end - HISTORY), end))
    return find_season(series, row.window, queries.calendar.zone, queries.calendar.days)


def _hours(queries: Queries, selection: Selection, window: TimeWindow) -> Series:
    """Return the selection's mentions by the hour, from the first whole one on."""
    start = bucket_start(window.start, HOUR) + HOUR
    counts = np.zeros(-((start - window.end) // HOUR), dtype=np.int64)
    wanted = replace(selection, window=TimeWindow(start, window.end))
    for bucket in queries.index.buckets(wanted, HOUR):
        counts[(bucket.start - start) // HOUR] = bucket.count
    return Series.build(start, HOUR, counts)
