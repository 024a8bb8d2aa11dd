"""Analysing in several processes at once: what ``groundswell enrich --workers N`` uses.

Each worker loads the models once. It gets mentions as a line of JSON and answers with a line; it
ends when its input does, so that none outlives the process that asks. What asks keeps the order,
notices a worker that dies and gives its mentions to another; mentions over which two workers died
are analysed one by one (``app.careful``), which finds the one to blame.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from queue import SimpleQueue
from typing import IO

import structlog

from app.careful import READY, WARM_UP, analyse_in_children
from core.envelope import enriched
from core.errors import FatalError, ModelError
from core.mention import Enrichment, Mention, Part
from core.ports import Analyser, Analysis
from core.window import EPOCH

log = structlog.get_logger()

CHUNKS_A_WORKER = 4
"""Of a batch: so many that none waits long for another at its end, each big enough for the
models' own batches."""

SMALLEST_CHUNK = 16

DEADLY_ATTEMPTS = 2
"""Workers that may die over the same mentions before these are looked at one by one."""

GRACE_SECONDS = 5.0

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""The processes are what runs at once; threads of their own would only get in each other's way."""


class Request(Part):
    """What a worker is asked: to analyse ``mentions``, or whether it made ``enrichment``."""

    now: datetime = EPOCH
    brief: bool = False
    mentions: tuple[Mention, ...] = ()
    enrichment: Enrichment | None = None


class Found(Part):
    """The outcome of one mention: its enrichment, or why there is none."""

    enrichment: Enrichment | None = None
    error: str | None = None


class Reply(Part):
    """What a worker answers; ``fatal`` says that its models cannot be used at all."""

    found: tuple[Found, ...] = ()
    is_current: bool = False
    fatal: str | None = None


class WorkerAnalyser:
    """An analyser (``core.ports.Analyser``) whose work is done by ``count`` processes.

    ``command`` starts a worker, which runs ``serve``; ``careful_command`` a child that runs
    ``app.careful.answer``. Workers start when they are first needed.
    """

    def __init__(self, command: Sequence[str], careful_command: Sequence[str], count: int) -> None:
        self._command, self._careful_command = command, careful_command
        self._count = count
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._places: SimpleQueue[_Worker | None] = SimpleQueue()
        for _ in range(count):
            self._places.put(None)
        self._current: dict[tuple[str, ...], bool] = {}

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention, in order; a text that fails fails alone.

        Raises ModelError when the models cannot be loaded or used.
        """
        chunks = self._chunks(mentions)
        tasks = [
            self._threads.submit(
                self._analyse, [mentions[place] for place in chunk], now, brief=brief
            )
            for chunk in chunks
        ]
        found: dict[int, Analysis] = {}
        for chunk, task in zip(chunks, tasks, strict=True):
            found.update(zip(chunk, task.result(), strict=True))
        return [found[place] for place in range(len(mentions))]

    def _chunks(self, mentions: Sequence[Mention]) -> list[list[int]]:
        """Return the places of the mentions in groups: long texts first, equal ones together."""
        order = sorted(
            range(len(mentions)),
            key=lambda place: (len(mentions[place].text), mentions[place].text),
            reverse=True,
        )
        number = self._count * CHUNKS_A_WORKER
        size = max(SMALLEST_CHUNK, -(-len(order) // number))
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _analyse(self, mentions: list[Mention], now: datetime, *, brief: bool) -> list[Analysis]:
        request = Request(now=now, mentions=tuple(mentions), brief=brief)
        for _ in range(DEADLY_ATTEMPTS):
            reply = self._ask(request)
            if reply is not None:
                return [
                    _outcome(mention, found)
                    for mention, found in zip(mentions, reply.found, strict=True)
                ]
        log.warning("batch_is_deadly", mentions=len(mentions))
        return analyse_in_children(self._careful_command, mentions, now)

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether the workers' models made ``enrichment``; asked once for the same names."""
        # The names do not tell a brief one: where no model reads a text, they are those in full.
        if enrichment.is_brief:
            return False
        key = enrichment.models
        for _ in range(DEADLY_ATTEMPTS):
            if key in self._current:
                return self._current[key]
            reply = self._ask(Request(enrichment=enrichment))
            if reply is not None:
                self._current[key] = reply.is_current
        return self._current.get(key, False)

    def _ask(self, request: Request) -> Reply | None:
        """Return a worker's answer, None if it died; raises ModelError where models fail."""
        with self._worker() as worker:
            reply = worker.ask(request)
        if reply is None:
            log.warning("worker_died", pid=worker.pid, mentions=len(request.mentions))
        elif reply.fatal is not None:
            raise ModelError(reply.fatal)
        return reply

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        """Lend a worker to this thread; one that died in use leaves its place to a new one."""
        worker = self._places.get()
        try:
            if worker is None:
                worker = _Worker(self._command)
            yield worker
        finally:
            self._places.put(worker if worker is not None and worker.is_alive else None)

    def close(self) -> None:
        """End the workers; safe to call twice."""
        self._threads.shutdown(cancel_futures=True)
        workers = []
        while not self._places.empty():
            worker = self._places.get()
            if worker is not None:
                worker.release()
                workers.append(worker)
        for worker in workers:
            worker.close()


class _Worker:
    """One process. Used by one thread at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it and wait until its models are loaded; raises ModelError when they cannot be."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**ONE_THREAD, **os.environ},
            # Ctrl-C is for who asks; workers end when their input does.
            start_new_session=True,
        )
        self.is_alive = True
        if self._output.readline() != READY:
            self.close()
            raise ModelError("the models cannot be loaded; `groundswell doctor` says why")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def _output(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise RuntimeError("the worker has no output")
        return self._process.stdout

    def ask(self, request: Request) -> Reply | None:
        """Return its answer; None, and it is no longer alive, if it died."""
        try:
            self._send(request.model_dump_json().encode() + b"\n")
            line = self._output.readline()
        except BrokenPipeError:
            line = b""
        if line.endswith(b"\n"):
            return Reply.model_validate_json(line)
        self.close()
        return None

    def _send(self, line: bytes) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the worker has no input")
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def release(self) -> None:
        """Let it end, without waiting for that."""
        self.is_alive = False
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                self._process.kill()

    def close(self) -> None:
        """Let it end, and kill it when it does not."""
        self.release()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()


def _outcome(mention: Mention, found: Found) -> Analysis:
    if found.enrichment is None:
        return Analysis(mention, found.error)
    return Analysis(enriched(mention, found.enrichment))


def serve(analyser: Analyser, lines: IO[bytes], out: IO[bytes]) -> None:
    """Answer each request that stands on a line of ``lines`` with a line on ``out``."""
    analyser.analyse([WARM_UP], EPOCH)
    out.write(READY)
    out.flush()
    for line in lines:
        reply = _reply(analyser, Request.model_validate_json(line))
        try:
            out.write(reply.model_dump_json().encode() + b"\n")
            out.flush()
        except BrokenPipeError:
            # Who asked is gone; what was asked is asked again by another.
            return


def _reply(analyser: Analyser, request: Request) -> Reply:
    try:
        if request.enrichment is not None:
            return Reply(is_current=analyser.is_current(request.enrichment))
        outcomes = analyser.analyse(request.mentions, request.now, brief=request.brief)
    except FatalError as err:
        return Reply(fatal=str(err))
    return Reply(found=tuple(map(_found, outcomes)))


def _found(analysis: Analysis) -> Found:
    if analysis.error:
        return Found(error=analysis.error)
    return Found(enrichment=analysis.mention.enrichment)
