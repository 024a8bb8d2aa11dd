"""What every spool keeps to: nothing lost, nothing forgotten, order of each producer kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stores.file_spool import FileSpool
from app.stores.segment import frame, unframe
from core.envelope import Envelope
from core.errors import CorruptEntryError, DurabilityError, LockedError
from core.mention import Mention
from core.ports import SpoolEntry


def envelope(key: str, text: str = "late parcel") -> Envelope:
    """Return the envelope of a small mention."""
    return Envelope.of(Mention(id=key, text=text).with_version(1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the spool is kept."""
    return tmp_path / "spool"


@pytest.fixture
def producer(folder: Path) -> Iterator[FileSpool]:
    """Return a spool to append with."""
    spool = FileSpool(folder, "producer")
    yield spool
    spool.close()


def consume(folder: Path, limit: int = 100) -> list[str]:
    """Read what waits with a fresh reader, acknowledge it, and return the ids."""
    spool = FileSpool(folder)
    entries = spool.read(limit)
    spool.acknowledge(entries)
    spool.close()
    return [entry.envelope.id for entry in entries if entry.envelope]


def test_entries_come_back_in_order(folder: Path, producer: FileSpool) -> None:
    """What one producer appended is read in the same order."""
    producer.append([envelope("a"), envelope("b")])
    producer.append([envelope("c")])
    assert consume(folder) == ["a", "b", "c"]


def test_acknowledged_entries_are_not_read_again(folder: Path, producer: FileSpool) -> None:
    """A new reader goes on after what was acknowledged."""
    producer.append([envelope(key) for key in "abcd"])
    assert consume(folder, 3) == ["a", "b", "c"]
    assert consume(folder) == ["d"]


def test_unacknowledged_entries_are_read_again(folder: Path, producer: FileSpool) -> None:
    """A reader that died before it acknowledged loses nothing."""
    producer.append([envelope("a"), envelope("b")])
    dying = FileSpool(folder)
    assert len(dying.read(10)) == 2
    dying.close()
    assert consume(folder) == ["a", "b"]


def test_two_producers_do_not_disturb_each_other(folder: Path, producer: FileSpool) -> None:
    """Every producer has its own segment, and both are read."""
    other = FileSpool(folder, "other")
    producer.append([envelope("a")])
    other.append([envelope("x")])
    producer.append([envelope("b")])
    ids = consume(folder)
    assert sorted(ids) == ["a", "b", "x"]
    assert ids.index("a") < ids.index("b")
    other.close()


def test_what_bulk_producers_append_comes_after_all_else(folder: Path) -> None:
    """However early they began; in their order, and not at all where it is not asked for."""
    bulk = [FileSpool(folder, name) for name in ("import", "again")]
    bulk[0].append([envelope("old 1"), envelope("old 2")])
    bulk[1].append([envelope("again")])
    live = FileSpool(folder, "Import of news")
    reader = FileSpool(folder)
    live.append([envelope("a")])
    bulk[0].append([envelope("old 3")])
    live.append([envelope("b")])

    def ids(limit: int, *, bulk: bool = True) -> list[str]:
        entries = reader.read(limit, bulk=bulk)
        reader.acknowledge(entries)
        return [entry.envelope.id for entry in entries if entry.envelope]

    assert ids(9, bulk=False) == ["a", "b"]
    assert ids(9, bulk=False) == []
    assert ids(2) == ["old 1", "old 2"]
    live.append([envelope("c")])
    assert ids(9) == ["c", "old 3", "again"]
    assert reader.pending() == 0
    for spool in (*bulk, live, reader):
        spool.close()


def test_only_one_process_reads(folder: Path, producer: FileSpool) -> None:
    """A second reader is told that another one is at work."""
    producer.append([envelope("a")])
    first, second = FileSpool(folder), FileSpool(folder)
    first.read(1)
    with pytest.raises(LockedError, match="already enriches"):
        second.read(1)
    first.close()
    assert len(second.read(1)) == 1
    second.close()


def test_pending_counts_what_waits(folder: Path, producer: FileSpool) -> None:
    """Pending entries are those that nobody acknowledged."""
    producer.append([envelope(key) for key in "abc"])
    assert producer.pending() == 3
    consume(folder, 2)
    assert producer.pending() == 1
    assert producer.pending_bytes() == len(frame(envelope("c")))


def test_finished_segments_are_deleted(folder: Path) -> None:
    """A segment goes once its writer is gone and all of it is acknowledged, not before."""
    producer = FileSpool(folder, "producer")
    producer.append([envelope("a")])
    reader = FileSpool(folder)
    reader.acknowledge(reader.read(10))
    assert reader.read(10) == []
    assert list((folder / "segments").iterdir()), "the writer still lives"
    producer.close()
    assert reader.read(10) == []
    assert not list((folder / "segments").iterdir())
    assert not list((folder / "acknowledged").iterdir())
    reader.close()


def test_finished_segments_are_deleted_where_something_always_waits(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though no read ever finds nothing, the disk holds no more than what waits."""
    monkeypatch.setattr("app.stores.file_spool.SEGMENT_BYTES", 1)
    spool = FileSpool(folder)
    spool.append([envelope("0")])
    for number in range(1, 9):
        spool.append([envelope(str(number))])
        spool.acknowledge(spool.read(1))
    assert spool.pending() == 1
    assert len(list((folder / "segments").iterdir())) == 2
    assert len(list((folder / "acknowledged").iterdir())) == 1
    spool.close()


def test_a_segment_with_waiting_entries_outlives_its_writer(folder: Path) -> None:
    """What was read but not acknowledged is kept, though its writer is gone."""
    producer = FileSpool(folder, "producer")
    producer.append([envelope("a")])
    producer.close()
    reader = FileSpool(folder)
    assert len(reader.read(10)) == 1
    assert reader.read(10) == []
    reader.close()
    assert consume(folder) == ["a"]


def test_a_torn_last_line_is_not_read(folder: Path, producer: FileSpool) -> None:
    """A line without its end was never promised; what stands before it is read."""
    producer.append([envelope("a")])
    (segment,) = (folder / "segments").iterdir()
    with segment.open("ab") as file:
        file.write(frame(envelope("b"))[:-20])
    assert consume(folder) == ["a"]


def test_a_damaged_entry_comes_with_its_error(folder: Path, producer: FileSpool) -> None:
    """A flipped byte is noticed by the checksum, and the entries around it are read."""
    producer.append([envelope("a"), envelope("b"), envelope("c")])
    (segment,) = (folder / "segments").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(frame(envelope("a"))) + 40] ^= 1
    segment.write_bytes(data)
    reader = FileSpool(folder)
    entries = reader.read(10)
    assert [entry.envelope.id if entry.envelope else None for entry in entries] == ["a", None, "c"]
    assert "checksum" in (entries[1].error or "")
    reader.close()


def test_quarantine_keeps_entry_and_reason_once(folder: Path, producer: FileSpool) -> None:
    """A quarantined entry stands there once with its reason, however often it was put there."""
    producer.append([envelope("a")])
    reader = FileSpool(folder)
    (entry,) = reader.read(1)
    reader.quarantine(entry, "too odd")
    reader.quarantine(entry, "too odd")
    (kept,) = reader.quarantined()
    assert kept["reason"] == "too odd"
    assert kept["envelope"]["id"] == "a"  # type: ignore[index]
    reader.close()


def test_one_content_stands_in_quarantine_once(folder: Path, producer: FileSpool) -> None:
    """Also where it came twice; damaged entries, which have none, are told apart by position."""
    producer.append([envelope("a"), envelope("a"), envelope("a", "another text")])
    reader = FileSpool(folder)
    for entry in reader.read(3):
        reader.quarantine(entry, "too odd")
    for position in ("segment:1", "segment:2"):
        reader.quarantine(SpoolEntry(position, None), "damaged")
    assert len(list(reader.quarantined())) == 4
    assert reader.replay_quarantine() == 2
    reader.close()


def test_a_failed_write_is_told_and_not_retried(
    folder: Path, producer: FileSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an fsync that failed the segment is left alone; a new one takes what comes next."""

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    producer.append([envelope("a")])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(DurabilityError, match="Input/output error"):
            producer.append([envelope("b")])
    producer.append([envelope("c")])
    assert len(list((folder / "segments").iterdir())) == 2
    assert {"a", "c"} <= set(consume(folder))


@given(text=st.text(max_size=200))
def test_any_text_survives_the_frame(text: str) -> None:
    """Line separators, NUL and emoji inside a text come back as the mention holds them."""
    sent = envelope("a", text + "\u2028\x85\n\r")
    line = frame(sent)
    assert line.count(b"\n") == 1
    assert unframe(line.rstrip(b"\n")) == sent


@pytest.mark.parametrize("line", [b"", b"zz", b"00000000 {}", b"no checksum here"])
def test_nonsense_is_no_entry(line: bytes) -> None:
    """What is no framed envelope is refused as damaged."""
    with pytest.raises(CorruptEntryError):
        unframe(line)


def test_a_well_framed_but_wrong_envelope_names_what_is_wrong() -> None:
    """An entry of an unknown shape is refused with the place of the mistake."""
    import zlib

    data = b'{"kind":"mention","id":"a"}'
    with pytest.raises(CorruptEntryError, match="must hold that part"):
        unframe(b"%08x %s" % (zlib.crc32(data), data))
