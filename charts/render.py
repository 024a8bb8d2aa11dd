"""Turn a chart into a picture, for mails and reports."""

from __future__ import annotations

import json

from charts.chart import Chart
from core.errors import GroundswellError

# Width of a picture whose chart takes the width of its place: fits a phone and a mail's column.
PICTURE_WIDTH = 600


class ChartError(GroundswellError):
    """A chart could not be drawn."""


def to_png(chart: Chart, scale: float = 2.0) -> bytes:
    """Return the chart as a PNG, ``scale`` pixels to a point.

    Raises ChartError if drawing fails.
    """
    import vl_convert

    try:
        return bytes(vl_convert.vegalite_to_png(_sized(chart), scale=scale))
    except ValueError as error:
        raise ChartError(f"the chart could not be drawn: {error}") from error


def to_svg(chart: Chart) -> str:
    """Return the chart as SVG text. Raises ChartError if drawing fails."""
    import vl_convert

    try:
        return str(vl_convert.vegalite_to_svg(_sized(chart)))
    except ValueError as error:
        raise ChartError(f"the chart could not be drawn: {error}") from error


def _sized(chart: Chart) -> str:
    """Return the specification as JSON with a width in pixels: a picture has no place to fill."""
    width = chart.spec["width"]
    return json.dumps({**chart.spec, "width": PICTURE_WIDTH if width == "container" else width})
