"""Segments of a real index, and their exports, by the command line."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.mention import Author, Sentiment
from tests.fakes import crisis

AUDIENCES_YML = """\
- name: Everyone
  query: "*:*"
  topic: Acme
- name: Big voices
  query: sentiment:positive
  topic: Acme
  minimum_mentions: 2
  followers: {min: 1000, max: 3000}
- name: Nobody
  query: '"no such words"'
  topic: Acme
- name: A few
  query: "*:*"
  topic: Acme
  followers: {min: 3300}
- name: Forum
  query: service:reddit
- name: By name
  query: author:p3@social.example OR acme
  topic: Acme
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with ten days of mentions by 90 people, and two of a closed service."""
    folder = crisis.write_home(tmp_path_factory.mktemp("audience"), audiences=AUDIENCES_YML)
    application = crisis.open_home(folder, lambda: crisis.NOW)
    application.index.apply(crisis.ordinary(days=10), crisis.NOW)
    closed = [
        crisis.mention(5_000_000 + n, crisis.NOW, "=acme()", Sentiment.POSITIVE).model_copy(
            update={"service": "reddit", "author": Author(service="reddit", id=f"r{n}")}
        )
        for n in range(2)
    ]
    application.index.apply(closed, crisis.NOW)
    application.close()
    return folder


@pytest.fixture
def run(filled: Path, tmp_path: Path) -> Run:
    """Return a function that runs the real command on a home of the test's own."""
    folder = shutil.copytree(filled, tmp_path / "of-its-own")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "audience", *words]
        command += ["--config", str(folder / "configs"), "--now", crisis.NOW.isoformat()]
        environment = {**os.environ, "GROUNDSWELL_HOME": str(folder / "home")}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return call


def test_list_counts_authors(run: Run) -> None:
    """`audience list --json` says how many authors and mentions each segment selects now."""
    done = run("list", "--json")
    assert done.returncode == 0, done.stderr
    sizes = {one["segment"]["name"]: one for one in json.loads(done.stdout)["segments"]}
    assert sizes["Everyone"]["authors"] == 92
    assert sizes["Nobody"]["authors"] == 0
    assert 0 < sizes["A few"]["authors"] < 10
    assert 0 < sizes["Big voices"]["authors"] < 50


def test_kit_has_numbers_and_nobody(run: Run, tmp_path: Path) -> None:
    """The kit's files are as its manifest says, and hold no author's handle, name or id."""
    done = run("export", "Everyone", "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    manifest = json.loads(Path(told["manifest"]).read_text(encoding="utf-8"))
    assert (manifest["kind"], manifest["authors"]) == ("kit", 92)
    assert manifest["segment"]["name"] == "Everyone"
    assert manifest["exported_at"] < manifest["expires_at"]
    for entry in manifest["files"]:
        content = (Path(told["manifest"]).parent / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    text = "".join(Path(name).read_text(encoding="utf-8") for name in told["files"])
    assert "kettle" in text
    assert "@social.example" not in text
    assert "Person" not in text
    assert "p3@" not in text


def test_kit_whose_query_names_an_account_withholds_it(run: Run, tmp_path: Path) -> None:
    """A definition that names an account does not carry it out of the house."""
    done = run("export", "By name", "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 0, done.stderr
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert "p3@social.example" not in path.read_text(encoding="utf-8")
    manifest = json.loads(Path(json.loads(done.stdout)["manifest"]).read_text(encoding="utf-8"))
    assert manifest["segment"] == "withheld: it names accounts"


def test_outreach_list_keeps_bounds_and_policy(run: Run, tmp_path: Path) -> None:
    """The list holds who the segment selects, without services whose terms forbid it."""
    out = ["--kind", "outreach", "--out", str(tmp_path / "out"), "--json"]
    done = run("export", "Big voices", *out)
    assert done.returncode == 0, done.stderr
    (path,) = json.loads(done.stdout)["files"]
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    followers = [int(row["followers"]) for row in rows]
    assert followers == sorted(followers, reverse=True)
    assert all(1000 <= count <= 3000 for count in followers)
    assert all(int(row["mentions"]) >= 2 for row in rows)
    told = json.loads(run("export", "Everyone", *out).stdout)
    assert (told["authors"], told["withheld"]) == (90, {"reddit": 2})


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["Nobody"], "selects no author now"),
        (["A few"], "a kit needs at least 10"),
        (["Forum", "--kind", "outreach"], "terms do not allow a list (reddit)"),
        (["Unknown"], "no segment is named 'Unknown'"),
        (["Everyone", "--kind", "csv"], "'csv' is not one of"),
    ],
)
def test_nothing_to_export_is_said(run: Run, tmp_path: Path, words: list[str], reason: str) -> None:
    """What cannot be exported is exit code 2 with the reason, and no file is written."""
    done = run("export", *words, "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 2
    assert reason in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_exports_go_into_the_home_by_default(run: Run, tmp_path: Path) -> None:
    """Without --out the home keeps the exports, and people read where they are."""
    done = run("export", "Everyone")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "of-its-own" / "home" / "exports" / "everyone-kit-2026-03-05"
    assert (folder / "kit.md").is_file()
    assert "kit.md" in done.stdout
