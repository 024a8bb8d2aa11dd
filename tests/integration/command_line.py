"""Runs the real command line as people do, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "app.cli")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that stdout must hold; nothing may stand around it."""
        return json.loads(self.out)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command: the test's own home, and the project's modules."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(extra or {})}


def groundswell(
    *words: str | Path,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: str | None = None,
    seconds: float = 120,
) -> Ended:
    """Run ``groundswell`` with ``words`` to its end, in ``folder``."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=folder or ROOT,
        env=environment(variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def start(*words: str | Path, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start ``groundswell`` with ``words`` and leave it running."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=ROOT,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write_topics(folder: Path, **files: str) -> Path:
    """Write a configuration of one topic, Acme, and of ``files`` by kind; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {
        "settings": "languages: [en]\nmodels: {entities: false}\n",
        "topics": "- {name: Acme, query: acme}\n",
        **files,
    }
    for kind, text in held.items():
        (folder / f"{kind}.yml").write_text(text, encoding="utf-8")
    return folder
