"""Moments stand on charts over time as lines with words, and in their descriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import altair as alt
import pytest
from PIL import Image

from charts.chart import Chart, Frame
from charts.moments import LINE_HEIGHT, LONGEST_WORDS, Moment, inside
from charts.render import to_png
from charts.sentiment import SentimentPoint, net_sentiment_chart
from charts.volume import BURST_LIFT, VolumePoint, volume_chart
from core.window import TimeWindow

START = datetime(2026, 3, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = TimeWindow(START, START + 24 * HOUR)
CHANGED = Moment(START + 3 * HOUR, "query of Acme changed")
STATEMENT = Moment(START + 14 * HOUR + HOUR / 3, "statement")
LEVEL = Moment(START + 20 * HOUR, "new level, 2.1 times the old")
ALL = (STATEMENT, LEVEL, CHANGED)


def volume(*moments: Moment, height: int = 220) -> Chart:
    """Return a day by the hour with moments."""
    hours = [TimeWindow(START + i * HOUR, START + (i + 1) * HOUR) for i in range(24)]
    points = [VolumePoint(hour, 10) for hour in hours]
    return volume_chart(points, Frame(width=600, height=height), moments=moments)


def net(*moments: Moment) -> Chart:
    """Return four parts of the same day."""
    parts = [TimeWindow(START + i * 6 * HOUR, START + (i + 1) * 6 * HOUR) for i in range(4)]
    return net_sentiment_chart([SentimentPoint(part, 1, 2, 3) for part in parts], moments=moments)


def drawn(chart: Chart, mark: str) -> list[Any]:
    """Return the layers of moments that are of one kind of mark."""
    layers: Any = chart.spec["layer"]
    return [
        layer
        for layer in layers
        if layer["mark"]["type"] == mark and "words" in str(layer.get("data", ""))
    ]


@pytest.mark.parametrize("make", [volume, net])
def test_a_chart_with_moments_is_valid_and_draws(make: Any) -> None:
    """By Vega-Lite's schema, and as a picture; the description says them in order."""
    chart = make(*ALL)
    alt.Chart.from_dict(dict(chart.spec))
    assert Image.open(BytesIO(to_png(chart))).width > 0
    assert chart.alt_text.endswith(
        " Marked: query of Acme changed (Tue 3 Mar 03:00); statement (Tue 3 Mar 14:20); "
        "new level, 2.1 times the old (Tue 3 Mar 20:00)."
    )
    assert len(drawn(chart, "rule")) == len(drawn(chart, "text")) == 3


def test_a_line_stands_where_it_happened() -> None:
    """On the zone's clock, in the colour of text, from its words down to the axis."""
    frame = Frame(width=600, zone="Asia/Tokyo")
    point = VolumePoint(DAY, 10)
    (line,) = drawn(volume_chart([point], frame, moments=[STATEMENT]), "rule")
    assert line["data"]["values"][0]["at"] == "2026-03-03T23:20:00Z"
    assert line["mark"]["color"] == frame.theme.ink
    assert line["encoding"]["y"]["value"] < 0
    assert line["encoding"]["y2"] == {"value": "height"}


def test_the_words_of_all_have_lines_of_their_own() -> None:
    """Early ones to the right of their line from the top down, late ones to its left."""
    texts = {one["data"]["values"][0]["words"]: one for one in drawn(volume(*ALL), "text")}
    heights = {words: one["encoding"]["y"]["value"] for words, one in texts.items()}
    assert heights == {
        CHANGED.words: -2 * LINE_HEIGHT,
        STATEMENT.words: 0,
        LEVEL.words: -LINE_HEIGHT,
    }
    sides = {words: one["mark"]["align"] for words, one in texts.items()}
    assert sides == {CHANGED.words: "left", STATEMENT.words: "right", LEVEL.words: "right"}


def test_words_keep_clear_of_those_of_a_burst() -> None:
    """These stand at the height of its bars, and may reach above them."""
    quiet = VolumePoint(DAY, 10)
    burst = VolumePoint(TimeWindow(DAY.end, DAY.end + HOUR), 40, is_burst=True)
    (words,) = drawn(volume_chart([quiet, burst], moments=[STATEMENT]), "text")
    assert words["encoding"]["y"]["value"] == -BURST_LIFT


def test_the_picture_stays_as_high_as_it_was() -> None:
    """The bars give way to the words."""
    heights = [Image.open(BytesIO(to_png(volume(*some)))).height for some in ((), ALL)]
    assert abs(heights[0] - heights[1]) <= 2 * LINE_HEIGHT
    assert volume().spec["height"] == 220
    assert volume(*ALL).spec["height"] == 220 - 3 * LINE_HEIGHT


def test_what_lies_outside_is_not_drawn_and_nothing_twice() -> None:
    """A change that several rules tell of is one."""
    outside = Moment(DAY.end, "after")
    assert inside([LEVEL, CHANGED, CHANGED, outside], DAY) == [CHANGED, LEVEL]
    assert volume(outside).spec == volume().spec


def test_long_words_are_cut_on_the_chart_alone() -> None:
    """The pointer and the description have all of them."""
    long = Moment(START + HOUR, "we told the press that " + "the kettle is safe " * 5)
    (text,) = drawn(volume(long), "text")
    value = text["data"]["values"][0]
    assert len(value["label"]) == LONGEST_WORDS
    assert value["label"].endswith("…")
    assert value["words"] == long.words
    assert long.words in volume(long).alt_text
    assert [one["field"] for one in text["encoding"]["tooltip"]] == ["words", "when"]
