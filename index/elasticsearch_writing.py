"""Writing batches to Elasticsearch so that any number of processes may do it at once.

New ids are written with ``create``. Only those that exist already are read, joined and written
again, with the sequence number they were read at; where another process came between, the turn is
taken again. A bulk answer comes after the shard's log is synced to disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from elasticsearch import Elasticsearch

from core.errors import EngineUnavailable
from core.mention import Mention
from core.ports import Applied, ApplyOutcome
from index.documents import STATE
from index.elasticsearch_client import is_passing, said_reason
from index.elasticsearch_mapping import source_of
from index.joining import join_batch, usable_ids

MAX_BULK_BYTES = 5_000_000
MAX_BULK_ACTIONS = 1_000
MAX_READ = 1_000
MAX_TURNS = 20
"""Each turn at least one writer of an id gets through, so only a crowd of writers runs out."""

CONFLICT = 409

Place = tuple[int, int]
"""Sequence number and primary term that a state was read at."""


class Writing:
    """One batch on its way into the index."""

    def __init__(self, client: Elasticsearch, index: str, now: datetime) -> None:
        self._client = client
        self._index = index
        self._now = now

    def run(self, fragments: Sequence[Mention]) -> list[ApplyOutcome]:
        """Return one outcome a fragment, in order, once all of it is on disk.

        Raises EngineUnavailable when the cluster refuses some for now; the others are stored.
        """
        outcomes: dict[int, ApplyOutcome] = {}
        waiting = dict(enumerate(fragments))
        stored: dict[str, Mention] = {}
        places: dict[str, Place] = {}
        for _ in range(MAX_TURNS):
            batch = join_batch(stored, list(waiting.values()), self._now)
            conflicts, rejected = self._write(batch.changed, places)
            for (at, fragment), outcome in zip(waiting.items(), batch.outcomes, strict=True):
                if fragment.id in rejected:
                    reason = rejected[fragment.id]
                    outcomes[at] = ApplyOutcome(fragment.id, Applied.REJECTED, reason)
                elif fragment.id not in conflicts:
                    outcomes[at] = outcome
            waiting = {at: m for at, m in waiting.items() if m.id in conflicts}
            if not waiting:
                return [outcomes[at] for at in range(len(fragments))]
            stored, places = read_states(self._client, self._index, usable_ids(waiting.values()))
        raise EngineUnavailable(f"{len(waiting)} mentions are being written by too many at once")

    def _write(
        self, states: dict[str, Mention], places: dict[str, Place]
    ) -> tuple[set[str], dict[str, str]]:
        """Write ``states``; return the ids that others wrote meanwhile, and rejections' reasons."""
        conflicts: set[str] = set()
        rejected: dict[str, str] = {}
        passing: list[str] = []
        for keys, lines in _bulks(states, places, rejected):
            answer = self._client.bulk(index=self._index, operations=cast(Any, lines))
            if not answer["errors"]:
                continue
            for key, item in zip(keys, answer["items"], strict=True):
                result = next(iter(item.values()))
                status = result["status"]
                if status == CONFLICT:
                    conflicts.add(key)
                elif is_passing(status) or status in {403, 404}:
                    # A block of the whole index (disk full, index gone) is not the mention's fault.
                    passing.append(said_reason(result["error"]))
                elif status >= 400:
                    rejected[key] = said_reason(result["error"])
        if passing:
            raise EngineUnavailable(
                f"Elasticsearch did not take {len(passing)} mentions: {passing[0]}"
            )
        return conflicts, rejected


def read_states(
    client: Elasticsearch, index: str, keys: Sequence[str]
) -> tuple[dict[str, Mention], dict[str, Place]]:
    """Return the states under ``keys``, as last written, and the places they were read at."""
    states: dict[str, Mention] = {}
    places: dict[str, Place] = {}
    for start in range(0, len(keys), MAX_READ):
        answer = client.mget(index=index, ids=list(keys[start : start + MAX_READ]))
        for hit in answer["docs"]:
            if hit.get("found"):
                states[hit["_id"]] = read_state(hit)
                places[hit["_id"]] = (hit["_seq_no"], hit["_primary_term"])
    return states, places


def read_state(hit: dict[str, Any]) -> Mention:
    """Return the mention that a hit holds."""
    return Mention.model_validate_json(hit["_source"][STATE])


def _bulks(
    states: dict[str, Mention], places: dict[str, Place], rejected: dict[str, str]
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the ids and the lines of each bulk request, none too large.

    States that cannot become a document get their reason into ``rejected``.
    """
    keys: list[str] = []
    lines: list[str] = []
    size = 0
    for key, state in states.items():
        try:
            source = json.dumps(source_of(state), ensure_ascii=False, separators=(",", ":"))
            weight = len(source.encode())
        except (ValueError, OverflowError) as err:
            rejected[key] = f"cannot be indexed: {err}"
            continue
        if lines and (size + weight > MAX_BULK_BYTES or len(keys) == MAX_BULK_ACTIONS):
            yield keys, lines
            keys, lines, size = [], [], 0
        keys.append(key)
        lines += [json.dumps(_action(key, places.get(key))), source]
        size += weight
    if lines:
        yield keys, lines


def _action(key: str, place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"create": {"_id": key}}
    return {"index": {"_id": key, "if_seq_no": place[0], "if_primary_term": place[1]}}
