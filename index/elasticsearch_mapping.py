"""The Elasticsearch index: its settings and its strict mapping, made from ``core.fields.FIELDS``.

Mentions live in a versioned index behind an alias of the configured name. The whole mention is
kept as JSON in ``state``; the other fields are for finding and counting, and are not kept twice.
"""

from __future__ import annotations

from typing import Any

from core.fields import FIELDS, FieldKind
from core.mention import Mention
from index.documents import (
    CASED_SUFFIX,
    GROUP_FIELDS,
    PRESENT,
    SEEN,
    STATE,
    TEXT_FIELDS,
    TOPIC_NAME,
    document_of,
)

LAYOUT = 4
"""Part of the index's name; raised with every change that an existing index does not fit."""

TIME_FORMAT = "epoch_second"


def index_name(alias: str) -> str:
    """Return the name of the index behind ``alias``."""
    return f"{alias}-v{LAYOUT}"


def index_settings() -> dict[str, Any]:
    """Return the settings of a new index.

    One shard: tens of millions of mentions fit, and the top values of one shard are exact.
    """
    return {"number_of_shards": 1, "auto_expand_replicas": "0-1"}


def index_mapping() -> dict[str, Any]:
    """Return the strict mapping, so that a misspelt field is refused instead of guessed."""
    token_text = {"type": "text", "analyzer": "whitespace", "norms": False}
    marker = {"type": "keyword", "doc_values": False}
    properties: dict[str, Any] = {
        STATE: {"type": "keyword", "index": False, "doc_values": False},
        SEEN: marker,
        PRESENT: marker,
        TOPIC_NAME: {"type": "keyword"},
    }
    for name in TEXT_FIELDS:
        properties[name] = token_text
        properties[name + CASED_SUFFIX] = token_text
    listed = {*GROUP_FIELDS.values(), "id"}
    for name, spec in FIELDS.items():
        properties[name] = _property(spec.kind, is_listed=name in listed)
    return {
        "dynamic": "strict",
        "_source": {"includes": [STATE]},
        "_meta": {"layout": LAYOUT},
        "properties": properties,
    }


def source_of(mention: Mention) -> dict[str, Any]:
    """Return the document of one state."""
    source: dict[str, Any] = {STATE: mention.model_dump_json(exclude_defaults=True)}
    if not mention.has_content:
        return source
    fields = document_of(mention)
    source.update(fields.texts)
    source.update(fields.keywords)
    source.update(fields.numbers)
    source.update(fields.flags)
    source[TOPIC_NAME] = mention.matched_topics
    source[PRESENT] = [*fields.keywords, *fields.numbers, *fields.flags]
    source[SEEN] = fields.seen
    return source


def _property(kind: FieldKind, *, is_listed: bool) -> dict[str, Any]:
    if kind is FieldKind.KEYWORD:
        return {"type": "keyword"} if is_listed else {"type": "keyword", "doc_values": False}
    if kind is FieldKind.FLAG:
        return {"type": "boolean", "doc_values": False}
    if kind is FieldKind.DATE:
        return {"type": "date", "format": TIME_FORMAT}
    return {"type": "long"}
