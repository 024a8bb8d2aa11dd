"""Input nobody wishes for: a clear message, nothing lost, nothing stuck, constant memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.envelope import Envelope
from tests.integration.command_line import environment, groundswell, start, write_topics

pytestmark = pytest.mark.slow

MAP = "text=text,published_at=date,id=id"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration of one topic."""
    return write_topics(tmp_path / "configs")


def peak_kilobytes(*words: str | Path) -> tuple[int, str]:
    """Run a command and return its greatest resident size and its output."""
    process = start(*words)
    assert process.stdout is not None
    assert process.stderr is not None
    out = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == 0, errors
    return usage.ru_maxrss, out


def write_rows(path: Path, count: int, padding: int) -> None:
    """Write ``count`` rows of about ``padding`` characters, one in 50 with a text on the topic.

    Most of the size lies in a column that is not mapped: reading is what is measured.
    """
    filler = ("lorem ipsum dolor sit amet " * (padding // 27 + 1))[:padding]
    with path.open("w", encoding="utf-8") as file:
        file.write("id,date,text,other\n")
        for number in range(count):
            text = f"acme {number} {filler}" if number % 50 == 0 else ""
            file.write(f'{number},2026-11-20T10:00:00Z,"{text}","{filler}"\n')


@pytest.mark.timeout(180)
def test_a_large_file_streams_in_constant_memory(config: Path, tmp_path: Path) -> None:
    """A file of 150 MB takes hardly more memory than one of a hundredth of its size."""
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    write_rows(small, 150, 10_000)
    write_rows(large, 15_000, 10_000)
    assert large.stat().st_size > 145_000_000
    words = ("--map", MAP, "--json", "--config", config)
    little, _ = peak_kilobytes("import", small, "--source", "small", *words)
    much, out = peak_kilobytes("import", large, "--source", "large", *words)
    assert json.loads(out) == {
        "rows": 15_000,
        "stored": 300,
        "duplicates": 0,
        "skipped": {"no_text": 14_700},
    }
    assert much - little < 40_000


def test_rows_of_every_bad_kind_are_skipped_by_name(config: Path, tmp_path: Path) -> None:
    """No text, no date, an impossible year, an open quote: each counted, the rest is taken."""
    path = tmp_path / "bad.csv"
    path.write_bytes(
        b"id,date,text\n"
        b"1,2026-11-20T10:00:00Z,acme is here\n"
        b"2,2026-11-20T10:00:00Z,\n"
        b"3,,acme without a date\n"
        b"4,0001-01-01T00:00:00Z,acme of the year one\n"
        b"5,2106-01-01T00:00:00Z,acme of the future\n"
        b'6,2026-11-20T10:00:00Z,"acme never closes\n'
        b"7,2026-11-20T10:00:00Z,acme\xe2\x80\xa8again\n"
        b"8,2026-11-20T10:00:00Z,acme \x00 nul\n"
    )
    taken = groundswell("import", path, "--map", MAP, "--json", "--config", config).document
    assert taken == {
        "rows": 8,
        "stored": 3,
        "duplicates": 0,
        "skipped": {"no_text": 1, "no_date": 1, "bad_date": 2, "unclosed_quote": 1},
    }
    shown = groundswell("import", path, "--map", MAP, "--config", config)
    assert "row 6" in shown.out
    drained = groundswell("enrich", "--drain", "--json", "--config", config).document
    assert drained["quarantined"] == 0


def test_a_wrong_encoding_is_found_out_and_said(config: Path, tmp_path: Path) -> None:
    """A file in an old encoding is read as what it is, and the guess is told on stderr."""
    path = tmp_path / "old.csv"
    text = "id,date,text\n" + "".join(
        f"{n},2026-11-20T10:00:00Z,Käse von acme: schön süß für {n}\n" for n in range(50)
    )
    path.write_bytes(text.encode("cp1252"))
    ended = groundswell("import", path, "--map", MAP, "--json", "--config", config)
    assert ended.document["stored"] == 50
    assert "encoding taken for cp125" in ended.err
    groundswell("enrich", "--drain", "--config", config)
    assert groundswell("search", "käse", "--json", "--config", config).document["total"] == 50


def test_dates_that_fit_two_formats_are_asked_about(config: Path, tmp_path: Path) -> None:
    """Nothing is guessed where two formats fit every row; the error names the option."""
    path = tmp_path / "dates.csv"
    path.write_text("id,date,text\n1,03/04/2026,acme\n2,05/06/2026,acme\n")
    words = ("import", path, "--map", MAP, "--json", "--config", config)
    asked = groundswell(*words)
    assert asked.code == 2
    assert "--date-format" in asked.err
    assert groundswell(*words, "--date-format", "%d/%m/%Y").document["stored"] == 2


def with_little_room(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command on a disk that says it is nearly full."""
    program = (
        "import collections, shutil\n"
        "usage = collections.namedtuple('usage', 'total used free')\n"
        "shutil.disk_usage = lambda path: usage(10**11, 10**11 - 10**9, 10**9)\n"
        "from app.cli import main\n"
        "main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_disk_that_is_nearly_full_stops_collecting_alone(config: Path, tmp_path: Path) -> None:
    """Import says how much is free and what would do; asking and alerting go on."""
    path = tmp_path / "rows.csv"
    write_rows(path, 100, 10)
    words = ("import", path, "--map", MAP, "--json", "--config", config)
    refused = with_little_room(*words)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "only 1.0 GB are free" in refused.stderr
    assert "5.0 GB" in refused.stderr
    assert with_little_room("stats", "--config", config).returncode == 0
    assert with_little_room("alerts", "evaluate", "--config", config).returncode == 0
    told = with_little_room("doctor", "--json", "--config", config)
    checks = {check["name"]: check for check in json.loads(told.stdout)["checks"]}
    assert told.returncode == 1
    assert checks["disk"]["verdict"] == "bad"
    assert groundswell(*words).document["stored"] == 2


def test_a_firehose_is_sampled_and_told(config: Path, tmp_path: Path) -> None:
    """Above a topic's budget most is left out; the log and doctor say so."""
    feed = tmp_path / "feed.xml"
    items = "".join(
        f"<item><title>acme {n}</title><guid>urn:x:{n}</guid></item>" for n in range(200)
    )
    feed.write_text(f"<rss version='2.0'><channel><title>f</title>{items}</channel></rss>")
    from tests.mockserver.server import MockServer

    variables = {"GROUNDSWELL_COLLECT__DAILY_BUDGET": "50"}
    with MockServer() as server:
        server.serve_folder(tmp_path)
        source = f"- {{name: f, type: feed, url: '{server.url}/feed.xml', allow_private: true}}\n"
        (config / "sources.yml").write_text(source)
        words = ("collect", "--once", "--json", "--config", config)
        ended = groundswell(*words, variables=variables)
    (report,) = ended.document["sources"]
    assert report["fetched"] == 200
    assert 50 < report["new"] < 110
    assert "topic_is_sampled" in ended.err
    told = groundswell("doctor", "--json", "--config", config, variables=variables)
    (check,) = (check for check in told.document["checks"] if check["name"] == "volume")
    assert check["verdict"] == "warning"
    assert f"Acme ({200 - report['new']} left out)" in check["message"]


def deadly_program(action: str) -> str:
    """Return a program that is ``groundswell`` with models that ``action`` befalls on one text."""
    return (
        "import os, sys\n"
        "from nlp.analyser import Analyser\n"
        "whole = Analyser.analyse\n"
        "def analyse(self, mentions, now, *, brief=False):\n"
        "    if any('deadly' in m.text for m in mentions):\n"
        f"        {action}\n"
        "    return whole(self, mentions, now, brief=brief)\n"
        "Analyser.analyse = analyse\n"
        "import app.careful, app.cli.collecting as commands\n"
        "import app.bootstrap\n"
        "def child(*words):\n"
        "    return [sys.executable, '-c', os.environ['DEADLY'], *words]\n"
        "app.careful.child_command = child\n"
        "from app.cli import main\n"
        "main()\n"
    )


def test_a_text_that_ends_the_process_is_kept_aside_and_replayed(
    config: Path, tmp_path: Path
) -> None:
    """Two deaths, then the one text is found; after the mend the quarantine is tried again."""
    path = tmp_path / "rows.csv"
    path.write_text(
        "id,date,text\n"
        + "".join(f"{n},2026-11-20T10:00:00Z,acme number {n}\n" for n in range(5))
        + "9,2026-11-20T10:00:00Z,deadly acme\n"
    )
    groundswell("import", path, "--map", MAP, "--config", config)
    program = deadly_program("os.abort()")

    def enrich() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, "enrich", "--drain", "--json", "--config", str(config)],
            env=environment({"DEADLY": program}),
            capture_output=True,
            text=True,
            check=False,
        )

    assert [enrich().returncode for _ in range(2)] == [-6, -6]
    third = enrich()
    assert third.returncode == 0, third.stderr
    report = json.loads(third.stdout)
    assert (report["created"], report["quarantined"]) == (5, 1)
    (reason,) = report["reasons"]
    assert "ends the process" in reason
    told = groundswell("doctor", "--json", "--config", config).document["checks"]
    (spool,) = (check for check in told if check["name"] == "spool")
    assert "1 in quarantine" in spool["message"]
    assert "--replay-quarantine" in spool["mend"]

    words = ("enrich", "--drain", "--replay-quarantine", "--json", "--config", config)
    mended = groundswell(*words)
    assert mended.document["created"] == 1
    assert groundswell("search", "deadly", "--json", "--config", config).document["total"] == 1
    assert groundswell(*words).document["entries"] == 0


def test_a_damaged_entry_stays_in_quarantine(config: Path, tmp_path: Path) -> None:
    """An entry whose bytes were damaged is named and kept; replaying leaves it where it is."""
    home = Path(os.environ["GROUNDSWELL_HOME"])
    path = tmp_path / "rows.csv"
    write_rows(path, 51, 10)
    groundswell("import", path, "--map", MAP, "--config", config)
    (segment,) = (home / "spool" / "segments").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"acme 0", b"acme X", 1))
    report = groundswell("enrich", "--drain", "--json", "--config", config).document
    assert (report["created"], report["quarantined"]) == (1, 1)
    replayed = groundswell("enrich", "--drain", "--replay-quarantine", "--json", "--config", config)
    assert replayed.document["entries"] == 0
    told = groundswell("doctor", "--json", "--config", config).document["checks"]
    assert any("1 in quarantine (the entry's checksum" in check["message"] for check in told)


def test_half_a_line_in_the_quarantine_hides_nothing(tmp_path: Path) -> None:
    """What a writer that died left neither stops reading nor swallows the next entry."""
    from app.stores.file_spool import QUARANTINE, FileSpool
    from core.mention import Mention

    spool = FileSpool(tmp_path, "test")
    mentions = [Mention(id=key, text="acme").with_version(1) for key in ("a", "b")]
    spool.append([Envelope.of(mention) for mention in mentions])
    first, second = spool.read(2)
    spool.quarantine(first, "odd")
    with (tmp_path / QUARANTINE).open("ab") as file:
        file.write(b'{"at": "2026-')
    spool.quarantine(second, "odd too")
    assert [record["reason"] for record in spool.quarantined()] == ["odd", "odd too"]
    spool.acknowledge([first, second])
    assert spool.replay_quarantine() == 2
    assert list(spool.quarantined()) == []
    assert [entry.envelope.id for entry in spool.read(5) if entry.envelope] == ["a", "b"]
    spool.close()
