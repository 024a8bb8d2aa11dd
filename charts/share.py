"""Share of voice as bars, and sparklines for lists."""

from __future__ import annotations

from collections.abc import Sequence

from charts.chart import Chart, Frame, JsonObject, JsonValue, assemble, empty_chart
from insights.measures import ShareOfVoice

ROW_HEIGHT = 28


def share_of_voice_chart(
    voice: ShareOfVoice | None, frame: Frame | None = None, *, own: str | None = None
) -> Chart:
    """Return a bar for each name with its part of all mentions.

    ``own`` is drawn in the main colour. The height follows the number of names.
    """
    shown = frame or Frame()
    if voice is None:
        return empty_chart("No mentions of this group in this time.", shown)
    theme = shown.theme
    values: list[JsonValue] = [
        {
            "name": share.name,
            "share": round(share.share, 4),
            "count": share.count,
            "label": f"{share.share:.0%}  ({share.count:,})",
            "is_own": share.name == own,
        }
        for share in voice.shares
    ]
    place: JsonObject = {
        "field": "name",
        "type": "nominal",
        "sort": [share.name for share in voice.shares],
        "title": None,
        "axis": {"labelLimit": 140, "labelColor": theme.ink, "domain": False, "ticks": False},
    }
    length: JsonObject = {
        "field": "share",
        "type": "quantitative",
        "title": f"share of {voice.total:,} mentions",
        "scale": {"domain": [0, max(voice.shares[0].share * 1.25, 0.01)]},
        "axis": {"format": ".0%", "tickCount": 4},
    }
    layers: list[JsonValue] = [
        {
            "mark": {"type": "bar", "cornerRadiusEnd": 2, "height": {"band": 0.7}},
            "encoding": {
                "y": place,
                "x": length,
                "color": {
                    "condition": {"test": "datum.is_own", "value": theme.volume},
                    "value": theme.volume if own is None else theme.neutral,
                },
                "tooltip": [
                    {"field": "name", "type": "nominal", "title": "name"},
                    {"field": "count", "type": "quantitative", "title": "mentions", "format": ",d"},
                    {"field": "share", "type": "quantitative", "format": ".1%"},
                ],
            },
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 5},
            "encoding": {"y": place, "x": length, "text": {"field": "label", "type": "nominal"}},
        },
    ]
    body: JsonObject = {
        "data": {"values": values},
        "layer": layers,
        "height": ROW_HEIGHT * len(values),
    }
    return assemble(body, _describe_share(voice), shown)


def sparkline(
    counts: Sequence[int], frame: Frame | None = None, *, recent: int = 0, label: str = ""
) -> Chart:
    """Return a small line without axes; the last ``recent`` points are drawn in the alarm colour.

    ``label`` names the term in the description.
    """
    shown = frame or Frame(width=96, height=24)
    if not counts:
        return empty_chart("", shown)
    first = len(counts) - recent
    values: list[JsonValue] = [{"i": i, "count": count} for i, count in enumerate(counts)]
    place: JsonObject = {"field": "i", "type": "quantitative", "axis": None}
    height: JsonObject = {
        "field": "count",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, max(*counts, 1)]},
    }
    encoding: JsonObject = {"x": place, "y": height}
    line: JsonObject = {"type": "line", "strokeWidth": 1.5, "color": shown.theme.muted}
    layers: list[JsonValue] = [{"mark": line, "encoding": encoding}]
    if recent:
        layers.append(
            {
                "transform": [{"filter": f"datum.i >= {first - 1}"}],
                "mark": {**line, "color": shown.theme.burst, "strokeWidth": 2},
                "encoding": encoding,
            }
        )
    text = f"{label}: " if label else ""
    text += f"from {counts[0]:,} to {counts[-1]:,}, at most {max(counts):,}"
    body: JsonObject = {"data": {"values": values}, "layer": layers, "padding": 1}
    return assemble(body, text, shown)


def _describe_share(voice: ShareOfVoice) -> str:
    parts = ", ".join(f"{share.name} {share.share:.0%} ({share.count:,})" for share in voice.shares)
    where = f" in {voice.sources:,} sources" if voice.sources else ""
    return f"Share of voice of {voice.total:,} mentions{where}: {parts}."
