"""The join of two states of one mention.

Every part of a mention is a register: the higher version wins, and equal versions are settled by
their serialised content, so that the result never depends on who came first. That makes ``join``
commutative, associative and idempotent: envelopes may be permuted, doubled and split in any way
and every store ends up equal (Shapiro et al. 2011, "Conflict-free Replicated Data Types").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from core.mention import (
    CONTENT_FIELDS,
    Correction,
    Engagement,
    Enrichment,
    Mention,
    Overlay,
    Part,
    TopicTag,
)
from core.window import EPOCH

P = TypeVar("P", bound=Part)


def join(left: Mention, right: Mention) -> Mention:
    """Return what is known about one mention after both states have been seen.

    Raises ValueError when the two have different ids.
    """
    if left.id != right.id:
        raise ValueError(f"cannot join {left.id} with {right.id}")
    if left.erased or right.erased:
        return Mention(id=left.id, erased=True)
    if left == right:
        return left
    newer = _newer_content(left, right)
    fields: dict[str, Any] = {name: getattr(newer, name) for name in CONTENT_FIELDS}
    fields["sources"] = tuple(sorted({*left.sources, *right.sources}))
    fields["collected_at"] = _earliest(left, right)
    known = [at for at in (left.known_at, right.known_at) if at is not None]
    fields["known_at"] = min(known, default=None)
    fields["topics"] = _join_topics(left.topics, right.topics)
    fields["engagement"] = _join_engagement(left.engagement, right.engagement)
    fields["enrichment"] = _join_enrichment(left.enrichment, right.enrichment)
    fields["overlay"] = join_overlays(left.overlay, right.overlay)
    return left.model_copy(update=fields)


def join_all(states: Iterable[Mention]) -> dict[str, Mention]:
    """Return the join of all states of each id, in the order the ids were first seen."""
    joined: dict[str, Mention] = {}
    for state in states:
        known = joined.get(state.id)
        joined[state.id] = state if known is None else join(known, state)
    return {key: _absorb(state) for key, state in joined.items()}


def _absorb(state: Mention) -> Mention:
    """Return an erased mention without anything but its id, others as they are."""
    return Mention(id=state.id, erased=True) if state.erased else state


def _newer_content(left: Mention, right: Mention) -> Mention:
    if left.version != right.version:
        return max(left, right, key=lambda mention: mention.version)
    return max(left, right, key=_content_json)


def _content_json(mention: Mention) -> str:
    return mention.model_dump_json(include=set(CONTENT_FIELDS))


def _earliest(left: Mention, right: Mention) -> Any:
    """Return the first time of collection; a state without content was never collected."""
    times = [m.collected_at for m in (left, right) if m.collected_at != EPOCH]
    return min(times, default=EPOCH)


def _join_topics(left: tuple[TopicTag, ...], right: tuple[TopicTag, ...]) -> tuple[TopicTag, ...]:
    if left == right:
        return left
    tags: dict[str, TopicTag] = {}
    for tag in (*left, *right):
        known = tags.get(tag.name)
        if known is None or (tag.query_version, tag.matched) > (known.query_version, known.matched):
            tags[tag.name] = tag
    return tuple(tags[name] for name in sorted(tags))


def retagged(held: TopicTag | None, name: str, version: int, *, matched: bool) -> TopicTag:
    """Return the tag of the topic ``name`` that stands above ``held``, whatever that says.

    ``version`` is that of the topic's query. A query that was changed without raising it could take
    no topic off: so the tag's own is raised where it has to be.
    """
    least = 0 if held is None else held.query_version + (held.matched and not matched)
    return TopicTag(name=name, query_version=max(version, least), matched=matched)


def _join_engagement(left: Engagement, right: Engagement) -> Engagement:
    # Numbers without a time of observation still outrank knowing nothing.
    return _higher(left, right, lambda part: (part.observed_us, part != Engagement()))


def _join_enrichment(left: Enrichment | None, right: Enrichment | None) -> Enrichment | None:
    if left is None or right is None:
        return left or right
    # Of the same content a later brief one takes nothing away from what was found in full.
    return _higher(
        left, right, lambda part: (part.content_version, not part.is_brief, part.enriched_us)
    )


def join_overlays(left: Overlay, right: Overlay) -> Overlay:
    """Return the overlay after both have been seen: one register a field, an add/remove set."""
    if left == right:
        return left
    return Overlay(
        sentiment=_join_corrections(left.sentiment, right.sentiment),
        irrelevant=_join_corrections(left.irrelevant, right.irrelevant),
        status=_join_corrections(left.status, right.status),
        tags_added=_join_stamps(left.tags_added, right.tags_added),
        tags_removed=_join_stamps(left.tags_removed, right.tags_removed),
    )


C = TypeVar("C")


def _join_corrections(
    left: Correction[C] | None, right: Correction[C] | None
) -> Correction[C] | None:
    if left is None or right is None:
        return left or right
    return _higher(left, right, lambda part: part.at_us)


def _join_stamps(
    left: tuple[tuple[str, int], ...], right: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, int], ...]:
    stamps = dict(left)
    for tag, at in right:
        stamps[tag] = max(at, stamps.get(tag, at))
    return tuple(sorted(stamps.items()))


def _higher(left: P, right: P, version: Callable[[P], Any]) -> P:
    """Return the part of the higher version; equal versions are settled by their content."""
    if left == right:
        return left
    key = (version(left), version(right))
    if key[0] != key[1]:
        return left if key[0] > key[1] else right
    return max(left, right, key=lambda part: part.model_dump_json())
