"""Names of the configured topics, in all the ways that people write them, under one name each.

A topic's ways of being named are its name, its ``aliases``, and what its query looks for that
holds the name or is held by it: of ``("acme corp" OR @acmehelp OR #acme) AND NOT roadrunner`` the
phrase, the handle and the hashtag, and not words of context as in ``acme NEAR/8 (browser OR tab)``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.mention import Entity
from core.query.ast import And, Near, Node, Not, Or, Phrase, Word
from core.query.parser import parse
from core.settings import Topic, TopicKind
from core.text import Token, tokenise

MAX_ENTITIES: Final = 50

CHARACTERS: Final = 50_000
"""Longer texts are cut; articles name their subject early."""

LABELS: Final = {
    TopicKind.OWN: "ORG",
    TopicKind.COMPETITOR: "ORG",
    TopicKind.CAMPAIGN: "EVENT",
}
"""What a topic of each kind is called where no model says it better; an industry is no name."""

SHORTEST: Final = 3
"""Shorter parts of a query are in too many names to tell whose they are."""

_LEGAL: Final = frozenset(
    [
        "ag",
        "bv",
        "co",
        "company",
        "corp",
        "corporation",
        "gmbh",
        "inc",
        "kg",
        "llc",
        "ltd",
        "limited",
        "plc",
        "sa",
        "se",
        "srl",
        "the",
    ]
)
_ARTICLE = re.compile(r"^(?:the|der|die|das|el|la|le|les|il|lo|o|a|os|as)\s+(?=\S)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’´`]s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to write a topic: its tokens behind the first, and whose it is."""

    rest: tuple[str, ...]
    topic: Topic
    label: str


@dataclass(frozen=True, slots=True)
class _Hit:
    """A topic named at ``start`` to ``end`` of a text."""

    start: int
    end: int
    way: _Way


class Gazetteer:
    """Finds the topics' names in texts, and brings the names that models found under them."""

    def __init__(self, topics: Iterable[Topic] = ()) -> None:
        self._ways: dict[str, list[_Way]] = {}
        self._names: dict[tuple[str, ...], _Way] = {}
        for topic in topics:
            label = LABELS.get(topic.kind)
            if label is not None:
                for tokens in sorted(ways_of(topic)):
                    way = _Way(tokens[1:], topic, label)
                    self._names.setdefault(tokens, way)
                    self._ways.setdefault(tokens[0], []).append(way)
        for ways in self._ways.values():
            ways.sort(key=lambda way: -len(way.rest))

    def settle(
        self, entities: Sequence[Entity], title: str, text: str, topics: Collection[str]
    ) -> tuple[Entity, ...]:
        """Return the names of one mention, each once, under their canonical spelling.

        ``entities`` are what models found in ``text`` and ``title``; ``topics`` the topics that the
        mention matched: those are known by their names in small letters too. Handles and hashtags
        count in any case. Names that differ in case, a possessive or an article are one.
        """
        settled: dict[str, Entity] = {}
        hits = {False: self._find(text, topics), True: self._find(title, topics)}
        for in_title, found in hits.items():
            for hit in found:
                entity = self._entity(hit, in_title, entities)
                settled.setdefault(entity.text.casefold(), entity)
        for entity in entities:
            way = self._topic_of(entity, hits[entity.in_title])
            if way is None:
                name = bare_name(entity.text)
                settled.setdefault(name.casefold(), entity.model_copy(update={"text": name}))
            elif way.topic.name.casefold() not in settled:
                named = entity.model_copy(update={"text": way.topic.name})
                settled[way.topic.name.casefold()] = named
        ordered = sorted(settled.values(), key=lambda found: (found.in_title, found.start))
        return tuple(ordered[:MAX_ENTITIES])

    def _find(self, text: str, topics: Collection[str]) -> list[_Hit]:
        """Return where topics are named, from left to right, the longest way at each place."""
        if not self._ways or not text:
            return []
        text = text[:CHARACTERS]
        tokens = tokenise(text)
        hits: list[_Hit] = []
        for place, token in enumerate(tokens):
            if hits and token.start < hits[-1].end:
                continue
            for way in self._ways.get(token.folded, ()):
                end = _end_of(way, tokens, place)
                if end is not None and _is_meant(text[token.start : end], way, topics):
                    hits.append(_Hit(token.start, end, way))
                    break
        return hits

    def _entity(self, hit: _Hit, in_title: bool, entities: Sequence[Entity]) -> Entity:
        """Return the topic as an entity; what a model calls the same place says its kind."""
        label = hit.way.label
        for entity in entities:
            if entity.in_title is in_title and (entity.start, entity.end) == (hit.start, hit.end):
                label = entity.label
        return Entity(
            text=hit.way.topic.name,
            label=label,
            start=hit.start,
            end=hit.end,
            in_title=in_title,
        )

    def _topic_of(self, entity: Entity, hits: Sequence[_Hit]) -> _Way | None:
        """Return the topic that a model's name stands for, or None for another name."""
        tokens = tuple(token.folded for token in tokenise(bare_name(entity.text)))
        if tokens in self._names:
            return self._names[tokens]
        for hit in hits:
            if hit.start <= entity.start and entity.end <= hit.end:
                return hit.way
            if entity.start <= hit.start and hit.end <= entity.end:
                inside = (hit.way.rest and (hit.way.rest[-1],)) or ()
                own = {*(token.folded for token in tokenise(hit.way.topic.name)), *inside}
                if all(token in own or token in _LEGAL for token in tokens):
                    return hit.way
        return None


def ways_of(topic: Topic) -> set[tuple[str, ...]]:
    """Return every way to write a topic, as folded tokens; a handle or hashtag is one token."""
    name = tuple(token.folded for token in tokenise(topic.name))
    ways = {name} if name else set()
    for alias in topic.aliases:
        ways.add(tuple(token.folded for token in tokenise(alias)))
    compact = _compact(name)
    for tokens in _positive(parse(topic.query)):
        other = _compact(tokens)
        is_part = other in compact or compact in other
        if is_part and min(len(other), len(compact)) >= SHORTEST:
            ways.add(tokens)
    return {way for way in ways if way}


def bare_name(name: str) -> str:
    """Return a name without an article before it or a possessive behind it."""
    bare = _POSSESSIVE.sub("", " ".join(name.split()))
    return _ARTICLE.sub("", bare) or name


def _positive(node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the words and phrases that a query looks for, not those that it shuts out."""
    match node:
        case Word(token):
            yield (token.casefold(),)
        case Phrase(tokens):
            yield tuple(token.casefold() for token in tokens)
        case Near(left, right):
            for tokens in (*left, *right):
                yield tuple(token.casefold() for token in tokens)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _positive(operand)
        case Not():
            return


def _compact(tokens: Sequence[str]) -> str:
    return "".join(char for token in tokens for char in token if char.isalnum())


def _end_of(way: _Way, tokens: Sequence[Token], place: int) -> int | None:
    """Return where a way that begins at ``place`` ends; None if the text goes on otherwise."""
    behind = tokens[place + 1 : place + 1 + len(way.rest)]
    if tuple(token.folded for token in behind) != way.rest:
        return None
    return behind[-1].end if behind else tokens[place].end


def _is_meant(written: str, way: _Way, topics: Collection[str]) -> bool:
    """Whether what is written names the topic: it may be an ordinary word in small letters."""
    return written[0] in "#@＃＠" or way.topic.name in topics or written != written.lower()
