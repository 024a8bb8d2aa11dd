"""What a chart is: a Vega-Lite specification, and the words that stand for it.

The specification is plain data, so that building one needs no charting library: a page draws it in
the browser, a mail and a report turn it into a picture (charts.render).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from charts.palette import LIGHT, Theme

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | dict[str, JsonValue] | None"
)
JsonObject: TypeAlias = dict[str, JsonValue]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# Present on every system that draws: no picture waits for a font.
FONT = "Inter, Helvetica, Arial, 'DejaVu Sans', sans-serif"

TICKS, TICKS_IF_NARROW = 6, 4
NARROW = 480
"""Pixels below which six times do not stand side by side."""

# One way of writing time for all readers: day before month, 24 hours.
TIME_FORMATS: JsonObject = {
    "year": "%Y",
    "quarter": "%b",
    "month": "%b",
    "week": "%a %-d %b",
    "date": "%a %-d %b",
    "hours": "%H:%M",
    "minutes": "%H:%M",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite specification with its data inline, and its description in words.

    ``is_empty`` says that there was nothing to draw and the chart shows a sentence instead.
    """

    spec: JsonObject
    alt_text: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """How large a chart is (pixels; None is as wide as its place), its colours and its zone."""

    width: int | None = None
    height: int = 220
    theme: Theme = LIGHT
    zone: str = "UTC"


def assemble(body: JsonObject, alt_text: str, frame: Frame, *, above: int = 0) -> Chart:
    """Return the chart with size, ground and type settings of the frame.

    ``above`` are the pixels of its height that stay free for words above the bars.
    """
    spec: JsonObject = {
        "$schema": SCHEMA,
        "description": alt_text,
        "width": "container" if frame.width is None else frame.width,
        "height": frame.height - above,
        "background": frame.theme.ground,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 8,
        "config": configuration(frame.theme),
    }
    spec.update(body)
    return Chart(spec, alt_text)


def configuration(theme: Theme) -> JsonObject:
    """Return the look that all charts share."""
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": theme.muted,
            "titleColor": theme.muted,
            "titleFontWeight": "normal",
            "labelFontSize": 11,
            "titleFontSize": 11,
            "gridColor": theme.grid,
            "domainColor": theme.grid,
            "tickColor": theme.grid,
            "labelOverlap": True,
        },
        "legend": {
            "labelColor": theme.ink,
            "titleColor": theme.muted,
            "orient": "top",
            "title": None,
            "labelFontSize": 11,
        },
        "text": {"color": theme.ink, "fontSize": 11},
    }


def empty_chart(message: str, frame: Frame) -> Chart:
    """Return a chart that shows ``message`` where there is nothing to draw."""
    body: JsonObject = {
        "data": {"values": [{"message": message}]},
        "mark": {"type": "text", "fontSize": 13, "color": frame.theme.muted, "align": "center"},
        "encoding": {"text": {"field": "message", "type": "nominal"}},
    }
    chart = assemble(body, message, frame)
    return Chart(chart.spec, message, is_empty=True)


def wall_clock(instant: datetime, zone: str) -> str:
    """Return an instant on the wall clock of ``zone``, written as if that were UTC.

    Vega-Lite knows the browser's zone and UTC only. Drawn on a UTC scale, such times show the
    wanted zone's clock on every machine, the one that makes the mail's picture included.
    """
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}Z"


def spoken_time(instant: datetime, zone: str) -> str:
    """Return an instant as read: "Tue 3 Mar 14:00"."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def time_axis(width: int | None = None) -> JsonObject:
    """Return the horizontal encoding of times made by :func:`wall_clock` (field "at").

    ``width`` is the chart's in pixels: a narrow one has fewer ticks, so that days and hours keep
    clear of each other.
    """
    ticks = TICKS_IF_NARROW if width is not None and width < NARROW else TICKS
    return {
        "field": "at",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {"grid": False, "tickCount": ticks, "format": TIME_FORMATS},
    }
