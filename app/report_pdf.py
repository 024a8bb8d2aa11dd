"""Draws a report as a PDF, A4, with links into the dashboard. Knows nothing but the report."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from charts.render import ChartError, to_png

if TYPE_CHECKING:
    from alerts.letters import Row
    from app.reporting import Part, Report

INK, SOFT, LINE, ACCENT, WARNING = "#16242b", "#5b6b73", "#dde3e6", "#0b6b77", "#8a5a00"
MARGIN = 54
FRAME_PADDING = 6
"""What reportlab leaves free around a column."""

SCALE = 3.0
"""Pixels a point of a chart: sharp on paper."""

FOLDERS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu-sans-fonts"),
    Path("/usr/share/fonts/TTF"),
    Path("/Library/Fonts"),
)
"""Where DejaVu lies, which has most of the world's letters; reportlab's own Vera has the Latin."""

FACES = (("DejaVuSans.ttf", "Vera.ttf"), ("DejaVuSans-Bold.ttf", "VeraBd.ttf"))


def render(report: Report) -> bytes:
    """Return the PDF. The same report makes the same bytes; texts of strangers stay texts."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=_shown(f"{report.title}, {report.days}"),
        author="Groundswell",
        invariant=1,
    )
    pen = _Pen(document.width - 2 * FRAME_PADDING)
    foot = _foot(report)
    document.build(pen.story(report), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _foot(report: Report) -> Callable[[Any, Any], None]:
    """Return what writes the foot of a page."""

    def write(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(_fonts()[0], 7.5)
        canvas.setFillColor(SOFT)
        canvas.drawString(
            MARGIN, MARGIN / 2, f"Groundswell, made {report.made_at:%Y-%m-%d %H:%M} UTC"
        )
        canvas.drawRightString(document.pagesize[0] - MARGIN, MARGIN / 2, str(document.page))
        canvas.restoreState()

    return write


class _Pen:
    """Turns a report into what reportlab lays out, for a column of some width."""

    def __init__(self, width: float) -> None:
        from reportlab.lib.styles import ParagraphStyle

        regular, bold = _fonts()

        def style(name: str, size: float, font: str = regular, **more: Any) -> ParagraphStyle:
            options = {"leading": size * 1.4, "textColor": INK, "splitLongWords": 1, **more}
            return ParagraphStyle(name, fontName=font, fontSize=size, **options)

        self._width = width
        self._styles = {
            "kicker": style("kicker", 9, textColor=SOFT),
            "title": style("title", 22, bold, leading=27, spaceAfter=6),
            "lead": style("lead", 12.5, leading=18, spaceAfter=8),
            "warning": style("warning", 9.5, bold, textColor=WARNING, spaceAfter=6),
            "heading": style("heading", 12.5, bold, spaceBefore=14, spaceAfter=4),
            "text": style("text", 9.5),
            "note": style("note", 8, textColor=SOFT),
            "value": style("value", 15, bold, leading=19),
        }

    def story(self, report: Report) -> list[Any]:
        """Return the flowables of the whole report."""
        flow = [self._text("kicker", report.days), self._text("title", report.title)]
        if report.is_synthetic:
            flow.append(self._text("warning", "Synthetic data, made up for the demo."))
        flow += [self._text("lead", report.lead), self._figures(report)]
        for part in report.parts:
            flow += self._part(part)
        return [*flow, self._gap(14), self._text("note", report.foot)]

    def _text(self, style: str, text: str) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(escape(_shown(text)), self._styles[style])

    def _gap(self, height: float) -> Any:
        from reportlab.platypus import Spacer

        return Spacer(1, height)

    def _figures(self, report: Report) -> Any:
        """Return the figures, three a row, over a line."""
        from reportlab.platypus import Table, TableStyle

        cells: list[Any] = [
            [
                self._text("note", figure.name),
                self._text("value", figure.value),
                self._text("note", figure.note),
            ]
            for figure in report.figures
        ]
        rows = [cells[at : at + 3] for at in range(0, len(cells), 3)]
        rows[-1] += [""] * (3 - len(rows[-1]))
        table = Table(rows, colWidths=[self._width / 3] * 3, hAlign="LEFT")
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("LINEABOVE", (0, 0), (-1, 0), 0.6, LINE),
                    ("LINEBELOW", (0, -1), (-1, -1), 0.6, LINE),
                ]
            )
        )
        return table

    def _part(self, part: Part) -> list[Any]:
        """Return a heading that stays with what follows it, and the chart or the rows."""
        from reportlab.platypus import KeepTogether, Paragraph

        note = f' <font size="8" color="{SOFT}">{escape(_shown(part.note))}</font>'
        title = escape(_shown(part.title)) + (note if part.note else "")
        heading = Paragraph(title, self._styles["heading"])
        if part.chart is not None:
            return [KeepTogether([heading, self._chart(part)])]
        if not part.rows:
            return [KeepTogether([heading, self._text("text", part.empty or "")])]
        first, *others = (self._row(row) for row in part.rows)
        return [KeepTogether([heading, first]), *others]

    def _chart(self, part: Part) -> Any:
        """Return the chart as the page draws it; in words where it cannot be drawn."""
        from reportlab.lib.utils import ImageReader
        from reportlab.platypus import Image

        if part.chart is None or part.chart.is_empty:
            return self._text("text", part.chart.alt_text if part.chart else "")
        try:
            picture = to_png(part.chart, SCALE)
        except ChartError:
            return self._text("text", part.chart.alt_text)
        width, height = ImageReader(BytesIO(picture)).getSize()
        return Image(BytesIO(picture), self._width, self._width * height / width)

    def _row(self, row: Row) -> Any:
        """Return a row: a coloured edge, the text, and below it the remark with its link."""
        from reportlab.platypus import Paragraph, Table, TableStyle

        note = escape(_shown(row.note))
        if row.url:
            link = f'<a href="{escape(row.url, {chr(34): "&quot;"})}" color="{ACCENT}">open</a>'
            note = f"{note} · {link}" if note else link
        cell = [self._text("text", row.text), Paragraph(note, self._styles["note"])]
        table = Table([[cell]], colWidths=[self._width], hAlign="LEFT")
        table.setStyle(
            TableStyle(
                [
                    ("LINEBEFORE", (0, 0), (0, -1), 2, row.colour or LINE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 8),
                    ("TOPPADDING", (0, 0), (-1, -1), 2),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ]
            )
        )
        table.spaceAfter = 3
        return table


@cache
def _fonts() -> tuple[str, str]:
    """Return the names of the regular and the bold face, once they are known to reportlab."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = next((one for one in FOLDERS if (one / FACES[0][0]).exists()), None)
    names = []
    for wide, own in FACES:
        name = f"report-{wide}"
        path = folder / wide if folder and (folder / wide).exists() else own
        pdfmetrics.registerFont(TTFont(name, str(path)))
        names.append(name)
    return names[0], names[1]


@cache
def _glyphs() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    return frozenset(pdfmetrics.getFont(_fonts()[0]).face.charToGlyph)


def _shown(text: str) -> str:
    """Return the text on one line, of what the font can draw; the rest is a box for a run of it."""
    kept: list[str] = []
    for char in " ".join(text.split()):
        if ord(char) in _glyphs():
            kept.append(char)
        elif unicodedata.category(char)[0] in "LN" and kept[-1:] != ["□"]:
            # Letters that are missing are missed; emoji and marks are not.
            kept.append("□")
    return "".join(kept).strip()
