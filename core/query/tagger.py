"""Which topics a mention belongs to, in time that grows with mentions and not with topics.

Of every query some keys are known without one of which it cannot match: words, pieces of words,
values of fields. One pass over a mention's tokens finds whose keys are there; only those topics'
queries are evaluated, and the few that have no such keys (``NOT acme``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import ahocorasick

from core.mention import Mention, TopicTag
from core.query.ast import And, FieldIs, Near, Node, Or, Phrase, Wildcard, Word
from core.query.evaluate import TokenisedMention, matches
from core.query.patterns import literals
from core.text import fold

_COARSE_FIELDS = frozenset({"channel", "lang", "own", "service", "source", "synthetic"})
"""Fields with few different values: as keys they would let most mentions through."""


@dataclass(frozen=True, slots=True)
class Key:
    """Something that a mention has or has not: a token, a piece of one, or a field's value.

    ``field`` is a field's name, ``""`` for a whole token and ``"*"`` for a piece of a token.
    """

    field: str
    value: str

    @property
    def frequency(self) -> float:
        """A guess at the share of mentions that have it; long words are rarer than short ones."""
        if self.field in _COARSE_FIELDS:
            return 0.5
        return 2.0 ** -min(len(self.value), 12)


Keys = frozenset[Key]


class Tagger:
    """Tags mentions with topics. Give each topic as (name, version of its query, query)."""

    def __init__(self, topics: Sequence[tuple[str, int, Node]]) -> None:
        self._topics = [
            (TopicTag(name=name, query_version=version), node)
            for name, version, node in sorted(topics, key=lambda topic: topic[0])
        ]
        self._always: list[int] = []
        self._tokens: dict[str, list[int]] = {}
        self._pieces: dict[str, list[int]] = {}
        self._fields: dict[str, dict[str, list[int]]] = {}
        for number, (_, node) in enumerate(self._topics):
            self._file(number, required_keys(node))
        self._automaton = _automaton(self._pieces)

    def _file(self, number: int, keys: Keys | None) -> None:
        if keys is None:
            self._always.append(number)
            return
        for key in keys:
            if key.field == "":
                table = self._tokens
            elif key.field == "*":
                table = self._pieces
            else:
                table = self._fields.setdefault(key.field, {})
            table.setdefault(key.value, []).append(number)

    def tag(self, mention: Mention | TokenisedMention) -> tuple[TopicTag, ...]:
        """Return a tag for each topic whose query matches, sorted by name."""
        if isinstance(mention, Mention):
            mention = TokenisedMention(mention)
        return tuple(
            self._topics[number][0]
            for number in sorted(self._candidates(mention))
            if matches(self._topics[number][1], mention)
        )

    def _candidates(self, mention: TokenisedMention) -> set[int]:
        """Return the numbers of the topics whose query may match."""
        found = set(self._always)
        for stream in (mention.text, mention.title):
            if stream is None:
                continue
            for token in self._tokens.keys() & stream.folded.keys():
                found.update(self._tokens[token])
            if self._automaton is not None:
                for _, numbers in self._automaton.iter(f" {' '.join(stream.folded)} "):
                    found.update(numbers)
        for field, table in self._fields.items():
            for value in mention.values(field):
                written = value if isinstance(value, str) else str(value).lower()
                found.update(table.get(written, ()))
        return found


def required_keys(node: Node) -> Keys | None:
    """Return keys without at least one of which no mention matches; None if there are no such."""
    match node:
        case Word(token, _, is_cased):
            return frozenset({_token_key(token, is_cased=is_cased)})
        case Phrase(tokens, _, _, is_cased):
            keys = [_token_key(token, is_cased=is_cased) for token in tokens]
            return frozenset({min(keys, key=lambda key: key.frequency)})
        case Near(left, right):
            return reduce(_rarer, (_choice_keys(left), _choice_keys(right)))
        case Wildcard(pattern):
            # Spaces stand between tokens, so they hold a piece to a token's beginning or end.
            piece = max(literals(f" {pattern} "), key=len)
            return frozenset({Key("*", piece)}) if piece.strip() else None
        case FieldIs(field, value):
            return frozenset({Key(field, value)})
        case Or(operands):
            choices = [required_keys(operand) for operand in operands]
            known = [keys for keys in choices if keys is not None]
            return frozenset().union(*known) if len(known) == len(choices) else None
        case And(operands):
            each = [keys for keys in map(required_keys, operands) if keys is not None]
            return reduce(_rarer, each) if each else None
        case _:
            return None


def _choice_keys(choices: Sequence[Sequence[str]]) -> Keys:
    return frozenset(Key("", max(tokens, key=len)) for tokens in choices)


def _token_key(token: str, *, is_cased: bool) -> Key:
    return Key("", fold(token) if is_cased else token)


def _rarer(left: Keys, right: Keys) -> Keys:
    return min(left, right, key=lambda keys: sum(key.frequency for key in keys))


def _automaton(pieces: dict[str, list[int]]) -> ahocorasick.Automaton | None:
    """Return what finds all pieces in one pass over a text; None without pieces."""
    if not pieces:
        return None
    automaton = ahocorasick.Automaton()
    for piece, numbers in pieces.items():
        automaton.add_word(piece, numbers)
    automaton.make_automaton()
    return automaton
