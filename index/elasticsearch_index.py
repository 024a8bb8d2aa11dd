"""Elasticsearch 9 as the index, for when one machine is not enough."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from core.errors import FatalError
from core.mention import Mention
from core.ports import ApplyOutcome
from core.questions import (
    BucketCount,
    GroupField,
    Order,
    Page,
    Selection,
    ValueCount,
)
from core.window import EPOCH, TimeWindow, bucket_start, check_step
from index.documents import GROUP_FIELDS, TIME_FIELDS
from index.elasticsearch_client import connect, said_in_our_words
from index.elasticsearch_mapping import LAYOUT, index_mapping, index_name, index_settings
from index.elasticsearch_query import selection_query, visible_query
from index.elasticsearch_writing import Writing, read_state, read_states
from index.paging import After, check_size, read_token, sorting_of, write_token

MAX_BUCKETS = 65_000
"""Buckets of one answer; the engine's own limit is 65,536."""

MIN_NESTED_VALUES = 8
"""Below this many values a bucket, a nested histogram would too often be asked in vain."""

MAX_LISTED = 10_000
"""Values, or combinations of values, asked for at once."""

MAX_PAGE = 10_000
"""The engine's longest page (``index.max_result_window``)."""

SCAN_PART = 1_000
SCAN_KEEP_ALIVE = "5m"
NO_NUMBER = -1
DISTINCT_PRECISION = 40_000
"""Up to this many different values are counted nearly exactly; the engine's maximum."""

READY_TIMEOUT = "30s"


class ElasticsearchIndex:
    """Keeps mentions behind the alias ``name`` of a cluster. Satisfies ``core.ports.Index``.

    Any number of processes may write. It says what it wants with the modules that every
    Elasticsearch 9 has: no scripts, no custom analysers, no ``GET /``.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        api_key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        ca_certs: str | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._client: Elasticsearch = connect(
            url, api_key=api_key, username=username, password=password, ca_certs=ca_certs
        )

    def setup(self) -> None:
        """Create index and alias where they are missing, and wait until they can be used.

        Raises FatalError when the alias leads to an index of another layout.
        """
        with said_in_our_words(self._url):
            if not self._client.indices.exists_alias(name=self._name):
                self._create()
            self._client.cluster.health(
                index=self._name, wait_for_status="yellow", timeout=READY_TIMEOUT
            )
            found = self._client.indices.get_mapping(index=self._name)
        for index, description in found.items():
            layout = description["mappings"].get("_meta", {}).get("layout")
            if layout != LAYOUT:
                raise FatalError(
                    f"the index {index} is laid out as version {layout}, this program reads "
                    f"{LAYOUT}; name another index and import again"
                )

    def _create(self) -> None:
        try:
            self._client.indices.create(
                index=index_name(self._name),
                aliases={self._name: {"is_write_index": True}},
                mappings=index_mapping(),
                settings=index_settings(),
            )
        except BadRequestError as err:
            # Another process may be starting at the same moment.
            if err.error != "resource_already_exists_exception":
                raise

    def apply(self, fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        """Join the fragments into what is stored; see ``core.ports.Index.apply``."""
        if not fragments:
            return []
        with said_in_our_words(self._url):
            return Writing(self._client, self._name, now).run(fragments)

    def get(self, ids: Sequence[str]) -> dict[str, Mention]:
        """Return the stored states of ``ids``."""
        with said_in_our_words(self._url):
            return read_states(self._client, self._name, list(dict.fromkeys(ids)))[0]

    def known(self, ids: Collection[str]) -> dict[str, Mention]:
        """Return the stored states of ``ids`` that have content or are erased."""
        states = self.get(list(ids))
        return {key: state for key, state in states.items() if state.has_content or state.erased}

    def refresh(self) -> None:
        """Make what was written visible to questions, in every process."""
        with said_in_our_words(self._url):
            self._client.indices.refresh(index=self._name)

    def count(self, selection: Selection) -> int:
        """Return how many mentions are selected."""
        return self._count(selection_query(selection))

    def buckets(
        self, selection: Selection, step: timedelta, by: GroupField | None = None
    ) -> list[BucketCount]:
        """Return counts per UTC bucket of the selection's view."""
        check_step(step)
        if selection.window is None:
            raise ValueError("buckets need a selection with a window")
        # Times are whole seconds, so steps that are not are counted by the second and folded.
        second = timedelta(seconds=1)
        whole = step if step % second == timedelta(0) else second
        counts: dict[tuple[datetime, str | None], int] = {}
        for start, value, count in self._histogram(selection, selection.window, whole, by):
            group = (bucket_start(start, step), value)
            counts[group] = counts.get(group, 0) + count
        return [BucketCount(start, value, count) for (start, value), count in counts.items()]

    def _histogram(
        self, selection: Selection, window: TimeWindow, step: timedelta, by: GroupField | None
    ) -> list[tuple[datetime, str | None, int]]:
        """Return the counts per bucket and value, in order.

        One nested aggregation where it surely fits the engine's limit, several times faster;
        else pages of combinations.
        """
        query = selection_query(selection)
        histogram = {
            "field": TIME_FIELDS[selection.view],
            "fixed_interval": f"{step // timedelta(seconds=1)}s",
        }
        values = MAX_BUCKETS // (window.length // step + 2) - 1
        if values >= (1 if by is None else MIN_NESTED_VALUES):
            found = self._nested(query, histogram, by, values)
            if found is not None:
                return found
        sources: list[dict[str, Any]] = [{"start": {"date_histogram": histogram}}]
        if by is not None:
            sources.append({"value": {"terms": {"field": GROUP_FIELDS[by]}}})
        return [
            (_instant(key["start"]), key.get("value"), count)
            for key, count in self._composite(query, sources)
        ]

    def _nested(
        self, query: dict[str, Any], histogram: dict[str, Any], by: GroupField | None, size: int
    ) -> list[tuple[datetime, str | None, int]] | None:
        """Return the counts per bucket and value; None if a bucket has over ``size`` values."""
        request: dict[str, Any] = {"date_histogram": {**histogram, "min_doc_count": 1}}
        if by is not None:
            terms = {"field": GROUP_FIELDS[by], "size": size, "order": {"_key": "asc"}}
            request["aggregations"] = {"values": {"terms": terms}}
        counts: list[tuple[datetime, str | None, int]] = []
        for bucket in self._aggregate(query, request)["buckets"]:
            start = _instant(bucket["key"])
            if by is None:
                counts.append((start, None, bucket["doc_count"]))
                continue
            if bucket["values"]["sum_other_doc_count"]:
                return None
            counts += [(start, b["key"], b["doc_count"]) for b in bucket["values"]["buckets"]]
        return counts

    def top(self, selection: Selection, field: GroupField, size: int) -> list[ValueCount]:
        """Return the ``size`` most frequent values of ``field``."""
        query = selection_query(selection)
        if check_size(size) > MAX_LISTED:
            sources = [{"value": {"terms": {"field": GROUP_FIELDS[field]}}}]
            every = (ValueCount(key["value"], n) for key, n in self._composite(query, sources))
            return heapq.nsmallest(size, every, key=lambda found: (-found.count, found.value))
        order = [{"_count": "desc"}, {"_key": "asc"}]
        terms = {"field": GROUP_FIELDS[field], "size": size, "order": order}
        found = self._aggregate(query, {"terms": terms})
        return [ValueCount(b["key"], b["doc_count"]) for b in found["buckets"]]

    def distinct(self, selection: Selection, field: GroupField) -> int:
        """Return about how many different values ``field`` has."""
        counted = {"field": GROUP_FIELDS[field], "precision_threshold": DISTINCT_PRECISION}
        found = self._aggregate(selection_query(selection), {"cardinality": counted})
        return int(found["value"])

    def page(
        self,
        selection: Selection,
        size: int,
        order: Order = Order.NEWEST,
        token: str | None = None,
    ) -> Page:
        """Return up to ``size`` mentions in ``order``, after ``token``.

        Raises ValueError for a size that the engine does not give in one answer.
        """
        if check_size(size) >= MAX_PAGE:
            raise ValueError(f"a page of {size} is too long; scan, or ask for under {MAX_PAGE}")
        after = None if token is None else read_token(order, token)
        sorting = sorting_of(order)
        direction = "desc" if sorting.descending else "asc"
        by_value: dict[str, Any] = {"order": direction}
        if sorting.field != "published":
            by_value["missing"] = NO_NUMBER
        with said_in_our_words(self._url):
            answer = self._client.search(
                index=self._name,
                query=selection_query(selection),
                sort=[{sorting.field: by_value}, {"id": {"order": "asc"}}],
                size=size + 1,
                search_after=None if after is None else [after.value, after.id],
                track_total_hits=True,
            )
        hits = answer["hits"]["hits"]
        more = None
        if len(hits) > size:
            value, key = hits[size - 1]["sort"]
            more = write_token(order, After(value, key))
        mentions = tuple(read_state(hit) for hit in hits[:size])
        return Page(answer["hits"]["total"]["value"], mentions, more)

    def scan(self, selection: Selection) -> Iterator[Mention]:
        """Yield every selected mention once, as of the moment the scan began."""
        with said_in_our_words(self._url):
            opened = self._client.open_point_in_time(index=self._name, keep_alive=SCAN_KEEP_ALIVE)
        try:
            yield from self._scan(selection_query(selection), opened["id"])
        finally:
            with said_in_our_words(self._url):
                self._client.close_point_in_time(id=opened["id"])

    def size(self) -> int:
        """Return how many mentions with content are stored."""
        return self._count(visible_query())

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _scan(self, query: dict[str, Any], point: str) -> Iterator[Mention]:
        after = None
        while True:
            with said_in_our_words(self._url):
                answer = self._client.search(
                    pit={"id": point, "keep_alive": SCAN_KEEP_ALIVE},
                    query=query,
                    sort=["_shard_doc"],
                    size=SCAN_PART,
                    search_after=after,
                    track_total_hits=False,
                )
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield read_state(hit)
            if len(hits) < SCAN_PART:
                return
            after = hits[-1]["sort"]

    def _count(self, query: dict[str, Any]) -> int:
        with said_in_our_words(self._url):
            return int(self._client.count(index=self._name, query=query)["count"])

    def _aggregate(self, query: dict[str, Any], aggregation: dict[str, Any]) -> dict[str, Any]:
        with said_in_our_words(self._url):
            answer = self._client.search(
                index=self._name,
                query=query,
                size=0,
                track_total_hits=False,
                aggregations={"answer": aggregation},
            )
        found: dict[str, Any] = answer["aggregations"]["answer"]
        return found

    def _composite(
        self, query: dict[str, Any], sources: list[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the key and count of every combination of ``sources``, in order, however many."""
        composite: dict[str, Any] = {"size": MAX_LISTED, "sources": sources}
        while True:
            found = self._aggregate(query, {"composite": composite})
            for bucket in found["buckets"]:
                yield bucket["key"], bucket["doc_count"]
            if len(found["buckets"]) < MAX_LISTED:
                return
            composite["after"] = found["after_key"]


def _instant(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
