"""An index in a dictionary: it answers by looking at every mention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from app.pending import instant_of, order_key, selects, values_of
from core.errors import EngineUnavailable
from core.mention import Mention
from core.merge import join
from core.ports import Applied, ApplyOutcome
from core.questions import BucketCount, GroupField, Order, Page, Selection, ValueCount
from core.window import bucket_start


class MemoryIndex:
    """Keeps mentions in memory. ``is_down`` makes every question fail as a lost engine does."""

    def __init__(self, mentions: Sequence[Mention] = (), *, is_down: bool = False) -> None:
        self.is_down = is_down
        self._mentions: dict[str, Mention] = {m.id: m for m in mentions}

    def _check(self) -> None:
        if self.is_down:
            raise EngineUnavailable("the index cannot be reached at 127.0.0.1:9200")

    def _selected(self, selection: Selection) -> list[Mention]:
        self._check()
        return [m for m in self._mentions.values() if selects(selection, m)]

    def setup(self) -> None:
        self._check()

    def apply(self, fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        self._check()
        outcomes = []
        for fragment in fragments:
            known = self._mentions.get(fragment.id)
            after = join(known, fragment) if known else fragment
            if after.has_content and after.known_at is None:
                after = after.model_copy(update={"known_at": now})
            status = Applied.CREATED if known is None else Applied.UPDATED
            if after == known:
                status = Applied.UNCHANGED
            self._mentions[fragment.id] = after
            outcomes.append(ApplyOutcome(fragment.id, status))
        return outcomes

    def get(self, ids: Sequence[str]) -> dict[str, Mention]:
        self._check()
        return {i: self._mentions[i] for i in ids if i in self._mentions}

    def known(self, ids: Collection[str]) -> dict[str, Mention]:
        return {i: m for i, m in self.get(list(ids)).items() if m.has_content or m.erased}

    def refresh(self) -> None:
        self._check()

    def count(self, selection: Selection) -> int:
        return len(self._selected(selection))

    def buckets(
        self, selection: Selection, step: timedelta, by: GroupField | None = None
    ) -> list[BucketCount]:
        counts: Counter[tuple[datetime, str | None]] = Counter()
        for mention in self._selected(selection):
            at = instant_of(selection, mention)
            assert at is not None
            for value in [None] if by is None else values_of(by, mention):
                counts[bucket_start(at, step), value] += 1
        ordered = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return [BucketCount(start, value, n) for (start, value), n in ordered]

    def top(self, selection: Selection, field: GroupField, size: int) -> list[ValueCount]:
        counts = Counter(v for m in self._selected(selection) for v in values_of(field, m))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [ValueCount(value, n) for value, n in ordered[:size]]

    def distinct(self, selection: Selection, field: GroupField) -> int:
        return len({v for m in self._selected(selection) for v in values_of(field, m)})

    def page(
        self,
        selection: Selection,
        size: int,
        order: Order = Order.NEWEST,
        token: str | None = None,
    ) -> Page:
        found = sorted(self._selected(selection), key=lambda m: order_key(order, m))
        start = int(token or 0)
        after = start + size
        return Page(
            len(found), tuple(found[start:after]), str(after) if after < len(found) else None
        )

    def scan(self, selection: Selection) -> Iterator[Mention]:
        yield from self._selected(selection)

    def size(self) -> int:
        self._check()
        return sum(1 for m in self._mentions.values() if m.has_content)

    def close(self) -> None:
        """Nothing is held."""
