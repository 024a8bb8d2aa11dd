"""Volume over time: what was said, what is usual, what stands out, what is not complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from charts.chart import (
    Chart,
    Frame,
    JsonObject,
    JsonValue,
    assemble,
    empty_chart,
    spoken_time,
    time_axis,
    wall_clock,
)
from charts.moments import Moment, describe_moments, moment_layers
from core.window import TimeWindow

BURST_LIFT = 10
"""Pixels above the bars that the words of a burst may need."""


@dataclass(frozen=True, slots=True)
class VolumePoint:
    """One bar: mentions in ``window``, and the usual range where it is known.

    ``is_incomplete`` marks buckets that are still running or were poorly covered, ``is_burst``
    those of a burst.
    """

    window: TimeWindow
    count: int
    expected: float | None = None
    low: int | None = None
    high: int | None = None
    is_incomplete: bool = False
    is_burst: bool = False


def volume_chart(
    points: Sequence[VolumePoint],
    frame: Frame | None = None,
    *,
    moments: Sequence[Moment] = (),
    unit: str | None = None,
    empty: str = "No mentions in this time.",
) -> Chart:
    """Return bars of mentions over the band of what is usual.

    ``unit`` names the bucket on the axis ("mentions an hour"); by default it follows from the first
    point's length. Bursts are drawn in the alarm colour; incomplete buckets pale, with an outline.
    ``moments`` that lie in the chart's time get a line each.
    """
    shown = frame or Frame()
    if not points or not any(point.count or point.is_incomplete for point in points):
        return empty_chart(empty, shown)
    name = unit or unit_of(points[0].window.length)
    layers: list[JsonValue] = []
    if any(point.low is not None for point in points):
        layers += _usual_layers(points, shown, name)
    layers.append(_bars(points, shown, name))
    burst = next((point for point in points if point.is_burst), None)
    if burst is not None:
        layers.append(_burst_label(burst, points, shown))
    window = TimeWindow(points[0].window.start, points[-1].window.end)
    # The words of a burst may reach above the highest bar.
    lift = BURST_LIFT if burst is not None else 0
    drawn, room = moment_layers(moments, window, shown, lift=lift)
    body: JsonObject = {
        "layer": [*layers, *drawn],
        "resolve": {"scale": {"color": "independent"}},
    }
    told = describe_volume(points, shown.zone, name)
    return assemble(body, told + describe_moments(moments, window, shown.zone), shown, above=room)


def unit_of(length: timedelta) -> str:
    """Return "mentions an hour" and the like for the axis."""
    hours = length / timedelta(hours=1)
    if 22 < hours < 26:
        return "mentions a day"
    if hours == 1:
        return "mentions an hour"
    if length > timedelta(days=1):
        return f"mentions in {round(hours / 24)} days"
    return f"mentions in {round(length / timedelta(minutes=1))} minutes"


def describe_volume(points: Sequence[VolumePoint], zone: str, unit: str) -> str:
    """Return the chart in words, for readers who do not see it."""
    total = sum(point.count for point in points)
    peak = max(points, key=lambda point: point.count)
    first, last = points[0].window.start, points[-1].window.end
    text = (
        f"Bar chart of {unit} from {spoken_time(first, zone)} to {spoken_time(last, zone)}: "
        f"{total:,} in all, most at {spoken_time(peak.window.start, zone)} ({peak.count:,})."
    )
    if peak.low is not None and peak.high is not None:
        text += f" Usual at that time: {peak.low:,} to {peak.high:,}."
    bursts = [point for point in points if point.is_burst]
    if bursts:
        text += f" Unusually many since {spoken_time(bursts[0].window.start, zone)}."
    incomplete = sum(point.is_incomplete for point in points)
    if incomplete:
        text += f" {incomplete} of {len(points)} bars are not complete."
    return text


def _usual_layers(points: Sequence[VolumePoint], frame: Frame, unit: str) -> list[JsonValue]:
    """Return the band of the usual range and the line of the expected count, as steps."""
    values: list[JsonValue] = [
        {
            "at": wall_clock(at, frame.zone),
            "low": point.low,
            "high": point.high,
            "expected": None if point.expected is None else round(point.expected, 2),
        }
        for point in points
        for at in (point.window.start, point.window.end - timedelta(seconds=1))
    ]
    band: JsonObject = {
        "data": {"values": values},
        "mark": {"type": "area", "color": frame.theme.band, "opacity": 0.6},
        "encoding": {
            "x": time_axis(frame.width),
            "y": {"field": "low", "type": "quantitative", "title": unit},
            "y2": {"field": "high"},
        },
    }
    line: JsonObject = {
        "data": {"values": values},
        "mark": {
            "type": "line",
            "color": frame.theme.muted,
            "strokeDash": [4, 3],
            "strokeWidth": 1,
        },
        "encoding": {
            "x": time_axis(frame.width),
            "y": {"field": "expected", "type": "quantitative"},
        },
    }
    return [band, line]


def _bars(points: Sequence[VolumePoint], frame: Frame, unit: str) -> JsonObject:
    """Return the bars of the counts."""
    theme = frame.theme
    values: list[JsonValue] = [
        {
            "at": wall_clock(point.window.start, frame.zone),
            "until": wall_clock(point.window.end, frame.zone),
            "count": point.count,
            "state": _state(point),
            "when": spoken_time(point.window.start, frame.zone),
            "usual": _usual(point),
        }
        for point in points
    ]
    states: list[JsonValue] = ["usual", "burst", "incomplete"]
    colours: list[JsonValue] = [theme.volume, theme.burst, theme.ground]
    return {
        "data": {"values": values},
        "mark": {"type": "rect", "strokeWidth": 1, "opacity": 0.9},
        "encoding": {
            "x": time_axis(frame.width),
            "x2": {"field": "until"},
            "y": {
                "field": "count",
                "type": "quantitative",
                "title": unit,
                "axis": {"tickMinStep": 1, "tickCount": 5, "format": ",d"},
            },
            "y2": {"datum": 0},
            "fill": {
                "field": "state",
                "type": "nominal",
                "scale": {"domain": states, "range": colours},
                "legend": None,
            },
            "stroke": {
                "condition": {"test": "datum.state === 'incomplete'", "value": theme.volume},
                "value": theme.ground,
            },
            "tooltip": [
                {"field": "when", "type": "nominal", "title": "from"},
                {"field": "count", "type": "quantitative", "title": "mentions", "format": ",d"},
                {"field": "usual", "type": "nominal", "title": "usual"},
                {"field": "state", "type": "nominal", "title": "state"},
            ],
        },
    }


def _burst_label(burst: VolumePoint, points: Sequence[VolumePoint], frame: Frame) -> JsonObject:
    """Return the words above the first bar of a burst, kept inside the chart."""
    is_late = points.index(burst) * 2 > len(points)
    peak = max(point.count for point in points)
    return {
        "data": {
            "values": [
                {
                    "at": wall_clock(burst.window.start, frame.zone),
                    "count": peak,
                    "label": f"since {spoken_time(burst.window.start, frame.zone)}",
                }
            ]
        },
        "mark": {
            "type": "text",
            "align": "right" if is_late else "left",
            "baseline": "bottom",
            "dx": -4 if is_late else 4,
            "color": frame.theme.burst,
            "fontWeight": "bold",
        },
        "encoding": {
            "x": time_axis(frame.width),
            "y": {"field": "count", "type": "quantitative"},
            "text": {"field": "label", "type": "nominal"},
        },
    }


def _state(point: VolumePoint) -> str:
    if point.is_incomplete:
        return "incomplete"
    return "burst" if point.is_burst else "usual"


def _usual(point: VolumePoint) -> str:
    if point.low is None or point.high is None:
        return "not known yet"
    return f"{point.low:,} to {point.high:,}"
