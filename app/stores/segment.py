"""One segment of the file spool: framed lines in a file that one process appends to.

A line is ``crc32 (8 hexadecimal digits), space, JSON, newline``. JSON holds no raw newline byte, so
lines are split on that byte alone: U+2028 and the like inside a text mean nothing here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from core.envelope import Envelope
from core.errors import CorruptEntryError, DurabilityError

SUFFIX = ".segment"
MAX_LINE_BYTES = 32 * 1024 * 1024
"""A longer line cannot be an entry: the longest fields of a mention together stay below this."""


def frame(envelope: Envelope) -> bytes:
    """Return the line that holds ``envelope``."""
    data = envelope.model_dump_json(exclude_defaults=True).encode()
    return b"%08x %s\n" % (zlib.crc32(data), data)


def unframe(line: bytes) -> Envelope:
    """Return the envelope that ``line`` (without its newline) holds.

    Raises CorruptEntryError when the checksum or the content is wrong.
    """
    checksum, _, data = line.partition(b" ")
    if b"%08x" % zlib.crc32(data) != checksum:
        raise CorruptEntryError("the entry's checksum is wrong: it was damaged on disk")
    try:
        return Envelope.model_validate_json(data)
    except ValidationError as err:
        reason = err.errors(include_url=False)[0]
        where = ".".join(str(part) for part in reason["loc"])
        raise CorruptEntryError(f"the entry cannot be read: {where}: {reason['msg']}") from err


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Raises DurabilityError if the disk refuses."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as err:
        raise DurabilityError(f"{folder}: fsync failed: {err.strerror}") from err
    finally:
        os.close(descriptor)


class SegmentWriter:
    """Appends to one segment, which it locks for as long as it lives."""

    def __init__(self, path: Path) -> None:
        """Create the segment at ``path``, which must not exist.

        It gets its name only once it is locked: a reader must never take it for a finished one.
        """
        self.path = path
        unnamed = path.with_suffix(".new")
        self._file = unnamed.open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unnamed.rename(path)
        self._is_broken = False
        sync_folder(path.parent)

    def append(self, envelopes: Sequence[Envelope]) -> int:
        """Write the envelopes and return the segment's size; they are on disk by then.

        Raises DurabilityError when a write or fsync fails. Nothing is appended after that: what a
        failed fsync left behind is unknown, and a second one may wrongly succeed.
        """
        if self._is_broken:
            raise DurabilityError(f"{self.path.name} is closed after a failed write")
        data = b"".join(map(frame, envelopes))
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            os.fsync(self._file.fileno())
        except OSError as err:
            self._is_broken = True
            raise DurabilityError(f"{self.path}: cannot write: {err.strerror}") from err
        return self._file.tell()

    def close(self) -> None:
        """Release the file and its lock; safe to call twice."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line of a segment and the offset just after it."""

    data: bytes
    end: int


class SegmentReader:
    """Reads whole lines from one segment on."""

    def __init__(self, path: Path, offset: int) -> None:
        """Open the segment at ``path`` to read from byte ``offset`` on."""
        self.path = path
        self.offset = offset
        self._file = path.open("rb")

    def read(self, limit: int) -> list[Line]:
        """Return up to ``limit`` whole lines after those that were read before."""
        self._file.seek(self.offset)
        lines: list[Line] = []
        while len(lines) < limit:
            data = self._file.readline(MAX_LINE_BYTES)
            if not data.endswith(b"\n") and len(data) < MAX_LINE_BYTES:
                break
            self.offset += len(data)
            lines.append(Line(data.rstrip(b"\n"), self.offset))
        return lines

    def has_more(self) -> bool:
        """Return whether a whole line waits after those that were read."""
        self._file.seek(self.offset)
        return self._file.readline().endswith(b"\n")

    def is_finished(self) -> bool:
        """Return whether the writer is gone, so that nothing more will be appended."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return True

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._file.close()


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` into ``path`` so that a crash leaves either the old or the new content.

    Raises DurabilityError when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            # Who may read a file, such as one of the configuration, stays as it was.
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as err:
        raise DurabilityError(f"{path}: cannot write: {err.strerror}") from err
    sync_folder(path.parent)
