"""Analysing in a child process, one mention after the other, to find the one that kills it.

The child reads mentions as JSON lines and answers each with a line before it begins the next; when
it dies, the mention without an answer is to blame.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from app.stores.segment import replace_file
from core.errors import ModelError
from core.mention import Mention
from core.ports import Analyser, Analysis

READY = b"ready\n"
"""The child's first line: its models are loaded, so what kills it from here on is a text."""

ERROR = b"!"
"""What a line of the child begins with when the analyser refused the mention."""

ENDS_PROCESS = "analysing this text ends the process"
"""The reason of a mention that a child died over while it had answered others."""

WARM_UP = Mention(id="warm-up", text="The parcel came on time.").with_version(1)


KEPT_ATTEMPTS = 8
"""Batches that are counted at once: each lane has one that may be deadly. What was acknowledged
just before the process died is never begun again; so the oldest are forgotten."""


class AttemptLog:
    """Counts how often the batch at each position was begun, so that a deadly one is noticed."""

    def __init__(self, path: Path) -> None:
        """Keep the counts in the file at ``path``; it is there as long as there are any."""
        self._path = path

    def begin(self, position: str) -> int:
        """Return how often the batch at ``position`` was begun and not ended before."""
        counts = self._counts()
        earlier = counts.pop(position, 0)
        self._write({**counts, position: earlier + 1})
        return earlier

    def end(self, position: str) -> None:
        """Say that the batch at ``position`` is over; the others stay counted."""
        counts = self._counts()
        counts.pop(position, None)
        self._write(counts)

    def _counts(self) -> dict[str, int]:
        """Return how often each batch was begun; a file that is damaged or of old says nothing."""
        try:
            held = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        if isinstance(held, dict) and all(isinstance(count, int) for count in held.values()):
            return held
        return {}

    def _write(self, counts: Mapping[str, int]) -> None:
        if counts:
            kept = dict(list(counts.items())[-KEPT_ATTEMPTS:])
            replace_file(self._path, json.dumps(kept).encode())
        else:
            self._path.unlink(missing_ok=True)


def analyse_in_children(
    command: Sequence[str], mentions: Sequence[Mention], now: datetime
) -> list[Analysis]:
    """Return one outcome a mention, from as many children as it takes.

    ``command`` starts a child that runs ``answer``. Raises ModelError when a child cannot begin.
    """
    outcomes: list[Analysis] = []
    while len(outcomes) < len(mentions):
        left = mentions[len(outcomes) :]
        answered = _one_child([*command, now.isoformat()], left)
        outcomes += answered
        if len(answered) < len(left):
            culprit = left[len(answered)]
            outcomes.append(Analysis(culprit, ENDS_PROCESS))
    return outcomes


def _one_child(command: Sequence[str], mentions: Sequence[Mention]) -> list[Analysis]:
    """Return the outcomes that one child gave before it ended, well or badly."""
    outcomes: list[Analysis] = []
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("the child has no pipes")
        if child.stdout.readline() != READY:
            raise ModelError("the models cannot be loaded; `groundswell doctor` says why")
        for mention in mentions:
            try:
                child.stdin.write(mention.model_dump_json().encode() + b"\n")
                child.stdin.flush()
            except BrokenPipeError:
                break
            line = child.stdout.readline()
            if not line.endswith(b"\n"):
                break
            outcomes.append(_read(line, mention))
        try:
            child.stdin.close()
        except BrokenPipeError:
            child.kill()
    return outcomes


def _read(line: bytes, mention: Mention) -> Analysis:
    if line.startswith(ERROR):
        return Analysis(mention, line[len(ERROR) :].decode().strip())
    return Analysis(Mention.model_validate_json(line))


def answer(analyser: Analyser, now: datetime, lines: IO[bytes], out: IO[bytes]) -> None:
    """Answer each mention that stands on a line of ``lines`` with a line on ``out``."""
    analyser.analyse([WARM_UP], now)
    out.write(READY)
    out.flush()
    for line in lines:
        mention = Mention.model_validate_json(line)
        (analysis,) = analyser.analyse([mention], now)
        if analysis.error:
            out.write(ERROR + " ".join(analysis.error.split()).encode() + b"\n")
        else:
            out.write(analysis.mention.model_dump_json().encode() + b"\n")
        out.flush()


def child_command(*arguments: str) -> list[str]:
    """Return the command that starts this program anew with ``arguments``."""
    return [sys.executable, "-m", "app.cli", *arguments]
