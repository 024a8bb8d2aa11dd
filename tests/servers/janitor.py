"""Cleaning up after a test run, however it ends.

A helper process holds the other end of a pipe. It learns line by line what to end and remove, and
does so when the pipe closes: when the run is over, and just as well when the run was killed.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


class Janitor:
    """Remembers process groups, containers and folders, and ends them with the test run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.janitor"],
            stdin=subprocess.PIPE,
            # Ctrl-C goes to the run, not to the one that cleans up after it.
            start_new_session=True,
        )

    def watch_group(self, group: int) -> None:
        """End this process group when the run ends."""
        self._tell("group", group)

    def forget_group(self, group: int) -> None:
        """Leave this process group alone: it has ended, and its number may be used again."""
        self._tell("forget", group)

    def watch_container(self, name: str) -> None:
        """Remove this Docker container when the run ends."""
        self._tell("container", name)

    def watch_folder(self, folder: Path) -> None:
        """Remove this folder when the run ends."""
        self._tell("folder", str(folder))

    def close(self) -> None:
        """Clean up now and wait until that is done."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _tell(self, kind: str, value: int | str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([kind, value]).encode() + b"\n")
        self._process.stdin.flush()


def _clean_up_at_the_end() -> None:
    groups: set[int] = set()
    containers: list[str] = []
    folders: list[Path] = []
    for line in sys.stdin:
        kind, value = json.loads(line)
        if kind == "group":
            groups.add(value)
        elif kind == "forget":
            groups.discard(value)
        elif kind == "container":
            containers.append(value)
        else:
            folders.append(Path(value))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    for name in containers:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _clean_up_at_the_end()
