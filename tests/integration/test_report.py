"""The report as a PDF: what the Overview says, whoever wrote it, in whatever script."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.bootstrap import Application
from app.cli.main import app as command_line
from app.queries import Queries
from app.report_pdf import render
from app.reporting import build_report, write_report
from app.scope import Preset, Scope
from tests.fakes import scenario
from tests.fakes.homes import empty_home, fill_home, open_scenario

MONTH = Scope(topics=("Acme",), preset=Preset.MONTH)


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """The scenario's month."""
    application = open_scenario(fill_home(tmp_path), writes=True)
    yield application
    application.close()


def text_of(pdf: Path) -> str:
    """Return what a reader of PDFs finds in it; skips without poppler."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    made = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True
    )
    return made.stdout


def test_a_report_says_what_the_overview_says(application: Application, tmp_path: Path) -> None:
    """Its numbers are those of the page, the same report has the same bytes, and it opens links."""
    out, again = tmp_path / "one.pdf", tmp_path / "two.pdf"
    report = write_report(application, MONTH, out)
    write_report(application, MONTH, again)
    content = out.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content == again.read_bytes()
    assert content.count(b"/URI") >= 5
    found = Queries(application).overview(MONTH)
    assert report.figures[0].value == f"{found.total:,}"
    assert [part.title for part in report.parts][:3] == [
        "Volume",
        "Net sentiment",
        "Share of voice",
    ]
    assert sum(part.chart is not None for part in report.parts) == 3
    shares = next(part for part in report.parts if part.title == "Share of voice")
    total = sum(entry.share.count for entry in found.shares)
    assert shares.note == f"of {total:,} mentions in {found.measures.sources} sources"


def test_a_report_can_be_read(application: Application, tmp_path: Path) -> None:
    """Text stays text in the PDF, so that it can be searched and read aloud."""
    out = tmp_path / "one.pdf"
    report = write_report(application, MONTH, out)
    text = text_of(out)
    for said in ("Acme", "Volume", "What burst", "#latedelivery", report.figures[0].value):
        assert said in text


def test_texts_of_strangers_stay_texts(application: Application) -> None:
    """Markup, missing letters and emoji break nothing, and a made-up report says so."""
    hostile = '<img src="file:///etc/passwd"/> <b>& 漢字 \U0001f525 \u202e' + "x" * 5_000
    mentions = [
        mention.model_copy(
            update={"id": f"h-{n}", "text": hostile, "synthetic": True, "title": None}
        ).with_version(9)
        for n, mention in enumerate(scenario.mentions()[-5:])
    ]
    application.index.apply(mentions, scenario.NOW)
    application.index.refresh()
    report = build_report(Queries(application), MONTH)
    assert report.is_synthetic
    assert render(report).startswith(b"%PDF-")


def test_the_command_writes_a_report_and_says_what_is_wrong(
    application: Application, tmp_path: Path
) -> None:
    """It writes the file that is named; a topic that is not there is told, and writes nothing."""
    application.close()
    runner, config = CliRunner(), str(tmp_path / "configs")
    home = {"GROUNDSWELL_HOME": str(tmp_path / "home"), "GROUNDSWELL_CONFIG": config}
    out = tmp_path / "acme.pdf"
    made = runner.invoke(command_line, ["report", "--out", str(out), "--topic", "Acme"], env=home)
    assert made.exit_code == 0, made.output
    assert out.read_bytes().startswith(b"%PDF-")
    wrong = runner.invoke(command_line, ["report", "--out", str(out), "--topic", "Acm"], env=home)
    assert "no topic is named 'Acm'" in str(wrong.exception)


def test_a_report_about_nothing_says_so(tmp_path: Path) -> None:
    """Before anything is collected there is a report without numbers, not an error."""
    application = open_scenario(empty_home(tmp_path), writes=True)
    report = build_report(Queries(application), Scope(preset=Preset.MONTH))
    assert "No mentions" in report.lead
    assert render(report).startswith(b"%PDF-")
    application.close()
