"""What ``groundswell evaluate`` can measure: one evaluator a kind, in one table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from core.errors import BadInputError, UsageError
from core.mention import Emotion, Mention, TopicTag
from core.query.ast import Everything, Node, Not, Phrase, Word
from core.settings import Settings
from core.text import tokenise
from core.themes import DEFAULT_THEMES, Theme
from core.window import EPOCH as _ANY_TIME
from nlp.evaluation import (
    F32,
    Classifier,
    evaluate,
    measure,
    measure_found,
    reads_texts,
)
from nlp.evaluation_files import (
    SENTIMENTS,
    Labelled,
    Labels,
    TaggedText,
    read_labelled,
    read_table,
    read_tagged,
)
from nlp.gate import trusted_language
from nlp.language import UNDETERMINED, detect_language, language_model_name, primary_code
from nlp.network import Reading
from nlp.sentiment import SentimentModel, load_configured
from nlp.target import TargetModel, TargetReader, TopicReader
from nlp.themes.evaluation import evaluate_themes

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


def measure_file(
    kind: str, path: Path, settings: Settings, themes: Sequence[Theme] = DEFAULT_THEMES
) -> dict[str, Any]:
    """Measure what ``settings`` configure on the file at ``path``; raises UsageError, too.

    ``themes`` are configured beside them, and only for the kind of that name.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot evaluate {kind!r} (allowed: {', '.join(KINDS)})")
    if kind == "themes":
        return {"kind": kind, **evaluate_themes(path, themes=themes)}
    return {"kind": kind, **KINDS[kind].run(path, settings)}


# --- classifiers of texts


def _sentiment(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path)
    models = load_configured(settings.models)
    found = Classifier(
        " / ".join(model.name for model in models),
        SENTIMENTS,
        frozenset().union(*(model.languages for model in models)),
        lambda rows: _by_language(rows, models, settings),
        _minimum_confidence(models[0], "sentiment", settings),
    )
    return evaluate(data, found, settings.languages)


def _by_language(data: Labelled, models: Sequence[SentimentModel], settings: Settings) -> F32:
    """Return what the model of each row's language says, as the file names it or as it is found.

    Rows in no language of theirs are read by the model that reads most of the others.
    """
    claims = data.languages or (None,) * len(data.texts)
    codes = [
        primary_code(claim) or trusted_language(text, None, settings.languages)
        for text, claim in zip(data.texts, claims, strict=True)
    ]
    known = [
        next((index for index, model in enumerate(models) if code in model.languages), None)
        for code in codes
    ]
    usual = Counter(index for index in known if index is not None).most_common(1)
    other = usual[0][0] if usual else 0
    chosen = [other if index is None else index for index in known]
    result = np.zeros((len(data.texts), len(SENTIMENTS)), dtype=np.float32)
    for index, model in enumerate(models):
        rows = [row for row, choice in enumerate(chosen) if choice == index]
        if rows:
            result[rows] = model.probabilities([data.texts[row] for row in rows])
    return result


def _emotion(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path, EMOTIONS)
    return evaluate(data, _head("emotion", EMOTIONS, settings), settings.languages)


def _offensive(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path, OFFENSIVE, same=OFFENSIVE_SPELLINGS)
    return evaluate(data, _head("offensive", OFFENSIVE, settings), settings.languages)


def _head(head: str, labels: tuple[str, ...], settings: Settings) -> Classifier:
    """Return one head of the configured model; raises UsageError where it has no such head."""
    # One that leaves the easy texts to another says nothing else about them: here it reads all.
    thorough = settings.models.model_copy(update={"thorough": True})
    model = load_configured(thorough)[0]

    def probabilities(texts: Sequence[str]) -> F32:
        said = getattr(model.read(texts), head) if isinstance(model, Reader) else None
        if said is None:
            raise UsageError(
                f"models.sentiment: {model.name} says nothing about {head}; name a model that has "
                "that head, such as default"
            )
        return np.column_stack([1 - said, said]) if said.ndim == 1 else said

    return Classifier(
        model.name,
        labels,
        model.languages,
        reads_texts(probabilities),
        _minimum_confidence(model, head, settings),
    )


def _minimum_confidence(model: SentimentModel, head: str, settings: Settings) -> float:
    """Return below which confidence the product says nothing; 0 where nobody names one."""
    configured = settings.models.minimum_confidence
    if configured is not None and head == "sentiment":
        return configured
    own: Mapping[str, float] = getattr(model, "minimum_confidence", {})
    return own.get(head, 0.0)


# --- sentiment towards a target


def _target(path: Path, settings: Settings) -> dict[str, Any]:
    data = read_labelled(path, columns=("text", "target", "label"))
    reader = TargetReader(load_configured(settings.models)[0], settings.models.minimum_confidence)
    found = Classifier(
        reader.model.name,
        SENTIMENTS,
        reader.model.languages,
        lambda rows: read_towards(reader.model, rows.texts, rows.targets or ()),
        reader.minimum_confidence,
    )
    return evaluate(data, found, settings.languages)


def read_towards(model: TargetModel, texts: Sequence[str], targets: Sequence[str]) -> F32:
    """Return what each text says towards its target, as an enrichment would find it for a topic.

    A target that does not stand in its text is asked of the whole text.
    """
    asked = []
    for text, target in zip(texts, targets, strict=True):
        reader = TopicReader({"target": named_query(target)})
        mention = Mention(id="row", text=text, topics=(TopicTag(name="target"),))
        parts = reader.ask(mention, "en", of_whole=True)["target"]
        asked.append([part.pair for part in parts] or [(text, target)])
    pairs = sorted({pair for row in asked for pair in row})
    said = dict(zip(pairs, model.towards(pairs), strict=True))
    return np.stack([np.mean([said[pair] for pair in row], axis=0) for row in asked])


def named_query(target: str) -> Node:
    """Return the query of a topic that is called ``target``; nothing where that has no word."""
    tokens = tuple(token.folded for token in tokenise(target))
    if not tokens:
        return Not(Everything())
    return Phrase(tokens) if len(tokens) > 1 else Word(tokens[0])


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


def _themes(path: Path, _: Settings) -> dict[str, Any]:
    return evaluate_themes(path)


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("sentiment", "a TSV of text and label (negative, neutral, positive)", _sentiment),
        Kind("emotion", f"a TSV of text and label ({', '.join(EMOTIONS)})", _emotion),
        Kind("offensive", f"a TSV of text and label ({', '.join(OFFENSIVE)})", _offensive),
        Kind("target", "a TSV of text, target and label (as for sentiment)", _target),
        Kind("language", "a TSV of text and language (a code such as en)", _language),
        Kind(
            "entities", "a CoNLL file: a token, a tab and its tag (O, B-person) a line", _entities
        ),
        Kind("themes", "a TSV of text and label, or JSON lines of text and topics", _themes),
    )
}
"""What can be measured, by the word that the command takes."""
