"""The spool as files: one segment a producer, read by one process at a time.

    spool/
    ├── segments/<microsecond>-<producer>-<pid>.segment
    ├── acknowledged/<segment's name>     bytes of the segment that are done with
    ├── quarantine.jsonl                  entries that could not be processed, with their reasons
    └── reader.lock

Segments are read in the order of their names, those of bulk producers after all others. A segment
is deleted once its writer is gone and all of it is acknowledged.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from app.stores.segment import (
    SUFFIX,
    SegmentReader,
    SegmentWriter,
    replace_file,
    sync_folder,
    unframe,
)
from core.envelope import Envelope
from core.errors import CorruptEntryError, DurabilityError, LockedError
from core.ports import SpoolEntry

BULK_PRODUCERS = frozenset({"again", "import"})
"""What these append is much at once and mostly history: nobody waits for it as for news."""

QUARANTINE = "quarantine.jsonl"
REPLAY_BATCH = 500

SEGMENT_BYTES = 64 * 1024 * 1024
"""A writer begins a new segment after this, so that done ones can be deleted."""


class FileSpool:
    """The file spool; one object may append, and one in all processes may read."""

    def __init__(self, folder: Path, producer: str = "app") -> None:
        """Use ``folder``, which is created; ``producer`` names the segments of this object."""
        self._folder = folder
        self._segments = folder / "segments"
        self._acknowledged = folder / "acknowledged"
        for path in (self._segments, self._acknowledged):
            path.mkdir(parents=True, exist_ok=True)
        self._producer = re.sub(r"[^a-z0-9_]+", "_", producer.lower())
        self._writer: SegmentWriter | None = None
        self._readers: dict[str, SegmentReader] = {}
        self._lock: IO[bytes] | None = None

    # --- producing

    def append(self, envelopes: Sequence[Envelope]) -> None:
        """Add the envelopes; see ``core.ports.Spool.append``."""
        if not envelopes:
            return
        if self._writer is None:
            name = f"{time.time_ns() // 1000:017d}-{self._producer}-{os.getpid()}{SUFFIX}"
            self._writer = SegmentWriter(self._segments / name)
        try:
            size = self._writer.append(envelopes)
        except DurabilityError:
            self._close_writer()
            raise
        if size >= SEGMENT_BYTES:
            self._close_writer()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # --- consuming

    def read(self, limit: int, *, bulk: bool = True) -> list[SpoolEntry]:
        """Return entries not read before; see ``core.ports.Spool.read``.

        What bulk producers appended comes after all else, without ``bulk`` not at all. Raises
        LockedError when another process reads this spool.
        """
        self.claim()
        entries: list[SpoolEntry] = []
        for name in self._segment_names():
            if is_bulk(name) and not bulk:
                break
            reader = self._readers.get(name)
            if reader is None:
                # Also where a reader never finds nothing: what is done would fill the disk.
                self._delete_finished()
                reader = SegmentReader(self._segments / name, self._offset(name))
                self._readers[name] = reader
            lines = reader.read(limit - len(entries))
            entries += [_entry(f"{name}:{line.end}", line.data) for line in lines]
            if len(entries) == limit:
                break
        if not entries:
            self._delete_finished()
        return entries

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """Say that the entries are done with; see ``core.ports.Spool.acknowledge``.

        Entries of one segment are acknowledged in the order they were read: the last one counts.
        """
        ends: dict[str, int] = {}
        for entry in entries:
            name, _, offset = entry.position.rpartition(":")
            ends[name] = max(int(offset), ends.get(name, 0))
        for name, end in ends.items():
            if end > self._offset(name):
                replace_file(self._acknowledged / name, str(end).encode())

    def pending(self) -> int:
        """Return how many entries wait to be acknowledged."""
        return sum(1 for name in self._segment_names() for _ in self._waiting(name))

    def has_own_pending(self) -> bool:
        """Return whether anything that this object appended waits to be acknowledged."""
        own = f"-{self._producer}-{os.getpid()}{SUFFIX}"
        names = (name for name in self._segment_names() if name.endswith(own))
        return any(self._offset(name) < self._size(name) for name in names)

    def _size(self, name: str) -> int:
        """Return the size of a segment, 0 where it was deleted just now."""
        try:
            return (self._segments / name).stat().st_size
        except FileNotFoundError:
            return 0

    def pending_bytes(self) -> int:
        """Return the size of what waits: cheap where ``pending`` has to read it all."""
        total = 0
        for name in self._segment_names():
            total += max(self._size(name) - self._offset(name), 0)
        return total

    def quarantine(self, entry: SpoolEntry, reason: str) -> None:
        """Keep the entry with its reason; see ``core.ports.Spool.quarantine``."""
        record = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": reason,
            "position": entry.position,
            "envelope": entry.envelope.model_dump(mode="json") if entry.envelope else None,
        }
        path = self._folder / QUARANTINE
        try:
            with path.open("ab") as file:
                # A writer that died may have left half a line; an empty one does no harm.
                file.write(b"\n" + json.dumps(record).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as err:
            raise DurabilityError(f"{path}: cannot write: {err.strerror}") from err
        sync_folder(self._folder)

    def quarantined(self) -> Iterator[dict[str, object]]:
        """Yield what was kept: ``at``, ``reason``, ``position`` and ``envelope``.

        An entry that was quarantined again, after a crash or as what it was put off as, is yielded
        once. Half a line, which a writer that died left, was never promised to anyone: its entry
        was not acknowledged.
        """
        path = self._folder / QUARANTINE
        if not path.exists():
            return
        yielded: set[bytes] = set()
        with path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                key = _content(record)
                if key not in yielded:
                    yielded.add(key)
                    yield record

    def replay_quarantine(self) -> int:
        """Put what is in quarantine back into the spool and return how many entries that were.

        Damaged entries, which hold nothing to try again, stay. Dying in between leaves entries in
        both places, and doing them twice changes nothing. Raises LockedError while another process
        reads this spool, as it may be adding to the quarantine.
        """
        self.claim()
        damaged, count = [], 0
        kept = self.quarantined()
        while records := list(islice(kept, REPLAY_BATCH)):
            envelopes = [Envelope.model_validate(r["envelope"]) for r in records if r["envelope"]]
            self.append(envelopes)
            count += len(envelopes)
            damaged += [record for record in records if not record["envelope"]]
        self._close_writer()
        if count:
            lines = [json.dumps(record).encode() + b"\n" for record in damaged]
            replace_file(self._folder / QUARANTINE, b"".join(lines))
        return count

    def close(self) -> None:
        """Release files and locks; safe to call twice."""
        self._close_writer()
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def claim(self) -> None:
        """Become the one that reads; safe to call twice.

        Raises LockedError when another process is.
        """
        if self._lock is not None:
            return
        lock = (self._folder / "reader.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            lock.close()
            message = (
                "another process already enriches from this spool; stop it, or let it do the work"
            )
            raise LockedError(message) from err
        self._lock = lock

    def _segment_names(self) -> list[str]:
        """Return the segments' names in the order they are read."""
        names = (path.name for path in self._segments.glob(f"*{SUFFIX}"))
        return sorted(names, key=lambda name: (is_bulk(name), name))

    def _offset(self, name: str) -> int:
        """Return how many bytes of the segment are acknowledged."""
        try:
            return int((self._acknowledged / name).read_bytes())
        except FileNotFoundError:
            return 0

    def _waiting(self, name: str) -> Iterator[bytes]:
        try:
            reader = SegmentReader(self._segments / name, self._offset(name))
        except FileNotFoundError:
            return
        try:
            while lines := reader.read(1000):
                yield from (line.data for line in lines)
        finally:
            reader.close()

    def _delete_finished(self) -> None:
        """Delete the segments whose writers are gone and that are wholly acknowledged.

        A torn last line of a writer that died was never promised to anyone: its producer did not
        move its cursor, so what it held is delivered again.
        """
        for name, reader in list(self._readers.items()):
            if not reader.is_finished() or reader.has_more():
                continue
            if self._offset(name) < reader.offset:
                continue
            reader.close()
            del self._readers[name]
            (self._segments / name).unlink()
            (self._acknowledged / name).unlink(missing_ok=True)


def is_bulk(name: str) -> bool:
    """Return whether a bulk producer appended to the segment called ``name``."""
    _, _, producer_and_pid = name.partition("-")
    return producer_and_pid.rpartition("-")[0] in BULK_PRODUCERS


def _content(record: Mapping[str, object]) -> bytes:
    """Return a digest of what was quarantined: equal for one content at two positions."""
    held = json.dumps(record["envelope"] or record["position"])
    return hashlib.blake2b(held.encode(), digest_size=12).digest()


def _entry(position: str, line: bytes) -> SpoolEntry:
    try:
        return SpoolEntry(position, unframe(line))
    except CorruptEntryError as err:
        return SpoolEntry(position, None, str(err))
