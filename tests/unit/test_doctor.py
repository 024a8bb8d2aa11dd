"""The doctor finds what is wrong and says what mends it."""

from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.doctor import Finding, Verdict, examine
from app.stores.file_spool import FileSpool
from app.stores.state import StateStore
from core.envelope import Envelope
from core.mention import Mention
from core.ports import Poll, PollStatus

SETTINGS = "languages: [en]\nmodels: {entities: false}\n"


def look(folder: Path, settings: str = SETTINGS) -> dict[str, Finding]:
    """Return what the doctor says of a configuration of one topic, by name."""
    config = folder / "configs"
    config.mkdir(exist_ok=True)
    (config / "topics.yml").write_text("- {name: Acme, query: acme}\n")
    (config / "settings.yml").write_text(settings)
    return {finding.name: finding for finding in examine(config, folder / "home")}


def test_a_fresh_home_is_well(tmp_path: Path) -> None:
    """Everything is looked at, nothing is bad, and a mail server is what is missing."""
    found = look(tmp_path)
    names = "configuration state index spool volume history models mail disk memory clock"
    assert set(found) == {*names.split(), "dashboard"}
    assert [f for f in found.values() if f.verdict is Verdict.BAD] == []
    assert found["mail"].verdict is Verdict.WARNING
    assert "mail.host" in (found["mail"].mend or "")


def test_a_wrong_configuration_is_the_first_finding(tmp_path: Path) -> None:
    """Without a configuration nothing else can be looked at."""
    (finding,) = examine(tmp_path / "nowhere", tmp_path / "home")
    assert (finding.name, finding.verdict) == ("configuration", Verdict.BAD)
    assert "check-config" in (finding.mend or "")


def test_quarantine_and_sampling_are_told(tmp_path: Path) -> None:
    """Entries kept aside show with their reason, sampled topics with what was left out."""
    home = tmp_path / "home"
    spool = FileSpool(home / "spool", "test")
    spool.append([Envelope.of(Mention(id="a", text="x").with_version(1))])
    (entry,) = spool.read(1)
    spool.quarantine(entry, "too odd")
    spool.close()
    state = StateStore.in_folder(home)
    state.setup()
    state.spend("Acme", datetime.now(UTC).date().isoformat(), 100, 7)
    state.close()
    found = look(tmp_path)
    assert found["spool"].verdict is found["volume"].verdict is Verdict.WARNING
    assert "1 in quarantine (too odd)" in found["spool"].message
    assert "--replay-quarantine" in (found["spool"].mend or "")
    assert "Acme (7 left out)" in found["volume"].message
    assert "collect.daily_budget" in (found["volume"].mend or "")


def test_what_waits_for_its_tone_is_told(tmp_path: Path) -> None:
    """Mentions that are stored and not read in full yet are counted, and nothing to mend."""
    assert "tone" not in look(tmp_path)["spool"].message
    later = FileSpool(tmp_path / "home" / "spool" / "later", "test")
    later.append([Envelope.doing_again(Mention(id="a", text="x").with_version(1))])
    later.close()
    finding = look(tmp_path)["spool"]
    assert "; 1 stored without tone and names, which follow" in finding.message
    assert finding.verdict is Verdict.OK


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the floor the doctor says that collecting stops, and where."""
    usage = SimpleNamespace(total=10**11, used=99 * 10**9, free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    disk = look(tmp_path)["disk"]
    assert disk.verdict is Verdict.BAD
    assert "5.0 GB" in (disk.mend or "")


def test_a_mail_server_that_does_not_answer_is_bad(tmp_path: Path) -> None:
    """A refused connection is told with host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        mail = look(tmp_path, f"{SETTINGS}mail: {{host: 127.0.0.1, port: {port}, timeout: 2s}}\n")
    assert mail["mail"].verdict is Verdict.BAD
    assert f"127.0.0.1:{port} refuses" in mail["mail"].message


def test_an_open_dashboard_without_a_password_is_bad(tmp_path: Path) -> None:
    """Beyond loopback the dashboard needs a password; the mend says how to make one."""
    found = look(tmp_path, f"{SETTINGS}dashboard: {{host: 0.0.0.0}}\n")
    assert found["dashboard"].verdict is Verdict.BAD
    assert "--hash-password" in (found["dashboard"].mend or "")


def test_a_clock_that_went_back_is_bad(tmp_path: Path) -> None:
    """A poll from the future means that this clock is wrong."""
    state = StateStore.in_folder(tmp_path / "home")
    state.setup()
    state.record_poll(Poll("f", datetime.now(UTC) + timedelta(hours=1), PollStatus.OK))
    state.close()
    assert look(tmp_path)["clock"].verdict is Verdict.BAD


def test_an_engine_that_is_down_is_one_finding(tmp_path: Path) -> None:
    """A lost engine is told with its mend, and the rest is looked at all the same."""
    settings = f"{SETTINGS}index: {{engine: elasticsearch, url: 'http://127.0.0.1:9'}}\n"
    found = look(tmp_path, settings)
    assert found["index"].verdict is Verdict.BAD
    assert found["models"].verdict is Verdict.OK
