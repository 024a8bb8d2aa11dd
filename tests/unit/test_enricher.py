"""What the enricher promises: everything read ends in the index or in quarantine, once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from app.careful import analyse_in_children
from app.enricher import Enricher, EnrichReport
from app.lanes import PROMPT, SMALLEST_BATCH, Pace
from app.stores.file_spool import FileSpool
from core.envelope import Envelope, enriched
from core.errors import EngineUnavailable, ModelError, RetryableError
from core.mention import Correction, Engagement, Enrichment, Mention, Overlay, Sentiment
from core.ports import Analysis, Applied, ApplyOutcome
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MODEL = "words@1"


class WordAnalyser:
    """Calls texts negative that hold "bad"; fails on "odd"; counts what it was asked.

    Briefly it says a text's language alone; there is no more to a "plain" one.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.briefly: list[str] = []

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention."""
        (self.briefly if brief else self.asked).extend(mention.id for mention in mentions)
        return [self._one(mention, now, brief=brief) for mention in mentions]

    def _one(self, mention: Mention, now: datetime, *, brief: bool) -> Analysis:
        if brief:
            made = Enrichment(
                content_version=mention.version,
                enriched_us=int(now.timestamp() * 1e6),
                is_brief="plain" not in mention.text,
                language="en",
            )
            return Analysis(enriched(mention, made))
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
        """Return whether this model made it, in full."""
        return enrichment.models in {(), (MODEL,)} and not enrichment.is_brief


class World:
    """An enricher over a real spool and an index in memory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.producer = FileSpool(home / "spool", "test")
        self.consumer = FileSpool(home / "spool")
        self.later = FileSpool(home / "later")
        self.index = MemoryIndex()
        self.analyser = WordAnalyser()
        self.command: Sequence[str] = ()
        self.now = NOW

    def put(self, *mentions: Mention) -> None:
        """Spool mentions."""
        self.producer.append([Envelope.of(mention) for mention in mentions])

    def enricher(self, batch: int = 50) -> Enricher:
        """Return a fresh enricher, as after a start."""
        return Enricher(
            spool=self.consumer,
            later=self.later,
            index=self.index,
            analyser=self.analyser,
            clock=lambda: self.now,
            home=self.home,
            careful_command=self.command,
            batch=batch,
        )

    def drain(self) -> Enricher:
        """Bring everything in and return the enricher that did."""
        enricher = self.enricher()
        enricher.run(drain=True, stop=threading.Event())
        return enricher

    def go_on(self, most: int = 10) -> list[EnrichReport]:
        """Work as under ``groundswell run`` for some batches; return what was done after each."""
        stop, seen = threading.Event(), list[EnrichReport]()
        enricher = self.enricher()

        def look(report: EnrichReport) -> None:
            seen.append(replace(report))
            if len(seen) == most or not (self.consumer.pending() or self.later.pending()):
                stop.set()

        enricher.run(drain=False, stop=stop, progress=look, idle_seconds=0.01)
        return seen

    def restart(self) -> None:
        """Read both lanes anew, as a process does that is started after another died."""
        self.consumer.close()
        self.later.close()
        self.consumer, self.later = FileSpool(self.home / "spool"), FileSpool(self.home / "later")

    def close(self) -> None:
        """Release the stores."""
        for spool in (self.producer, self.consumer, self.later):
            spool.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return fresh stores."""
    made = World(tmp_path)
    yield made
    made.close()


def mention(key: str, text: str = "acme is good", observed: int = 1, at: datetime = NOW) -> Mention:
    """Return a mention with content, collected ``at``."""
    made = Mention(id=key, text=text, service="web", published_at=NOW, collected_at=at)
    return made.with_version(observed)


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
    def analyse(self, mentions, now, brief=False):
        if any("deadly" in mention.text for mention in mentions):
            os.abort()
        return super().analyse(mentions, now, brief=brief)
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
    monkeypatch.setattr("app.lanes.SMALLEST_BATCH", 2)
    monkeypatch.setattr("app.lanes.BATCH_SECONDS", seconds)
    world.put(*(mention(f"m{n}") for n in range(60)))
    seen = [0]
    world.enricher().run(
        drain=True,
        stop=threading.Event(),
        progress=lambda report: seen.append(report.entries),
    )
    assert [after - before for before, after in pairwise(seen)] == sizes


def test_news_goes_before_what_an_import_brings(world: World) -> None:
    """It waits for the batch of the import that is being done, not for those after it."""
    bulk = FileSpool(world.home / "spool", "import")
    bulk.append([Envelope.of(mention(f"old{n}", observed=n + 1)) for n in range(200)])

    def bring_news(report: EnrichReport) -> None:
        if report.entries == SMALLEST_BATCH:
            world.put(mention("news"))

    world.enricher(batch=500).run(drain=True, stop=threading.Event(), progress=bring_news)
    assert world.analyser.asked.index("news") == SMALLEST_BATCH
    assert len(world.analyser.asked) == 201
    bulk.close()


LATE = NOW - PROMPT - timedelta(seconds=1)


def test_what_waited_long_is_stored_briefly_and_read_in_full_later(world: World) -> None:
    """It is in the index at once with what costs little; its tone follows when nothing waits."""
    world.put(mention("a", "bad acme", at=LATE), mention("b", "plain acme", at=LATE))
    first, last = world.go_on()
    assert (first.entries, first.created, first.in_full_later) == (2, 2, 1)
    assert world.analyser.briefly == ["a", "b"]
    assert (last.entries, last.updated, last.in_full_later) == (3, 1, 1)
    assert world.analyser.asked == ["a"]
    stored = world.index.get(["a", "b"])
    assert stored["a"].sentiment is Sentiment.NEGATIVE
    assert stored["b"].sentiment is None
    assert not any(one.enrichment is None or one.enrichment.is_brief for one in stored.values())


def test_what_is_seen_in_time_is_read_in_full_at_once(world: World) -> None:
    """Nothing is read twice while the machine keeps up."""
    world.put(mention("a", at=NOW - PROMPT), mention("b", at=NOW + timedelta(hours=1)))
    (report,) = world.go_on()
    assert report.in_full_later == 0
    assert (world.analyser.briefly, world.analyser.asked) == ([], ["a", "b"])


def test_history_is_read_in_full_at_once(world: World) -> None:
    """What is compared with has its names and tone, also where a rush is on; news goes on."""
    history = {"published_at": NOW - timedelta(days=1), "collected_at": LATE}
    old = [mention(key).model_copy(update=history) for key in ("old", "older")]
    world.put(mention("a", at=LATE), old[0], mention("b", at=LATE))
    world.put(old[1], mention("c", at=LATE))
    world.go_on(most=1)
    assert world.analyser.briefly == ["a", "b", "c"]
    assert world.analyser.asked == ["old", "older"]


def test_who_waits_for_the_end_gets_everything_in_full(world: World) -> None:
    """Draining reads each mention once, and what was put off before."""
    world.put(mention("a", at=LATE))
    world.go_on(most=1)
    world.put(mention("b", at=LATE))
    report = world.drain().report
    assert (report.entries, report.in_full_later) == (2, 0)
    assert (world.analyser.briefly, world.analyser.asked) == (["a"], ["b", "a"])
    assert world.later.pending() == 0


def test_what_comes_in_goes_before_what_was_put_off(world: World) -> None:
    """What is stored already waits until the spool is empty, however long."""
    world.put(*(mention(f"m{n}", at=LATE) for n in range(3)))
    world.go_on(most=1)
    world.put(mention("new"))
    world.go_on()
    assert world.analyser.asked == ["new", "m0", "m1", "m2"]


def test_what_is_to_be_done_again_is_read_in_full_however_late(world: World) -> None:
    """Who asked for it waits for its end; those beside it are still read briefly."""
    again = mention("again", "bad acme", at=LATE)
    world.producer.append([Envelope.of(mention("a", at=LATE)), Envelope.doing_again(again)])
    world.go_on(most=1)
    assert (world.analyser.briefly, world.analyser.asked) == (["a"], ["again"])
    assert world.later.pending() == 1


def test_what_is_put_off_and_fails_is_quarantined_with_the_rest(world: World) -> None:
    """It stays in the index as it was, and its reason stands where all reasons stand."""
    world.put(mention("a", "odd", at=LATE))
    reports = world.go_on()
    assert [report.quarantined for report in reports] == [0, 1]
    assert [record["reason"] for record in world.consumer.quarantined()] == ["too odd"]
    assert world.index.size() == 1


def test_a_deletion_ends_what_was_put_off(world: World) -> None:
    """Nothing of a mention comes back that was erased before it was read in full."""
    world.put(mention("a", at=LATE))
    world.go_on(most=1)
    world.producer.append([Envelope.erasing("a")])
    world.go_on()
    assert world.index.get(["a"])["a"].erased
    assert world.analyser.asked == []


def again_with(likes: int, at: datetime = LATE) -> Mention:
    """Return the mention ``a`` as it is delivered again with more likes."""
    engagement = Engagement(reactions=likes, observed_us=likes)
    return mention("a", "bad acme", likes, at).model_copy(update={"engagement": engagement})


def test_what_comes_again_in_a_rush_is_read_in_full_once(world: World) -> None:
    """Only its numbers are new, and they are stored at once."""
    for likes in range(1, 6):
        world.put(again_with(likes))
        world.go_on(most=1)
        assert world.index.get(["a"])["a"].engagement.reactions == likes
    assert (world.analyser.briefly, world.later.pending()) == (["a"], 1)
    world.go_on()
    assert world.analyser.asked == ["a"]
    stored = world.index.get(["a"])["a"]
    assert (stored.sentiment, stored.engagement.reactions) == (Sentiment.NEGATIVE, 5)


def test_what_was_read_in_full_meanwhile_is_not_read_again(world: World) -> None:
    """It came again when there was time for it."""
    world.put(again_with(1))
    world.go_on(most=1)
    world.put(again_with(2, at=NOW))
    (_, last) = world.go_on()
    assert (world.analyser.asked, last.unchanged) == (["a"], 1)
    assert world.later.pending() == 0


def test_an_edit_in_a_rush_is_read_anew(world: World) -> None:
    """What was found of another text says nothing of it."""
    world.put(mention("a", "bad acme", 1, LATE))
    world.go_on(most=1)
    world.put(mention("a", "acme is good", 2, LATE))
    world.go_on(most=1)
    assert world.analyser.briefly == ["a", "a"]
    world.go_on()
    assert world.index.get(["a"])["a"].sentiment is Sentiment.POSITIVE


def test_history_that_was_stored_briefly_is_read_in_full_in_a_rush(world: World) -> None:
    """It is what news is compared with by then; so its brief reading will not do."""
    world.put(again_with(1))
    world.go_on(most=1)
    world.now = NOW + timedelta(days=1)
    news = mention("news").model_copy(update={"published_at": world.now})
    world.put(news, again_with(2))
    world.go_on(most=1)
    assert (world.analyser.briefly, world.analyser.asked) == (["a", "news"], ["a"])


class Death(BaseException):
    """The process ends here."""


def test_what_is_stored_briefly_was_put_off_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dying just after it was stored leaves nothing without tone for ever."""
    world.put(again_with(1))
    apply = world.index.apply

    def store_and_die(fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        apply(fragments, now)
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(world.index, "apply", store_and_die)
        with pytest.raises(Death):
            world.go_on()
    assert world.later.pending() == 1
    world.restart()
    world.go_on()
    assert world.analyser.briefly == world.analyser.asked == ["a"]
    assert world.index.get(["a"])["a"].sentiment is Sentiment.NEGATIVE


def failing(times: int, step: Callable[..., object]) -> Callable[..., object]:
    """Return ``step`` as it is while its engine is away at first."""
    left = iter(range(times))

    def trying(*words: object, **named: object) -> object:
        if next(left, None) is not None:
            raise EngineUnavailable("away")
        return step(*words, **named)

    return trying


def test_what_is_tried_again_is_put_off_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the index is away."""
    monkeypatch.setattr("app.enricher.FIRST_PAUSE", 0.001)
    world.put(again_with(1))
    monkeypatch.setattr(world.index, "apply", failing(4, world.index.apply))
    (report,) = world.go_on(most=1)
    assert (report.in_full_later, world.later.pending()) == (1, 1)


def test_what_the_index_refuses_is_quarantined_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it was put off before that was known."""

    def refuse(fragments: Sequence[Mention], _: datetime) -> list[ApplyOutcome]:
        return [ApplyOutcome(one.id, Applied.REJECTED, "too big") for one in fragments]

    monkeypatch.setattr(world.index, "apply", refuse)
    world.put(again_with(1))
    world.go_on()
    assert [record["reason"] for record in world.consumer.quarantined()] == ["too big"]
    assert world.later.pending() == 0


def test_a_deadly_text_that_was_put_off_is_found_though_news_comes(world: World) -> None:
    """What is done between two deaths does not make them forgotten."""
    world.command = child(DEADLY)
    world.put(mention("good", at=LATE), mention("x", "deadly", at=LATE))
    world.go_on(most=1)
    for life in range(2):
        world.put(mention(f"new{life}"))
        world.go_on(most=1)
        # What follows is the other lane's, over which the process dies.
        dying = world.enricher()
        (first, _) = world.later.read(2)
        dying._attempts.begin(first.position)
        world.restart()
    world.put(mention("last"))
    world.go_on()
    assert [record["reason"] for record in world.consumer.quarantined()] == [
        "analysing this text ends the process"
    ]
    assert world.later.pending() == 0


def test_what_was_put_off_and_fails_does_not_keep_news_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again after a pause, and tells nothing of how many entries are done in time."""
    monkeypatch.setattr("app.lanes.SMALLEST_BATCH", 2)
    monkeypatch.setattr("app.lanes.BATCH_SECONDS", 1_000.0)
    monkeypatch.setattr("app.lanes.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("app.enricher.FIRST_PAUSE", 600.0)
    world.put(mention("a", at=LATE), mention("b", at=LATE))
    world.go_on(most=1)
    analyse, batches = world.analyser.analyse, list[list[str]]()

    def refuse_some(
        mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        if mentions:
            batches.append([one.id for one in mentions])
        if len(batches) < 4 and "a" in batches[-1]:
            world.put(*(mention(f"new{len(batches)}{n}") for n in range(3)))
            raise RetryableError("the models are away")
        return analyse(mentions, now, brief=brief)

    monkeypatch.setattr(world.analyser, "analyse", refuse_some)
    world.go_on()
    later, first, second = ["a", "b"], ["new10", "new11"], ["new12"]
    assert batches[:3] == [later, first, second]
    assert batches.count(later) == 2
    assert (world.consumer.pending(), world.later.pending()) == (0, 0)


def test_news_that_cannot_be_read_is_stored_briefly_when_it_is_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the models fail it is seen and told all the same; what was put off waits for them."""
    monkeypatch.setattr("app.enricher.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("app.lanes.FIRST_PAUSE", 0.001)
    world.put(*(mention(f"m{n}", "odd") for n in range(30)))
    analyse = world.analyser.analyse

    def take_a_while(
        mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        if mentions and not brief:
            world.now += timedelta(seconds=6)
        return analyse(mentions, now, brief=brief)

    monkeypatch.setattr(world.analyser, "analyse", take_a_while)
    (report,) = world.go_on(most=1)
    assert (report.created, report.quarantined, report.in_full_later) == (30, 0, 30)
    assert (len(world.analyser.asked), len(world.analyser.briefly)) == (60, 30)
    reports = world.go_on(most=3)
    assert [one.quarantined for one in reports] == [0, 0, 0]
    assert world.later.pending() == 30
