import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import combinations

import altair as alt
import numpy as np
import pytest
from PIL import Image

from charts.chart import Chart, Frame, empty_chart, wall_clock
from charts.palette import THEMES, Theme
from charts.render import ChartError, to_png, to_svg
from charts.sentiment import SentimentPoint, net_sentiment_chart, sentiment_chart
from charts.share import share_of_voice_chart, sparkline
from charts.volume import VolumePoint, unit_of, volume_chart
from core.window import TimeWindow
from insights.measures import share_of_voice

START = datetime(2026, 3, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hour(i: int) -> TimeWindow:
    """The i-th hour."""
    return TimeWindow(START + i * HOUR, START + (i + 1) * HOUR)


def volumes(number: int = 24, burst_at: int | None = 20) -> list[VolumePoint]:
    """A day with a burst and a running last hour."""
    return [
        VolumePoint(
            hour(i),
            40 if burst_at is not None and i >= burst_at else 10,
            10.0,
            6,
            14,
            is_incomplete=i == number - 1,
            is_burst=burst_at is not None and i >= burst_at,
        )
        for i in range(number)
    ]


def sentiments() -> list[SentimentPoint]:
    """Four hours, one of them without a scored mention."""
    return [SentimentPoint(hour(i), i, 5 * (i > 0), 2 * (i > 0)) for i in range(4)]


VOICE = share_of_voice({"Acme": 120, "Globex": 80, "Initech": 43}, sources=6)
MAKERS = {
    "volume": lambda frame: volume_chart(volumes(), frame),
    "volume without band": lambda frame: volume_chart([VolumePoint(hour(0), 3)], frame),
    "sentiment": lambda frame: sentiment_chart(sentiments(), frame),
    "net": lambda frame: net_sentiment_chart(sentiments(), frame),
    "voice": lambda frame: share_of_voice_chart(VOICE, frame, own="Acme"),
    "voice without own": lambda frame: share_of_voice_chart(VOICE, frame),
    "sparkline": lambda frame: sparkline([1, 2, 9], frame, recent=1, label="#a"),
    "no volume": lambda frame: volume_chart([], frame),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_chart_is_valid_and_draws(name: str, theme: str) -> None:
    """The specification follows Vega-Lite's schema, and becomes a picture on the theme's ground."""
    chart = MAKERS[name](Frame(width=400, theme=THEMES[theme]))
    alt.Chart.from_dict(chart.spec)
    picture = Image.open(BytesIO(to_png(chart, scale=1))).convert("RGB")
    assert picture.width >= 300
    assert hexed(picture.getpixel((1, 1))) == THEMES[theme].ground
    assert len(picture.getcolors(1 << 20) or []) > 5


def hexed(pixel: object) -> str:
    """A pixel as #rrggbb."""
    assert isinstance(pixel, tuple)
    return "#" + "".join(f"{part:02x}" for part in pixel)


def colours(chart: Chart) -> set[str]:
    """The colours in the picture that cover at least 30 pixels."""
    picture = Image.open(BytesIO(to_png(chart, scale=1))).convert("RGB")
    return {hexed(c) for n, c in picture.getcolors(1 << 20) or [] if n >= 30}


def near(colour: str, found: set[str]) -> bool:
    """Whether a colour is there, blending with its ground allowed for."""
    return any(float(np.abs(rgb(colour) - rgb(other)).max()) < 30 for other in found)


def test_a_burst_and_an_incomplete_hour_are_seen() -> None:
    """Burst bars have the alarm colour, and the picture without a burst has not."""
    theme = THEMES["light"]
    assert near(theme.burst, colours(volume_chart(volumes())))
    assert not near(theme.burst, colours(volume_chart(volumes(burst_at=None))))
    assert near(theme.band, colours(volume_chart(volumes(burst_at=None))))


def test_the_volume_chart_in_words() -> None:
    """The description says total, peak, what is usual, since when, and what is missing."""
    words = volume_chart(volumes(), Frame(zone="Europe/Berlin")).alt_text
    assert words == (
        "Bar chart of mentions an hour from Tue 3 Mar 01:00 to Wed 4 Mar 01:00: 360 in all, most "
        "at Tue 3 Mar 21:00 (40). Usual at that time: 6 to 14. Unusually many since Tue 3 Mar "
        "21:00. 1 of 24 bars are not complete."
    )
    plain = volume_chart([VolumePoint(hour(0), 3)]).alt_text
    assert "Usual" not in plain
    assert "not complete" not in plain


def test_axes_have_names_and_units() -> None:
    """Each chart's axis says what it counts."""
    assert "mentions an hour" in to_svg(volume_chart(volumes()))
    assert "scored mentions" in to_svg(sentiment_chart(sentiments()))
    assert "net sentiment (-1 to 1)" in to_svg(net_sentiment_chart(sentiments()))
    assert "share of 243 mentions" in to_svg(share_of_voice_chart(VOICE))
    assert [unit_of(timedelta(hours=h)) for h in (1, 23, 25, 48, 0.25)] == [
        "mentions an hour",
        "mentions a day",
        "mentions a day",
        "mentions in 2 days",
        "mentions in 15 minutes",
    ]


def test_times_are_drawn_on_the_zones_clock() -> None:
    """An instant has the wall clock of the frame's zone, on any machine."""
    assert wall_clock(START, "Asia/Kolkata") == "2026-03-03T05:30:00Z"
    late = [VolumePoint(TimeWindow(w.start, w.end), 5) for w in map(hour, range(6))]
    assert "05:30" not in to_svg(volume_chart(late))
    assert "06:00" in to_svg(volume_chart(late, Frame(zone="Asia/Kolkata")))


def test_a_narrow_chart_has_fewer_times_beside_each_other() -> None:
    """Two days in a mail are told by days and noons; where there is room, by every six hours."""
    two_days = volumes(48)
    assert ">06:00<" not in to_svg(volume_chart(two_days, Frame(width=420)))
    for width in (420, 600):
        drawn = to_svg(volume_chart(two_days, Frame(width=width)))
        assert ">12:00<" in drawn
        assert ">Wed 4 Mar<" in drawn
    assert ">06:00<" in to_svg(volume_chart(two_days, Frame(width=600)))


def test_the_early_burst_is_labelled_to_its_right() -> None:
    """The label of a burst stays inside the chart."""
    early = [VolumePoint(hour(i), 30 if i < 3 else 5, is_burst=i < 3) for i in range(24)]
    assert "since Tue 3 Mar 00:00" in to_svg(volume_chart(early))


def test_sentiment_in_words() -> None:
    """The descriptions give totals and the worst time."""
    assert sentiment_chart(sentiments()).alt_text == (
        "Stacked bars of 27 scored mentions from Tue 3 Mar 00:00 to Tue 3 Mar 04:00: 6 negative "
        "(22%), 6 positive (22%), most negative ones at Tue 3 Mar 03:00 (3)."
    )
    assert net_sentiment_chart(sentiments()).alt_text == (
        "Line of net sentiment from Tue 3 Mar 00:00 to Tue 3 Mar 04:00: +0.00 over all 27 scored "
        "mentions, lowest at Tue 3 Mar 03:00 (-0.10 of 10)."
    )


def test_share_of_voice_in_words() -> None:
    """The description names each part and how many sources were asked."""
    assert share_of_voice_chart(VOICE).alt_text == (
        "Share of voice of 243 mentions in 6 sources: Acme 49% (120), Globex 33% (80), "
        "Initech 18% (43)."
    )
    alone = share_of_voice({"Acme": 1})
    assert " in " not in share_of_voice_chart(alone).alt_text


def test_sparkline_in_words() -> None:
    """A sparkline says from where to where."""
    assert sparkline([1, 9, 4], recent=1, label="#a").alt_text == "#a: from 1 to 4, at most 9"
    assert sparkline([2]).alt_text == "from 2 to 2, at most 2"


@pytest.mark.parametrize(
    "chart",
    [
        volume_chart([VolumePoint(hour(0), 0)]),
        sentiment_chart([SentimentPoint(hour(0), 0, 0, 0)]),
        net_sentiment_chart([]),
        share_of_voice_chart(None),
        sparkline([]),
    ],
)
def test_nothing_to_draw_is_said(chart: Chart) -> None:
    """An empty chart is marked as such and still draws."""
    assert chart.is_empty
    assert to_png(chart).startswith(b"\x89PNG")


def test_a_wrong_specification_is_a_chart_error() -> None:
    """What cannot be drawn is told as our own error."""
    chart = empty_chart("x", Frame())
    wrong = Chart({**chart.spec, "mark": 7}, "x")
    with pytest.raises(ChartError, match="could not be drawn"):
        to_png(wrong)
    with pytest.raises(ChartError, match="could not be drawn"):
        to_svg(wrong)


def test_a_picture_has_a_width_of_its_own() -> None:
    """A chart that takes the width of its place is 600 points wide as a picture."""
    picture = Image.open(BytesIO(to_png(volume_chart(volumes()), scale=2)))
    assert 1150 <= picture.width <= 1250


def test_specifications_need_no_drawing_library() -> None:
    """Building a chart imports neither the renderer nor a charting library."""
    code = (
        "import sys, charts.volume, charts.sentiment, charts.share, charts.render;"
        "sys.exit(bool({'vl_convert', 'altair', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def rgb(colour: str) -> np.ndarray:
    """A colour as three numbers 0..255."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float64)


def linear(colour: str) -> np.ndarray:
    """Linear light of a colour (sRGB)."""
    c = rgb(colour) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = sorted(float(weights @ linear(c)) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_marks_and_text_stand_out(theme: Theme) -> None:
    """Marks have a contrast of 3 to 1 to the ground, text 4.5 to 1."""
    marks = {theme.volume, theme.burst, theme.negative, theme.neutral, theme.positive, *theme.names}
    assert all(contrast(mark, theme.ground) >= 3 for mark in marks)
    assert contrast(theme.ink, theme.ground) >= 7
    assert contrast(theme.muted, theme.ground) >= 4.5


# Viénot, Brettel and Mollon, Color Research and Application 24 (1999): linear RGB as seen without
# the long-wave (protan) and without the middle-wave (deutan) cones.
PROTAN = np.array([[0.1121, 0.8853, -0.0005], [0.1127, 0.8897, -0.0001], [0.0045, 0.0, 1.0019]])
DEUTAN = np.array([[0.2920, 0.7054, -0.0003], [0.2934, 0.7089, 0.0], [-0.0210, 0.0256, 0.9958]])


def lab(light: np.ndarray) -> np.ndarray:
    """CIE Lab of linear RGB."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(light, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_sentiments_are_told_apart_by_colour_blind_readers(theme: Theme) -> None:
    """With any kind of red-green blindness the three colours stay at least 20 Lab units apart."""
    for seen_by in (np.eye(3), PROTAN, DEUTAN):
        for one, other in combinations((theme.negative, theme.neutral, theme.positive), 2):
            gap = lab(seen_by @ linear(one)) - lab(seen_by @ linear(other))
            assert float(np.linalg.norm(gap)) >= 20
