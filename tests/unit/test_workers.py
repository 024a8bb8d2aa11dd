"""Analysing in several processes: nothing lost, doubled or out of order, whoever dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.enricher import Enricher
from app.stores.file_spool import FileSpool
from app.workers import WorkerAnalyser
from core.envelope import Envelope
from core.errors import ModelError
from core.mention import Enrichment, Mention, Sentiment
from tests.fakes.memory_index import MemoryIndex
from tests.unit.test_enricher import DEADLY, MODEL, child, mention

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

PLAIN = "class Analyser(WordAnalyser): pass"

SLOW = """
import time
class Analyser(WordAnalyser):
    def analyse(self, mentions, now, brief=False):
        time.sleep(0.02 * len(mentions))
        return super().analyse(mentions, now, brief=brief)
"""

UNFIT = """
from core.errors import ModelError
class Analyser(WordAnalyser):
    def analyse(self, mentions, now, brief=False):
        if mentions[0].id != "warm-up":
            raise ModelError("the model is damaged")
        return super().analyse(mentions, now, brief=brief)
"""


def worker(code: str, trace: Path) -> list[str]:
    """Return a command that runs ``serve`` and leaves its process id in the folder ``trace``."""
    program = (
        "import os, sys, pathlib\n"
        "from app.workers import serve\n"
        "from tests.unit.test_enricher import WordAnalyser\n"
        f"{code}\n"
        "(pathlib.Path(sys.argv[1]) / str(os.getpid())).touch()\n"
        "serve(Analyser(), sys.stdin.buffer, sys.stdout.buffer)\n"
    )
    trace.mkdir(exist_ok=True)
    return [sys.executable, "-c", program, str(trace)]


Make = Callable[..., WorkerAnalyser]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return what makes an analyser of workers that run some code, and ends it afterwards."""
    made = []

    def making(code: str, count: int = 2) -> WorkerAnalyser:
        made.append(WorkerAnalyser(worker(code, tmp_path / "pids"), child(code), count))
        return made[-1]

    yield making
    for analyser in made:
        analyser.close()


def pids(tmp_path: Path) -> list[int]:
    """Return the process ids of all workers that were started, the oldest first."""
    files = sorted((tmp_path / "pids").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [int(path.name) for path in files]


def is_running(pid: int) -> bool:
    """Return whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def many(count: int, text: str = "acme is good") -> list[Mention]:
    """Return mentions of different lengths, every third of them negative."""
    return [mention(f"m{n}", f"{text}{' bad' * (n % 3 == 0)}{'!' * (n % 7)}") for n in range(count)]


def test_outcomes_come_in_order(make: Make, tmp_path: Path) -> None:
    """Each mention gets its own outcome, and the work was shared among the workers."""
    mentions = many(200)
    outcomes = make(SLOW).analyse(mentions, NOW)
    assert [outcome.mention.id for outcome in outcomes] == [m.id for m in mentions]
    for number, outcome in enumerate(outcomes):
        expected = Sentiment.POSITIVE if number % 3 else Sentiment.NEGATIVE
        assert outcome.mention.sentiment is expected
        assert outcome.mention.text == mentions[number].text
        assert outcome.mention.enrichment is not None
        assert outcome.mention.enrichment.enriched_us == int(NOW.timestamp() * 1e6)
    assert len(pids(tmp_path)) == 2


def test_nothing_asked_is_nothing_answered(make: Make, tmp_path: Path) -> None:
    """An empty batch starts no process."""
    assert make(PLAIN).analyse([], NOW) == []
    assert not list((tmp_path / "pids").iterdir())


def test_a_text_that_fails_fails_alone(make: Make) -> None:
    """The reason comes back with the mention as it was."""
    outcomes = make(PLAIN).analyse([mention("a"), mention("b", "odd"), mention("c")], NOW)
    assert [outcome.error for outcome in outcomes] == [None, "too odd", None]
    assert outcomes[1].mention == mention("b", "odd")


def test_workers_read_briefly_where_they_are_asked_to(make: Make) -> None:
    """What takes long is unknown then, and the enrichment says so."""
    (outcome,) = make(PLAIN, 1).analyse([mention("a", "bad acme")], NOW, brief=True)
    made = outcome.mention.enrichment
    assert made is not None
    assert (made.is_brief, made.sentiment, made.language) == (True, None, "en")


def test_models_that_cannot_be_used_are_an_error(make: Make) -> None:
    """What is no mention's fault is raised, not put down to the mentions."""
    with pytest.raises(ModelError, match="the model is damaged"):
        make(UNFIT).analyse(many(3), NOW)


def test_models_that_cannot_be_loaded_are_an_error(make: Make) -> None:
    """A worker that ends before it is ready blames no mention."""
    with pytest.raises(ModelError, match="cannot be loaded"):
        make("raise SystemExit(3)").analyse(many(3), NOW)


def test_workers_say_what_is_current(make: Make) -> None:
    """Enrichments of their models need no work, others do; also where all workers die."""
    analyser = make(PLAIN)
    version = mention("a").version
    assert analyser.is_current(Enrichment(content_version=version, enriched_us=1, models=(MODEL,)))
    older = Enrichment(content_version=version, enriched_us=1, models=("words@0",))
    assert not analyser.is_current(older)
    dying = make(
        "class Analyser(WordAnalyser):\n    def is_current(self, enrichment): os.abort()", 1
    )
    assert not dying.is_current(older)


def test_a_brief_enrichment_is_never_current(make: Make) -> None:
    """Though the same models are named in one of a text of which there is no more to find."""
    analyser = make(PLAIN, 1)
    full = Enrichment(content_version=mention("a").version, enriched_us=1, models=(MODEL,))
    brief = full.model_copy(update={"is_brief": True})
    assert not analyser.is_current(brief)
    assert analyser.is_current(full)
    assert not analyser.is_current(brief)


def test_a_worker_that_is_killed_is_replaced(make: Make, tmp_path: Path) -> None:
    """Its mentions are analysed by another; the other worker goes on."""
    analyser = make(SLOW)
    analyser.analyse(many(2), NOW)
    mentions = many(200)
    found: list[Sequence[object]] = []
    thread = threading.Thread(target=lambda: found.append(analyser.analyse(mentions, NOW)))
    thread.start()
    time.sleep(0.5)
    victim = pids(tmp_path)[0]
    os.kill(victim, signal.SIGKILL)
    thread.join()
    (outcomes,) = found
    assert [outcome.mention.id for outcome in outcomes] == [m.id for m in mentions]  # type: ignore[attr-defined]
    assert all(outcome.mention.enrichment for outcome in outcomes)  # type: ignore[attr-defined]
    assert not is_running(victim)


def test_a_text_that_kills_workers_is_found(make: Make) -> None:
    """After two deaths its batch is looked at one by one; only the culprit has no outcome."""
    mentions = [*many(40), mention("x", "so deadly"), *many(40, "more acme")]
    outcomes = make(DEADLY).analyse(mentions, NOW)
    failed = [outcome for outcome in outcomes if outcome.error]
    assert [(o.mention.id, o.error) for o in failed] == [
        ("x", "analysing this text ends the process")
    ]


def test_workers_end_with_who_asks(make: Make, tmp_path: Path) -> None:
    """Closing ends every process, twice is once, and an idle worker needs no signal."""
    analyser = make(SLOW)
    analyser.analyse(many(100), NOW)
    started = pids(tmp_path)
    assert len(started) == 2
    assert all(map(is_running, started))
    analyser.close()
    analyser.close()
    assert not any(map(is_running, started))


def test_the_enricher_stores_each_mention_once_though_workers_die(
    make: Make, tmp_path: Path
) -> None:
    """Deadly texts, more than an outage's share of one reason, are quarantined alone."""
    spool = FileSpool(tmp_path / "spool", "test")
    reader, later = FileSpool(tmp_path / "spool"), FileSpool(tmp_path / "later")
    index = MemoryIndex()
    mentions = many(60) + [mention(f"x{n}", f"deadly {n}") for n in range(5)]
    spool.append([Envelope.of(one) for one in mentions])
    enricher = Enricher(
        spool=reader,
        later=later,
        index=index,
        analyser=make(DEADLY),
        clock=lambda: NOW,
        home=tmp_path,
        batch=40,
    )
    report = enricher.run(drain=True, stop=threading.Event())
    assert (report.entries, report.created, report.quarantined) == (65, 60, 5)
    assert index.size() == 60
    assert spool.pending() == 0
    spool.close()
    reader.close()
    later.close()
