"""What grouping into stories promises: copies join, other facts do not, and memory is bounded."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.story_pairs import as_mentions, labelled, pair_scores
from core.mention import Mention
from nlp.stories.grouper import StoryAssignment, StoryGrouper
from nlp.stories.likeness import is_near_copy
from nlp.stories.signature import LONGEST, fingerprints, sign

PAIRS = Path(__file__).parents[1] / "data" / "stories" / "pairs.tsv"
TEXT = (
    "Pendrake said on Friday it would buy electric vans over two years and close its oldest"
    " sorting centre once a new hall opens, and unions asked for guarantees on shift patterns"
)
OTHER = (
    "The harbour tram has opened for passengers this morning after a decade of quarrels over"
    " noise, money and the trees along the old market square"
)


def grouper() -> StoryGrouper:
    """Return a small grouper."""
    return StoryGrouper(capacity=1_000)


def pairs() -> list[dict[str, str]]:
    """Return the rows of the written pairs."""
    with PAIRS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def stored(mention: Mention, given_story: StoryAssignment) -> Mention:
    """Return the mention as the index keeps it once its story is known."""
    assert mention.enrichment is not None
    made = mention.enrichment.model_copy(
        update={"story_id": given_story.story_id, "is_copy": given_story.is_copy}
    )
    return mention.model_copy(update={"enrichment": made})


def assign(texts: Sequence[str]) -> list[StoryAssignment]:
    """Return what a fresh grouper says of the texts in this order."""
    return grouper().assign(as_mentions(texts))


@pytest.mark.parametrize("row", pairs(), ids=lambda row: f"{row['verdict']}: {row['right'][:40]}")
def test_written_pairs_are_told_apart(row: dict[str, str]) -> None:
    """Each written pair is one story or two, whichever of them comes first."""
    for texts in ([row["left"], row["right"]], [row["right"], row["left"]]):
        first, second = assign(texts)
        assert (first.story_id == second.story_id) is (row["verdict"] == "copy")
        assert second.is_copy is (row["verdict"] == "copy")


def test_mutations_of_many_texts_are_found() -> None:
    """Over shuffled texts and eleven mutations, F1 over pairs is at least .95."""
    rows = labelled(count=300)
    found = StoryGrouper().assign(as_mentions([text for _, _, text in rows]))
    precision, recall, f1 = pair_scores(
        [story for story, _, _ in rows], [given_one.story_id or "" for given_one in found]
    )
    assert f1 >= 0.95, (precision, recall)
    assert precision >= 0.98


def test_the_first_tells_and_the_others_copy() -> None:
    """Of one batch the mention published first is no copy, in whatever order it is given."""
    mentions = as_mentions([TEXT, f"RT @a: {TEXT}", f"{TEXT} https://a.example", TEXT.upper()])
    found = dict(zip((m.id for m in mentions[::-1]), grouper().assign(mentions[::-1]), strict=True))
    assert [found[m.id].is_copy for m in mentions] == [False, True, True, True]
    assert {given_one.story_id for given_one in found.values()} == {mentions[0].story_id}


def test_giving_a_batch_again_changes_nothing() -> None:
    """A batch that is tried again gets the same answers, also its first mentions."""
    mentions = as_mentions([TEXT, OTHER, f"RT @a: {TEXT}", f"Look: {OTHER}"])
    group = grouper()
    once = group.assign(mentions)
    assert group.assign(mentions) == once
    kept = {m.id: stored(m, given_one) for m, given_one in zip(mentions, once, strict=True)}
    assert grouper().assign(mentions, kept) == once


def test_a_restart_goes_on_with_what_is_stored() -> None:
    """A grouper that remembers the stored mentions, in any order, joins new copies to them."""
    mentions = as_mentions([TEXT, f"RT @a: {TEXT}", OTHER])
    given_before = grouper().assign(mentions)
    kept = [stored(m, given_one) for m, given_one in zip(mentions, given_before, strict=True)]
    for order in (kept, kept[::-1]):
        after = grouper()
        after.remember(order)
        (late,) = after.assign(as_mentions(["x", f"{TEXT[:-20]}…"])[1:])
        assert late == StoryAssignment(mentions[0].story_id, is_copy=True)
        assert after.assign(mentions) == given_before


def test_an_edited_first_mention_is_no_copy_of_itself() -> None:
    """Who corrects a word in the first text still tells the story first."""
    (first,) = as_mentions([TEXT])
    group = grouper()
    group.assign([first])
    (edited,) = as_mentions([TEXT.replace("oldest", "largest")])
    (found,) = group.assign([edited], {first.id: first})
    assert edited.id == first.id
    assert found == StoryAssignment(first.story_id, is_copy=False)


def test_what_many_say_alike_is_a_story_but_no_copy() -> None:
    """Short equal texts share a story; they are copies only where they say so themselves."""
    found = assign(["Thank you!", "thank you", "thanks a lot", "RT @a: Thank you!"])
    assert found[0].story_id == found[1].story_id == found[3].story_id
    assert found[2].story_id != found[0].story_id
    assert [given_one.is_copy for given_one in found] == [False, False, False, True]


def test_empty_texts_have_no_story() -> None:
    """A text without content is nobody's copy."""
    assert assign(["", "  "]) == [StoryAssignment(None, is_copy=False)] * 2


def test_a_story_that_nobody_told_for_long_is_over() -> None:
    """The same words a year later are told anew; within the memory each telling prolongs it."""
    group = grouper()
    first, later, soon = (
        as_mentions([TEXT])[0].model_copy(
            update={"id": key, "published_at": as_mentions([TEXT])[0].published_at + after}
        )
        for key, after in (
            ("a", timedelta(0)),
            ("b", timedelta(days=365)),
            ("c", timedelta(days=370)),
        )
    )
    found = [group.assign([mention])[0].is_copy for mention in (first, later, soon)]
    assert found == [False, False, True]


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    """Past its capacity a grouper forgets the oldest texts and nothing grows."""
    group = StoryGrouper(capacity=50)
    rng = random.Random(3)
    words = [f"w{chr(97 + a)}{chr(97 + b)}" for a in range(26) for b in range(26)]
    texts = [TEXT, *(" ".join(rng.sample(words, 15)) for _ in range(300))]
    group.assign(as_mentions(texts))
    assert group.held_texts <= 50
    last, old = group.assign(as_mentions([*texts, f"Look: {texts[-1]}", f"Look: {TEXT}"])[-2:])
    assert last.is_copy
    assert not old.is_copy


def test_a_long_copy_of_a_short_beginning_is_found_by_its_end() -> None:
    """When a cut-off text came first, the whole text joins it and copies of the whole do too."""
    found = assign([f"{TEXT[:90]}…", TEXT, f"Read this: {TEXT}"])
    assert len({given_one.story_id for given_one in found}) == 1


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_likeness_is_symmetric_and_takes_any_text(left: str, right: str) -> None:
    """No text breaks it, and it does not matter which text is which."""
    a, b = sign(left), sign(right)
    assert is_near_copy(a, b) is is_near_copy(b, a)
    assert len(fingerprints(a.words)) <= LONGEST


def test_a_huge_text_is_read_in_part() -> None:
    """Articles without end cost no more than long ones."""
    assert len(sign("word and another one " * 50_000).words) == LONGEST


@pytest.mark.public_data
def test_real_news_of_different_stories_stay_apart() -> None:
    """Of real headlines hardly any that differ are joined, and cut-off copies of them are found."""
    folder = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not folder:
        pytest.skip("set GROUNDSWELL_PUBLIC_DATA to read real news")
    with (Path(folder) / "themes" / "ag_news_half.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:3_000]
    texts = list(dict.fromkeys(row["text"] for row in rows if len(row["text"].split()) >= 20))
    group = StoryGrouper()
    found = group.assign(as_mentions(texts))
    assert sum(given_one.is_copy for given_one in found) <= 0.02 * len(texts)
    cut = [f"RT @news: {text[: int(len(text) * 0.7)]}…" for text in texts]
    again = group.assign(as_mentions([*texts, *cut])[len(texts) :])
    hits = sum(a.story_id == b.story_id for a, b in zip(found, again, strict=True))
    assert hits >= 0.97 * len(texts)
