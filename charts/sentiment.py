"""Sentiment over time: counts stacked, and net sentiment with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from insights.measures import net_sentiment

LABELS = ("negative", "neutral", "positive")
NET = "net sentiment (-1 to 1)"
EMPTY = "No mention was scored in this time."


@dataclass(frozen=True, slots=True)
class SentimentPoint:
    """How many mentions of ``window`` are of each sentiment."""

    window: TimeWindow
    negative: int
    neutral: int
    positive: int

    @property
    def scored(self) -> int:
        """All mentions that have a sentiment."""
        return self.negative + self.neutral + self.positive


def sentiment_chart(points: Sequence[SentimentPoint], frame: Frame | None = None) -> Chart:
    """Return stacked bars of mentions by sentiment, negative at the bottom."""
    shown = frame or Frame()
    if not any(point.scored for point in points):
        return empty_chart(EMPTY, shown)
    values: list[JsonValue] = [
        {
            "at": wall_clock(point.window.start, shown.zone),
            "until": wall_clock(point.window.end, shown.zone),
            "sentiment": label,
            "count": count,
            "bottom": bottom,
            "top": bottom + count,
            "when": spoken_time(point.window.start, shown.zone),
        }
        for point in points
        for label, count, bottom in (
            ("negative", point.negative, 0),
            ("neutral", point.neutral, point.negative),
            ("positive", point.positive, point.negative + point.neutral),
        )
    ]
    theme = shown.theme
    colours: list[JsonValue] = [theme.negative, theme.neutral, theme.positive]
    body: JsonObject = {
        "data": {"values": values},
        "mark": {"type": "rect", "strokeWidth": 0.5, "stroke": theme.ground},
        "encoding": {
            "x": time_axis(),
            "x2": {"field": "until"},
            "y": {
                "field": "top",
                "type": "quantitative",
                "title": "scored mentions",
                "axis": {"tickMinStep": 1, "tickCount": 5, "format": ",d"},
            },
            "y2": {"field": "bottom"},
            "color": {
                "field": "sentiment",
                "type": "nominal",
                "scale": {"domain": list(LABELS), "range": colours},
            },
            "tooltip": [
                {"field": "when", "type": "nominal", "title": "from"},
                {"field": "sentiment", "type": "nominal", "title": "sentiment"},
                {"field": "count", "type": "quantitative", "title": "mentions", "format": ",d"},
            ],
        },
    }
    return assemble(body, _describe_sentiment(points, shown.zone), shown)


def net_sentiment_chart(
    points: Sequence[SentimentPoint],
    frame: Frame | None = None,
    *,
    moments: Sequence[Moment] = (),
) -> Chart:
    """Return the line of net sentiment (-1 to 1) over its 95 % interval.

    The line has gaps where nothing was scored. ``moments`` that lie in its time get a line each.
    """
    shown = frame or Frame()
    values: list[JsonValue] = []
    for point in points:
        net = net_sentiment(point.positive, point.neutral, point.negative)
        middle = point.window.start + point.window.length / 2
        values.append(
            {
                "at": wall_clock(middle, shown.zone),
                "value": None if net is None else round(net.value, 4),
                "low": None if net is None else round(net.low, 4),
                "high": None if net is None else round(net.high, 4),
                "n": point.scored,
                "when": spoken_time(point.window.start, shown.zone),
            }
        )
    if not any(point.scored for point in points):
        return empty_chart(EMPTY, shown)
    scale: JsonObject = {"domain": [-1, 1]}
    layers: list[JsonValue] = [
        {
            "mark": {"type": "area", "color": shown.theme.band, "opacity": 0.6},
            "encoding": {
                "x": time_axis(),
                "y": {"field": "low", "type": "quantitative", "scale": scale, "title": NET},
                "y2": {"field": "high"},
            },
        },
        {
            "mark": {"type": "rule", "color": shown.theme.muted, "strokeWidth": 1},
            "encoding": {"y": {"datum": 0, "type": "quantitative"}},
        },
        {
            "mark": {
                "type": "line",
                "color": shown.theme.volume,
                "point": {"size": 18, "color": shown.theme.volume},
            },
            "encoding": {
                "x": time_axis(),
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "scale": scale,
                    "title": NET,
                    "axis": {"values": [-1, -0.5, 0, 0.5, 1], "format": "+.1f"},
                },
                "tooltip": [
                    {"field": "when", "type": "nominal", "title": "from"},
                    {"field": "value", "type": "quantitative", "format": "+.2f"},
                    {"field": "low", "type": "quantitative", "format": "+.2f"},
                    {"field": "high", "type": "quantitative", "format": "+.2f"},
                    {"field": "n", "type": "quantitative", "title": "scored"},
                ],
            },
        },
    ]
    window = TimeWindow(points[0].window.start, points[-1].window.end)
    drawn, room = moment_layers(moments, window, shown)
    body: JsonObject = {"data": {"values": values}, "layer": [*layers, *drawn]}
    told = _describe_net(points, shown.zone) + describe_moments(moments, window, shown.zone)
    return assemble(body, told, shown, above=room)


def _describe_sentiment(points: Sequence[SentimentPoint], zone: str) -> str:
    scored = sum(point.scored for point in points)
    negative = sum(point.negative for point in points)
    positive = sum(point.positive for point in points)
    worst = max(points, key=lambda point: point.negative)
    return (
        f"Stacked bars of {scored:,} scored mentions from "
        f"{spoken_time(points[0].window.start, zone)} to "
        f"{spoken_time(points[-1].window.end, zone)}: "
        f"{negative:,} negative ({negative / scored:.0%}), {positive:,} positive "
        f"({positive / scored:.0%}), most negative ones at {spoken_time(worst.window.start, zone)} "
        f"({worst.negative:,})."
    )


def _describe_net(points: Sequence[SentimentPoint], zone: str) -> str:
    scored = [point for point in points if point.scored]
    lowest = min(scored, key=lambda point: (point.positive - point.negative) / point.scored)
    total = sum(point.scored for point in scored)
    overall = sum(point.positive - point.negative for point in scored) / total
    value = (lowest.positive - lowest.negative) / lowest.scored
    return (
        f"Line of net sentiment from {spoken_time(points[0].window.start, zone)} to "
        f"{spoken_time(points[-1].window.end, zone)}: {overall:+.2f} over all {total:,} scored "
        f"mentions, lowest at {spoken_time(lowest.window.start, zone)} ({value:+.2f} of "
        f"{lowest.scored:,})."
    )
