import random
from dataclasses import replace
from datetime import timedelta

import pytest

from app.pending import CorrectedIndex, Pending
from core.mention import Correction, Mention, Overlay, Sentiment, Status
from core.query.parser import parse
from core.questions import GroupField, Order, Selection
from core.window import TimeWindow
from tests.fakes import scenario
from tests.fakes.memory_index import MemoryIndex

STORED = scenario.mentions()[:240]
SELECTIONS = (
    Selection(),
    Selection(topics=("Acme",)),
    Selection(query=parse("sentiment:negative AND status:open")),
    Selection(query=parse("kettle OR globex"), include_irrelevant=True),
    Selection(window=TimeWindow.before(STORED[150].published_at, timedelta(days=3))),
)


def _correct(mention: Mention, rng: random.Random) -> Mention:
    """Return a fragment that a person's correction would send."""
    kind = rng.randrange(4)
    overlay = (
        Overlay(sentiment=Correction(value=rng.choice(list(Sentiment)), by="me", at_us=9)),
        Overlay(sentiment=Correction(value=None, by="me", at_us=9)),
        Overlay(irrelevant=Correction(value=True, by="me", at_us=9)),
        Overlay(status=Correction(value=Status.DONE, by="me", at_us=9)),
    )[kind]
    return Mention(id=mention.id, overlay=overlay)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("selection", SELECTIONS)
def test_answers_are_those_that_the_index_will_give(selection: Selection, seed: int) -> None:
    """Every question is answered as if the corrections had arrived already."""
    rng = random.Random(seed)
    fragments = [_correct(mention, rng) for mention in rng.sample(STORED, 12)]
    later = MemoryIndex(STORED)
    later.apply(fragments, scenario.NOW)
    pending = Pending()
    pending.add(fragments)
    now = CorrectedIndex(MemoryIndex(STORED), pending)
    windowed = replace(
        selection,
        window=selection.window or TimeWindow.before(scenario.NOW, timedelta(days=40)),
    )
    assert now.count(selection) == later.count(selection)
    for field in (GroupField.SENTIMENT, GroupField.STATUS, GroupField.TOPIC, GroupField.STORY):
        assert now.top(selection, field, 3) == later.top(selection, field, 3)
        hour = timedelta(hours=1)
        assert now.buckets(windowed, hour, field) == later.buckets(windowed, hour, field)
    day = timedelta(days=1)
    assert now.buckets(windowed, day) == later.buckets(windowed, day)
    for order in Order:
        assert now.page(selection, 500, order) == later.page(selection, 500, order)
    assert sorted(m.id for m in now.scan(selection)) == sorted(m.id for m in later.scan(selection))


def test_a_correction_is_forgotten_once_the_index_shows_it() -> None:
    """What has arrived is no longer laid over the answers."""
    fragment = Mention(
        id=STORED[0].id, overlay=Overlay(irrelevant=Correction(value=True, by="me", at_us=9))
    )
    index, pending = MemoryIndex(STORED), Pending()
    pending.add([fragment])
    corrected = CorrectedIndex(index, pending)
    assert corrected.count(Selection()) == len(STORED) - 1
    assert pending.fragments() == [fragment]
    index.apply([fragment], scenario.NOW)
    assert corrected.count(Selection()) == len(STORED) - 1
    assert pending.fragments() == []


def test_a_second_correction_is_not_forgotten_with_the_first() -> None:
    """A correction that came while the first one settled still counts."""
    mention, index, pending = STORED[0], MemoryIndex(STORED), Pending()
    first = Mention(
        id=mention.id, overlay=Overlay(irrelevant=Correction(value=True, by="me", at_us=9))
    )
    second = Mention(
        id=mention.id, overlay=Overlay(irrelevant=Correction(value=False, by="me", at_us=10))
    )
    pending.add([first])
    index.apply([first], scenario.NOW)
    pending.add([second])
    assert CorrectedIndex(index, pending).count(Selection()) == len(STORED)


def test_each_change_gives_a_new_revision() -> None:
    """Caches see that answers changed."""
    pending = Pending()
    before = pending.revision
    pending.add([Mention(id="a")])
    assert pending.revision != before


def test_a_stored_state_is_returned_with_what_waits() -> None:
    """Looking a mention up by its id shows the correction too."""
    pending = Pending()
    pending.add([_correct(STORED[3], random.Random(1))])
    found = CorrectedIndex(MemoryIndex(STORED), pending).get([STORED[3].id, "unknown"])
    assert found.keys() == {STORED[3].id}
    assert found[STORED[3].id].overlay != STORED[3].overlay
