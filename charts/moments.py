"""Moments on a chart over time: a line down at each, with its words above the bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from charts.chart import Frame, JsonObject, JsonValue, spoken_time, time_axis, wall_clock
from core.window import TimeWindow

ROWS = 4
"""Words of neighbours stand on as many lines, so that they do not cover each other."""

LINE_HEIGHT = 13
LONGEST_WORDS = 44
"""Characters shown on the chart; all of them stand in the description and under the pointer."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened at ``at``, to be seen beside what was counted, in a few words."""

    at: datetime
    words: str


def inside(moments: Sequence[Moment], window: TimeWindow) -> list[Moment]:
    """Return the moments in ``window``, in order, each once."""
    found = {(one.at, one.words): one for one in moments if one.at in window}
    return [found[key] for key in sorted(found)]


def moment_layers(
    moments: Sequence[Moment], window: TimeWindow, frame: Frame, *, lift: int = 0
) -> tuple[list[JsonValue], int]:
    """Return what draws the moments in ``window``, and the pixels that their words need above.

    Words stand on the side of their line where there is more room, and on lines of their own: of
    early moments the first highest, of late ones the last, so that no line crosses other words.
    ``lift`` is the room in pixels that stays free below all words.
    """
    shown = inside(moments, window)
    middle = window.start + window.length / 2
    early = [one for one in shown if one.at < middle]
    late = shown[len(early) :]
    rows = min(len(shown), ROWS)
    layers: list[JsonValue] = []
    for place, one in enumerate(early):
        layers += _layers(one, lift + (rows - 1 - place % rows) * LINE_HEIGHT, frame, is_late=False)
    for place, one in enumerate(late):
        layers += _layers(one, lift + place % rows * LINE_HEIGHT, frame, is_late=True)
    return layers, rows * LINE_HEIGHT + lift if shown else 0


def describe_moments(moments: Sequence[Moment], window: TimeWindow, zone: str) -> str:
    """Return the moments in words, with a space before; empty where there is none."""
    told = [f"{one.words} ({spoken_time(one.at, zone)})" for one in inside(moments, window)]
    return f" Marked: {'; '.join(told)}." if told else ""


def _layers(one: Moment, above: int, frame: Frame, *, is_late: bool) -> list[JsonValue]:
    """Return the line of one moment and its words, so many pixels above the bars."""
    height = -above
    value: JsonObject = {
        "at": wall_clock(one.at, frame.zone),
        "words": one.words,
        "when": spoken_time(one.at, frame.zone),
        "label": _short(one.words),
    }
    shared: JsonObject = {
        "x": time_axis(frame.width),
        "tooltip": [
            {"field": "words", "type": "nominal", "title": "here"},
            {"field": "when", "type": "nominal", "title": "at"},
        ],
    }
    line: JsonObject = {"type": "rule", "color": frame.theme.ink, "strokeDash": [2, 2]}
    words: JsonObject = {
        "type": "text",
        "align": "right" if is_late else "left",
        "baseline": "bottom",
        "dx": -4 if is_late else 4,
        "dy": -1,
        "color": frame.theme.ink,
    }
    return [
        {
            "data": {"values": [value]},
            "mark": line,
            "encoding": {
                **shared,
                "y": {"value": height - LINE_HEIGHT + 2},
                "y2": {"value": "height"},
            },
        },
        {
            "data": {"values": [value]},
            "mark": words,
            "encoding": {
                **shared,
                "y": {"value": height},
                "text": {"field": "label", "type": "nominal"},
            },
        },
    ]


def _short(words: str) -> str:
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"
