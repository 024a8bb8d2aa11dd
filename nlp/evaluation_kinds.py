"""What ``groundswell evaluate`` can measure: one evaluator a kind, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from core.errors import BadInputError, UsageError
from core.mention import Emotion, Mention
from core.settings import Settings
from core.window import EPOCH as _ANY_TIME
from nlp.evaluation import F32, Classifier, evaluate, measure, measure_found
from nlp.evaluation_files import (
    SENTIMENTS,
    Labels,
    TaggedText,
    read_labelled,
    read_table,
    read_tagged,
)
from nlp.language import UNDETERMINED, detect_language, language_model_name, primary_code
from nlp.sentiment import SentimentModel, load_sentiment

EMOTIONS: Final = tuple(label.value for label in Emotion)
OFFENSIVE: Final = ("not_offensive", "offensive")
OFFENSIVE_SPELLINGS: Final = {
    "non-offensive": "not_offensive",
    "not-offensive": "not_offensive",
    "non_offensive": "not_offensive",
}

ENTITY_GROUPS: Final[Mapping[str, str]] = {
    "PER": "person",
    "PERSON": "person",
    "LOC": "place",
    "LOCATION": "place",
    "GPE": "place",
    "FAC": "place",
    "ORG": "organisation",
    "CORPORATION": "organisation",
    "GROUP": "organisation",
    "PRODUCT": "product",
    "CREATIVE-WORK": "work",
    "WORK_OF_ART": "work",
    "NORP": "people",
    "EVENT": "event",
}
"""Labels of files and of the model -> what is compared: data sets cut the same names otherwise."""


class Reading(Protocol):
    """What a model of several heads says of texts; None for a head that it has not."""

    @property
    def emotion(self) -> F32 | None:
        """Probabilities, shape (texts, 4) in the order of EMOTIONS."""

    @property
    def offensive(self) -> F32 | None:
        """How probable it is that each text offends, shape (texts,)."""


@runtime_checkable
class Reader(Protocol):
    """A model of several heads."""

    def read(self, texts: Sequence[str]) -> Reading:
        """Return what each head says of each text."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to measure: the file it wants, in words, and what measures it.

    ``run`` takes the file and the settings that name the models, and returns plain values. It
    raises BadInputError for the file, UsageError where the models say nothing of the kind, and
    ModelError.
    """

    name: str
    file: str
    run: Callable[[Path, Settings], dict[str, Any]]


def measure_file(kind: str, path: Path, settings: Settings) -> dict[str, Any]:
    """Measure what ``settings`` configure on the file at ``path``; raises UsageError, too."""
    if kind not in KINDS:
        raise UsageError(f"cannot evaluate {kind!r} (allowed: {', '.join(KINDS)})")
    return {"kind": kind, **KINDS[kind].run(path, settings)}


# --- classifiers of texts


def _load(settings: Settings) -> SentimentModel:
    models = settings.models
    return load_sentiment(models.sentiment, label_map=models.sentiment_labels or None)


def _sentiment(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path)
    model = _load(settings)
    found = Classifier(
        model.name,
        SENTIMENTS,
        model.languages,
        model.probabilities,
        _minimum_confidence(model, "sentiment"),
    )
    return evaluate(data, found, settings.languages)


def _emotion(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path, EMOTIONS)
    return evaluate(data, _head(_load(settings), "emotion", EMOTIONS), settings.languages)


def _offensive(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path, OFFENSIVE, same=OFFENSIVE_SPELLINGS)
    return evaluate(data, _head(_load(settings), "offensive", OFFENSIVE), settings.languages)


def _head(model: SentimentModel, head: str, labels: tuple[str, ...]) -> Classifier:
    """Return one head of a model as a classifier; raises UsageError where it has no such head."""

    def probabilities(texts: Sequence[str]) -> F32:
        said = getattr(model.read(texts), head) if isinstance(model, Reader) else None
        if said is None:
            raise UsageError(
                f"models.sentiment: {model.name} says nothing about {head}; name a model that has "
                "that head, such as default"
            )
        return np.column_stack([1 - said, said]) if said.ndim == 1 else said

    return Classifier(
        model.name, labels, model.languages, probabilities, _minimum_confidence(model, head)
    )


def _minimum_confidence(model: SentimentModel, head: str) -> float:
    """Return below which confidence the product says nothing; 0 where the model names none."""
    return float(getattr(model, "minimum_confidence", {}).get(head, 0.0))


# --- language


def _language(path: Path, settings: Settings) -> dict[str, Any]:
    """Measure the detector, told which languages the file holds, and as it is configured."""
    rows = read_table(path, ("text", "language"))
    texts = [row.cells["text"] for row in rows]
    codes = [_checked_code(path, row.number, row.cells["language"]) for row in rows]
    languages = sorted(set(codes) - {UNDETERMINED})
    detect_language("ready", languages)
    started = time.perf_counter()
    told = [detect_language(text, languages).code for text in texts]
    seconds = time.perf_counter() - started
    names = tuple(sorted({*codes, *told}))
    configured = [detect_language(text, settings.languages).code for text in texts]
    return {
        "model": language_model_name(),
        "candidates": languages,
        **measure(_indexes(codes, names), _indexes(told, names), names),
        "as_configured": _as_configured(codes, configured, settings.languages),
        "texts_per_second": round(len(texts) / max(seconds, 1e-9), 1),
    }


def _checked_code(path: Path, number: int, written: str) -> str:
    code = primary_code(written) or ""
    if not (2 <= len(code) <= 3 and code.isascii() and code.isalpha()):
        message = f"language {written!r} is no code; use en, de, ..., or und for none"
        raise BadInputError(f"{path}: row {number}: {message}")
    return code


def _as_configured(
    codes: Sequence[str], found: Sequence[str], languages: Sequence[str]
) -> dict[str, Any]:
    """Return the accuracy on texts of the configured languages, and how many others pass as one."""
    pairs = list(zip(codes, found, strict=True))
    own = [(code, said) for code, said in pairs if code in languages]
    others = [said for code, said in pairs if code not in languages]
    passed = sum(said != UNDETERMINED for said in others)
    return {
        "languages": list(languages),
        "n": len(own),
        "accuracy": round(sum(code == said for code, said in own) / len(own), 4) if own else None,
        "others": len(others),
        "others_taken_for_one": round(passed / len(others), 4) if others else None,
    }


def _indexes(labels: Sequence[str], names: Sequence[str]) -> Labels:
    at = {name: index for index, name in enumerate(names)}
    return np.array([at[label] for label in labels], dtype=np.int64)


# --- entities


def _entities(path: Path, settings: Settings) -> dict[str, Any]:
    """Measure the names that an enrichment holds, by exact place and by place and kind."""
    from nlp.analyser import Analyser

    sentences = read_tagged(path, tuple(ENTITY_GROUPS))
    if not settings.models.entities:
        raise UsageError("models.entities is false: no names are looked for")
    analyser = Analyser.from_settings(settings)
    models = analyser.load()
    mentions = [
        Mention(id=str(number), text=sentence.text, language="en").with_version(1)
        for number, sentence in enumerate(sentences)
    ]
    started = time.perf_counter()
    outcomes = analyser.analyse(mentions, _ANY_TIME)
    seconds = time.perf_counter() - started
    found = [
        tuple((e.start, e.end, e.label) for e in outcome.mention.enrichment.entities)
        if outcome.mention.enrichment
        else ()
        for outcome in outcomes
    ]
    groups = tuple(dict.fromkeys(ENTITY_GROUPS.values()))
    typed = measure_found(_hits(sentences, found, groups), groups)
    spans = measure_found(_hits(sentences, found, ("name",)), ("name",))
    return {
        "model": ", ".join(models),
        **typed,
        "span_only": {name: spans[name] for name in ("precision", "recall", "f1", "interval_95")},
        "texts_per_second": round(len(sentences) / max(seconds, 1e-9), 1),
    }


Spans = Sequence[tuple[int, int, str]]


def _hits(
    sentences: Sequence[TaggedText], found: Sequence[Spans], groups: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return right, wrong and missed names, shape (texts, groups, 3); one group takes all."""
    counts = np.zeros((len(sentences), len(groups), 3))
    for row, (sentence, spans) in enumerate(zip(sentences, found, strict=True)):
        wanted, got = (
            {
                (*_bare(sentence.text, start, end), _group(label, groups))
                for start, end, label in part
            }
            for part in (sentence.names, spans)
        )
        for part, names in enumerate((wanted & got, got - wanted, wanted - got)):
            for _, _, group in names:
                counts[row, group, part] += 1
    return counts


def _group(label: str, groups: Sequence[str]) -> int:
    return groups.index(ENTITY_GROUPS[label]) if len(groups) > 1 else 0


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the place of a name without the # or @ that it is written with."""
    while start < end and text[start] in "#@":
        start += 1
    return start, end


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("sentiment", "a TSV of text and label (negative, neutral, positive)", _sentiment),
        Kind("emotion", f"a TSV of text and label ({', '.join(EMOTIONS)})", _emotion),
        Kind("offensive", f"a TSV of text and label ({', '.join(OFFENSIVE)})", _offensive),
        Kind("language", "a TSV of text and language (a code such as en)", _language),
        Kind(
            "entities", "a CoNLL file: a token, a tab and its tag (O, B-person) a line", _entities
        ),
    )
}
"""What can be measured, by the word that the command takes."""
