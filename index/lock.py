"""The lock that lets one process at a time write a folder."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from core.errors import LockedError


class WriterLock:
    """An advisory lock on a file, held until ``release`` or until the process ends however.

    The kernel frees it with the process, so a crash leaves nothing to clean up. The file holds
    the holder's process id, for people to read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises LockedError naming the holder if another process has it."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            holder = os.pread(descriptor, 64, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise LockedError(
                f"{self._path.parent} is being written by process {holder or 'unknown'}; "
                "stop that process, or open the folder for reading only"
            ) from err
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        # An emptied file never names a process that holds nothing.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)
