"""The small grammar in which the demo's texts are written.

A line of a section is a skeleton. In it ``{a|b|}`` picks one branch (branches nest) and ``<slot>``
takes a filler: either one that the caller sets, or a value drawn from ``slots.txt``. Sections are
drawn like cards from a shuffled deck, so that no skeleton comes again before all others have been.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

LANGUAGES = ("en", "es")
_ARTICLE = re.compile(r"\b([Aa]) (?=(?!uni|use|one|eu|once)[aeiou])", re.ASCII)
_AN_BEFORE_CONSONANT = re.compile(r"\b([Aa])n (?=(?:uni|use[ds]?\b|[bcdfgjklmnpqrstvwxyz]))")
_SPACES = re.compile(r"[ \t]{2,}")
_SPACE_BEFORE_MARK = re.compile(r" +([,.!?;:])(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a skeleton that takes a filler."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A place in a skeleton that takes one of its branches."""

    branches: tuple[Sequence, ...]


Sequence = tuple["str | Slot | Choice", ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """One compiled line; ``key`` names it (language:section:number)."""

    key: str
    body: Sequence
    slots: frozenset[str]


class SkeletonError(ValueError):
    """A line of the demo's texts does not parse."""


def compile_line(line: str) -> Sequence:
    """Return the compiled form of ``line``.

    Raises SkeletonError for a brace that is not closed or an angle bracket left open.
    """
    sequence, end = _parse(line, 0, inside=False)
    if end != len(line):
        raise SkeletonError(f"closing brace without an opening one: {line!r}")
    return sequence


def _parse(line: str, at: int, *, inside: bool) -> tuple[Sequence, int]:
    parts: list[str | Slot | Choice] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            parts.append("".join(plain))
            plain.clear()

    while at < len(line):
        char = line[at]
        if char == "{":
            flush()
            choice, at = _parse_choice(line, at)
            parts.append(choice)
        elif char == "<":
            flush()
            end = line.find(">", at)
            if end < 0:
                raise SkeletonError(f"'<' without '>': {line!r}")
            parts.append(Slot(line[at + 1 : end]))
            at = end + 1
        elif (char in "}|" and inside) or char == "}":
            break
        else:
            plain.append(char)
            at += 1
    flush()
    return tuple(parts), at


def _parse_choice(line: str, at: int) -> tuple[Choice, int]:
    branches: list[Sequence] = []
    while True:
        branch, at = _parse(line, at + 1, inside=True)
        branches.append(branch)
        if at >= len(line):
            raise SkeletonError(f"'{{' without '}}': {line!r}")
        if line[at] == "}":
            return Choice(tuple(branches)), at + 1


def slots_of(sequence: Sequence) -> frozenset[str]:
    """Return the names of all slots that ``sequence`` may ask for."""
    names: set[str] = set()
    for part in sequence:
        if isinstance(part, Slot):
            names.add(part.name)
        elif isinstance(part, Choice):
            for branch in part.branches:
                names |= slots_of(branch)
    return frozenset(names)


@cache
def load_sections() -> Mapping[str, tuple[Skeleton, ...]]:
    """Return all skeletons by ``language:section`` (``en:late``, ``es:tail``)."""
    sections: dict[str, list[Skeleton]] = {}
    for language in LANGUAGES:
        name = ""
        for line in _read(f"{language}*.txt"):
            if line.startswith("== "):
                name = f"{language}:{line[3:].strip()}"
                continue
            body = compile_line(line)
            section = sections.setdefault(name, [])
            section.append(Skeleton(f"{name}:{len(section) + 1}", body, slots_of(body)))
    return {name: tuple(skeletons) for name, skeletons in sections.items()}


@cache
def load_fillers() -> Mapping[str, tuple[Sequence, ...]]:
    """Return the compiled values of every slot of ``slots.txt``."""
    fillers: dict[str, tuple[Sequence, ...]] = {}
    for line in _read("slots*.txt"):
        name, _, values = line.partition(":")
        fillers[name.strip()] = tuple(compile_line(v.strip()) for v in values.split(" | "))
    return fillers


@cache
def load_swaps() -> Mapping[str, tuple[str, ...]]:
    """Return the words of ``swaps.txt`` with what may stand in their place."""
    lines = (line.partition(": ") for line in _read("swaps.txt"))
    return {word: tuple(others.split(" | ")) for word, _, others in lines}


def _read(pattern: str) -> list[str]:
    """Return the lines of the files that ``pattern`` names, in order of their names."""
    folder = resources.files("demo") / "texts"
    names = sorted(file.name for file in folder.iterdir() if fnmatchcase(file.name, pattern))
    texts = [(folder / name).read_text(encoding="utf-8") for name in names]
    lines = (line.strip() for text in texts for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("# ")]


def tidy(text: str) -> str:
    """Mend what filling leaves behind: doubled spaces, 'a apple', a space before a comma."""
    text = _SPACES.sub(" ", text).strip()
    text = _SPACE_BEFORE_MARK.sub(r"\1", text)
    text = _ARTICLE.sub(r"\1n ", text)
    return _AN_BEFORE_CONSONANT.sub(r"\1 ", text)


@dataclass(slots=True)
class Filling:
    """The fillers of one text: those set by the caller, and those drawn and kept for it."""

    fixed: dict[str, str]
    sticky: frozenset[str] = frozenset()
    used: list[str] = field(default_factory=list)


class Writer:
    """Draws skeletons and fills them, all from one random source."""

    def __init__(self, rng: random.Random) -> None:
        """Start with full decks; ``rng`` decides every draw."""
        self._rng = rng
        self._decks: dict[str, list[Skeleton]] = {}
        self._sections = load_sections()
        self._fillers = load_fillers()

    def draw(self, section: str) -> Skeleton:
        """Return the next skeleton of ``section``. Raises KeyError for an unknown section."""
        deck = self._decks.get(section)
        if not deck:
            deck = list(self._sections[section])
            self._rng.shuffle(deck)
            self._decks[section] = deck
        return deck.pop()

    def draw_any(self, sections: tuple[str, ...]) -> Skeleton:
        """Return the next skeleton of several sections taken as one deck."""
        name = "+".join(sections)
        deck = self._decks.get(name)
        if not deck:
            deck = [skeleton for section in sections for skeleton in self._sections[section]]
            self._rng.shuffle(deck)
            self._decks[name] = deck
        return deck.pop()

    def write(self, skeleton: Skeleton, filling: Filling) -> str:
        """Return ``skeleton`` with its slots filled, and note its key in ``filling.used``."""
        filling.used.append(skeleton.key)
        text = tidy(self._expand(skeleton.body, filling))
        return text[:1].upper() + text[1:]

    def _expand(self, sequence: Sequence, filling: Filling) -> str:
        out: list[str] = []
        for part in sequence:
            if isinstance(part, str):
                out.append(part)
            elif isinstance(part, Choice):
                branches = part.branches
                out.append(self._expand(branches[int(self._rng.random() * len(branches))], filling))
            else:
                out.append(self.fill(part.name, filling))
        return "".join(out)

    def fill(self, name: str, filling: Filling) -> str:
        """Return the filler of slot ``name``. Raises KeyError for a slot that nobody fills."""
        if (known := filling.fixed.get(name)) is not None:
            return known
        if name == "clock":
            return self._clock()
        if name == "order":
            return self._order()
        value = self._pick("city" if name == "city2" else name, filling)
        while name == "city2" and value == filling.fixed.get("city"):
            value = self._pick("city", filling)
        if name in filling.sticky:
            filling.fixed[name] = value
        return value

    def _pick(self, name: str, filling: Filling) -> str:
        values = self._fillers[name]
        return self._expand(values[int(self._rng.random() * len(values))], filling)

    def _clock(self) -> str:
        rng = self._rng
        hour, minute = rng.randint(6, 21), rng.randint(0, 59)
        style = rng.random()
        if style < 0.55:
            return f"{hour:02d}:{minute:02d}"
        half = "am" if hour < 12 else "pm"
        if style < 0.8:
            return f"{(hour - 1) % 12 + 1}{half}"
        return f"{(hour - 1) % 12 + 1}.{minute:02d}{half}"

    def _order(self) -> str:
        rng = self._rng
        style = rng.random()
        if style < 0.5:
            return f"PD{rng.randint(10**8, 10**9 - 1)}GB"
        if style < 0.8:
            return f"{rng.choice('KQRTVX')}{rng.choice('AEHLMN')}-{rng.randint(10000, 99999)}"
        return str(rng.randint(10**9, 10**10 - 1))
