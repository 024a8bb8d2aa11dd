"""Random queries and mentions for property tests: few words, so that many of them match."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from core.mention import (
    Author,
    Channel,
    Engagement,
    Enrichment,
    Mention,
    Overlay,
    Sentiment,
    Status,
    TopicTag,
)

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)

WORDS = ["acme", "Acme", "road", "runner", "café", "#acme", "@acme", "acm", "東京都", "京", "don't"]
WORDS += ["https://news.example.com/a", "❤️", "$ACME", "ACME_corp", "3.5", "@a@b.social", "ｆｕｌｌ"]

texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@st.composite
def mentions(draw: st.DrawFn) -> Mention:
    """Draw a mention whose text, title and fields come from small choices."""
    handle = draw(st.sampled_from([None, "Bob", "eve"]))
    followers = draw(st.sampled_from([None, 0, 10, 1000]))
    author = Author(service="mastodon", id="1", handle=handle, followers=followers)
    return Mention(
        id=draw(st.uuids()).hex,
        version=(0, 1, "x"),
        service="mastodon",
        channel=draw(st.sampled_from(Channel)),
        title=draw(st.none() | texts),
        text=draw(texts),
        language=draw(st.sampled_from([None, "en", "de"])),
        published_at=NOW - timedelta(hours=draw(st.integers(0, 72))),
        author=draw(st.sampled_from([None, author])),
        links=draw(st.sampled_from([(), ("https://news.example.com/a",), ("http://acme.io",)])),
        is_own=draw(st.booleans()),
    )


_bare = st.sampled_from(WORDS)
_quoted = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
    lambda words: '"' + " ".join(words) + '"'
)
_sloppy = st.tuples(_quoted, st.integers(0, 5)).map(lambda both: f"{both[0]}~{both[1]}")
_fuzzy = st.sampled_from(["acme~1", "acma~", "raod~1", "runer~2", "東京~1"])
_patterns = st.sampled_from(["acm?", "*cm*", "r*d", "#*", "caf?", "@a*", "京*", "??", "a*m*"])
_side = st.one_of(
    st.sampled_from(["acme", "road", '"road runner"', "#acme", '"acme"', "café"]),
    st.just('(runner OR "acme road")'),
)
_near = st.tuples(_side, st.integers(0, 4), _side).map(lambda s: f"{s[0]} NEAR/{s[1]} {s[2]}")
_text = st.one_of(_bare, _quoted, _sloppy, _fuzzy, _patterns, _near.map("({})".format))
_scoped = st.tuples(st.sampled_from(["title:", "text:"]), _text).map("".join)
_cased = st.one_of(_bare, _quoted, _sloppy).map(lambda written: f"case:{written}")

DELIVERED_LEAVES = [
    "lang:en",
    "lang:*",
    "channel:social",
    "channel:(news OR forum)",
    "author:bob",
    "author:B*",
    "domain:example.com",
    "domain:acme.io",
    "link:*acme*",
    "own:true",
    "own:false",
    "published:[2026-06-14 TO *]",
    "published:<2026-06-13T13:00:00Z",
    "*:*",
]
_delivered = st.sampled_from(DELIVERED_LEAVES)
_later = st.sampled_from(["followers:[10 TO *]", "followers:0", "followers:*", "published:>now-1d"])


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        pairs.map(lambda parts: "(" + " OR ".join(parts) + ")"),
        pairs.map(lambda parts: "(" + " AND ".join(parts) + ")"),
        pairs.map(lambda parts: "(" + " ".join(parts) + ")"),
        inner.map(lambda part: f"(NOT {part})"),
        inner.map(lambda part: f"-{part}"),
    )


_leaves = st.one_of(_text, _text, _text, _scoped, _cased, _delivered)

topic_queries = st.recursive(_leaves, _combined, max_leaves=6)
"""Queries that a topic may have."""

queries = st.recursive(st.one_of(_leaves, _later), _combined, max_leaves=6)
"""Queries that a search may have; parse them with ``NOW``."""


# --- fragments of one mention, for the join -------------------------------------------------------

_times = st.integers(0, 4)
_us = st.integers(0, 3)
_some_texts = st.sampled_from(["a", "b"])


def _corrections(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    by = st.sampled_from(["ann", "ben"])
    return st.none() | st.builds(
        lambda v, b, at: {"value": v, "by": b, "at_us": at}, values, by, _us
    )


_stamps = st.dictionaries(st.sampled_from(["x", "y"]), _us).map(lambda d: tuple(sorted(d.items())))


@st.composite
def overlays(draw: st.DrawFn) -> Overlay:
    """Draw what people may have said about a mention."""
    return Overlay.model_validate(
        {
            "sentiment": draw(_corrections(st.sampled_from([None, *Sentiment]))),
            "irrelevant": draw(_corrections(st.booleans())),
            "status": draw(_corrections(st.sampled_from(Status))),
            "tags_added": draw(_stamps),
            "tags_removed": draw(_stamps),
        }
    )


@st.composite
def fragments(draw: st.DrawFn) -> Mention:
    """Draw any state of the mention ``m``: with or without content, enrichment, corrections."""
    if draw(st.integers(0, 19)) == 0:
        return Mention(id="m", erased=True)
    fields: dict[str, object] = {"overlay": draw(overlays())}
    if draw(st.booleans()):
        version = (draw(_us), draw(_us), draw(_some_texts))
        fields |= {"version": version, "text": draw(_some_texts), "is_own": draw(st.booleans())}
        fields |= {"sources": tuple(sorted(draw(st.sets(st.sampled_from("pqr")))))}
        fields |= {"collected_at": NOW + timedelta(seconds=draw(_times))}
        known = draw(st.none() | _times)
        fields |= {"known_at": None if known is None else NOW + timedelta(seconds=known)}
    tags = draw(st.dictionaries(st.sampled_from("tu"), st.tuples(_us, st.booleans())))
    fields["topics"] = tuple(
        TopicTag(name=name, query_version=version, matched=matched)
        for name, (version, matched) in sorted(tags.items())
    )
    count = st.none() | st.integers(0, 2)
    fields["engagement"] = Engagement(
        reactions=draw(count), shares=draw(count), observed_us=draw(_us)
    )
    if draw(st.booleans()):
        fields["enrichment"] = Enrichment(
            content_version=(0, draw(_us), "a"),
            enriched_us=draw(_us),
            sentiment=draw(st.sampled_from([None, *Sentiment])),
        )
    return Mention.model_validate({"id": "m", **fields})
