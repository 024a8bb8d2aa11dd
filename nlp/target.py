"""Sentiment towards a topic: what a text says of each of the topics that it matched.

A post that praises one brand and damns another counts as both. The topic's query says where the
text names it, ``nlp.clauses`` which passages speak of it, and a model what they say. Without a
model trained for that, the sentiment model reads the passages as if they were all that was written.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from core.mention import Mention, Sentiment, TopicSpan
from core.query.ast import Node
from core.query.highlight import spans
from nlp.clauses import CHARACTERS, Span, passages
from nlp.sentiment import LABELS, SentimentModel

F32 = npt.NDArray[np.float32]

Row = npt.NDArray[np.float32]
"""Probabilities in the order of LABELS."""

Pair = tuple[str, str]
"""A passage, and the words in it that name the target."""

SHORT_CHARACTERS: Final = 400
"""A text up to this length that names one topic is about that topic as a whole: what it says beside
the clause that names it ("Got the new Acme. Battery is awful.") it says of the topic, too."""

HEAD: Final = "target"
"""What a model of several heads calls the one for targets."""

REMEMBERED: Final = 10_000
"""Pairs whose answer is kept, so that copies which arrive later are not read again: 10 MB at most
of passages of the usual length."""

MAX_PASSAGES: Final = 4
"""Of a topic, in a title and a text: an article that says more says it again."""

MAX_PASSAGE: Final = 1_000
"""Characters of a passage that are read; a model reads a hundred words at most."""


@runtime_checkable
class TargetModel(Protocol):
    """Says how a passage speaks of a target that it names."""

    @property
    def name(self) -> str:
        """Name and version, as stored beside every result."""

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it was trained for."""

    def towards(self, pairs: Sequence[Pair]) -> F32:
        """Return probabilities, shape (pairs, 3) in the order of LABELS; rows sum to 1.

        A pair's row does not depend on the other pairs.
        """


class PassageSentiment:
    """A sentiment model as a target model: it reads the passage and knows of no target."""

    def __init__(self, model: SentimentModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Name and version of the sentiment model."""
        return self._model.name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it was trained for."""
        return self._model.languages

    def towards(self, pairs: Sequence[Pair]) -> F32:
        """Return the sentiment of the passages alone."""
        return self._model.probabilities([passage for passage, _ in pairs])


def target_model(model: SentimentModel) -> TargetModel:
    """Return the sentiment model's own head for targets, or else what reads passages with it."""
    heads: Collection[str] = getattr(model, "minimum_confidence", {})
    if isinstance(model, TargetModel) and HEAD in heads:
        return model
    return PassageSentiment(model)


class TargetReader:
    """Reads passages with one model and remembers what it lately said; threads may share it."""

    def __init__(self, model: SentimentModel, minimum_confidence: float | None = None) -> None:
        """Read with ``model``; below ``minimum_confidence`` nothing is said.

        By default what the card of the model says of the head that is asked, 0 where it says
        nothing.
        """
        self.model = target_model(model)
        self.is_trained = is_trained = not isinstance(self.model, PassageSentiment)
        own: Mapping[str, float] = getattr(model, "minimum_confidence", {})
        stated = own.get(HEAD if is_trained else "sentiment", 0.0)
        self.minimum_confidence = stated if minimum_confidence is None else minimum_confidence
        self.asks_of_whole: bool = is_trained and getattr(model, "is_thorough", True)
        self._known: OrderedDict[Pair, Row] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, pairs: Sequence[Pair]) -> list[Row]:
        """Return a row of probabilities a pair, in order."""
        with self._lock:
            known = {pair: self._known[pair] for pair in pairs if pair in self._known}
        fresh = sorted(set(pairs) - known.keys())
        if fresh:
            found = dict(zip(fresh, self.model.towards(fresh), strict=True))
            known |= found
            self._remember(found)
        return [known[pair] for pair in pairs]

    def _remember(self, found: Mapping[Pair, Row]) -> None:
        with self._lock:
            self._known.update(found)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """Where a text speaks of a topic, and the pair that a model is asked."""

    start: int
    end: int
    in_title: bool
    pair: Pair


@dataclass(frozen=True, slots=True)
class Whole:
    """What the text as a whole says: the sentiment (None if unsure) and how sure the model is."""

    sentiment: Sentiment | None
    confidence: float


Asked = Mapping[str, tuple[Passage, ...]]
"""Topics of one mention and the passages that speak of each; none where the whole text does."""


class TopicReader:
    """Finds the passages of each topic, and puts together what a model says of them."""

    def __init__(self, queries: Mapping[str, Node]) -> None:
        """Take the topics' parsed queries by name; a topic without one is read by whole texts."""
        self._queries = queries

    def ask(self, mention: Mention, language: str, *, of_whole: bool = False) -> Asked:
        """Return what is to be asked of the mention's passages, a topic at a time.

        The whole text decides for a topic that is named nowhere (its query read other things than
        words), and for the only topic of a short text; ``of_whole`` asks the model of those, too,
        where the text names them.
        """
        places = ((mention.title or "", True), (mention.text, False))
        names = mention.matched_topics
        is_about_one = len(names) == 1 and sum(len(text) for text, _ in places) <= SHORT_CHARACTERS
        if is_about_one and not of_whole:
            return dict.fromkeys(names, ())
        found: dict[str, list[Passage]] = {name: [] for name in names}
        for text, in_title in places:
            named = self._named(names, text, in_title=in_title)
            runs = {name: (_trimmed(text),) for name in named} if is_about_one else None
            for name, held in (runs or passages(text, named, language)).items():
                found[name] += _asked(text, held, named[name], in_title=in_title)
        return {name: tuple(asked[:MAX_PASSAGES]) for name, asked in found.items()}

    def _named(self, names: Iterable[str], text: str, *, in_title: bool) -> dict[str, list[Span]]:
        """Return where each of the topics is named in a title or a text, if anywhere."""
        place: Literal["title", "text"] = "title" if in_title else "text"
        nodes = ((name, self._queries.get(name)) for name in names)
        found = ((name, spans(node, text[:CHARACTERS], place)) for name, node in nodes if node)
        return {name: at for name, at in found if at}

    def answer(
        self,
        mention: Mention,
        asked: Asked,
        said: Mapping[Pair, Row],
        whole: Whole | None,
        minimum_confidence: float = 0.0,
    ) -> tuple[TopicSpan, ...]:
        """Return what is said towards each topic, with the passage that decided it.

        ``said`` holds a row of probabilities for each pair. Several passages are averaged, and the
        one that says the result most clearly is named.
        """
        found = []
        for name, parts in asked.items():
            if parts:
                rows = np.stack([said[part.pair] for part in parts])
                found.append(_decided(name, parts, rows, minimum_confidence))
            elif whole is not None:
                start, end, in_title = _everything(mention)
                found.append(
                    TopicSpan(
                        topic=name,
                        sentiment=whole.sentiment,
                        confidence=round(whole.confidence, 4),
                        start=start,
                        end=end,
                        in_title=in_title,
                    )
                )
        return tuple(found)


def pairs_of(asked: Iterable[Asked]) -> list[Pair]:
    """Return the different pairs of some mentions, sorted."""
    return sorted({part.pair for topics in asked for parts in topics.values() for part in parts})


def labels_of(found: Iterable[TopicSpan]) -> tuple[str, ...]:
    """Return ``topic|label`` for each topic towards which something is said."""
    return tuple(f"{span.topic}|{span.sentiment.value}" for span in found if span.sentiment)


def _trimmed(text: str) -> Span:
    return len(text) - len(text.lstrip()), len(text.rstrip())


def _asked(
    text: str, runs: Sequence[Span], matches: Sequence[Span], *, in_title: bool
) -> list[Passage]:
    found = []
    for start, end in runs[:MAX_PASSAGES]:
        first = next(span for span in matches if start <= span[0] < end)
        pair = (text[start : min(end, start + MAX_PASSAGE)], text[first[0] : first[1]])
        found.append(Passage(start, end, in_title, pair))
    return found


def _decided(
    topic: str, parts: Sequence[Passage], rows: F32, minimum_confidence: float
) -> TopicSpan:
    mean = rows.mean(axis=0)
    label = int(mean.argmax())
    decisive = parts[int(rows[:, label].argmax())]
    confidence = float(mean[label])
    return TopicSpan(
        topic=topic,
        sentiment=LABELS[label] if confidence >= minimum_confidence else None,
        confidence=round(confidence, 4),
        start=decisive.start,
        end=decisive.end,
        in_title=decisive.in_title,
    )


def _everything(mention: Mention) -> tuple[int, int, bool]:
    """Return the whole of the text, or of the title where there is no text."""
    if mention.text or not mention.title:
        return 0, len(mention.text), False
    return 0, len(mention.title), True
