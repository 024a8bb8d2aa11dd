"""Notices that somebody changed the configuration while Groundswell runs."""

from __future__ import annotations

from pathlib import Path

from core.loading import FILES

Fingerprint = tuple[tuple[str, int, int], ...]


class ConfigurationWatch:
    """Compares the files of a configuration folder with how they were at the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._fingerprint()

    def has_changed(self) -> bool:
        """Return whether a file was written, added or removed since the last call."""
        now = self._fingerprint()
        has_changed, self._seen = now != self._seen, now
        return has_changed

    def _fingerprint(self) -> Fingerprint:
        """Return name, time of change and size of each file that is there."""
        found = []
        for name in FILES.values():
            try:
                status = (self._folder / name).stat()
            except OSError:
                continue
            found.append((name, status.st_mtime_ns, status.st_size))
        return tuple(found)
