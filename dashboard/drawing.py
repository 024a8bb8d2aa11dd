"""The pieces that several pages draw: charts in the page's own colours, numbers, headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import streamlit as st

from app.answers import SentimentPoint, VolumePoint
from charts import sentiment as sentiment_charts
from charts import volume as volume_charts
from charts.chart import Chart, Frame
from charts.moments import Moment
from charts.palette import DARK, LIGHT, Theme
from dashboard.session import Viewer
from dashboard.words import escape

PAGE_LIGHT = replace(LIGHT, ground="#fbfaf7")
PAGE_DARK = replace(DARK, ground="#13181b")
"""Charts stand on the page itself (dashboard/.streamlit/config.toml), not on cards."""

FONT = "'Source Sans', sans-serif"


def theme_of(viewer: Viewer) -> Theme:
    """Return the charts' colours for the page the viewer sees."""
    return PAGE_DARK if viewer.is_dark else PAGE_LIGHT


def show_chart(chart: Chart, key: str) -> None:
    """Draw a chart as wide as its place, described in words for those who do not see it."""
    spec: dict[str, Any] = dict(chart.spec)
    # Said once: Streamlit warns of a chart that is described twice.
    del spec["description"]
    spec["config"] = {**spec["config"], "font": FONT}
    # Streamlit writes into the padding, so it must have sides.
    spec["padding"] = {"left": 0, "right": 4, "top": 6, "bottom": 4}
    st.vega_lite_chart(spec, width="stretch", theme=None, key=key, alt=chart.alt_text)


def show_volume(
    points: Sequence[VolumePoint],
    viewer: Viewer,
    key: str,
    *,
    since: datetime | None = None,
    moments: Sequence[Moment] = (),
) -> None:
    """Draw mentions over the band of what is usual; a burst from ``since`` on stands out."""
    shown = [
        volume_charts.VolumePoint(
            window=point.window,
            count=point.count,
            expected=point.expected,
            low=point.low,
            high=point.high,
            is_incomplete=not point.is_final,
            is_burst=since is not None and point.window.end > since and point.is_final,
        )
        for point in points
    ]
    frame = Frame(height=230, theme=theme_of(viewer), zone=viewer.zone)
    show_chart(volume_charts.volume_chart(shown, frame, moments=moments), key)


def show_net_sentiment(
    points: Sequence[SentimentPoint], viewer: Viewer, key: str, moments: Sequence[Moment] = ()
) -> None:
    """Draw net sentiment with its interval."""
    shown = [
        sentiment_charts.SentimentPoint(
            window=point.window,
            negative=point.counts["negative"],
            neutral=point.counts["neutral"],
            positive=point.counts["positive"],
        )
        for point in points
    ]
    frame = Frame(height=230, theme=theme_of(viewer), zone=viewer.zone)
    show_chart(sentiment_charts.net_sentiment_chart(shown, frame, moments=moments), key)


def heading(text: str, note: str = "") -> None:
    """Draw a section's heading with a quiet remark beside it."""
    aside = f"<small>{escape(note)}</small>" if note else ""
    st.html(f'<h2 class="gw-h2">{escape(text)}{aside}</h2>')


def empty(title: str, text: str, *commands: str) -> None:
    """Say that there is nothing here, and what to do next. ``text`` is plain."""
    lines = "".join(f"<code>{escape(command)}</code>" for command in commands)
    st.html(f'<div class="gw-empty"><h2>{escape(title)}</h2><p>{escape(text)}</p>{lines}</div>')


def bars(counts: Sequence[int], recent: int) -> str:
    """Return a small row of bars as HTML, the last ``recent`` ones in the alarm colour."""
    peak = max([*counts, 1])
    cells = [
        f"<i{' class=now' if len(counts) - at <= recent else ''} "
        f'style="height:{max(round(100 * count / peak), 4 if count else 2)}%"></i>'
        for at, count in enumerate(counts)
    ]
    return f'<span class="gw-bars" aria-hidden="true">{"".join(cells)}</span>'
