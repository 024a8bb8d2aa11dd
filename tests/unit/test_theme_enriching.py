"""Themes on their way into the index: by the analyser, then by the enricher, across restarts."""

import threading
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.enricher import Enricher
from app.stores.file_spool import FileSpool
from core.envelope import Envelope
from core.mention import Mention, TopicTag
from core.themes import Theme
from nlp.analyser import Analyser
from nlp.themes.discovery import ThemeDiscoverer, theme_id
from nlp.themes.taxonomy import ThemeFinder
from nlp.vectors import load_vectors
from tests.fakes.memory_index import MemoryIndex

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
THEMES = (
    Theme(name="Delivery", query="parcel OR lieferung"),
    Theme(name="sport", code="medtop:15000000"),
)
LATE = "My parcel from Acme is three days late and nobody answers the phone"
AGAIN = "Acme parcel three days late, nobody at Acme answers"
MATCH = "The striker scored twice and the team won the cup final"
GERMAN = "Die Lieferung von Acme kommt schon wieder viel zu spät, das ist sehr ärgerlich"


class BrokenFinder(ThemeFinder):
    """Breaks on texts that hold ``boom``."""

    def by_meaning(self, texts: Collection[str]) -> list[tuple[str, ...]]:
        """Return what the finder says, or raise."""
        if any("boom" in text for text in texts):
            raise RuntimeError("cannot read this")
        return super().by_meaning(list(texts))


def _mention(name: str, text: str) -> Mention:
    made = Mention(id=name, text=text, published_at=NOW, topics=(TopicTag(name="Acme"),))
    return made.with_version(1)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    """An analyser with two themes and without names."""
    return Analyser(
        ("en", "de"), entities=None, themes=lambda: BrokenFinder(THEMES, load_vectors())
    )


def test_meaning_and_queries_give_themes(analyser: Analyser) -> None:
    """English texts by both, German ones by query alone; the models say who read what."""
    mentions = [_mention(f"m{i}", text) for i, text in enumerate((LATE, MATCH, GERMAN, ""))]

    found = [outcome.mention.enrichment for outcome in analyser.analyse(mentions, NOW)]

    assert [made and made.themes for made in found] == [
        ("Delivery",),
        ("sport",),
        ("Delivery",),
        (),
    ]
    vectors = load_vectors().name
    assert [bool(made and vectors in made.models) for made in found] == [True, True, False, False]
    assert all(made is not None and analyser.is_current(made) for made in found)


def test_another_taxonomy_is_not_current(analyser: Analyser) -> None:
    """What one list of themes said is not what another would say."""
    (outcome,) = analyser.analyse([_mention("m", MATCH)], NOW)
    other = Analyser(
        ("en", "de"), entities=None, themes=lambda: ThemeFinder(THEMES[:1], load_vectors())
    )

    assert outcome.mention.enrichment is not None
    assert not other.is_current(outcome.mention.enrichment)


def test_a_text_that_breaks_the_finder_fails_alone(analyser: Analyser) -> None:
    """The others of the batch keep their themes."""
    mentions = [_mention("a", f"boom {MATCH}"), _mention("b", MATCH)]

    broken, whole = analyser.analyse(mentions, NOW)

    assert broken.error == "RuntimeError: cannot read this"
    assert whole.mention.enrichment is not None
    assert whole.mention.enrichment.themes == ("sport",)


def test_discovered_themes_go_on_after_a_restart(analyser: Analyser, tmp_path: Path) -> None:
    """A fresh enricher reads the themes back from the index and gives the next mention the same."""
    producer, consumer = FileSpool(tmp_path / "spool", "test"), FileSpool(tmp_path / "spool")
    later = FileSpool(tmp_path / "later")
    index = MemoryIndex()
    for name, text in (("first", LATE), ("other", MATCH), ("second", AGAIN), ("german", GERMAN)):
        producer.append([Envelope.of(_mention(name, text))])
        enricher = Enricher(
            spool=consumer,
            later=later,
            index=index,
            analyser=analyser,
            clock=lambda: NOW,
            home=tmp_path,
            themes=ThemeDiscoverer(load_vectors(), capacity=10),
        )
        enricher.run(drain=True, stop=threading.Event())
    producer.close()
    consumer.close()
    later.close()

    stored = index.get(["first", "other", "second", "german"])
    made = {name: mention.enrichment for name, mention in stored.items()}
    themes = {name: one.discovered_theme for name, one in made.items() if one is not None}
    assert themes == {
        "first": theme_id("first"),
        "second": theme_id("first"),
        "other": theme_id("other"),
        "german": None,
    }
