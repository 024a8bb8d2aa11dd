"""The embedded index: a tantivy folder on disk, nothing to install.

One process writes it, behind a lock of our own; any number read it. A commit is durable when
``apply`` returns: tantivy syncs its files and writes the list of them to a file of its own, which
takes the place of the old list by a rename; the folder is then synced here, so that the rename
itself survives a power cut. A process that dies before the rename leaves the last commit.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock

import tantivy
from tantivy import Query

from core.errors import DurabilityError, EngineUnavailable, FatalError
from core.mention import Mention
from core.ports import ApplyOutcome
from core.query.ast import Phrase
from core.query.evaluate import matches
from core.questions import (
    BucketCount,
    GroupField,
    Order,
    Page,
    Selection,
    ValueCount,
)
from core.window import check_step
from index.documents import SEEN, TIME_FIELDS, VISIBLE
from index.joining import Batch, join_batch, usable_ids
from index.lock import WriterLock
from index.paging import check_size, read_token, sorting_of, write_token
from index.tantivy_answers import Snapshot
from index.tantivy_query import Translator
from index.tantivy_schema import KEY, LAYOUT, build_document, build_schema

WRITER_BYTES = 64_000_000
"""Memory for documents before tantivy writes them out; a batch of a thousand needs a tenth."""

LOCK_FILE = "writer.lock"
LAYOUT_FILE = "layout"
INDEX_FOLDER = "tantivy"


class EmbeddedIndex:
    """Keeps mentions in ``folder``. Satisfies ``core.ports.Index``.

    With ``read_only`` it takes no lock and sees what the writing process commits; a folder that
    was never written answers as empty. ``setup`` and ``apply`` raise LockedError when another
    process writes the folder, and FatalError when an older or newer version of Groundswell laid
    it out.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        self._read_only = read_only
        self._schema = build_schema()
        self._translator = Translator(self._schema, self)
        self._lock = WriterLock(folder / LOCK_FILE)
        self._guard = RLock()
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None

    def setup(self) -> None:
        """Create the folder and take its lock; only look at it when opened for reading."""
        with self._guard:
            if self._read_only:
                self._opened()
            else:
                self._writing()

    def apply(self, fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        """Join the fragments into what is stored; see ``core.ports.Index.apply``."""
        if not fragments:
            return []
        with self._guard:
            writer = self._writing()
            stored = self._states(usable_ids(fragments))
            batch = join_batch(stored, fragments, now)
            if batch.changed:
                self._write(writer, batch, stored)
            return batch.outcomes

    def get(self, ids: Sequence[str]) -> dict[str, Mention]:
        """Return the stored states of ``ids``."""
        if not ids:
            return {}
        if self._read_only:
            self.refresh()
        return self._states(list(dict.fromkeys(ids)))

    def known(self, ids: Collection[str]) -> dict[str, Mention]:
        """Return the stored states of ``ids`` that have content or are erased."""
        states = self.get(list(ids))
        return {key: state for key, state in states.items() if state.has_content or state.erased}

    def refresh(self) -> None:
        """See what was committed, here or by another process."""
        with self._guard:
            index = self._index
            if index is not None:
                try:
                    index.reload()
                except ValueError as err:
                    raise EngineUnavailable(f"cannot read {self._folder}: {err}") from err

    def count(self, selection: Selection) -> int:
        """Return how many mentions are selected."""
        return self._snapshot().count(self._translator.selection(selection))

    def buckets(
        self, selection: Selection, step: timedelta, by: GroupField | None = None
    ) -> list[BucketCount]:
        """Return counts per UTC bucket of the selection's view."""
        check_step(step)
        if selection.window is None:
            raise ValueError("buckets need a selection with a window")
        query = self._translator.selection(selection)
        time = TIME_FIELDS[selection.view]
        return self._snapshot().buckets(query, selection.window, step, time, by)

    def top(self, selection: Selection, field: GroupField, size: int) -> list[ValueCount]:
        """Return the ``size`` most frequent values of ``field``."""
        query = self._translator.selection(selection)
        return self._snapshot().top(query, field, check_size(size))

    def distinct(self, selection: Selection, field: GroupField) -> int:
        """Return about how many different values ``field`` has."""
        return self._snapshot().distinct(self._translator.selection(selection), field)

    def page(
        self,
        selection: Selection,
        size: int,
        order: Order = Order.NEWEST,
        token: str | None = None,
    ) -> Page:
        """Return up to ``size`` mentions in ``order``, after ``token``."""
        check_size(size)
        after = None if token is None else read_token(order, token)
        query = self._translator.selection(selection)
        snapshot = self._snapshot()
        found = snapshot.page(query, sorting_of(order), size + 1, after)
        more = write_token(order, found[size - 1][0]) if len(found) > size else None
        mentions = tuple(mention for _, mention in found[:size])
        return Page(snapshot.count(query), mentions, more)

    def scan(self, selection: Selection) -> Iterator[Mention]:
        """Yield every selected mention once, as of the moment the scan began."""
        return self._snapshot().scan(self._translator.selection(selection))

    def size(self) -> int:
        """Return how many mentions with content are stored."""
        return self._snapshot().count(self._translator.term(SEEN, VISIBLE))

    def close(self) -> None:
        """Let go of the files and the lock."""
        with self._guard:
            self._writer = None
            self._index = None
            self._lock.release()

    # --- files -----------------------------------------------------------------------------

    def _writing(self) -> tantivy.IndexWriter:
        """Return the writer, taking the lock and creating the folder at first."""
        if self._writer is not None:
            return self._writer
        if self._read_only:
            raise FatalError(f"{self._folder} is open for reading only")
        files = self._folder / INDEX_FOLDER
        try:
            files.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            if not tantivy.Index.exists(str(files)):
                (self._folder / LAYOUT_FILE).write_text(f"{LAYOUT}\n", encoding="ascii")
                # An in-memory index may have stood for the missing files.
                self._index = None
                tantivy.Index(self._schema, path=str(files))
            self._writer = self._opened().writer(WRITER_BYTES, num_threads=1)
        except (OSError, ValueError) as err:
            raise EngineUnavailable(f"cannot open {self._folder} for writing: {err}") from err
        return self._writer

    def _opened(self) -> tantivy.Index:
        """Return the index on disk, or an empty one in memory until there is one on disk."""
        opened = self._index
        if opened is not None:
            # Without the guard: questions do not wait for a batch that is being written.
            return opened
        with self._guard:
            if self._index is not None:
                return self._index
            files = self._folder / INDEX_FOLDER
            try:
                if not (files.is_dir() and tantivy.Index.exists(str(files))):
                    return tantivy.Index(self._schema)
                self._check_layout()
                self._index = tantivy.Index(self._schema, path=str(files))
            except (OSError, ValueError) as err:
                raise EngineUnavailable(f"cannot open {self._folder}: {err}") from err
            self._index.reload()
            return self._index

    def _check_layout(self) -> None:
        written = (self._folder / LAYOUT_FILE).read_text(encoding="ascii").strip()
        if written != str(LAYOUT):
            raise FatalError(
                f"{self._folder} is laid out as version {written}, this program reads {LAYOUT}; "
                "move it away and import again"
            )

    def _write(
        self, writer: tantivy.IndexWriter, batch: Batch, stored: Mapping[str, Mention]
    ) -> None:
        """Write the changed states of ``batch``; those that cannot be indexed are rejected.

        tantivy indexes in a thread of its own what was added, while the next is made here.
        """
        try:
            for key, state in list(batch.changed.items()):
                document = _document(state, batch)
                if document is not None:
                    if key in stored:
                        writer.delete_documents_by_term(KEY, key)
                    writer.add_document(document)
            writer.commit()
        except (OSError, ValueError) as err:
            # What was not committed is gone with this writer; the next call opens another.
            self._writer = None
            raise EngineUnavailable(f"cannot write {self._folder}: {err}") from err
        _sync_folder(self._folder / INDEX_FOLDER)
        self._opened().reload()

    # --- reading ---------------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        return Snapshot(self._opened().searcher(), self._translator)

    def _states(self, keys: Sequence[str]) -> dict[str, Mention]:
        return self._snapshot().states(keys) if keys else {}

    def ids_matching(self, candidates: Query, phrase: Phrase) -> list[str]:
        """Return the ids of the ``candidates`` whose text ``phrase`` matches, by reading them."""
        return [m.id for m in self._snapshot().scan(candidates) if matches(phrase, m)]

    def terms_like(self, field: str, pattern: str) -> list[str]:
        """Return the terms of ``field`` that fit ``pattern``, by going through them."""
        return self._snapshot().terms_like(field, pattern)


def _document(state: Mention, batch: Batch) -> tantivy.Document | None:
    """Return the document of a state, or None and reject it."""
    try:
        return build_document(state)
    except (ValueError, OverflowError) as err:
        batch.reject(state.id, f"cannot be indexed: {err}")
        return None


def _sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable. Raises DurabilityError when that fails."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as err:
        raise DurabilityError(f"cannot sync {folder}: {err}") from err
    finally:
        os.close(descriptor)
