"""The activation kit: what a campaign needs to reach people like a segment, without any person.

Every line counts at least ``MINIMUM_GROUP`` different authors; smaller groups are left out, because
a rare value can point at one account. A value that holds an author's handle, name or id is left out
too, however many use it: people are spoken to by name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from audiences.segments import Member
from core.fields import FIELDS
from core.mention import Mention
from core.text import tokenise
from insights.log_odds import OverIndex, over_indexed

MINIMUM_GROUP = 10
SHOWN = 40
SHORTEST_WORD = 4
SURE_Z = 1.96


@dataclass(frozen=True, slots=True)
class KitLine:
    """One value that the segment holds: authors with it, and how far it stands out.

    ``factor`` is the share of the segment's authors over that of all others, None where no other
    author holds it; ``is_typical`` says that the difference is more than chance (95 %).
    """

    value: str
    authors: int
    factor: float | None
    is_typical: bool


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts of an activation kit, and how many authors it stands for."""

    authors: int
    others: int
    parts: dict[str, tuple[KitLine, ...]]

    @property
    def is_suppressed(self) -> bool:
        """Whether the segment is too small to say anything about it."""
        return self.authors < MINIMUM_GROUP


class People:
    """The authors behind a segment, to keep them out of what is written about it."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._names: set[tuple[str, ...]] = set()
        for member in members:
            author = member.author
            for told in (author.handle, author.name, author.id, author.id.rpartition("/")[2]):
                self._names.add(_pieces(told or ""))
        self._names.discard(())
        self._longest = max(map(len, self._names), default=0)

    def stand_in(self, text: str) -> bool:
        """Return whether any author's handle, name or id stands in ``text``, as whole words."""
        pieces = _pieces(text)
        return any(
            pieces[at : at + length] in self._names
            for at in range(len(pieces))
            for length in range(1, min(self._longest, len(pieces) - at) + 1)
        )


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.casefold()))


Values = Callable[[Mention], Iterable[str]]

CLOSED_PARTS: Collection[str] = ("languages", "channels", "active_hours")
"""Parts whose values nobody chose, so that none of them can name a person."""


def build_kit(members: Sequence[Member], others: Sequence[Member], zone: str) -> Kit:
    """Return what ``members`` have in common, compared with ``others`` who named the topic too."""
    parts = {}
    if len(members) >= MINIMUM_GROUP:
        people = People([*members, *others])
        for name, values in _parts(zone).items():
            inside, outside = _authors_by(members, values), _authors_by(others, values)
            if name not in CLOSED_PARTS:
                inside = {value: n for value, n in inside.items() if not people.stand_in(value)}
            found = over_indexed(inside, len(members), outside, len(others), minimum=MINIMUM_GROUP)
            parts[name] = _lines(inside, outside, found, (len(members), len(others)))
    return Kit(len(members), len(others), parts)


def _parts(zone: str) -> dict[str, Values]:
    local = ZoneInfo(zone)

    def field(name: str) -> Values:
        return lambda mention: (str(value) for value in FIELDS[name].read(mention))

    return {
        "keywords": _words,
        "hashtags": field("hashtag"),
        "names": field("entity"),
        "domains": field("domain"),
        "languages": field("lang"),
        "channels": field("channel"),
        "active_hours": lambda m: [f"{m.published_at.astimezone(local):%A %H}:00"],
    }


def _words(mention: Mention) -> set[str]:
    tokens = tokenise(f"{mention.title or ''} {mention.text}")
    return {
        token.folded
        for token in tokens
        if token.folded.isalpha() and len(token.folded) >= SHORTEST_WORD
    }


def _authors_by(members: Sequence[Member], values: Values) -> dict[str, int]:
    """Return how many different authors hold each value."""
    counts: dict[str, int] = defaultdict(int)
    for member in members:
        for value in {value for mention in member.mentions for value in values(mention)}:
            counts[value] += 1
    return counts


def _lines(
    inside: dict[str, int],
    outside: dict[str, int],
    found: Sequence[OverIndex],
    totals: tuple[int, int],
) -> tuple[KitLine, ...]:
    """Return the typical values first, the surest before; then the most frequent others."""
    typical = [one.value for one in found if one.z >= SURE_Z]
    frequent = sorted(inside, key=lambda value: (-inside[value], value))
    lines = []
    for value in dict.fromkeys([*typical, *frequent]):
        if inside[value] < MINIMUM_GROUP:
            continue
        share, other = inside[value] / totals[0], outside.get(value, 0) / max(totals[1], 1)
        factor = share / other if other else None
        lines.append(KitLine(value, inside[value], factor, value in set(typical)))
    return tuple(lines[:SHOWN])


BRIEF = {
    "keywords": "Words they use. Bid on the typical ones; write copy in them.",
    "hashtags": "Hashtags to follow, to use and to target.",
    "names": "People, organisations and places they name.",
    "domains": "Sites they link to: placements, and outlets to pitch.",
    "languages": "Languages to advertise in.",
    "channels": "Kinds of places where they speak.",
    "active_hours": "When they publish, in the installation's time zone.",
}


def describe(kit: Kit, segment: str, definition: str, *, is_synthetic: bool) -> str:
    """Return the kit as a page of Markdown that a media planner can work from."""
    lines = [f"# Activation kit: {_plain(segment)}", ""]
    if is_synthetic:
        lines += ["**Synthetic data, made up for the demo.**", ""]
    lines += [
        f"{kit.authors:,} authors, compared with {kit.others:,} others who named the same topic.",
        f"Definition: {_plain(definition)}.",
        f"No person stands in this kit; every line counts at least {MINIMUM_GROUP} authors.",
        "",
        "## Look-alike brief",
        "",
        _look_alike(kit),
    ]
    for name, found in kit.parts.items():
        lines += ["", f"## {name.replace('_', ' ').capitalize()}", "", BRIEF[name], ""]
        if not found:
            lines.append("Nothing that enough authors share.")
            continue
        lines += ["| value | authors | against others | typical |", "|---|---:|---:|---|"]
        for line in found:
            factor = f"{line.factor:.1f} x" if line.factor is not None else "only here"
            value = _plain(line.value)
            mark = "yes" if line.is_typical else ""
            lines.append(f"| {value} | {line.authors} | {factor} | {mark} |")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return ``text`` on one line, without what Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", " ".join(text.split()))


def _look_alike(kit: Kit) -> str:
    """Return one paragraph to paste into an ad platform's brief."""
    told = []
    for name, words in (
        ("hashtags", "use the hashtags {}"),
        ("keywords", "say {}"),
        ("domains", "link to {}"),
        ("active_hours", "publish most on {}"),
        ("languages", "write in {}"),
    ):
        typical = [line.value for line in kit.parts.get(name, ()) if line.is_typical][:4]
        if typical:
            told.append(words.format(", ".join(map(_plain, typical))))
    if not told:
        return "They do not differ from the others by more than chance."
    return f"People who {'; '.join(told)}."
