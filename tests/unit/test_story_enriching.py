"""What the enricher says of stories: copies join, a restart goes on, and rules judge the first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.enricher import Enricher
from app.judging import without_copies
from app.stores.file_spool import FileSpool
from core.envelope import Envelope
from core.mention import Enrichment, Mention
from core.ports import Analysis
from core.query.parser import parse
from core.questions import Selection
from nlp.stories.grouper import StoryGrouper
from nlp.story import story_id
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
WIRE = "Pendrake said on Friday that it would buy electric vans and close its oldest sorting centre"


class StoryAnalyser:
    """Names the story of each text by its words, as one model."""

    def __init__(self, model: str) -> None:
        self.model = model

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention; "odd" texts fail."""
        return [
            Analysis(mention, "too odd") if "odd" in mention.text else self._one(mention, now)
            for mention in mentions
        ]

    def _one(self, mention: Mention, now: datetime) -> Analysis:
        made = Enrichment(
            content_version=mention.version,
            enriched_us=int(now.timestamp() * 1e6),
            models=(self.model,),
            story_id=story_id(mention.text),
        )
        return Analysis(mention.model_copy(update={"enrichment": made}))

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether this model made it."""
        return enrichment.models == (self.model,)


class World:
    """A spool and an index that outlive enrichers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.producer = FileSpool(home / "spool", "test")
        self.consumer = FileSpool(home / "spool")
        self.later = FileSpool(home / "later")
        self.index = MemoryIndex()

    def bring(self, *mentions: Mention, model: str = "a@1", at: datetime = NOW) -> None:
        """Spool the mentions and let a fresh enricher bring them in, as after a restart."""
        self.producer.append([Envelope.of(mention) for mention in mentions])
        enricher = Enricher(
            spool=self.consumer,
            later=self.later,
            index=self.index,
            analyser=StoryAnalyser(model),
            clock=lambda: at,
            home=self.home,
            stories=StoryGrouper(capacity=100),
        )
        enricher.run(drain=True, stop=threading.Event())

    def told(self, *ids: str) -> list[tuple[str | None, bool]]:
        """Return story and whether it is a copy, as stored."""
        stored = self.index.get(ids)
        return [(stored[key].story_id, stored[key].is_copy) for key in ids]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return fresh stores."""
    made = World(tmp_path)
    yield made
    made.producer.close()
    made.consumer.close()
    made.later.close()


def mention(key: str, text: str, minutes: int = 0) -> Mention:
    """Return a mention published some minutes before now."""
    at = NOW - timedelta(hours=1) + timedelta(minutes=minutes)
    return Mention(id=key, text=text, service="web", published_at=at).with_version(1)


def test_copies_of_one_batch_join_the_earliest(world: World) -> None:
    """The earliest of a batch tells the story; an odd text between them disturbs nothing."""
    world.bring(
        mention("late", f"RT @wire: {WIRE}", 9), mention("odd", "odd"), mention("early", WIRE, 2)
    )
    story = story_id(WIRE)
    assert world.told("early", "late") == [(story, False), (story, True)]


def test_stories_go_on_after_a_restart(world: World) -> None:
    """A fresh enricher reads the stored stories, and a new copy joins them."""
    world.bring(mention("first", WIRE))
    world.bring(mention("second", f"{WIRE[:80]}… https://t.example/x", 5))
    assert world.told("second") == [(story_id(WIRE), True)]


def test_new_models_decide_no_story_again(world: World) -> None:
    """Enriched by another model, each mention keeps its story and whether it is a copy."""
    both = mention("first", WIRE), mention("second", f"Look: {WIRE}", 5)
    world.bring(*both)
    before = world.told("first", "second")
    world.bring(*both[::-1], model="b@1", at=NOW + timedelta(minutes=1))
    stored = world.index.get(["first"])["first"].enrichment
    assert stored is not None
    assert stored.models == ("b@1",)
    assert world.told("first", "second") == before


def test_rules_judge_what_was_told_first(world: World) -> None:
    """Sixty copies count once for a rule, unless its query names copies itself."""
    world.bring(*(mention(f"m{n:02}", f"{WIRE} https://site{n}.example", n) for n in range(60)))
    assert world.index.count(Selection()) == 60
    assert world.index.count(without_copies(Selection())) == 1
    assert world.index.count(without_copies(Selection(query=parse("pendrake")))) == 1
    assert world.index.count(without_copies(Selection(query=parse("copy:true")))) == 59
