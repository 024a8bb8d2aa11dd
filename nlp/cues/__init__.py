"""The words by which a text asks, complains, praises or wants something.

Each entry is the source of a regular expression over folded text: lower case, no accents, straight
apostrophes, one space apart. Entries stand between word boundaries. ``openers`` are only looked for
where a clause begins.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cues:
    """What to look for in one language.

    ``wishes`` ask for something to be done and ``hints`` may, ``asks`` ask for an answer.
    ``blames`` and ``lauds`` are sure signs of a complaint or praise, ``troubles`` and ``joys``
    become one together with another sign or with the text's sentiment. ``rhetorical`` questions
    want no answer. ``negations`` turn what follows them within three words around, and ``idioms``
    are praise that only sounds negated.
    """

    openers: tuple[str, ...]
    asks: tuple[str, ...]
    rhetorical: tuple[str, ...]
    wishes: tuple[str, ...]
    hints: tuple[str, ...]
    blames: tuple[str, ...]
    troubles: tuple[str, ...]
    lauds: tuple[str, ...]
    joys: tuple[str, ...]
    negations: tuple[str, ...]
    idioms: tuple[str, ...] = ()
