"""How often a batch was begun is known after a death, and of several batches at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.careful import KEPT_ATTEMPTS, AttemptLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the counts are kept."""
    return tmp_path / "attempt.json"


def test_a_batch_stays_counted_while_others_come_and_go(path: Path) -> None:
    """Each life of the process reads the file anew; what another batch did changes nothing."""
    for life in range(3):
        log = AttemptLog(path)
        assert log.begin(f"new-{life}:10") == 0
        log.end(f"new-{life}:10")
        assert log.begin("later:7") == life
    AttemptLog(path).end("later:7")
    assert AttemptLog(path).begin("later:7") == 0


def test_the_file_is_there_as_long_as_anything_is_counted(path: Path) -> None:
    """A batch that nobody began can be ended as well."""
    log = AttemptLog(path)
    log.end("never:1")
    log.begin("a:1")
    log.begin("b:1")
    log.end("a:1")
    assert path.exists()
    log.end("b:1")
    assert not path.exists()


@pytest.mark.parametrize(
    "data",
    [b'{"position": "a:1", "count": 2}', b'{"a:1": "many"}', b"[3]", b'{"a:1": ', b"\xff", b""],
)
def test_an_older_or_damaged_file_counts_as_empty(path: Path, data: bytes) -> None:
    """The next count replaces it."""
    path.write_bytes(data)
    assert AttemptLog(path).begin("a:1") == 0
    assert AttemptLog(path).begin("a:1") == 1


def test_the_oldest_are_forgotten(path: Path) -> None:
    """What is never begun again does not gather; what is begun again counts as new."""
    log = AttemptLog(path)
    log.begin("kept:1")
    for number in range(KEPT_ATTEMPTS):
        log.begin(f"gone:{number}")
        log.begin("kept:1")
    assert log.begin("gone:0") == 0
    assert log.begin("kept:1") == KEPT_ATTEMPTS + 1
