"""The closed list of fields that a query may name, and how each reads a mention.

Both engines build their documents from ``FIELDS``, and the in-memory evaluator reads mentions
through it, so a field means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.mention import Mention
from core.text import domains_of

Value = str | int | float | bool | datetime
Reader = Callable[[Mention], Sequence[Value]]


class FieldKind(StrEnum):
    """How a field's values compare.

    KEYWORD: whole, case-folded strings. NUMBER, DATE: ranges. FLAG: true or false.
    """

    KEYWORD = "keyword"
    NUMBER = "number"
    DATE = "date"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field: its kind, how it reads a mention, and what may use it.

    ``delivered`` says that a source delivers it, so a topic's query may use it; fields that come
    later (enrichment, followers, engagement, corrections) are for searches only. ``is_exact``
    keyword fields hold ids and addresses as delivered; the others hold case-folded values.
    """

    name: str
    kind: FieldKind
    read: Reader
    delivered: bool
    help: str
    aliases: tuple[str, ...] = ()
    is_exact: bool = False


def _one(value: Value | None) -> tuple[Value, ...]:
    return () if value is None else (value,)


def _folded(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.casefold() for value in values))


def _author(mention: Mention, attribute: str) -> tuple[Value, ...]:
    if mention.author is None:
        return ()
    value = getattr(mention.author, attribute)
    if isinstance(value, str):
        return (value.casefold().removeprefix("@"),) if value else ()
    return _one(value)


def _author_key(mention: Mention) -> tuple[Value, ...]:
    """Return service and id joined: an id alone means nothing across services."""
    if mention.author is None:
        return ()
    return (f"{mention.author.service}:{mention.author.id}",)


def _enriched(attribute: str) -> Reader:
    def read(mention: Mention) -> Sequence[Value]:
        return _folded(getattr(mention.enrichment, attribute)) if mention.enrichment else ()

    return read


def _entities(mention: Mention) -> Sequence[Value]:
    if mention.enrichment is None:
        return ()
    return _folded([entity.text for entity in mention.enrichment.entities])


def _topic_sentiment(mention: Mention) -> Sequence[Value]:
    """Return ``topic|label`` for each matched topic towards which a sentiment is known."""
    towards = ((name, mention.sentiment_towards(name)) for name in mention.matched_topics)
    return tuple(f"{name}|{label.value}" for name, label in towards if label is not None)


def _said(attribute: str) -> Reader:
    """Read one value of the enrichment; None, or no enrichment, is no value."""

    def read(mention: Mention) -> Sequence[Value]:
        return _one(getattr(mention.enrichment, attribute)) if mention.enrichment else ()

    return read


def _language(mention: Mention) -> Sequence[Value]:
    found = mention.language or (mention.enrichment.language if mention.enrichment else None)
    return _one(found)


def _delivered_domains(mention: Mention) -> Sequence[Value]:
    """Return hosts of the mention's own URL and of its links, with their parent domains."""
    return domains_of([url for url in (mention.url, *mention.links) if url])


def _number(attribute: str) -> Reader:
    return lambda mention: _one(getattr(mention.engagement, attribute))


_K, _N, _D, _F = FieldKind.KEYWORD, FieldKind.NUMBER, FieldKind.DATE, FieldKind.FLAG

_SPECS = (
    FieldSpec("id", _K, lambda m: (m.id,), False, "the mention's id", is_exact=True),
    FieldSpec(
        "lang", _K, _language, True, "language code, e.g. en; und when unknown", ("language",)
    ),
    FieldSpec(
        "channel",
        _K,
        lambda m: (m.channel.value,),
        True,
        "news, blog, forum, social, review, video",
    ),
    FieldSpec("source", _K, lambda m: _folded(m.sources), True, "configured source name"),
    FieldSpec(
        "service",
        _K,
        lambda m: (m.service.casefold(),),
        True,
        "e.g. web, mastodon, bluesky, hackernews",
    ),
    FieldSpec("author", _K, lambda m: _author(m, "handle"), True, "author's handle, without @"),
    FieldSpec("author_name", _K, lambda m: _author(m, "name"), True, "author's display name"),
    FieldSpec("author_id", _K, _author_key, True, "service:id of the author", is_exact=True),
    FieldSpec("followers", _N, lambda m: _author(m, "followers"), False, "followers of the author"),
    FieldSpec(
        "domain", _K, _delivered_domains, True, "domain of the page or of a link, with subdomains"
    ),
    FieldSpec("url", _K, lambda m: _one(m.url), True, "address of the mention", is_exact=True),
    FieldSpec(
        "link", _K, lambda m: tuple(m.links), True, "address the mention links to", is_exact=True
    ),
    FieldSpec(
        "parent", _K, lambda m: _one(m.parent_id), True, "id of what it answers", is_exact=True
    ),
    FieldSpec(
        "root", _K, lambda m: _one(m.root_id), True, "id of the thread's first item", is_exact=True
    ),
    FieldSpec("own", _F, lambda m: (m.is_own,), True, "published by the brand's own accounts"),
    FieldSpec(
        "synthetic", _F, lambda m: (m.synthetic,), True, "made up for the demo or a self-test"
    ),
    FieldSpec("published", _D, lambda m: (m.published_at,), True, "time of publication"),
    FieldSpec("collected", _D, lambda m: (m.collected_at,), True, "time of collection"),
    FieldSpec("known", _D, lambda m: _one(m.known_at), False, "time it became visible"),
    FieldSpec("topic", _K, lambda m: _folded(m.matched_topics), False, "topic it matched"),
    FieldSpec(
        "sentiment",
        _K,
        lambda m: _one(m.sentiment.value if m.sentiment else None),
        False,
        "negative, neutral, positive",
    ),
    FieldSpec(
        "topic_sentiment",
        _K,
        _topic_sentiment,
        False,
        "topic|label: sentiment towards a topic",
        is_exact=True,
    ),
    FieldSpec("emotion", _K, _said("emotion"), False, "anger, joy, optimism, sadness"),
    FieldSpec("offensive", _F, _said("is_offensive"), False, "insults or swears"),
    FieldSpec("intent", _K, _said("intent"), False, "question, complaint, praise, request, other"),
    FieldSpec("theme", _K, _enriched("themes"), False, "theme of the taxonomy"),
    FieldSpec(
        "discovered",
        _K,
        _said("discovered_theme"),
        False,
        "id of a discovered theme",
        is_exact=True,
    ),
    FieldSpec("hashtag", _K, _enriched("hashtags"), False, "hashtag, without #"),
    FieldSpec("handle", _K, _enriched("handles"), False, "account named in the text, without @"),
    FieldSpec("entity", _K, _entities, False, "person, organisation or place named"),
    FieldSpec("phrase", _K, _enriched("phrases"), False, "key phrase, in the singular"),
    FieldSpec(
        "story",
        _K,
        lambda m: _one(m.story_id),
        False,
        "story the mention is a copy of",
        is_exact=True,
    ),
    FieldSpec("copy", _F, lambda m: (m.is_copy,), False, "repeats a story told before"),
    FieldSpec("status", _K, lambda m: (m.status.value,), False, "open or done"),
    FieldSpec("tag", _K, lambda m: _folded(m.overlay.tags), False, "tag set by a person"),
    FieldSpec("irrelevant", _F, lambda m: (m.is_irrelevant,), False, "marked as not us"),
    FieldSpec("reactions", _N, _number("reactions"), False, "likes, favourites, points"),
    FieldSpec("comments", _N, _number("comments"), False, "answers"),
    FieldSpec("shares", _N, _number("shares"), False, "reposts, boosts"),
    FieldSpec("views", _N, _number("views"), False, "views"),
    FieldSpec("engagement", _N, _number("total"), False, "reactions, comments and shares together"),
)


FIELDS: dict[str, FieldSpec] = {spec.name: spec for spec in _SPECS}
"""Every field by its name. ``title`` and ``text`` are not here: they hold tokens, not values."""

FIELD_NAMES: dict[str, str] = {
    alias: spec.name for spec in _SPECS for alias in (spec.name, *spec.aliases)
}
"""Every name a query may use for a field -> the field's name."""
