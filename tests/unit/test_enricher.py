"""What the enricher promises: everything read ends in the index or in quarantine, once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from app.careful import analyse_in_children
from app.enricher import SMALLEST_BATCH, Enricher, Pace
from app.stores.file_spool import FileSpool
from core.envelope import Envelope, enriched
from core.errors import EngineUnavailable, ModelError, RetryableError
from core.mention import Correction, Enrichment, Mention, Overlay, Sentiment
from core.ports import Analysis
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MODEL = "words@1"


class WordAnalyser:
    """Calls texts negative that hold "bad"; fails on "odd"; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def analyse(self, mentions: Sequence[Mention], now: datetime) -> list[Analysis]:
        """Return one outcome a mention."""
        self.asked += [mention.id for mention in mentions]
        return [self._one(mention, now) for mention in mentions]

    def _one(self, mention: Mention, now: datetime) -> Analysis:
        if "odd" in mention.text:
            return Analysis(mention, "too odd")
        sentiment = Sentiment.NEGATIVE if "bad" in mention.text else Sentiment.POSITIVE
        made = Enrichment(
            content_version=mention.version,
            enriched_us=int(now.timestamp() * 1e6),
            models=(MODEL,),
            sentiment=sentiment,
        )
        return Analysis(enriched(mention, made))

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether this model made it."""
        return enrichment.models == (MODEL,)


class World:
    """An enricher over a real spool and an index in memory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.producer = FileSpool(home / "spool", "test")
        self.consumer = FileSpool(home / "spool")
        self.index = MemoryIndex()
        self.analyser = WordAnalyser()
        self.command: Sequence[str] = ()

    def put(self, *mentions: Mention) -> None:
        """Spool mentions."""
        self.producer.append([Envelope.of(mention) for mention in mentions])

    def enricher(self, batch: int = 50) -> Enricher:
        """Return a fresh enricher, as after a start."""
        return Enricher(
            spool=self.consumer,
            index=self.index,
            analyser=self.analyser,
            clock=lambda: NOW,
            home=self.home,
            careful_command=self.command,
            batch=batch,
        )

    def drain(self) -> Enricher:
        """Bring everything in and return the enricher that did."""
        enricher = self.enricher()
        enricher.run(drain=True, stop=threading.Event())
        return enricher


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return fresh stores."""
    made = World(tmp_path)
    yield made
    made.producer.close()
    made.consumer.close()


def mention(key: str, text: str = "acme is good", observed: int = 1) -> Mention:
    """Return a mention with content."""
    return Mention(id=key, text=text, service="web").with_version(observed)


def test_mentions_are_enriched_and_indexed(world: World) -> None:
    """What was spooled is found in the index with its sentiment, and nothing waits."""
    world.put(mention("a"), mention("b", "bad acme"))
    report = world.drain().report
    stored = world.index.get(["a", "b"])
    assert stored["b"].sentiment is Sentiment.NEGATIVE
    assert stored["a"].known_at == NOW
    assert (report.entries, report.created, report.quarantined) == (2, 2, 0)
    assert world.consumer.pending() == 0


def test_one_odd_text_is_quarantined_alone(world: World) -> None:
    """A text that fails is kept with its reason, the others are indexed."""
    world.put(mention("a"), mention("b", "odd"), mention("c"))
    report = world.drain().report
    assert (report.entries, report.created, report.quarantined) == (3, 2, 1)
    (kept,) = world.consumer.quarantined()
    assert kept["reason"] == "too odd"


def test_many_failures_for_one_reason_are_an_outage(world: World) -> None:
    """When the reason lies in the models nothing is quarantined and everything still waits."""
    world.put(*(mention(f"m{n}", "odd" if n % 5 == 0 else "good") for n in range(40)))
    with pytest.raises(RetryableError, match="8 of 40 mentions failed: too odd"):
        world.drain()
    assert list(world.consumer.quarantined()) == []
    assert world.producer.pending() == 40


def test_an_index_that_is_away_loses_nothing(world: World) -> None:
    """The spool keeps what cannot be applied, and a later run brings it in."""
    world.put(mention("a"))
    world.index.is_down = True
    with pytest.raises(EngineUnavailable):
        world.drain()
    assert world.producer.pending() == 1
    world.index.is_down = False
    world.consumer.close()
    world.consumer = FileSpool(world.home / "spool")
    assert world.drain().report.created == 1


def test_a_correction_survives_in_any_order(world: World) -> None:
    """A person's word stands above the model's, before and after re-enrichment."""
    overlay = Overlay(sentiment=Correction(value=Sentiment.NEUTRAL, by="kim", at_us=5))
    world.producer.append([Envelope.correcting("a", overlay)])
    world.put(mention("a", "bad"))
    world.drain()
    world.put(mention("a", "bad, edited", observed=9))
    world.drain()
    stored = world.index.get(["a"])["a"]
    assert stored.text == "bad, edited"
    assert stored.enrichment is not None
    assert stored.enrichment.sentiment is Sentiment.NEGATIVE
    assert stored.sentiment is Sentiment.NEUTRAL


def test_the_same_content_is_analysed_once(world: World) -> None:
    """A mention that was delivered again costs no model time; an edited one does."""
    world.put(mention("a"))
    world.drain()
    world.put(mention("a", observed=7))
    world.drain()
    assert world.analyser.asked == ["a"]
    world.put(mention("a", "acme is bad", observed=8))
    world.drain()
    assert world.analyser.asked == ["a", "a"]
    assert world.index.get(["a"])["a"].sentiment is Sentiment.NEGATIVE


def child(code: str) -> list[str]:
    """Return a command that runs ``answer`` with an analyser defined by ``code``."""
    program = (
        "import os, sys\n"
        "from app.careful import answer\n"
        "from datetime import datetime\n"
        "from tests.unit.test_enricher import WordAnalyser\n"
        f"{code}\n"
        "now = datetime.fromisoformat(sys.argv[1])\n"
        "answer(Analyser(), now, sys.stdin.buffer, sys.stdout.buffer)\n"
    )
    return [sys.executable, "-c", program]


DEADLY = """
class Analyser(WordAnalyser):
    def analyse(self, mentions, now):
        if any("deadly" in mention.text for mention in mentions):
            os.abort()
        return super().analyse(mentions, now)
"""


def test_a_text_that_aborts_the_process_is_found(tmp_path: Path) -> None:
    """Each deadly mention is blamed alone, also the first and the last of a batch."""
    texts = ["deadly", "good", "odd", "so deadly", "bad", "deadly"]
    mentions = [mention(f"m{n}", text) for n, text in enumerate(texts)]
    outcomes = analyse_in_children(child(DEADLY), mentions, NOW)
    assert [outcome.mention.id for outcome in outcomes] == [m.id for m in mentions]
    blamed = [n for n, outcome in enumerate(outcomes) if outcome.error]
    assert blamed == [0, 2, 3, 5]
    assert "ends the process" in (outcomes[3].error or "")
    assert outcomes[2].error == "too odd"
    assert outcomes[4].mention.sentiment is Sentiment.NEGATIVE


def test_a_child_that_cannot_begin_blames_no_mention() -> None:
    """Models that cannot be loaded are told as such."""
    with pytest.raises(ModelError, match="cannot be loaded"):
        analyse_in_children([sys.executable, "-c", "raise SystemExit(3)"], [mention("a")], NOW)


def test_a_batch_that_killed_its_process_twice_goes_to_children(world: World) -> None:
    """After two deaths over one batch the third start finds the culprit and goes on."""
    world.put(mention("a"), mention("b", "deadly"), mention("c"))
    world.command = child(DEADLY)
    dying = world.enricher()
    entries = world.consumer.read(50)
    for _ in range(2):
        dying._attempts.begin(entries[0].position)
    world.consumer.close()
    world.consumer = FileSpool(world.home / "spool")
    report = world.drain().report
    assert (report.created, report.quarantined) == (2, 1)
    (kept,) = world.consumer.quarantined()
    assert "ends the process" in str(kept["reason"])


def test_stopping_ends_between_two_batches(world: World) -> None:
    """A stop leaves what was not begun in the spool."""
    world.put(*(mention(f"m{n}") for n in range(10)))
    stop = threading.Event()
    halt: Callable[[object], None] = lambda _: stop.set()  # noqa: E731
    world.enricher(batch=4).run(drain=False, stop=stop, progress=halt)
    assert world.producer.pending() == 6


def test_batches_are_as_large_as_the_machine_is_quick() -> None:
    """Full quick batches grow up to the most, slow ones shrink, others leave the size."""
    pace = Pace(500)
    assert pace.size == SMALLEST_BATCH
    pace.note(64, 0.1)
    assert pace.size == 128
    pace.note(20, 0.1)
    pace.note(128, 1.2)
    assert pace.size == 128
    for _ in range(4):
        pace.note(pace.size, 0.2)
    assert pace.size == 500
    for _ in range(9):
        pace.note(500, 30)
    assert pace.size == SMALLEST_BATCH
    few = Pace(10)
    few.note(10, 9)
    assert few.size == 10


@pytest.mark.parametrize(
    ("seconds", "sizes"), [(1_000.0, [2, 4, 8, 16, 30]), (0.0, [2] * 30)], ids=["quick", "slow"]
)
def test_a_slow_machine_shows_mentions_before_all_are_read(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, sizes: list[int]
) -> None:
    """Batches grow where each takes less than it may, and stay small where it takes more."""
    monkeypatch.setattr("app.enricher.SMALLEST_BATCH", 2)
    monkeypatch.setattr("app.enricher.BATCH_SECONDS", seconds)
    world.put(*(mention(f"m{n}") for n in range(60)))
    seen = [0]
    world.enricher().run(
        drain=True,
        stop=threading.Event(),
        progress=lambda report: seen.append(report.entries),
    )
    assert [after - before for before, after in pairwise(seen)] == sizes
