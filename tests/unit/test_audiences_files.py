"""Export files: cells that no spreadsheet runs, whole files or none."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiences.files import file_name, neutral, write_csv, write_manifest, write_text
from core.errors import UsageError

CELLS = st.none() | st.integers() | st.text(max_size=30)
RISKY = st.text(st.sampled_from("=+-@;\t\r\n ＝＋－＠a1'\"\x00"), max_size=12)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@acme", "'@acme"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t'=1"),
        ("hello;=cmd()", "hello;'=cmd()"),
        ("hello; @x", "hello;' @x"),
        ("a\x00b", "ab"),
        ("\x00=1", "'=1"),
        ("plain - text = fine", "plain - text = fine"),
        ("https://a.example/?x=1;y=2", "https://a.example/?x=1;y=2"),
        (-5, -5),
        (None, None),
    ],
)
def test_formula_cells_are_neutralised(cell: str | int | None, shown: str | int | None) -> None:
    """Whatever a spreadsheet would run is shown instead; everything else stays as it is."""
    assert neutral(cell) == shown


@given(RISKY)
def test_no_cell_starts_a_formula(cell: str) -> None:
    """However a spreadsheet splits a cell, no part begins with what it runs; twice is once."""
    shown = neutral(cell)
    assert isinstance(shown, str)
    assert not shown.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    for separator in ";\t\r\n":
        for part in shown.split(separator)[1:]:
            assert not part.lstrip(" ").startswith(tuple("=+-@＝＋－＠"))
    assert neutral(shown) == shown


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS | RISKY), max_size=8))
def test_csv_reads_back_equal(tmp_path: Path, rows: list[tuple[str | int | None, ...]]) -> None:
    """Every row comes back cell by cell, whatever quotes, commas and line breaks it holds."""
    written = write_csv(tmp_path / "list.csv", ("one", "two"), rows)
    with written.path.open(encoding="utf-8-sig", newline="") as file:
        head, *found = csv.reader(file)
    assert head == ["one", "two"]
    told = [[neutral(cell) for cell in row] for row in rows]
    assert found == [["" if cell is None else str(cell) for cell in row] for row in told]
    assert written.rows == len(rows)
    assert hashlib.sha256(written.path.read_bytes()).hexdigest() == written.sha256


def test_manifest_names_and_hashes_each_file(tmp_path: Path) -> None:
    """The manifest lets anybody check what they were handed."""
    files = [write_text(tmp_path / "a.md", "one\ntwo\n"), write_csv(tmp_path / "b.csv", ("x",), [])]
    path = write_manifest(tmp_path / "manifest.json", files, {"segment": "Ünder"})
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["segment"] == "Ünder"
    for entry in told["files"]:
        digest = hashlib.sha256((tmp_path / entry["file"]).read_bytes()).hexdigest()
        assert entry["sha256"] == digest
    assert [entry["rows"] for entry in told["files"]] == [2, 0]


def test_failed_write_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills in mid-write changes nothing, and leaves nothing behind."""
    path = tmp_path / "list.csv"
    write_csv(path, ("x",), [["old"]])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match=r"list\.csv cannot be written: No space left"):
        write_csv(path, ("x",), [["new"]])
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["list.csv"]


def test_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """A wrong --out is a mistake of usage, in words."""
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_text(tmp_path / "out" / "kit.md", "x")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fans & Friends", "fans-friends"),
        ("Über uns", "uber-uns"),
        ("東京", "segment"),
        ("../x", "x"),
    ],
)
def test_file_names_are_plain(text: str, name: str) -> None:
    """A segment's name never leads out of the folder."""
    assert file_name(text) == name
