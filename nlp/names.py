"""Names in English texts: spaCy's, corrected by the tagger that was trained on social text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from nlp.entities import (
    BATCH_TEXTS,
    TEXT_CHARACTERS,
    Name,
    SpacyEntities,
    keep_names,
    load_pipeline,
    spacy_tags,
)
from nlp.name_tagger import NameTagger, spans_of

if TYPE_CHECKING:
    from spacy.tokens import Doc

EDITED_CHARACTERS: Final = 400
"""A longer text is written with care, as those are that spaCy learned from: there its names count
too, where the tagger found none."""


class SocialEntities:
    """Finds names with spaCy's model and the tagger; implements ``EntityFinder``."""

    def __init__(self, tagger: NameTagger | None = None) -> None:
        self._pipeline = load_pipeline()
        self._tagger = tagger or NameTagger.load()

    @property
    def name(self) -> str:
        """Names and versions of both models, as stored beside every result."""
        return f"{SpacyEntities().name}+{self._tagger.name}"

    def find(self, texts: Sequence[str]) -> list[tuple[Name, ...]]:
        """Return the names in each of ``texts``, in order of appearance, each once."""
        cut = [text[:TEXT_CHARACTERS] for text in texts]
        docs = self._pipeline.pipe(cut, batch_size=BATCH_TEXTS)
        return [keep_names(self._spans(doc), doc.text, with_small=True) for doc in docs]

    def _spans(self, doc: Doc) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and label of each name; spaCy's label tells a country from a river."""
        tags = spacy_tags(doc)
        tokens = [token for token in doc if not token.is_space]
        found = self._tagger.tag([t.text for t in tokens], [tags[t.i] for t in tokens])
        labels = {token.i: span.label_ for span in doc.ents for token in span}
        spans = []
        taken: set[int] = set()
        for first, end, kind in spans_of(found):
            inside = [token.i for token in tokens[first:end]]
            taken.update(inside)
            finer = labels.get(inside[0], "")
            label = finer if kind == "LOC" and finer in {"GPE", "FAC", "LOC"} else kind
            last = tokens[end - 1]
            spans.append((tokens[first].idx, last.idx + len(last), label))
        if len(doc.text) > EDITED_CHARACTERS:
            spans += _missed(doc, tags, taken)
        yield from sorted(spans)


def _missed(doc: Doc, tags: Sequence[str], taken: set[int]) -> Iterator[tuple[int, int, str]]:
    """Yield spaCy's names of which the tagger took no token."""
    for span in doc.ents:
        if tags[span.start] != "O" and not any(token.i in taken for token in span):
            yield span.start_char, span.end_char, span.label_
