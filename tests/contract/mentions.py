"""Mentions and queries to try an index with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from core.fields import FIELDS, FieldKind
from core.mention import (
    Author,
    Channel,
    Correction,
    Emotion,
    Engagement,
    Enrichment,
    Entity,
    Intent,
    Mention,
    Overlay,
    Sentiment,
    Status,
    TopicTag,
)
from core.query.ast import (
    And,
    Everything,
    FieldExists,
    FieldIs,
    FieldLike,
    FieldRange,
    Fuzzy,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Wildcard,
    Word,
)

START = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def mention(key: str, text: str = "acme delivers", **fields: Any) -> Mention:
    """Return a mention with content; ``minutes`` says when after START it was published."""
    at = fields.pop("published_at", START + timedelta(minutes=fields.pop("minutes", 0)))
    observed = fields.pop("observed_us", 1_000_000)
    given = {"service": "web", "sources": ("feed",), "collected_at": START, **fields}
    made = Mention(id=key, text=text, published_at=at, **given)
    return made.with_version(observed)


def enriched(of: Mention, **fields: Any) -> Mention:
    """Return the fragment that nlp sends for a mention."""
    enrichment = Enrichment(content_version=of.version, enriched_us=1, **fields)
    return Mention(id=of.id, enrichment=enrichment)


def corrected(key: str, at_us: int = 1, **fields: Any) -> Mention:
    """Return the fragment of a person's corrections, each at the same microsecond."""
    overlay: dict[str, Any] = {
        name: Correction(value=value, by="ana", at_us=at_us) for name, value in fields.items()
    }
    return Mention(id=key, overlay=Overlay(**overlay))


# --- random mentions ---------------------------------------------------------------------------

WORDS = ("acme", "Acme", "corp", "refund", "#acme", "@acme", "café", "東京", "a", "ab", "ac", "🙂")
NAMES = ("Ana", "ana b", "B*b", "c?d", "x\\y", "[z]", "Ünal", "a.b", "a\nb")

texts = st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)
names = st.sampled_from(NAMES)
instants = st.integers(0, 40).map(lambda hours: START + timedelta(hours=hours))
some_numbers = st.none() | st.integers(0, 3) | st.just(10**20)


@st.composite
def authors(draw: st.DrawFn) -> Author:
    """Draw an author."""
    return Author(
        service="web",
        id=draw(names),
        handle=draw(st.none() | names),
        name=draw(st.none() | names),
        followers=draw(some_numbers),
    )


@st.composite
def enrichments(draw: st.DrawFn) -> Enrichment:
    """Draw what nlp said."""
    return Enrichment(
        content_version=(0, draw(st.integers(0, 2)), ""),
        enriched_us=draw(st.integers(0, 2)),
        is_brief=draw(st.booleans()),
        sentiment=draw(st.none() | st.sampled_from(Sentiment)),
        emotion=draw(st.none() | st.sampled_from(Emotion)),
        is_offensive=draw(st.none() | st.booleans()),
        intent=draw(st.none() | st.sampled_from(Intent)),
        themes=tuple(draw(st.lists(names, max_size=2, unique=True))),
        discovered_theme=draw(st.none() | names),
        hashtags=tuple(draw(st.lists(names, max_size=2, unique=True))),
        entities=tuple(
            Entity(text=name, label="ORG", start=0, end=1)
            for name in draw(st.lists(names, max_size=2, unique=True))
        ),
        story_id=draw(st.none() | names),
    )


@st.composite
def overlays(draw: st.DrawFn) -> Overlay:
    """Draw what people said."""
    tags = st.dictionaries(st.sampled_from(("vip", "Todo")), st.integers(0, 3), max_size=2)
    stamp = st.integers(0, 2)
    irrelevant = Correction(value=draw(st.booleans()), by="ana", at_us=draw(stamp))
    status = Correction(value=draw(st.sampled_from(Status)), by="bo", at_us=draw(stamp))
    return Overlay(
        irrelevant=draw(st.none() | st.just(irrelevant)),
        status=draw(st.none() | st.just(status)),
        tags_added=tuple(sorted(draw(tags).items())),
        tags_removed=tuple(sorted(draw(tags).items())),
    )


@st.composite
def contents(draw: st.DrawFn, key: str) -> Mention:
    """Draw a mention as a collector brings it."""
    made = Mention(
        id=key,
        service=draw(st.sampled_from(("web", "Mastodon"))),
        channel=draw(st.sampled_from(Channel)),
        url=draw(st.none() | st.sampled_from(("https://a.example.com/X", "https://example.org/"))),
        title=draw(st.none() | texts),
        text=draw(texts),
        language=draw(st.none() | st.sampled_from(("en", "de"))),
        published_at=draw(instants),
        author=draw(st.none() | authors()),
        links=tuple(draw(st.lists(st.just("https://b.example.com/y"), max_size=1))),
        is_own=draw(st.booleans()),
        sources=tuple(draw(st.lists(st.sampled_from(("Feed", "hn")), max_size=2, unique=True))),
        collected_at=draw(instants),
        topics=draw(topic_tags()),
        engagement=Engagement(
            reactions=draw(some_numbers),
            views=draw(some_numbers),
            observed_us=draw(st.integers(0, 2)),
        ),
    )
    return made.with_version(draw(st.integers(1, 3)))


@st.composite
def topic_tags(draw: st.DrawFn) -> tuple[TopicTag, ...]:
    """Draw the verdicts of some topics' queries."""
    found = draw(st.lists(st.sampled_from(("Acme", "beta")), max_size=2, unique=True))
    return tuple(
        TopicTag(name=name, query_version=draw(st.integers(1, 2)), matched=draw(st.booleans()))
        for name in found
    )


@st.composite
def fragments(draw: st.DrawFn, key: str) -> Mention:
    """Draw any part of a mention that a producer may send."""
    kind = draw(st.sampled_from(("content", "content", "enrichment", "overlay", "parts", "erased")))
    if kind == "content":
        return draw(contents(key))
    if kind == "enrichment":
        return Mention(id=key, enrichment=draw(enrichments()))
    if kind == "overlay":
        return Mention(id=key, overlay=draw(overlays()))
    if kind == "erased":
        # Seldom: an erased mention has nothing left to compare.
        return Mention(id=key, erased=draw(st.integers(0, 3)) == 0)
    engagement = Engagement(shares=draw(some_numbers), observed_us=draw(st.integers(0, 3)))
    return Mention(id=key, engagement=engagement, topics=draw(topic_tags()))


@st.composite
def wholes(draw: st.DrawFn, key: str) -> Mention:
    """Draw a mention with all its parts."""
    return draw(contents(key)).model_copy(
        update={
            "enrichment": draw(st.none() | enrichments()),
            "overlay": draw(st.just(Overlay()) | overlays()),
        }
    )


# --- random queries ----------------------------------------------------------------------------

tokens = st.sampled_from(
    ("acme", "corp", "refund", "#acme", "@acme", "cafe", "東京", "a", "ab", "b")
)
cased_tokens = st.sampled_from(("acme", "Acme", "corp", "a"))
scopes = st.sampled_from((None, None, "title", "text"))
patterns = st.sampled_from(("a*", "*", "?", "a?", "*me", "#*", "??", "c*p", "東?"))
sequences = st.lists(tokens, min_size=1, max_size=3).map(tuple)
choices = st.lists(sequences, min_size=1, max_size=2, unique=True).map(tuple)
long_phrases = st.lists(tokens, min_size=2, max_size=4).map(tuple)

text_leaves = st.one_of(
    st.builds(Word, tokens, scopes),
    st.builds(Word, cased_tokens, scopes, st.just(True)),
    st.builds(Wildcard, patterns, scopes),
    st.builds(Fuzzy, st.sampled_from(("acme", "amce", "refnd", "ab", "abc")), st.integers(1, 2)),
    st.builds(Phrase, long_phrases, st.integers(0, 4), scopes),
    st.builds(Phrase, st.lists(cased_tokens, min_size=2, max_size=2).map(tuple), st.just(0),
              scopes, st.just(True)),
    st.builds(Near, choices, choices, st.integers(0, 4), scopes),
)  # fmt: skip

_VALUES = (
    "en", "de", "news", "feed", "hn", "web", "mastodon", "ana", "b*b", "x\\y", "web:Ana", "acme",
    "beta", "a.example.com", "example.com", "https://a.example.com/X", "negative", "open", "vip",
)  # fmt: skip
_PATTERNS = ("a*", "*b*", "?", "*", "x\\?", "[*", "*.com", "web:*", "a?b", "a.*")
_keywords = sorted(n for n, s in FIELDS.items() if s.kind is FieldKind.KEYWORD)
_flags = sorted(n for n, s in FIELDS.items() if s.kind is FieldKind.FLAG)
_numbers = sorted(n for n, s in FIELDS.items() if s.kind is FieldKind.NUMBER)
_dates = sorted(n for n, s in FIELDS.items() if s.kind is FieldKind.DATE)
_bounds = st.none() | st.sampled_from((-1.0, 0.0, 0.5, 1.0, 2.0, 1e18))
_minutes = st.integers(0, 80).map(lambda n: timedelta(minutes=30 * n, seconds=n))
_instants = st.none() | _minutes.map(lambda after: START + after)
_half_instants = _instants.map(lambda at: at and at + timedelta(microseconds=500_000))

field_leaves = st.one_of(
    st.builds(FieldIs, st.sampled_from(_keywords), st.sampled_from(_VALUES)),
    st.builds(FieldIs, st.sampled_from(_flags), st.sampled_from(("true", "false"))),
    st.builds(FieldLike, st.sampled_from(_keywords), st.sampled_from(_PATTERNS)),
    st.builds(FieldExists, st.sampled_from(sorted(FIELDS))),
    st.builds(
        FieldRange, st.sampled_from(_numbers), _bounds, _bounds, st.booleans(), st.booleans()
    ),
    st.builds(
        FieldRange,
        st.sampled_from(_dates),
        _instants | _half_instants,
        _instants | _half_instants,
        st.booleans(),
        st.booleans(),
    ),
)


def _branches(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, children), st.builds(And, several), st.builds(Or, several))


queries: st.SearchStrategy[Node] = st.recursive(
    st.one_of(text_leaves, text_leaves, field_leaves, st.just(Everything())),
    _branches,
    max_leaves=6,
)
