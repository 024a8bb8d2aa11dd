"""Corrections that a person just made, laid over an index that does not hold them yet.

A correction goes through the spool into the index, which takes a moment. Until then every
question asked through ``CorrectedIndex`` is answered as if it had arrived, so that the numbers
move at once. It only ever adjusts answers by the few mentions that are on their way.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from core.fields import FIELDS
from core.mention import Mention
from core.merge import join
from core.ports import ApplyOutcome, Index
from core.query.ast import FieldIs, Or
from core.query.evaluate import matches
from core.questions import (
    BucketCount,
    GroupField,
    Order,
    Page,
    Selection,
    ValueCount,
    View,
)
from core.window import bucket_start

K = TypeVar("K")


def selects(selection: Selection, mention: Mention) -> bool:
    """Return whether a selection holds ``mention``, as an index would say."""
    if not mention.has_content:
        return False
    if mention.is_own and not selection.include_own:
        return False
    if mention.is_irrelevant and not selection.include_irrelevant:
        return False
    if selection.topics and not set(selection.topics) & set(mention.matched_topics):
        return False
    if selection.window is not None:
        at = instant_of(selection, mention)
        if at is None or at not in selection.window:
            return False
    return selection.query is None or matches(selection.query, mention)


def instant_of(selection: Selection, mention: Mention) -> datetime | None:
    """Return the time at which the selection's view sees ``mention``."""
    return mention.known_at if selection.view is View.LIVE else mention.published_at


def values_of(field: GroupField, mention: Mention) -> tuple[str, ...]:
    """Return the different values of a field that a mention is counted under.

    Topics keep the case of their names.
    """
    if field is GroupField.TOPIC:
        return mention.matched_topics
    return tuple(dict.fromkeys(str(value) for value in FIELDS[field.value].read(mention)))


def order_key(order: Order, mention: Mention) -> tuple[float, str]:
    """Return what an order sorts by, ascending, ties by id."""
    at = mention.published_at.timestamp()
    followers = mention.author.followers if mention.author else None
    number = {
        Order.NEWEST: -at,
        Order.OLDEST: at,
        Order.ENGAGEMENT: -float(mention.engagement.total or 0),
        Order.FOLLOWERS: -float(followers or 0),
    }[order]
    return number, mention.id


class Pending:
    """The fragments on their way to the index, by id. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fragments: dict[str, Mention] = {}
        self._revision = 0

    @property
    def revision(self) -> int:
        """A number that grows with every change, for caches to key on."""
        return self._revision

    def add(self, fragments: Sequence[Mention]) -> None:
        """Lay fragments over the index until it holds them."""
        with self._lock:
            for fragment in fragments:
                known = self._fragments.get(fragment.id)
                self._fragments[fragment.id] = join(known, fragment) if known else fragment
            self._revision += 1

    def drop(self, settled: Collection[Mention]) -> None:
        """Forget the fragments that the index holds by now, unless they changed meanwhile."""
        with self._lock:
            for fragment in settled:
                if self._fragments.get(fragment.id) == fragment:
                    del self._fragments[fragment.id]
                    self._revision += 1

    def fragments(self) -> list[Mention]:
        """Return all fragments that wait."""
        with self._lock:
            return list(self._fragments.values())


@dataclass(frozen=True, slots=True)
class _Change:
    """One mention as the index shows it and as it will be."""

    stored: Mention
    corrected: Mention


class CorrectedIndex:
    """An index (``core.ports.Index``) with pending corrections laid over its answers.

    ``distinct`` is left as the index says it: a few mentions do not move it beyond its tolerance.
    """

    def __init__(self, index: Index, pending: Pending) -> None:
        self._index = index
        self._pending = pending

    def _changes(self) -> list[_Change]:
        """Return what differs, and forget what the index shows by now."""
        fragments = self._pending.fragments()
        if not fragments:
            return []
        ids: tuple[FieldIs, ...] = tuple(FieldIs("id", f.id.casefold()) for f in fragments)
        # By question, not by ``get``: only what questions see already is settled.
        everything = Selection(query=Or(ids), include_own=True, include_irrelevant=True)
        shown = {m.id: m for m in self._index.page(everything, size=len(ids)).mentions}
        changes, settled = [], []
        for fragment in fragments:
            stored = shown.get(fragment.id)
            if stored is None:
                continue
            corrected = join(stored, fragment)
            if corrected == stored:
                settled.append(fragment)
            else:
                changes.append(_Change(stored, corrected))
        self._pending.drop(settled)
        return changes

    def _shifts(self, selection: Selection, count: Callable[[Mention], Sequence[K]]) -> Counter[K]:
        """Return by how much the count under each key differs from the index's."""
        shifts: Counter[K] = Counter()
        for change in self._changes():
            if selects(selection, change.stored):
                shifts.subtract(count(change.stored))
            if selects(selection, change.corrected):
                shifts.update(count(change.corrected))
        return shifts

    def setup(self) -> None:
        """Create what is missing."""
        self._index.setup()

    def apply(self, fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        """Join fragments into the index."""
        return self._index.apply(fragments, now)

    def get(self, ids: Sequence[str]) -> dict[str, Mention]:
        """Return stored states, with what is pending joined in."""
        found = self._index.get(ids)
        for fragment in self._pending.fragments():
            if fragment.id in found:
                found[fragment.id] = join(found[fragment.id], fragment)
        return found

    def known(self, ids: Collection[str]) -> dict[str, Mention]:
        """Return durably stored states, as the index says."""
        return self._index.known(ids)

    def refresh(self) -> None:
        """Make everything applied so far visible."""
        self._index.refresh()

    def count(self, selection: Selection) -> int:
        """Return how many mentions are selected."""
        shift = self._shifts(selection, lambda _: ("all",))["all"]
        return max(self._index.count(selection) + shift, 0)

    def buckets(
        self, selection: Selection, step: timedelta, by: GroupField | None = None
    ) -> list[BucketCount]:
        """Return counts per bucket, ordered by start, then value."""
        found = {(b.start, b.value): b.count for b in self._index.buckets(selection, step, by)}

        def keys(mention: Mention) -> list[tuple[datetime, str | None]]:
            at = instant_of(selection, mention)
            if at is None:
                return []
            values: Sequence[str | None] = [None] if by is None else values_of(by, mention)
            return [(bucket_start(at, step), value) for value in values]

        for (start, value), shift in self._shifts(selection, keys).items():
            found[start, value] = found.get((start, value), 0) + shift
        ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return [BucketCount(start, value, n) for (start, value), n in ordered if n > 0]

    def top(self, selection: Selection, field: GroupField, size: int) -> list[ValueCount]:
        """Return the most frequent values."""
        shifts = self._shifts(selection, lambda mention: values_of(field, mention))
        if not any(shifts.values()):
            return self._index.top(selection, field, size)
        # What shifts may lift a value into the first ``size`` or push one out of them.
        found = {v.value: v.count for v in self._index.top(selection, field, size + len(shifts))}
        for value, shift in shifts.items():
            found[value] = found.get(value, 0) + shift
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return [ValueCount(value, n) for value, n in ordered if n > 0][:size]

    def distinct(self, selection: Selection, field: GroupField) -> int:
        """Return about how many different values a field has."""
        return self._index.distinct(selection, field)

    def page(
        self,
        selection: Selection,
        size: int,
        order: Order = Order.NEWEST,
        token: str | None = None,
    ) -> Page:
        """Return mentions in order; one that comes back by an undo shows on the first page."""
        found = self._index.page(selection, size, order, token)
        changes = {change.stored.id: change for change in self._changes()}
        if not changes:
            return found
        total = found.total
        kept = [m for m in found.mentions if m.id not in changes]
        held = {m.id for m in found.mentions}
        for change in changes.values():
            was, is_now = selects(selection, change.stored), selects(selection, change.corrected)
            total += int(is_now) - int(was)
            if is_now and (change.stored.id in held or (not was and token is None)):
                kept.append(change.corrected)
        kept.sort(key=lambda mention: order_key(order, mention))
        return replace(found, total=max(total, 0), mentions=tuple(kept))

    def scan(self, selection: Selection) -> Iterator[Mention]:
        """Yield every selected mention once."""
        changes = {change.stored.id: change for change in self._changes()}
        for mention in self._index.scan(selection):
            if mention.id not in changes:
                yield mention
        for change in changes.values():
            if selects(selection, change.corrected):
                yield change.corrected

    def size(self) -> int:
        """Return how many mentions with content are stored."""
        return self._index.size()

    def close(self) -> None:
        """Release what the index holds."""
        self._index.close()
