import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.mention import Channel, Emotion, Enrichment, Mention, Sentiment, TopicTag
from core.ports import Analyser as AnalyserPort
from core.query.parser import parse
from core.settings import ModelSettings, Settings
from nlp.analyser import BATCH, Analyser, analysed_text
from nlp.entities import Name
from nlp.language import detect_language
from nlp.sentiment import DEFAULT_MODEL, F32, SentimentModel, load_sentiment
from tests.fakes.models import HEADS, rewrite_config, write_encoder

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LANGUAGES = ("en", "de", "es", "fr", "it", "pt")
GOOD = "I love my new Acme phone, thank you so much!"
BAD = "The refund never arrived, terrible service :("
GERMAN = "Das neue Telefon ist wirklich schlecht und ich bin sehr enttäuscht"
SPANISH = "Este teléfono es una maravilla, estoy muy contenta con él"


class CountingSentiment:
    """The bundled model; keeps what it was asked, and breaks on texts that hold ``boom``."""

    name = "counting@1"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._model = load_sentiment(DEFAULT_MODEL)

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return what the bundled model says."""
        if any("boom" in text for text in texts):
            raise RuntimeError("cannot read this")
        self.asked += texts
        return self._model.probabilities(texts)


class CountingNames:
    """Calls every word in capitals an organisation; keeps what it was asked."""

    name = "capitals@1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, texts: Sequence[str]) -> list[tuple[Name, ...]]:
        """Return the words in capitals."""
        if any("bang" in text for text in texts):
            raise IndexError("out of range")
        self.asked += texts
        return [
            tuple((word, "ORG") for word in text.split() if word.isupper() and len(word) > 1)
            for text in texts
        ]


def _mentions(*texts: str) -> list[Mention]:
    return [
        Mention(id=f"m{index}", text=text).with_version(1_000 + index)
        for index, text in enumerate(texts)
    ]


def _enrich(analyser: Analyser, *mentions: Mention) -> list[Enrichment]:
    outcomes = analyser.analyse(mentions, NOW)
    assert [outcome.error for outcome in outcomes] == [None] * len(mentions)
    found = [outcome.mention.enrichment for outcome in outcomes]
    assert all(found)
    return [enrichment for enrichment in found if enrichment is not None]


@pytest.fixture
def without_names() -> Analyser:
    """Return an analyser with the bundled sentiment model and no names."""
    return Analyser(LANGUAGES, entities=None)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Return a small encoder that is never sure of an emotion and finds everything offensive."""
    heads = {name: dict(head) for name, head in HEADS.items()}
    heads["emotion"]["minimum_confidence"] = 1.0
    heads["offensive"]["shift"] = [0.0, 100.0]
    return write_encoder(tmp_path / "encoder", heads=heads)


def test_the_default_analyser_says_everything() -> None:
    """With the real models a mention gets language, sentiment, names, surface and story."""
    analyser: AnalyserPort = Analyser.from_settings(Settings())
    text = "Tim Cook is wonderful, I love it! #Happy @acme https://shop.acme.co.uk/x"
    tags = (TopicTag(name="Acme"),)
    mention = Mention(id="a", text=text, channel=Channel.SOCIAL, topics=tags).with_version(5)

    [outcome] = analyser.analyse([mention], NOW)

    found = outcome.mention.enrichment
    assert found is not None
    assert outcome.error is None
    assert found.content_version == mention.version
    assert found.enriched_us == int(NOW.timestamp()) * 1_000_000
    assert found.language == "en"
    assert found.sentiment is Sentiment.POSITIVE
    assert found.sentiment_confidence is not None
    assert found.topic_sentiment == ("Acme|positive",)
    assert [entity.text for entity in found.entities] == ["Tim Cook"]
    assert text[found.entities[0].start : found.entities[0].end] == "Tim Cook"
    assert found.hashtags == ("happy",)
    assert found.handles == ("acme",)
    assert found.domains == ("acme.co.uk",)
    assert found.story_id is not None
    assert [name.partition("@")[0] for name in found.models] == [
        "lid.176.ftz",
        load_sentiment().name.partition("@")[0],
        "en_core_web_sm",
        "themes",
        "vectors-en",
    ]


def test_other_languages_get_no_guess(without_names: Analyser) -> None:
    """Spanish texts are named so and have no sentiment, nor a model's name; German has its own."""
    german, spanish = _enrich(without_names, *_mentions(GERMAN, SPANISH))

    assert (spanish.language, spanish.sentiment, spanish.sentiment_confidence) == ("es", None, None)
    assert len(spanish.models) == 1
    assert (german.language, german.sentiment) == ("de", Sentiment.NEGATIVE)
    assert (german.emotion, german.is_offensive) == (None, None)


def test_a_wrong_claim_of_language_is_not_believed_for_sentiment(without_names: Analyser) -> None:
    """A Spanish text that its service calls English keeps the claim but gets no English guess."""
    [found] = _enrich(without_names, Mention(id="a", text=SPANISH, language="en"))

    assert found.language == "en"
    assert found.sentiment is None


def test_a_delivered_language_is_kept(without_names: Analyser) -> None:
    """Where the text does not speak against it, the source's word stands, without its region."""
    short, long = _enrich(
        without_names,
        Mention(id="a", text="👍 ok", language="en-GB"),
        Mention(id="b", text=GOOD, language="en-US"),
    )

    assert (short.language, long.language) == ("en", "en")
    assert long.sentiment is Sentiment.POSITIVE


@pytest.mark.parametrize("language", [None, "en"])
def test_a_doubtful_language_lets_no_model_guess(
    without_names: Analyser, language: str | None
) -> None:
    """Half English by the detector's own word is not enough, whether asked now or at matching."""
    text = "Grand Hotel Europa Berlin"
    assert detect_language(text, LANGUAGES).code == "en"

    [found] = _enrich(without_names, Mention(id="a", text=text, language=language))

    assert (found.language, found.sentiment) == ("en", None)


def test_a_claim_stands_where_the_text_says_nothing_of_its_language(
    without_names: Analyser,
) -> None:
    """A post that its service calls English is read even if it is too short to tell."""
    claimed, unclaimed, undetermined = _enrich(
        without_names,
        Mention(id="a", text="love it", language="en"),
        Mention(id="b", text="love it"),
        Mention(id="c", text="love it", language="und"),
    )

    assert claimed.sentiment is Sentiment.POSITIVE
    assert (unclaimed.language, unclaimed.sentiment) == ("und", None)
    assert (undetermined.language, undetermined.sentiment) == ("und", None)


@pytest.mark.parametrize("text", ["", "  ", "😀😀", "https://a.example/x", "\u200b\u202e", "12 34"])
def test_texts_without_words_get_none(without_names: Analyser, text: str) -> None:
    """Nothing to read gives und and no sentiment, not an error and not neutral."""
    [found] = _enrich(without_names, Mention(id="a", text=text))

    assert (found.language, found.sentiment) == ("und", None)


@pytest.mark.parametrize(
    "piece",
    [
        "x",
        " ",
        "RT ",
        "RT @a: ",
        "@",
        "#a",
        "@a.",
        ":(",
        "!",
        "\u0301",
        "\u200b",
        "https://a/)",
        ")",
    ],
)
def test_a_megabyte_of_anything_takes_a_moment(without_names: Analyser, piece: str) -> None:
    """No text makes the time grow faster than its length."""
    texts = [
        piece * (1_000_000 // len(piece)),
        f"RT{piece * 500_000}",
        f"https://{piece * 500_000}",
    ]
    started = time.process_time()

    _enrich(without_names, *_mentions(*texts))

    assert time.process_time() - started < 10


def test_what_a_mention_gets_does_not_depend_on_its_neighbours(without_names: Analyser) -> None:
    """Any order and any batch give the same enrichments."""
    mentions = _mentions(GOOD, BAD, GERMAN, "", GOOD, f"RT @x: {BAD}", "It opens at nine.") * 3
    together = dict(zip(mentions, _enrich(without_names, *mentions), strict=True))

    random.Random(7).shuffle(mentions)
    for mention in mentions:
        assert _enrich(without_names, mention) == [together[mention]]


def test_counts_in_are_counts_out(without_names: Analyser) -> None:
    """More mentions than one batch come back in order."""
    mentions = _mentions(*(f"{GOOD} {index}" for index in range(BATCH + 3)))

    outcomes = without_names.analyse(mentions, NOW)

    assert [outcome.mention.id for outcome in outcomes] == [mention.id for mention in mentions]
    assert without_names.analyse([], NOW) == []


def test_equal_texts_are_read_once() -> None:
    """Sixty copies cost the models one text; copies that differ by links cost names one text."""
    sentiment, names = CountingSentiment(), CountingNames()
    analyser = Analyser(LANGUAGES, sentiment=lambda: sentiment, entities=lambda: names)
    wire = "ACME opens its largest store in the city of Denver"
    texts = [wire] * 30 + [f"RT @n{index}: {wire} https://t.example/{index}" for index in range(30)]

    found = _enrich(analyser, *_mentions(*texts))

    assert sentiment.asked.count(wire) == 1
    assert names.asked == [wire]
    assert len({enrichment.story_id for enrichment in found}) == 1
    assert found[0].entities[0].start == 0
    assert found[30].entities[0].start == len("RT @n0: ")


def test_copies_that_arrive_later_are_read_once() -> None:
    """A story that comes back in another batch costs the model nothing."""
    sentiment = CountingSentiment()
    analyser = Analyser(LANGUAGES, sentiment=lambda: sentiment, entities=None)

    first = _enrich(analyser, *_mentions(BAD, GOOD))
    later = _enrich(analyser, *_mentions(f"RT @x: {BAD} https://a.example/1 https://b.example"))

    assert sorted(sentiment.asked) == sorted([BAD, GOOD])
    assert later[0].sentiment_confidence == first[0].sentiment_confidence


def test_a_text_that_breaks_a_model_fails_alone() -> None:
    """The others of its batch are enriched; the outcome says what happened."""
    analyser = Analyser(LANGUAGES, sentiment=CountingSentiment, entities=CountingNames)
    mentions = _mentions(GOOD, f"{GOOD} boom", BAD, f"{BAD} bang", GERMAN)

    outcomes = analyser.analyse(mentions, NOW)

    assert [outcome.error for outcome in outcomes] == [
        None,
        "RuntimeError: cannot read this",
        None,
        "IndexError: out of range",
        None,
    ]
    assert [outcome.mention.enrichment is None for outcome in outcomes] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_an_encoder_says_more_than_sentiment(encoder: Path) -> None:
    """Offence is told, an emotion that is not sure is None, and its confidence is kept."""
    models = ModelSettings(sentiment=str(encoder), entities=False)
    analyser = Analyser.from_settings(Settings(models=models))

    found, german = _enrich(analyser, *_mentions(GOOD, GERMAN))

    assert found.sentiment is not None
    assert (found.emotion, found.is_offensive) == (None, True)
    assert found.emotion_confidence is not None
    assert 0 < found.emotion_confidence < 1
    assert found.models[1] == "tiny-encoder@0.1"
    assert (german.sentiment, german.emotion, german.is_offensive) == (None, None, None)
    assert german.emotion_confidence is None


def test_an_emotion_that_is_sure_enough_is_told(encoder: Path) -> None:
    """Below its threshold an emotion is None, from there on the label."""
    heads = HEADS | {"emotion": HEADS["emotion"] | {"shift": [0.0, 50.0, 0.0, 0.0]}}
    rewrite_config(encoder, heads=heads)
    analyser = Analyser(LANGUAGES, sentiment=lambda: load_sentiment(str(encoder)), entities=None)

    [found] = _enrich(analyser, *_mentions(GOOD))

    assert found.emotion is Emotion.JOY


def test_sentiment_below_the_configured_confidence_is_none() -> None:
    """The label is kept back, the confidence is not, and no topic gets a sentiment."""
    tags = (TopicTag(name="Acme"),)
    unsure = Mention(id="a", text=f"{GOOD} but {BAD}", channel=Channel.SOCIAL, topics=tags)
    [plain] = _enrich(Analyser(LANGUAGES, entities=None), unsure)
    assert plain.sentiment_confidence is not None
    for limit, is_kept in ((plain.sentiment_confidence - 0.01, True), (0.9999, False)):
        models = ModelSettings(entities=False, minimum_confidence=limit)

        [found] = _enrich(Analyser.from_settings(Settings(models=models)), unsure)

        assert (found.sentiment is not None) == is_kept
        assert found.sentiment_confidence == plain.sentiment_confidence
        assert bool(found.topic_sentiment) == is_kept


def test_the_first_model_of_a_language_reads_it(encoder: Path, tmp_path: Path) -> None:
    """Each language goes to its own model, and each mention names what read it."""
    german = write_encoder(tmp_path / "de", name="german", languages=["de", "en"])
    both = [load_sentiment(DEFAULT_MODEL), load_sentiment(str(german))]
    analyser = Analyser(LANGUAGES, sentiment=lambda: both, entities=None)

    found = _enrich(analyser, *_mentions(GOOD, GERMAN, SPANISH))

    names = [enrichment.models[1:] for enrichment in found]
    assert names == [(both[0].name,), ("german@0.1",), ()]
    assert [enrichment.sentiment is not None for enrichment in found] == [True, True, False]


def test_an_enrichment_by_another_model_is_not_current(encoder: Path) -> None:
    """A new model makes old results old; the same one keeps them."""
    old = Analyser(LANGUAGES, sentiment=lambda: load_sentiment(DEFAULT_MODEL), entities=None)
    new = Analyser(LANGUAGES, sentiment=lambda: load_sentiment(str(encoder)), entities=None)

    [enrichment] = _enrich(old, *_mentions(GOOD))

    assert old.is_current(enrichment)
    assert not new.is_current(enrichment)


BAD_INPUT = {
    "empty": "",
    "spaces": " \t\n\u00a0\u3000",
    "emoji": "😀😡🏳️‍🌈👍🏽",
    "url": "https://acme.example/?q=1#x",
    "long": "this is so bad " * 14_000,
    "one_word": "a" * 200_000,
    "zero_width": "\u200bI\u200c lo\u200dve\u2060 it\ufeff, thank you so much",
    "bidi": "\u202eI hate this terrible service\u202c \u2067and so on\u2069",
    "surrogates": "I love \ud83d it \udc00 so much, thank you",
    "escapes": "I love \\ud83d it &#xD83D; so much, thank you",
    "scripts": "I love это 電話 هاتف ฉัน Ελλάδα very much, thank you so much",
    "combining": "I love it " + "e\u0301\u0302" * 1_000,
    "controls": "I love\x00 it\x07 \x1b[31mso much\x7f, thank you",
}


@pytest.mark.parametrize("text", BAD_INPUT.values(), ids=BAD_INPUT)
@pytest.mark.parametrize("which", ["default", "encoder"])
def test_bad_input_is_read_or_left_alone(encoder: Path, which: str, text: str) -> None:
    """Nothing that people or machines send breaks a model; what has no words gets no label."""
    models = ModelSettings(sentiment=str(encoder) if which == "encoder" else which, entities=False)
    analyser = Analyser.from_settings(Settings(models=models))
    mentions = [Mention(id="a", text=text), Mention(id="b", text=text, language="en")]
    started = time.process_time()

    found, claimed = _enrich(analyser, *mentions)

    has_words = any(char.isalpha() for char in text.replace("https://acme.example/?q=1#x", ""))
    assert time.process_time() - started < 10
    assert found.sentiment is None or found.language == "en"
    assert has_words or found.sentiment is None
    assert text.strip() or claimed.sentiment is None


def test_models_are_loaded_once_and_not_before_they_are_needed() -> None:
    """Making an analyser is cheap; the first batch loads, the second does not."""
    made: list[SentimentModel] = []

    def make() -> SentimentModel:
        model = load_sentiment(DEFAULT_MODEL)
        made.append(model)
        return model

    analyser = Analyser(LANGUAGES, sentiment=make, entities=None)
    assert made == []

    for _ in range(2):
        _enrich(analyser, *_mentions(GOOD))

    assert len(made) == 1
    assert analyser.load()[1] == made[0].name


def test_a_model_that_cannot_be_loaded_is_no_mentions_fault() -> None:
    """The error reaches the caller instead of quarantining everything."""
    analyser = Analyser(
        LANGUAGES, sentiment=lambda: load_sentiment("/no/such/model"), entities=None
    )

    with pytest.raises(ModelError, match="/no/such/model"):
        analyser.analyse(_mentions(GOOD), NOW)


def test_settings_turn_names_off() -> None:
    """`models.entities: false` leaves names out, and their model unnamed."""
    analyser = Analyser.from_settings(Settings(models=ModelSettings(entities=False)))

    [found] = _enrich(analyser, *_mentions("Tim Cook is wonderful, I love it"))

    assert found.entities == ()
    assert not any(name.startswith("en_core_web_sm") for name in found.models)


@pytest.mark.parametrize(
    ("title", "text", "read"),
    [
        ("Acme opens", "The store is in Denver", "Acme opens\nThe store is in Denver"),
        ("Acme opens…", "Acme opens a store", "Acme opens a store"),
        ("Acme opens", "", "Acme opens"),
        (None, " x ", "x"),
    ],
)
def test_title_and_text_are_read_as_one(title: str | None, text: str, read: str) -> None:
    """A headline counts, once."""
    assert analysed_text(Mention(id="a", title=title, text=text)) == read


def test_scores_are_probabilities() -> None:
    """The confidence is the model's probability of the label that it chose."""
    analyser = Analyser(LANGUAGES, entities=None)

    [found] = _enrich(analyser, *_mentions(BAD))

    expected = load_sentiment().probabilities([BAD])[0]
    assert found.sentiment is Sentiment.NEGATIVE
    assert found.sentiment_confidence == pytest.approx(float(np.max(expected)), abs=1e-4)


def test_each_topic_of_a_post_gets_the_sentiment_towards_it() -> None:
    """A post that praises one brand and damns another counts as both, each with its passage."""
    topics = {"Acme": parse("acme"), "Zenith": parse("zenith")}
    analyser = Analyser(LANGUAGES, entities=None, topics=topics)
    text = "I love my new Acme phone so much, but the Zenith service is terrible, I hate it"
    tags = (TopicTag(name="Acme"), TopicTag(name="Zenith"))

    [found] = _enrich(analyser, Mention(id="a", text=text, topics=tags))

    assert found.topic_sentiment == ("Acme|positive", "Zenith|negative")
    passages = [text[span.start : span.end] for span in found.topic_spans]
    assert passages[0] == "I love my new Acme phone so much"
    assert passages[1].startswith("but the Zenith")


def test_a_passage_that_breaks_the_model_fails_its_mention_alone() -> None:
    """A passage is a text like any other: who wrote it is quarantined, nobody else."""
    topics = {"Acme": parse("acme"), "Zenith": parse("zenith")}
    model = CountingSentiment()
    analyser = Analyser(LANGUAGES, sentiment=lambda: model, entities=None, topics=topics)
    tags = (TopicTag(name="Acme"), TopicTag(name="Zenith"))
    good = Mention(id="a", text="Acme is wonderful, Zenith is terrible", topics=tags)
    bad = Mention(id="b", text="Acme is wonderful, Zenith went boom today", topics=tags)

    outcomes = analyser.analyse([good, bad], NOW)

    assert [outcome.error is None for outcome in outcomes] == [True, False]


def test_no_passage_is_read_in_another_language() -> None:
    """Where the whole text gets no guess, neither does what is said towards a topic."""
    topics = {"Acme": parse("teléfono"), "Zenith": parse("maravilla")}
    analyser = Analyser(LANGUAGES, entities=None, topics=topics)
    tags = (TopicTag(name="Acme"), TopicTag(name="Zenith"))

    [found] = _enrich(analyser, Mention(id="a", text=SPANISH, topics=tags))

    assert (found.topic_sentiment, found.topic_spans) == ((), ())


@pytest.mark.parametrize("has_head", [True, False])
def test_news_speaks_of_a_topic_only_through_a_model_for_targets(
    encoder: Path, has_head: bool
) -> None:
    """A report of a strike is negative, and not therefore about the brand that it names."""
    topics = {"Acme": parse("acme"), "Press": parse("domain:acme.example")}
    model = load_sentiment(str(encoder) if has_head else DEFAULT_MODEL)
    analyser = Analyser(LANGUAGES, sentiment=lambda: model, entities=None, topics=topics)
    named = Mention(id="a", text=f"{BAD} says acme", topics=(TopicTag(name="Acme"),))
    elsewhere = Mention(id="b", text=BAD, topics=(TopicTag(name="Press"),))

    def spoken_of(channel: Channel) -> list[list[str]]:
        mentions = [one.model_copy(update={"channel": channel}) for one in (named, elsewhere)]
        found = _enrich(analyser, *mentions)
        assert all(one.sentiment is not None for one in found)
        return [[span.topic for span in one.topic_spans] for one in found]

    assert spoken_of(Channel.SOCIAL) == [["Acme"], ["Press"]]
    assert spoken_of(Channel.NEWS) == [["Acme"] if has_head else [], []]
