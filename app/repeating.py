"""Which phrases tell the same as something else that is told, and how a phrase is written.

A phrase comes with its pairs and its single words, a copied text with all its phrases: shown side
by side they would be one thing said six times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.scope import Scope
from core.query.ast import And, FieldIs, Fuzzy, Near, Node, Or, Phrase, Word
from core.query.parser import parse
from core.questions import Selection
from core.settings import Configuration
from core.text import tokenise
from insights.trends import Direction, Trend
from nlp.analyser import analysed_text
from nlp.language import UNDETERMINED
from nlp.phrases import singular, spellings

if TYPE_CHECKING:
    from app.queries import Queries

ABOUT_ALL = 0.75
"""A part that stands outside of the whole in fewer than a quarter of its mentions is that whole."""

SAME_PULSE = 0.2
"""Counts by the bucket that differ by no more than this share of all are of the same mentions,"""

PULSE_MENTIONS = 10
"""if they are so many; of fewer, chance makes two things rise and fall together."""

MORE_UNUSUAL = 1.5
"""By what factor a longer phrase has to beat a part of it that was told before."""

LABELLED = 8
READ_MENTIONS = 20
"""Mentions read to see how a phrase is mostly written."""

Words = tuple[str, ...]


def names_in(queries: Queries, scope: Scope) -> frozenset[Words]:
    """Return the words and phrases that a mention of the scope holds because it was asked for."""
    configuration, now = queries.configuration, queries.now()
    return own_words(configuration, scope.selected_topics(configuration), scope.node(now), now)


def own_words(
    configuration: Configuration, names: Sequence[str], searched: Node | None, now: datetime
) -> frozenset[Words]:
    """Return what topics are called and asked for, and what was searched for in them.

    None of it says why they are spoken of.
    """
    topics = [topic for topic in configuration.topics if topic.name in names]
    nodes = [parse(topic.query, now) for topic in topics]
    called = [name for topic in topics for name in (topic.name, *topic.aliases)]
    found = {tuple(_folded(name)) for name in called}
    for node in [*nodes, searched] if searched is not None else nodes:
        found |= set(_sequences(node))
    return frozenset(_singular(words) for words in found if words)


def is_told(phrase: str, names: frozenset[Words]) -> bool:
    """Return whether a phrase holds any of ``names``: what else it says stands in another."""
    words = _singular(tuple(phrase.split()))
    return any(_holds(words, name) for name in names)


def is_name(value: str, names: frozenset[Words]) -> bool:
    """Return whether a hashtag or name is itself one of ``names``: it bursts with the topic.

    A hashtag may write a name of several words as one.
    """
    words = _singular(tuple(_folded(value)))
    return words in names or any("".join(name) == "".join(words) for name in names)


def is_own_word(word: str, names: frozenset[Words]) -> bool:
    """Return whether a single word is one of ``names`` or a part of one."""
    (single,) = _singular((word,))
    return any(single in name for name in names)


def without_parts(counts: Mapping[str, int]) -> list[str]:
    """Return the phrases, most frequent first, without those that hardly stand outside another."""
    split = {phrase: tuple(phrase.split()) for phrase in counts}
    wholes: dict[str, list[str]] = {}
    for phrase, words in split.items():
        for word in set(words) if len(words) > 1 else ():
            wholes.setdefault(word, []).append(phrase)
    kept = [
        phrase
        for phrase, words in split.items()
        if not any(
            len(split[whole]) > len(words)
            and counts[whole] >= ABOUT_ALL * counts[phrase]
            and _holds(split[whole], words)
            for whole in wholes.get(words[0], ())
        )
    ]
    return sorted(kept, key=lambda phrase: (-counts[phrase], phrase))


def drop_repeated(ranked: Sequence[Trend], recent: int) -> list[Trend]:
    """Return the trends in their order without phrases that repeat one before them.

    ``recent`` buckets at the end of a trend's counts are now. A name that repeats a phrase before
    it is left out, too.
    """
    kept: list[Trend] = []
    for trend in ranked:
        earlier = kept if trend.kind == "phrase" else [t for t in kept if t.kind == "phrase"]
        if trend.kind not in ("phrase", "entity", "hashtag") or not any(
            _repeats(trend, other, recent) for other in earlier
        ):
            kept.append(trend)
    return kept


def label_phrases(
    queries: Queries, ranked: Sequence[Trend], selection: Selection
) -> dict[str, str]:
    """Return how the phrases that burst are mostly written in the mentions of ``selection``."""
    from app.queries import any_of, narrowed

    rising = [t.term for t in ranked if t.kind == "phrase" and t.direction is Direction.RISING]
    labels = {}
    for phrase in rising[:LABELLED]:
        asked = narrowed(selection, any_of("phrase", [phrase]))
        forms: Counter[str] = Counter()
        for mention in queries.index.page(asked, READ_MENTIONS).mentions:
            language = mention.enrichment.language if mention.enrichment else None
            written = spellings(analysed_text(mention), language or UNDETERMINED)
            if phrase in written:
                forms[written[phrase]] += 1
        if forms:
            labels[phrase] = min(forms, key=lambda form: (-forms[form], form))
    return labels


def _repeats(trend: Trend, other: Trend, recent: int) -> bool:
    """Return whether ``trend`` says what ``other``, which stands before it, has said."""
    mine, theirs = _squeezed(trend.term), _squeezed(other.term)
    is_named = other.kind in ("phrase", "entity", "hashtag")
    if is_named and mine == theirs:
        return True
    if trend.kind != "phrase":
        return False
    if is_named and mine in theirs and other.observed >= ABOUT_ALL * trend.observed:
        return True
    if other.kind == "phrase" and theirs in mine:
        return trend.factor < MORE_UNUSUAL * other.factor
    if other.direction is not trend.direction or trend.observed < PULSE_MENTIONS:
        return False
    pairs = zip(trend.sparkline[-recent:], other.sparkline[-recent:], strict=True)
    return sum(abs(here - there) for here, there in pairs) <= SAME_PULSE * trend.observed


def _squeezed(term: str) -> str:
    return "".join(_singular(tuple(_folded(term))))


def _folded(text: str) -> list[str]:
    return [token.folded.lstrip("#@") for token in tokenise(text)]


def _singular(words: Words) -> Words:
    return tuple(singular(word) for word in words)


def _holds(whole: Words, part: Words) -> bool:
    """Return whether ``part`` stands in ``whole``, word beside word."""
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _sequences(node: Node) -> list[Words]:
    """Return what a query asks a text to hold; what it excludes is not there anyway."""
    match node:
        case And(operands) | Or(operands):
            return [words for operand in operands for words in _sequences(operand)]
        case Word(token) | Fuzzy(token) | FieldIs("hashtag", token):
            return [(token.lower().lstrip("#@"),)]
        case Phrase(tokens):
            return [tuple(token.lower() for token in tokens)]
        case Near(left, right):
            return [tuple(token.lstrip("#@") for token in words) for words in (*left, *right)]
        case _:
            return []
