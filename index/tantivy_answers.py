"""Answers of the embedded index: counts, histograms, top values and pages of one snapshot.

tantivy refuses a request with more than 65,000 buckets, so long windows are halved until they fit;
it cuts lists of values in each segment before adding them up, unless told to keep all.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import tantivy
from tantivy import DocAddress, Occur, Query, Searcher

from core.errors import EngineUnavailable
from core.mention import Mention
from core.query.patterns import wildcard
from core.questions import BucketCount, GroupField, ValueCount
from core.window import EPOCH, TimeWindow, bucket_start
from index.documents import GROUP_FIELDS, STATE
from index.paging import After, Sorting
from index.tantivy_query import Translator
from index.tantivy_schema import KEY, RANK, SLOT, SLOTS, SORT_SUFFIX, rank_of

ALL_VALUES = 2**31 - 1
"""Values kept in each segment: all, so that counts are exact."""

MAX_LISTED = 60_000
"""Longest list of values asked for at once."""

COMPOSITE_PAGE = 10_000
SCAN_PART = 10_000
"""About how many mentions a scan holds addresses of at a time."""

Hit = tuple[Any, DocAddress]


class Snapshot:
    """One state of the index, which commits made meanwhile do not change."""

    def __init__(self, searcher: Searcher, translator: Translator) -> None:
        self._searcher = searcher
        self._translator = translator

    def count(self, query: Query) -> int:
        """Return how many documents match."""
        found: int = self._searcher.search(query, limit=1).count  # type: ignore[attr-defined]
        return found

    def distinct(self, query: Query, field: GroupField) -> int:
        """Return about how many values ``field`` has."""
        return round(self._searcher.cardinality(query, GROUP_FIELDS[field]))

    def top(self, query: Query, field: GroupField, size: int) -> list[ValueCount]:
        """Return the most frequent values, by count, then value."""
        if size > MAX_LISTED:
            every = self._every_value(query, field)
            return heapq.nsmallest(size, every, key=lambda found: (-found.count, found.value))
        terms = {"field": GROUP_FIELDS[field], "size": size, "segment_size": ALL_VALUES}
        answer = self._searcher.aggregate(query, {"values": {"terms": terms}})
        found = [ValueCount(b["key"], b["doc_count"]) for b in answer["values"]["buckets"]]
        return sorted(found, key=lambda value: (-value.count, value.value))

    def buckets(
        self, query: Query, window: TimeWindow, step: timedelta, time: str, by: GroupField | None
    ) -> list[BucketCount]:
        """Return the counts per bucket of the number field ``time``, and per value of ``by``."""
        within = self._both(query, self._translator.window(window, time))
        seconds = step / timedelta(seconds=1)
        request: dict[str, Any] = {
            "histogram": {"field": time, "interval": seconds, "min_doc_count": 1}
        }
        if by is not None:
            terms = {"field": GROUP_FIELDS[by], "size": MAX_LISTED, "segment_size": ALL_VALUES}
            request["aggs"] = {"values": {"terms": terms}}
        try:
            answer = self._searcher.aggregate(within, {"times": request})
        except ValueError as err:
            if "limit" not in str(err):
                raise EngineUnavailable(f"the index cannot be read: {err}") from err
            return self._halved(query, window, step, time, by)
        counts: list[BucketCount] = []
        for bucket in answer["times"]["buckets"]:
            start = EPOCH + round(bucket["key"] / seconds) * step
            if by is None:
                counts.append(BucketCount(start, None, bucket["doc_count"]))
                continue
            if bucket["values"]["sum_other_doc_count"]:
                return self._halved(query, window, step, time, by)
            values = sorted((b["key"], b["doc_count"]) for b in bucket["values"]["buckets"])
            counts += [BucketCount(start, value, count) for value, count in values]
        return counts

    def _halved(
        self, query: Query, window: TimeWindow, step: timedelta, time: str, by: GroupField | None
    ) -> list[BucketCount]:
        first = bucket_start(window.start, step)
        count = -((first - window.end) // step)
        if count > 1:
            middle = first + count // 2 * step
            parts = (TimeWindow(window.start, middle), TimeWindow(middle, window.end))
            return [c for part in parts for c in self.buckets(query, part, step, time, by)]
        if by is None:
            raise AssertionError("one bucket without values is never too many")
        within = self._both(query, self._translator.window(window, time))
        every = sorted(self._every_value(within, by), key=lambda found: found.value)
        return [BucketCount(first, found.value, found.count) for found in every]

    def _every_value(self, query: Query, field: GroupField) -> Iterator[ValueCount]:
        """Yield all values of ``field``, however many, in some order."""
        composite: dict[str, Any] = {
            "size": COMPOSITE_PAGE,
            "sources": [{"value": {"terms": {"field": GROUP_FIELDS[field]}}}],
        }
        while True:
            answer = self._searcher.aggregate(query, {"values": {"composite": composite}})
            buckets = answer["values"]["buckets"]
            for bucket in buckets:
                yield ValueCount(bucket["key"]["value"], bucket["doc_count"])
            if len(buckets) < COMPOSITE_PAGE:
                return
            composite["after"] = answer["values"]["after_key"]

    def page(
        self, query: Query, sorting: Sorting, size: int, after: After | None
    ) -> list[tuple[After, Mention]]:
        """Return the first ``size`` mentions, with what they sort as, after ``after``."""
        if after is None:
            return self._first(query, sorting, size)
        field = sorting.field + SORT_SUFFIX
        found = self._ties(query, field, after.value, size, after.id)
        if len(found) < size:
            if sorting.descending:
                rest = self._translator.between(field, None, after.value - 1)
            else:
                rest = self._translator.between(field, after.value + 1, None)
            found += self._first(self._both(query, rest), sorting, size - len(found))
        return found

    def _first(self, query: Query, sorting: Sorting, size: int) -> list[tuple[After, Mention]]:
        """Return the first ``size`` by value, then id.

        tantivy breaks ties by place in its files, so the mentions that share the last value are
        asked for again in the order of ids.
        """
        field = sorting.field + SORT_SUFFIX
        order = tantivy.Order.Desc if sorting.descending else tantivy.Order.Asc
        hits: list[Hit] = self._searcher.search(
            query, limit=size + 1, count=False, order_by_field=field, order=order
        ).hits
        last = hits[-1][0] if len(hits) > size else None
        sure = [(After(value, ""), self.load(at)) for value, at in hits if value != last]
        found = [(After(after.value, mention.id), mention) for after, mention in sure]
        sign = -1 if sorting.descending else 1
        found.sort(key=lambda pair: (sign * pair[0].value, pair[0].id))
        if last is not None:
            found += self._ties(query, field, last, size - len(found), "")
        return found

    def _ties(
        self, query: Query, field: str, value: int, size: int, after: str
    ) -> list[tuple[After, Mention]]:
        """Return up to ``size`` mentions of one sort value whose id is greater than ``after``."""
        query = self._both(query, self._translator.between(field, value, value))
        if after:
            query = self._both(
                query, self._translator.between(RANK, rank_of(after), None, unsigned=True)
            )
        limit = size + 1
        while True:
            hits: list[Hit] = self._searcher.search(
                query, limit=limit, count=False, order_by_field=KEY, order=tantivy.Order.Asc
            ).hits
            wanted = [(key, at) for key, at in hits if key > after][:size]
            if len(wanted) == size or len(hits) < limit:
                return [(After(value, key), self.load(at)) for key, at in wanted]
            limit *= 4

    def scan(self, query: Query) -> Iterator[Mention]:
        """Yield every match once, reading the addresses of a part of all ids at a time."""
        parts = max(1, self.count(query) // SCAN_PART)
        for part in range(parts):
            least, end = part * SLOTS // parts, (part + 1) * SLOTS // parts
            slots = self._translator.between(SLOT, least, end - 1, unsigned=True)
            for _, at in self._all_hits(self._both(query, slots)):
                yield self.load(at)

    def states(self, keys: Sequence[str]) -> dict[str, Mention]:
        """Return the stored states of ``keys``."""
        query = self._translator.any_key(keys)
        loaded = [self.load(at) for _, at in self._all_hits(query)]
        return {mention.id: mention for mention in loaded}

    def terms_like(self, field: str, pattern: str) -> list[str]:
        """Return the terms of ``field`` that fit a pattern of ``?`` and ``*``."""
        fits = wildcard(pattern).fullmatch
        prefix = re.split(r"[?*]", pattern, maxsplit=1)[0]
        terms = self._searcher.terms_with_prefix(field, prefix)
        return [term for term, _ in terms if fits(term)]

    def load(self, address: DocAddress) -> Mention:
        """Return the mention stored at ``address``."""
        stored: bytes | list[int] = self._searcher.doc(address).to_dict()[STATE][0]
        return Mention.model_validate_json(bytes(stored))

    def _all_hits(self, query: Query) -> list[Hit]:
        count = self.count(query)
        if not count:
            return []
        hits: list[Hit] = self._searcher.search(query, limit=count, count=False).hits
        return hits

    @staticmethod
    def _both(one: Query, other: Query) -> Query:
        return Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])
