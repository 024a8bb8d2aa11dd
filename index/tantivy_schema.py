"""The fields of the embedded index, and how a mention becomes a tantivy document.

A type that does not fit its field kills tantivy's writer thread, so every value is added by the
method of its type. Times are kept as seconds in integer fields: tantivy's own dates want
nanoseconds in ranges and milliseconds in histograms, and end in the year 2262.
"""

from __future__ import annotations

import zlib

import tantivy

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

KEY = "key"
"""The id, also of states that no question sees: these have no field ``id``."""

SLOT = "slot"
"""A number below ``SLOTS`` drawn from the id, to walk through a selection in equal parts."""

SLOTS = 1 << 16

RANK = "rank"
"""The first eight bytes of the id as a number, to go on after an id in the order of ids."""

NO_NUMBER = -1
"""What engagement and followers sort as where they are unknown: after every known number."""

SORTED = ("published", "engagement", "followers")
SORT_SUFFIX = "_order"

LAYOUT = 4
"""Raised with every change of this module that old folders do not fit."""


def build_schema() -> tantivy.Schema:
    """Return the schema of the embedded index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(KEY, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_bytes_field(STATE, stored=True)
    builder.add_text_field(SEEN, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(PRESENT, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(SLOT, fast=True)
    builder.add_unsigned_field(RANK, fast=True)
    for name in SORTED:
        builder.add_integer_field(name + SORT_SUFFIX, fast=True)
    for name in TEXT_FIELDS:
        for field in (name, name + CASED_SUFFIX):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="position")
    builder.add_text_field(TOPIC_NAME, tokenizer_name="raw", index_option="basic", fast=True)
    grouped = set(GROUP_FIELDS.values())
    for name, spec in FIELDS.items():
        if spec.kind is FieldKind.KEYWORD:
            builder.add_text_field(
                name, tokenizer_name="raw", index_option="basic", fast=name in grouped
            )
        elif spec.kind is FieldKind.FLAG:
            builder.add_boolean_field(name, indexed=True)
        else:
            builder.add_integer_field(name, fast=True)
    return builder.build()


def build_document(mention: Mention) -> tantivy.Document:
    """Return what is stored and indexed of one state."""
    document = tantivy.Document()
    document.add_text(KEY, mention.id)
    document.add_bytes(STATE, mention.model_dump_json(exclude_defaults=True).encode())
    if not mention.has_content:
        return document
    fields = document_of(mention)
    for value in fields.seen:
        document.add_text(SEEN, value)
    document.add_unsigned(SLOT, slot_of(mention.id))
    document.add_unsigned(RANK, rank_of(mention.id))
    for name in SORTED:
        document.add_integer(name + SORT_SUFFIX, fields.numbers.get(name, NO_NUMBER))
    for name, tokens in fields.texts.items():
        document.add_text(name, tokens)
    for topic in mention.matched_topics:
        document.add_text(TOPIC_NAME, topic)
    for name, values in fields.keywords.items():
        document.add_text(PRESENT, name)
        for value in values:
            document.add_text(name, value)
    for name, number in fields.numbers.items():
        document.add_text(PRESENT, name)
        document.add_integer(name, number)
    for name, flag in fields.flags.items():
        document.add_text(PRESENT, name)
        document.add_boolean(name, flag)
    return document


def slot_of(key: str) -> int:
    """Return the slot of an id: any id falls into any slot equally often."""
    return zlib.crc32(key.encode()) % SLOTS


def rank_of(key: str) -> int:
    """Return a number that grows with the id; ids that begin alike may share it."""
    return int.from_bytes(key.encode()[:8].ljust(8, b"\0"), "big")
