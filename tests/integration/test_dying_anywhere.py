"""Death before and after every durable step loses nothing and doubles nothing.

A small real scenario (three deliveries with their cursors, two rounds of enriching, a person's
correction, a deletion) runs over the real spool, state and embedded index. Each run dies at another
step; then everything is opened anew from disk, as a restarted process does, and goes on.
"""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.careful import AttemptLog
from app.enricher import Enricher, EnrichReport
from app.intake import Intake
from app.stores import segment
from app.stores.file_spool import FileSpool
from app.stores.state import StateStore
from core.envelope import Envelope, enriched
from core.mention import Correction, Enrichment, Mention, Overlay, Sentiment
from core.ports import Analysis, Delivery
from core.questions import Selection
from core.settings import Topic
from index.embedded import EmbeddedIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
ACME = Topic(name="Acme", query="acme")
PAGES = (("m0", "m1", "other"), ("m2", "odd", "m3"), ("m3", "m4", "m5"))
"""What the source serves, page by page; ``other`` matches no topic, ``odd`` cannot be analysed."""

DELETED, CORRECTED = "m1", "m2"
SERVED = {key for page in PAGES for key in page} - {"other"}


UNCLOSED = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""A process that dies closes nothing."""


class Death(BaseException):
    """The process ends here: nothing after this runs, and nobody catches it."""


class Reaper:
    """Counts the durable steps and ends the process at the one it was told."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0
        self.names: list[str] = []
        self.is_dead = False

    def pass_by(self, name: str) -> None:
        """Count one moment; die if it is the one."""
        if self.is_dead:
            raise Death(name)
        self.names.append(name)
        self.count += 1
        if self.count - 1 == self.at:
            self.is_dead = True
            raise Death(name)

    def around(self, name: str, step: Callable[..., object]) -> Callable[..., object]:
        """Return ``step`` with a moment before and a moment after it."""

        def dying(*words: object, **named: object) -> object:
            self.pass_by(f"before {name}")
            result = step(*words, **named)
            self.pass_by(f"after {name}")
            return result

        return dying


@contextmanager
def mortal(reaper: Reaper) -> Iterator[None]:
    """Let every durable step of the stores pass by the reaper."""
    steps: Sequence[tuple[object, str]] = (
        (os, "fsync"),
        (StateStore, "save"),
        (StateStore, "mark_seen"),
        (FileSpool, "append"),
        (FileSpool, "acknowledge"),
        (FileSpool, "quarantine"),
        (EmbeddedIndex, "apply"),
        (EmbeddedIndex, "refresh"),
        (AttemptLog, "end"),
        (Path, "replace"),
        (Path, "rename"),
    )
    with pytest.MonkeyPatch.context() as patch:
        for holder, name in steps:
            patch.setattr(holder, name, reaper.around(name, getattr(holder, name)))
        yield


class LengthAnalyser:
    """Calls everything neutral, and cannot take what is odd; briefly it says nothing of tone."""

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention."""
        return [self._one(mention, brief=brief) for mention in mentions]

    def _one(self, mention: Mention, *, brief: bool) -> Analysis:
        if mention.id == "odd":
            return Analysis(mention, "too odd")
        made = Enrichment(
            content_version=mention.version,
            enriched_us=1,
            is_brief=brief,
            models=("m@1",),
            sentiment=None if brief else Sentiment.NEUTRAL,
        )
        return Analysis(enriched(mention, made))

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether this model made it, in full."""
        return enrichment.models == ("m@1",) and not enrichment.is_brief


class World:
    """One process: everything open on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = StateStore.in_folder(home)
        self.state.setup()
        self.index = EmbeddedIndex(home / "index", read_only=False)
        self.index.setup()
        self.spool = FileSpool(home / "spool", "collect")
        self.reader = FileSpool(home / "spool", "enrich")
        self.later = FileSpool(home / "spool" / "later", "enrich")
        self.intake = Intake(
            topics=(ACME,),
            spool=self.spool,
            index=self.index,
            state=self.state,
            detect_language=lambda _: "en",
            clock=lambda: NOW,
            home=home,
        )

    def close(self) -> None:
        """Release what a dead process no longer holds."""
        for part in (self.spool, self.reader, self.later, self.index, self.state):
            part.close()

    def collect(self) -> None:
        """Fetch the pages after the cursor, and at the end what was deleted since."""
        page = int(str(self.state.load("feed").get("page", 0)))
        for number in range(page, len(PAGES)):
            mentions = [served(key) for key in PAGES[number]]
            self.intake.deliver(Delivery("feed", mentions, {"page": number + 1}))
            self.check_cursor()
        if not self.state.load("feed").get("deleted"):
            cursor = {"page": len(PAGES), "deleted": True}
            self.intake.deliver(Delivery("feed", (), cursor, deleted=(DELETED, "never-seen")))

    def check_cursor(self) -> None:
        """Assert that all pages before the cursor are in the spool, in the index or kept aside."""
        page = int(str(self.state.load("feed").get("page", 0)))
        promised = {key for keys in PAGES[:page] for key in keys} - {"other"}
        assert promised <= self.held()

    def held(self) -> set[str]:
        """Return the ids that some store has durably."""
        other = FileSpool(self.home / "spool", "look")
        waiting = {
            segment.unframe(line).id
            for name in other._segment_names()
            for line in other._waiting(name)
        }
        aside = {str(dict(r["envelope"])["id"]) for r in other.quarantined() if r["envelope"]}  # type: ignore[call-overload]
        return waiting | aside | set(self.index.known(SERVED))

    def correct(self) -> None:
        """Set a sentiment as a person does, who tries again when told it failed."""
        word = Correction[Sentiment | None](value=Sentiment.POSITIVE, by="kim", at_us=7)
        self.spool.append([Envelope.correcting(CORRECTED, Overlay(sentiment=word))])

    def enrich(self) -> None:
        """Bring in everything that waits, all of which waited long, as it is done in a day."""
        worker = Enricher(
            spool=self.reader,
            later=self.later,
            index=self.index,
            analyser=LengthAnalyser(),
            clock=lambda: NOW,
            home=self.home,
            batch=4,
        )
        stop = threading.Event()

        def look(_: EnrichReport) -> None:
            if not (self.reader.pending() or self.later.pending()):
                stop.set()

        if self.reader.pending() or self.later.pending():
            worker.run(drain=False, stop=stop, progress=look, idle_seconds=0)

    def live(self, done: set[str]) -> None:
        """Do everything that was not done yet."""
        for name, step in (
            ("collected", self.collect),
            ("enriched", self.enrich),
            ("corrected", self.correct),
            ("enriched again", self.enrich),
        ):
            if name not in done:
                step()
                done.add(name)


def served(key: str) -> Mention:
    """Return the mention that the source serves under ``key``."""
    text = "nothing" if key == "other" else f"acme {key}"
    return Mention(id=key, text=text, service="web", published_at=NOW).with_version(1)


def survive(home: Path, reaper: Reaper) -> World:
    """Run the scenario; after a death open everything again and go on. Return the last world."""
    done: set[str] = set()
    world: World | None = None
    has_died = False
    try:
        with mortal(reaper):
            world = World(home)
            world.live(done)
    except Death:
        has_died = True
    # Out of the handler, so that what the dead held in its frames, locks above all, is let go.
    if has_died:
        if world is not None:
            world.close()
        gc.collect()
        world = World(home)
        world.check_cursor()
        world.live(done)
        world.enrich()
    assert world is not None
    return world


def check(world: World) -> None:
    """Assert that what was served is in the index or in quarantine, once, and as it should be."""
    world.index.refresh()
    stored = list(world.index.scan(Selection()))
    assert sorted(mention.id for mention in stored) == sorted(SERVED - {"odd", DELETED})
    assert world.index.size() == len(stored)
    assert all(mention.enrichment and not mention.enrichment.is_brief for mention in stored)
    assert world.index.get([DELETED])[DELETED].erased
    assert world.index.get([CORRECTED])[CORRECTED].sentiment is Sentiment.POSITIVE
    kept = [dict(record["envelope"])["id"] for record in world.reader.quarantined()]  # type: ignore[call-overload]
    assert set(kept) == {"odd"}
    assert (world.reader.pending(), world.later.pending()) == (0, 0)
    assert world.state.seen(SERVED) == SERVED
    assert world.state.load("feed") == {"page": 3, "deleted": True}


def moments(folder: Path) -> list[str]:
    """Return the names of all moments of a run without a death."""
    reaper = Reaper()
    world = survive(folder, reaper)
    check(world)
    world.close()
    return reaper.names


@UNCLOSED
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_death_at_every_step_conserves_everything(tmp_path: Path) -> None:
    """Whatever step is the last one, the next process completes the work."""
    names = moments(tmp_path / "whole")
    assert {"before fsync", "after save", "after mark_seen", "after apply", "before end"} <= {
        *names
    }
    assert len(names) > 100
    for at, name in enumerate(names):
        home = tmp_path / str(at)
        world = survive(home, Reaper(at))
        try:
            check(world)
        except AssertionError as err:
            raise AssertionError(f"death at step {at}, {name}: {err}") from err
        finally:
            world.close()
        shutil.rmtree(home)


@UNCLOSED
def test_the_reaper_finds_a_wrong_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above would fail if a cursor moved before its mentions were durable."""

    def hasty(self: Intake, delivery: Delivery) -> object:
        if delivery.cursor is not None:
            self._state.save(delivery.source, delivery.cursor)
        return deliver(self, Delivery(delivery.source, delivery.mentions, None, delivery.deleted))

    deliver = Intake.deliver
    monkeypatch.setattr(Intake, "deliver", hasty)
    at = moments(tmp_path / "whole").index("after save")
    with pytest.raises(AssertionError):
        survive(tmp_path / "hasty", Reaper(at))
