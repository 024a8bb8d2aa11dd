"""What the intake promises: tagged, durable, counted, in that order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.intake import Intake
from app.stores.file_spool import FileSpool
from app.stores.state import StateStore
from core.envelope import EnvelopeKind
from core.errors import DurabilityError, RetryableError
from core.mention import Author, Engagement, Mention, TopicTag
from core.ports import Delivery, Receipt
from core.settings import OwnAccount, Topic
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
ACME = Topic(name="Acme", query="acme AND lang:en", own=(OwnAccount(service="web", id="7"),))
ZENITH = Topic(name="Zenith", query="zenith", query_version=3)


class World:
    """An intake over real stores and an index in memory."""

    def __init__(self, home: Path) -> None:
        self.spool = FileSpool(home / "spool", "test")
        self.state = StateStore.in_folder(home)
        self.state.setup()
        self.index = MemoryIndex()
        self.home = home

    def intake(
        self,
        topics: tuple[Topic, ...] = (ACME, ZENITH),
        *,
        budget: int | None = None,
        forced: Topic | None = None,
        language: Callable[[str], str] = lambda _: "en",
    ) -> Intake:
        """Return an intake with the given topics."""
        return Intake(
            topics=topics,
            spool=self.spool,
            index=self.index,
            state=self.state,
            detect_language=language,
            clock=lambda: NOW,
            home=self.home,
            daily_budget=budget,
            forced_topic=forced,
        )

    def spooled(self) -> list[Mention]:
        """Return what waits in the spool."""
        reader = FileSpool(self.home / "spool")
        entries = reader.read(1_000)
        reader.close()
        return [e.envelope.fragment() for e in entries if e.envelope]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return fresh stores."""
    made = World(tmp_path)
    yield made
    made.spool.close()
    made.state.close()


def mention(key: str = "m1", text: str = "acme is late", **fields: Any) -> Mention:
    """Return a mention as a collector delivers it."""
    return Mention(
        id=key, text=text, service="web", sources=("feed",), collected_at=NOW, **fields
    ).with_version(1)


def test_matching_mentions_are_tagged_and_spooled(world: World) -> None:
    """A mention gets its language and the topics that match, with their query versions."""
    receipt = world.intake().deliver(Delivery("feed", [mention(text="Zenith beats Acme")]))
    (stored,) = world.spooled()
    assert receipt == Receipt(new=1)
    assert stored.language == "en"
    assert stored.topics == (TopicTag(name="Acme"), TopicTag(name="Zenith", query_version=3))


def test_what_matches_nothing_is_counted_and_left(world: World) -> None:
    """A mention of no topic is not spooled; language counts in the match."""
    german = world.intake(language=lambda _: "de")
    assert german.deliver(Delivery("feed", [mention()])) == Receipt(unmatched=1)
    assert not german.wanted(mention())
    assert world.intake().wanted(mention())
    assert world.spooled() == []


def test_the_cursor_moves_after_the_spool(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the spool cannot promise durability, the cursor and the ids stay where they were."""

    def refuse(_envelopes: object) -> None:
        raise DurabilityError("disk broken")

    intake = world.intake()
    with monkeypatch.context() as patch:
        patch.setattr(world.spool, "append", refuse)
        with pytest.raises(DurabilityError):
            intake.deliver(Delivery("feed", [mention()], cursor={"page": 2}))
    assert world.state.load("feed") == {}
    assert intake.deliver(Delivery("feed", [mention()], cursor={"page": 2})) == Receipt(new=1)
    assert world.state.load("feed") == {"page": 2}


def test_an_id_counts_as_new_once(world: World) -> None:
    """Until the index confirms it, a known id is spooled again but counted as a duplicate."""
    intake = world.intake()
    intake.deliver(Delivery("feed", [mention(), mention()]))
    assert intake.deliver(Delivery("feed", [mention()])) == Receipt(duplicates=1)
    assert len(world.spooled()) == 2


def test_what_the_index_confirmed_is_not_spooled_again(world: World) -> None:
    """A confirmed id is spooled again only when it brings something new."""
    intake = world.intake()
    intake.deliver(Delivery("feed", [mention()]))
    world.index.apply(world.spooled(), NOW)
    before = len(world.spooled())
    assert intake.deliver(Delivery("feed", [mention()])) == Receipt(duplicates=1)
    assert len(world.spooled()) == before
    liked = mention(engagement=Engagement(reactions=9, observed_us=5))
    assert intake.deliver(Delivery("feed", [liked])) == Receipt(duplicates=1)
    assert len(world.spooled()) == before + 1


def test_a_known_id_with_a_new_topic_adds_the_topic(world: World) -> None:
    """The same text met after a topic was added is spooled, and stays one mention."""
    world.intake((ACME,)).deliver(Delivery("feed", [mention(text="acme and zenith")]))
    world.index.apply(world.spooled(), NOW)
    receipt = world.intake().deliver(Delivery("feed", [mention(text="acme and zenith")]))
    world.index.apply(world.spooled(), NOW)
    assert receipt == Receipt(duplicates=1)
    assert world.index.get(["m1"])["m1"].matched_topics == ("Acme", "Zenith")
    assert world.index.size() == 1


def test_own_accounts_are_known_by_id(world: World) -> None:
    """The brand's own account is pinned by service and id, whatever its handle."""
    own = mention("a", author=Author(service="web", id="7", handle="anyone"))
    other = mention("b", author=Author(service="mastodon", id="7", handle="acme"))
    world.intake().deliver(Delivery("feed", [own, other]))
    assert {m.id: m.is_own for m in world.spooled()} == {"a": True, "b": False}


def test_a_forced_topic_is_given_whatever_its_query_says(world: World) -> None:
    """An import can tag rows by hand; matching topics are added all the same."""
    receipt = world.intake(forced=ZENITH).deliver(Delivery("csv", [mention()]))
    (stored,) = world.spooled()
    assert receipt == Receipt(new=1)
    assert stored.matched_topics == ("Acme", "Zenith")


def test_only_known_ids_are_erased(world: World) -> None:
    """A deletion of something that was collected goes by id; others of a firehose are nothing."""
    intake = world.intake()
    intake.deliver(Delivery("feed", [mention()]))
    intake.deliver(Delivery("feed", [], deleted=["m1", "never seen"]))
    reader = FileSpool(world.home / "spool")
    envelopes = [entry.envelope for entry in reader.read(10)]
    reader.close()
    assert [(e.kind, e.id) for e in envelopes if e] == [
        (EnvelopeKind.MENTION, "m1"),
        (EnvelopeKind.TOMBSTONE, "m1"),
    ]


def test_above_its_budget_a_topic_is_sampled(world: World) -> None:
    """What is left out is counted, the rest goes on, and no item goes uncounted."""
    many = [mention(f"{number:08x}{'0' * 24}", f"acme {number}") for number in range(128)]
    receipt = world.intake(budget=20).deliver(Delivery("feed", many))
    spent = world.state.spent("2026-11-23")["Acme"]
    assert receipt.new + receipt.sampled_out == len(many)
    assert receipt.new == spent.taken >= 20
    assert receipt.sampled_out == spent.left_out > 0


def test_a_nearly_full_disk_stops_collecting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the least free room nothing is taken, and the message says what to do."""
    usage = SimpleNamespace(total=100 * 1024**3, used=0, free=4 * 1024**3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RetryableError, match="move GROUNDSWELL_HOME"):
        world.intake().deliver(Delivery("feed", [mention()], cursor={"page": 2}))
    assert world.spooled() == []
    assert world.state.load("feed") == {}


def test_a_post_that_comes_with_its_deletion_is_deleted(world: World) -> None:
    """A deletion counts also where the id was never remembered before."""
    taken = Mention(id="gone", text="acme", service="web").with_version(1)
    world.intake().deliver(Delivery("feed", [taken], deleted=["gone", "never seen"]))
    entries = world.spool.read(10)
    kinds = [(e.envelope.kind, e.envelope.id) for e in entries if e.envelope]
    assert kinds == [(EnvelopeKind.MENTION, "gone"), (EnvelopeKind.TOMBSTONE, "gone")]


def test_a_budget_counts_a_mention_once(world: World) -> None:
    """What waits in the spool and is delivered again spends nothing."""
    few = [Mention(id=f"{n:08x}", text="acme", service="web").with_version(1) for n in range(5)]
    intake = world.intake(budget=20)
    intake.deliver(Delivery("feed", few))
    intake.deliver(Delivery("feed", few))
    assert world.state.spent(NOW.date().isoformat())["Acme"].taken == 5
