"""Analyse mentions in batches: the adapter behind ``core.ports.Analyser``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from core.errors import QuarantineError
from core.mention import Channel, Enrichment, Intent, Mention, Sentiment, TopicSpan
from core.ports import Analysis
from core.query.ast import Node
from core.query.parser import parse
from core.settings import ModelSettings, Settings, Topic
from core.text import tokenise
from core.themes import DEFAULT_THEMES, Theme
from core.window import EPOCH
from nlp.entities import LANGUAGE as ENTITY_LANGUAGE
from nlp.entities import EntityFinder, Name, locate, readable
from nlp.failing import Failure, apply, unless_failed
from nlp.gate import is_trusted
from nlp.gazetteer import Gazetteer
from nlp.intent import find_intent
from nlp.language import UNDETERMINED, detect_language, language_model_name, primary_code
from nlp.names import SocialEntities
from nlp.phrases import key_phrases
from nlp.sentiment import SentimentModel, load_configured
from nlp.story import story_id
from nlp.surface import CHARACTERS, Surface, read_surface
from nlp.target import Asked, Pair, Row, TargetReader, TopicReader, Whole, labels_of, pairs_of
from nlp.themes.taxonomy import ThemeFinder
from nlp.tone import NO_TONE, Tone, ToneReader, told
from nlp.vectors import load_vectors

_ToneKey = tuple[str, str]
"""The name of a model and the text that it read."""

_TargetKey = tuple[str, Pair]
"""The name of a model and what it was asked about a topic."""

BATCH: Final = 512
"""Mentions analysed at once: enough for the models' own batches, a few MB at most."""

_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is known of a mention before the models are asked.

    ``told`` is what of ``text`` its tone is read from. ``model_language`` is the language whose
    models may read it; None keeps them from guessing. ``full_language`` is the same for what
    takes long, None where that is not asked. ``asked`` are the passages that speak of its topics.
    ``is_brief`` says that more would be found in full.
    """

    mention: Mention
    text: str
    told: str
    language: str
    model_language: str | None
    full_language: str | None
    surface: Surface
    phrases: tuple[str, ...]
    story: str | None
    asked: Asked
    is_brief: bool


def _default_sentiment() -> tuple[SentimentModel, ...]:
    return load_configured(ModelSettings())


class Analyser:
    """Finds language, tone, names, phrases, surface and story of each mention.

    Models are loaded once, at the first batch or by ``load``; threads may share an analyser. Copies
    of a text are read once, also those that arrive later. What a mention gets does not depend on
    those beside it.
    """

    def __init__(
        self,
        languages: Collection[str],
        *,
        sentiment: Callable[[], SentimentModel | Sequence[SentimentModel]] = _default_sentiment,
        entities: Callable[[], EntityFinder] | None = SocialEntities,
        themes: Callable[[], ThemeFinder] | None = None,
        minimum_confidence: float | None = None,
        topics: Mapping[str, Node] | None = None,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        """Make an analyser for ``languages`` (ISO 639 codes).

        ``sentiment``, ``entities`` and ``themes`` make the models; of those for sentiment the first
        that reads a text's language is asked. ``entities`` None leaves names out, ``themes`` None
        themes. Sentiment that is less sure than ``minimum_confidence`` is None; without it the
        model's own card says when. ``topics`` are the parsed queries of topics by name: they say
        where a text speaks of each. ``gazetteer`` knows how the configured topics are written.
        """
        self._gazetteer = gazetteer or Gazetteer()
        self._languages = frozenset(languages)
        self._make_sentiment = sentiment
        self._make_entities = entities
        self._make_themes = themes
        self._themes: ThemeFinder | None = None
        self._minimum_confidence = minimum_confidence
        self._topics = TopicReader(topics or {})
        self._targets: dict[str, TargetReader] = {}
        self._models: tuple[tuple[ToneReader, ...], EntityFinder | None] | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        topics: Sequence[Topic] = (),
        themes: Sequence[Theme] = DEFAULT_THEMES,
    ) -> Self:
        """Make the analyser that ``settings`` describe, for the configured topics and themes."""
        models = settings.models
        return cls(
            settings.languages,
            sentiment=lambda: load_configured(models),
            entities=SocialEntities if models.entities else None,
            minimum_confidence=models.minimum_confidence,
            topics={topic.name: parse(topic.query) for topic in topics},
            gazetteer=Gazetteer(topics if models.entities else ()),
            themes=lambda: ThemeFinder(themes, load_vectors()),
        )

    def load(self) -> tuple[str, ...]:
        """Load the models if they are not, and return their names; raises ModelError."""
        readers, entities = self._loaded()
        names = [language_model_name(), *(reader.model.name for reader in readers)]
        names += [entities.name] if entities else []
        return (*names, *(self._themes.models if self._themes else ()))

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether these models made ``enrichment``, no others, and in full."""
        return not enrichment.is_brief and set(enrichment.models) <= set(self.load())

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention, in order; a text that fails fails alone.

        Raises ModelError when a model cannot be loaded or used: that is no mention's fault.
        """
        outcomes: list[Analysis] = []
        for start in range(0, len(mentions), BATCH):
            outcomes += self._analyse_batch(mentions[start : start + BATCH], now, brief=brief)
        return outcomes

    def _loaded(self) -> tuple[tuple[ToneReader, ...], EntityFinder | None]:
        with self._lock:
            if self._models is None:
                entities = self._make_entities() if self._make_entities else None
                made = self._make_sentiment()
                models = made if isinstance(made, Sequence) else (made,)
                readers = tuple(ToneReader(model, self._minimum_confidence) for model in models)
                self._targets = {
                    model.name: TargetReader(model, self._minimum_confidence) for model in models
                }
                self._themes = self._make_themes() if self._make_themes else None
                self._models = (readers, entities)
            return self._models

    def _reader(self, language: str | None) -> ToneReader | None:
        """Return what reads the tone of texts in a language, None where no model knows it."""
        readers, _ = self._loaded()
        return next((r for r in readers if language in r.model.languages), None)

    def _analyse_batch(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool
    ) -> list[Analysis]:
        drafts = apply(
            lambda batch: [self._draft(mention, brief=brief) for mention in batch], mentions
        )
        readable_drafts = [draft for draft in drafts if isinstance(draft, _Draft)]
        tones = self._read_tones(readable_drafts)
        names = self._find_names(readable_drafts)
        towards = self._read_towards(readable_drafts)
        themes = self._find_themes(readable_drafts)
        outcomes = []
        for mention, draft in zip(mentions, drafts, strict=True):
            try:
                known = unless_failed(draft)
                enrichment = self._enrichment(known, tones, names, towards, now)
                enrichment = self._with_themes(enrichment, known, themes)
            except QuarantineError as err:
                outcomes.append(Analysis(mention, str(err)))
            else:
                outcomes.append(Analysis(mention.model_copy(update={"enrichment": enrichment})))
        return outcomes

    def _draft(self, mention: Mention, *, brief: bool) -> _Draft:
        text = analysed_text(mention)
        guess = detect_language(text, self._languages)
        claimed = primary_code(mention.language)
        language = claimed or guess.code
        model_language = language if is_trusted(claimed, guess) else None
        full_language = None if brief else model_language
        tokens = tokenise(text[:CHARACTERS])
        return _Draft(
            mention=mention,
            text=text,
            told=told(text),
            language=language,
            model_language=model_language,
            full_language=full_language,
            surface=read_surface(text, mention.links, tokens),
            phrases=key_phrases(text, model_language or UNDETERMINED, tokens=tokens),
            story=story_id(text),
            asked=self._ask(mention, full_language),
            is_brief=brief and self._can_read_in_full(model_language),
        )

    def _can_read_in_full(self, language: str | None) -> bool:
        """Return whether a model reads the tone or the names of texts in this language."""
        _, finder = self._loaded()
        is_searched = finder is not None and language == ENTITY_LANGUAGE
        return is_searched or self._reader(language) is not None

    def _ask(self, mention: Mention, language: str | None) -> Asked:
        """Return the passages to be read towards the mention's topics; none in other languages.

        News reports what went wrong for others, so that only a model trained for targets is asked.
        """
        reader = self._reader(language)
        if reader is None or language is None:
            return {}
        target, is_news = self._targets[reader.model.name], mention.channel is Channel.NEWS
        if is_news and not target.is_trained:
            return {}
        of_whole = target.asks_of_whole or is_news
        return self._topics.ask(mention, language, of_whole=of_whole)

    def _read_towards(self, drafts: Sequence[_Draft]) -> dict[_TargetKey, Row | Failure]:
        """Return what is said in each distinct passage towards its target, by a model's name."""
        readers, _ = self._loaded()
        said: dict[_TargetKey, Row | Failure] = {}
        for reader in readers:
            name = reader.model.name
            mine = [draft for draft in drafts if self._reader(draft.full_language) is reader]
            pairs = pairs_of(draft.asked for draft in mine)
            for pair, row in zip(pairs, apply(self._targets[name].read, pairs), strict=True):
                said[name, pair] = row
        return said

    def _read_tones(self, drafts: Sequence[_Draft]) -> dict[_ToneKey, Tone | Failure]:
        """Return the tone of each distinct text that a model may read, by that model's name."""
        readers, _ = self._loaded()
        tones: dict[_ToneKey, Tone | Failure] = {}
        for reader in readers:
            name = reader.model.name
            texts = {draft.told for draft in drafts if self._reader(draft.full_language) is reader}
            distinct = sorted(texts - {""})
            for text, tone in zip(distinct, apply(reader.read, distinct), strict=True):
                tones[name, text] = tone
        return tones

    def _find_names(self, drafts: Sequence[_Draft]) -> dict[str, tuple[Name, ...] | Failure]:
        """Return the names in each distinct English text, by what is read of it."""
        _, finder = self._loaded()
        if finder is None:
            return {}
        english = (draft for draft in drafts if draft.full_language == ENTITY_LANGUAGE)
        distinct = sorted({readable(draft.text) for draft in english} - {""})
        return dict(zip(distinct, apply(finder.find, distinct), strict=True))

    def _find_themes(self, drafts: Sequence[_Draft]) -> dict[str, tuple[str, ...] | Failure]:
        """Return the themes of each distinct text that the sentence vectors were made for."""
        if self._themes is None:
            return {}
        known = self._themes.languages
        distinct = sorted({draft.text for draft in drafts if draft.model_language in known})
        return dict(zip(distinct, apply(self._themes.by_meaning, distinct), strict=True))

    def _with_themes(
        self,
        enrichment: Enrichment,
        draft: _Draft,
        themes: Mapping[str, tuple[str, ...] | Failure],
    ) -> Enrichment:
        """Return the enrichment with themes by meaning and by query."""
        finder = self._themes
        if finder is None:
            return enrichment
        is_understood = draft.model_language in finder.languages
        meant = unless_failed(themes[draft.text]) if is_understood else ()
        asked = finder.by_query(draft.mention.model_copy(update={"language": draft.language}))
        models = finder.models if is_understood else (finder.name,)
        return enrichment.model_copy(
            update={
                "models": (*enrichment.models, *models),
                "themes": finder.joined(meant, asked),
            }
        )

    def _enrichment(
        self,
        draft: _Draft,
        tones: Mapping[_ToneKey, Tone | Failure],
        names: Mapping[str, tuple[Name, ...] | Failure],
        towards: Mapping[_TargetKey, Row | Failure],
        now: datetime,
    ) -> Enrichment:
        """Put together what was found; raises QuarantineError where a model failed on the text."""
        _, finder = self._loaded()
        reader = self._reader(draft.full_language)
        models = [language_model_name()]
        tone = NO_TONE
        if reader is not None and (reader.model.name, draft.told) in tones:
            tone = unless_failed(tones[reader.model.name, draft.told])
            models.append(reader.model.name)
        found: tuple[Name, ...] = ()
        if finder is not None and draft.full_language == ENTITY_LANGUAGE:
            found = unless_failed(names.get(readable(draft.text), ()))
            models.append(finder.name)
        intent = _intent(draft, tone.sentiment)
        mention = draft.mention
        topic_spans = self._topic_spans(draft, reader, tone, towards)
        return Enrichment(
            content_version=mention.version,
            enriched_us=(now - EPOCH) // _MICROSECOND,
            is_brief=draft.is_brief,
            models=tuple(models),
            language=draft.language,
            sentiment=tone.sentiment,
            sentiment_confidence=_rounded(tone.sentiment_confidence),
            emotion=tone.emotion,
            emotion_confidence=_rounded(tone.emotion_confidence),
            is_offensive=tone.is_offensive,
            intent=intent,
            entities=self._gazetteer.settle(
                locate(found, mention.title or "", mention.text),
                mention.title or "",
                mention.text,
                mention.matched_topics,
            ),
            hashtags=draft.surface.hashtags,
            handles=draft.surface.handles,
            links=draft.surface.links,
            domains=draft.surface.domains,
            phrases=draft.phrases,
            story_id=draft.story,
            topic_sentiment=labels_of(topic_spans),
            topic_spans=topic_spans,
        )

    def _topic_spans(
        self,
        draft: _Draft,
        reader: ToneReader | None,
        tone: Tone,
        towards: Mapping[_TargetKey, Row | Failure],
    ) -> tuple[TopicSpan, ...]:
        """Return what is said towards each topic; raises QuarantineError where a model failed."""
        if reader is None:
            return ()
        name = reader.model.name
        said = {pair: unless_failed(towards[name, pair]) for pair in pairs_of([draft.asked])}
        sure = tone.sentiment_confidence
        is_news = draft.mention.channel is Channel.NEWS
        whole = Whole(tone.sentiment, sure) if sure is not None and not is_news else None
        least = self._targets[name].minimum_confidence
        return self._topics.answer(draft.mention, draft.asked, said, whole, least)


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 4)


def _intent(draft: _Draft, sentiment: Sentiment | None) -> Intent | None:
    """Return what the author wants; news wants nothing of its reader, whatever a headline asks."""
    intent = find_intent(draft.text, draft.model_language or UNDETERMINED, sentiment)
    is_news = draft.mention.channel is Channel.NEWS
    return Intent.OTHER if is_news and intent is not None else intent


def analysed_text(mention: Mention) -> str:
    """Return the title and the text as one; a title that begins the text is not repeated."""
    title, text = (mention.title or "").strip(), mention.text.strip()
    if not title or text.casefold().startswith(title.casefold().rstrip("….")):
        return text
    return f"{title}\n{text}" if text else title
