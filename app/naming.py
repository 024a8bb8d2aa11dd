"""How themes and stories are called: in words that people read, made of what their mentions say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.repeating import Words, is_told
from core.mention import Mention
from core.questions import GroupField, Order, Selection
from core.settings import Configuration
from insights.log_odds import over_indexed
from nlp.story import without_addresses

if TYPE_CHECKING:
    from app.queries import Queries

LABEL_CHARS = 90
BORROWED_CHARS = 48
"""Of a headline that stands for a theme without a name of its own."""

"""Longer headlines are cut at a word."""

NAMING_PHRASES = 40
REFERENCE_PHRASES = 1_000
"""Phrases counted in a theme and in everything: a phrase outside the latter's is rare there."""

NAME_PARTS = 3
SURE_Z = 1.5
"""A phrase that stands out less from the other mentions names nothing."""

HELD_BY = 0.2
"""A phrase that fewer of a theme's mentions hold is not what it is about."""


def theme_names(configuration: Configuration) -> dict[str, str]:
    """Return how each theme of the taxonomy is written, by the value that an index holds."""
    return {theme.name.casefold(): theme.name for theme in configuration.themes}


def name_themes(
    queries: Queries, themes: Sequence[str], selection: Selection, asked: frozenset[Words]
) -> dict[str, str]:
    """Return a name for each discovered theme: the phrases that it holds far more of than the rest.

    Counted over the mentions of ``selection``; phrases that hold one of ``asked``, which all
    mentions share, name nothing. A theme without such phrases takes its first mention's headline,
    in quotation marks; one without mentions has no name.
    """
    from app.queries import any_of, narrowed

    if not themes:
        return {}
    total = queries.index.count(selection)
    everywhere = {
        one.value: one.count
        for one in queries.index.top(selection, GroupField.PHRASE, REFERENCE_PHRASES)
    }
    names = {}
    for theme in themes:
        mine = narrowed(selection, any_of("discovered", [theme]))
        count = queries.index.count(mine)
        here = {
            one.value: one.count
            for one in queries.index.top(mine, GroupField.PHRASE, NAMING_PHRASES)
            if one.count >= HELD_BY * count and not is_told(one.value, asked)
        }
        elsewhere = {phrase: max(everywhere.get(phrase, 0) - here[phrase], 0) for phrase in here}
        found = over_indexed(here, count, elsewhere, max(total - count, 0), minimum=2)
        parts = _distinct([one.value for one in found if one.z >= SURE_Z])
        if parts:
            names[theme] = shortened(", ".join(parts[:NAME_PARTS]).capitalize())
        else:
            first = queries.index.page(replace(mine, window=None), 1, Order.OLDEST).mentions
            if first:
                names[theme] = f"“{shortened(headline(first[0]), BORROWED_CHARS)}”"
    return names


def headline(mention: Mention) -> str:
    """Return what a mention says in a line: its title, else its first sentence.

    Without links, handles and a leading "RT @name:"; of a text of these alone, as it stands.
    """
    written = mention.title or mention.text
    text = " ".join(without_addresses(written[:2_000]).split()) or " ".join(written.split())
    if mention.title is None:
        for mark in (". ", "! ", "? "):
            first, found, _ = text.partition(mark)
            if found and len(first) >= LABEL_CHARS // 3:
                text = first + mark.strip()
    return shortened(text)


def shortened(text: str, most: int = LABEL_CHARS) -> str:
    """Return a text of at most ``most`` characters, cut at a word where there is one."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-") + "…"


def _distinct(phrases: Sequence[str]) -> list[str]:
    """Return the phrases without those whose words mostly stand in one before them.

    The longer of two that share words stands for both.
    """
    kept: list[set[str]] = []
    written: list[str] = []
    for phrase in phrases:
        words = set(phrase.split())
        shared = next((at for at, held in enumerate(kept) if words & held), None)
        if shared is None:
            kept.append(words)
            written.append(phrase)
        elif kept[shared] < words:
            kept[shared], written[shared] = words, phrase
    return written
