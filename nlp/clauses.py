"""Cut a text into clauses, and find those that speak of a topic.

A clause here is what stands between the marks that end a thought: full stops, semicolons, dashes,
lines, and words of contrast ("but", "whereas"). Where one clause names several topics it is cut
once more, at a comma or an "and" between them, if both halves then say something ("love Acme and
hate Zenith", not "Acme and Zenith"). No parser is asked: it would take longer than all the rest of
an enrichment, and posts are not written in its grammar.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from core.text import tokenise

Span = tuple[int, int]
"""Characters from the first number on and before the second."""

CHARACTERS: Final = 10_000
"""Longer texts are cut: articles name their subject early."""


@dataclass(frozen=True, slots=True)
class Words:
    """A language's words that part clauses, that join them, and that point back.

    ``contrast`` and ``joint`` are alternatives of a pattern. ``pointing`` words open a clause that
    goes on about what was named before, perhaps after one of ``openers``.
    """

    contrast: str
    joint: str
    pointing: str
    openers: str


WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        "but|whereas|although|though|however|yet|unlike|except|instead of|(?<!a )while",
        "and|or|plus",
        "it|its|it's|they|they're|their|them|he|he's|his|him|she|she's|her|this|that|that's|these"
        "|those|which|who",
        "and|but|because|cause|cuz|so|although|though|however|yet|also|plus|then|now|well|oh|lol",
    ),
    "de": Words(
        "aber|während|wohingegen|obwohl|jedoch|dagegen|hingegen|sondern|allerdings",
        "und|oder|sowie",
        "er|sie|es|ihn|ihm|ihr|ihre|sein|seine|das|dies|diese|dieser|dieses|die|der",
        "und|aber|denn|weil|doch|auch|dann|also|jetzt|ach",
    ),
    "fr": Words(
        "mais|tandis que|alors que|cependant|pourtant|toutefois|bien que",
        "et|ou",
        "il|elle|ils|elles|ce|c'est|cela|ça|ceci|lui|leur|leurs|son|sa|ses|celui-ci|celle-ci",
        "et|mais|car|parce que|donc|aussi|puis|alors|ah",
    ),
    "es": Words(
        "pero|mientras que|mientras|aunque|sin embargo|sino|en cambio",
        "y|e|o|u",
        "él|ella|ellos|ellas|lo|la|los|las|eso|esto|este|esta|ese|esa|su|sus",
        "y|pero|porque|así que|también|luego|ahora|ah",
    ),
    "it": Words(
        "ma|mentre|però|tuttavia|invece|sebbene|bensì",
        "e|ed|o",
        "lui|lei|loro|esso|essa|questo|questa|quello|quella|lo|la|suo|sua|suoi|sue",
        "e|ma|perché|quindi|anche|poi|ora|ah",
    ),
    "pt": Words(
        "mas|enquanto|porém|embora|contudo|entretanto|no entanto",
        "e|ou",
        "ele|ela|eles|elas|isso|isto|esse|essa|este|esta|seu|sua|seus|suas",
        "e|mas|porque|então|também|depois|agora|ah",
    ),
}
"""By language; a text in another one is cut at punctuation alone."""

_STOP = (
    r"""[.!?…]+["'”’»)\]]*(?=\s|$) | [。！？]+ | [\r\n]+ | [;；]+ | (?<=\s)[–—-]{1,3}(?=\s)"""
    r""" | (?<=\s)/{1,2}(?=\s)"""
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|vs|no|inc|co|corp|ltd|jr|sr|prof|gen|rep|sen|gov|bzw|ca|z\.b|e\.g|i\.e"
    r"|u\.s|u\.k)|\b[^\W\d_])$",
    re.IGNORECASE,
)
_ABBREVIATION_CHARACTERS = 8
_EMPTY_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """a an the of to in on at by for with from and or but so as is are was were be been am do
        does did have has had will would can could i you we my your our me us both too also just
        rt via not der die das ein eine und oder ist sind le la les un une et ou est sont el los
        las y es son il lo gli e di da do du de des del""",
    )
)
"""Words that alone say nothing: half a clause of them and a name is no clause."""


def passages(
    text: str, matches: Mapping[str, Sequence[Span]], language: str
) -> dict[str, tuple[Span, ...]]:
    """Return where ``text`` speaks of each topic: runs of clauses, in order, without overlap.

    ``matches`` are the places where each topic is named, ascending. A run holds the clauses that
    name the topic and those right after them that point back and name no other topic. A topic
    that is not named in the first ``CHARACTERS`` has none.
    """
    named = {topic: _Places(spans) for topic, spans in matches.items()}
    pieces = [
        part
        for piece in clauses(text[:CHARACTERS], language)
        for part in _parted(text, piece, named, language)
    ]
    topics_of = [{topic for topic, at in named.items() if at.touch(*piece)} for piece in pieces]
    points_back = [
        not topics and _points_back(text[start:end], language)
        for (start, end), topics in zip(pieces, topics_of, strict=True)
    ]
    found = {}
    for topic in matches:
        runs: list[Span] = []
        is_open = False
        for piece, topics, is_led in zip(pieces, topics_of, points_back, strict=True):
            was_open, is_open = is_open, topic in topics or (is_open and is_led)
            if is_open and was_open:
                runs[-1] = (runs[-1][0], piece[1])
            elif is_open:
                runs.append(piece)
        found[topic] = tuple(_trimmed(text, run) for run in runs)
    return found


class _Places:
    """Spans in order and without overlap, asked for those in some part of the text."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._ends = [end for _, end in spans]

    def touch(self, start: int, end: int) -> bool:
        """Return whether any span has a character in [start, end)."""
        at = bisect_right(self._ends, start)
        return at < len(self._spans) and self._spans[at][0] < end

    def within(self, start: int, end: int) -> list[Span]:
        """Return the spans that lie in [start, end) as a whole."""
        first, last = bisect_right(self._ends, start), bisect_right(self._ends, end)
        return [span for span in self._spans[first:last] if span[0] >= start]


def clauses(text: str, language: str) -> list[Span]:
    """Return the clauses of ``text`` in order; together they are all of it but empty ones."""
    found = []
    start = 0
    for match in _cuts(language).finditer(text):
        if match["stop"] is not None:
            before = text[max(match.start() - _ABBREVIATION_CHARACTERS, 0) : match.start()]
            if match["stop"] == "." and _ABBREVIATION.search(before):
                continue
            at = match.end()
        else:
            at = match.start()
        if text[start:at].strip():
            found.append((start, at))
            start = at
    if text[start:].strip():
        found.append((start, len(text)))
    return found


def _parted(text: str, piece: Span, named: Mapping[str, _Places], language: str) -> Iterator[Span]:
    """Yield a clause in parts of one topic each, as far as each part says something."""
    start, end = piece
    inside = sorted((span, topic) for topic, at in named.items() for span in at.within(start, end))
    if len({topic for _, topic in inside}) > 1:
        words = _telling_words(text, piece, [span for span, _ in inside])
        for (one, topic), (other, next_topic) in pairwise(inside):
            if topic == next_topic or one[1] > other[0]:
                continue
            joints = [match.start() for match in _joints(language).finditer(text, one[1], other[0])]
            for at in reversed(joints):
                if _has_any(words, start, at) and _has_any(words, at, end):
                    yield start, at
                    start = at
                    break
    yield start, end


def _telling_words(text: str, piece: Span, names: Sequence[Span]) -> list[int]:
    """Return where the words begin that are neither empty nor part of a name."""
    found = []
    at = 0
    for token in tokenise(text[piece[0] : piece[1]]):
        start, end = piece[0] + token.start, piece[0] + token.end
        while at < len(names) and names[at][1] <= start:
            at += 1
        is_name = at < len(names) and names[at][0] < end
        if not is_name and token.folded not in _EMPTY_WORDS:
            found.append(start)
    return found


def _has_any(places: Sequence[int], start: int, end: int) -> bool:
    """Whether any of the ascending ``places`` lies in [start, end)."""
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _points_back(clause: str, language: str) -> bool:
    pattern = _pointing(language)
    return pattern is not None and pattern.match(clause) is not None


def _trimmed(text: str, span: Span) -> Span:
    """Return the span without spaces at its ends and the comma that it begins with."""
    held = text[span[0] : span[1]]
    return span[0] + len(held) - len(held.lstrip(" \t\r\n,;")), span[0] + len(held.rstrip())


@cache
def _cuts(language: str) -> re.Pattern[str]:
    words = WORDS.get(language)
    pattern = rf"(?P<stop>{_STOP})"
    if words is not None:
        contrast = words.contrast.replace(" ", r"\s")
        pattern += rf"|(?P<contrast>(?:,\s?)?\b(?:{contrast})\b)"
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


@cache
def _joints(language: str) -> re.Pattern[str]:
    words = WORDS.get(language)
    joint = rf"|\b(?:{words.joint})\b" if words is not None else ""
    return re.compile(rf"[,:、،]|\s[&+]\s|\svs?\.?\s{joint}", re.IGNORECASE)


@cache
def _pointing(language: str) -> re.Pattern[str] | None:
    words = WORDS.get(language)
    if words is None:
        return None
    return re.compile(
        rf"[\W_]{{0,8}}(?:(?:{words.openers})\b[\W_]{{1,8}}){{0,3}}(?:{words.pointing})\b",
        re.IGNORECASE,
    )
