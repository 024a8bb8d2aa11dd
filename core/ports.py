"""What Groundswell needs from the outside, as Protocols. The docstrings are the contracts.

One contract test suite a port runs over all its adapters (``tests/contract``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from core.envelope import Envelope
from core.mention import Enrichment, Mention
from core.questions import BucketCount, GroupField, Order, Page, Selection, ValueCount

# --- index ------------------------------------------------------------------------------------


class Applied(StrEnum):
    """What applying one fragment to the index did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ApplyOutcome:
    """The final status of one fragment, and the reason where it was rejected."""

    id: str
    status: Applied
    reason: str | None = None


class Index(Protocol):
    """Keeps mentions and answers questions about them.

    All methods raise EngineUnavailable when the engine cannot be reached (nothing was lost: call
    again). Times in and out are aware UTC.
    """

    def setup(self) -> None:
        """Create what is missing; safe at every start."""

    def apply(self, fragments: Sequence[Mention], now: datetime) -> list[ApplyOutcome]:
        """Join each fragment into the stored state of its id; durable when it returns.

        Idempotent and order-free (``core.merge.join``). One outcome a fragment, in order; several
        fragments of one id are joined. A mention that gains content for the first time gets
        ``known_at = now``. A fragment the engine refuses for its content is REJECTED with the
        reason and does not stop the others. Visible to questions after ``refresh``.
        """

    def get(self, ids: Sequence[str]) -> dict[str, Mention]:
        """Return the stored states of ``ids``, also those without content; unknown ids are absent.

        Reads what was applied, without ``refresh``.
        """

    def known(self, ids: Collection[str]) -> dict[str, Mention]:
        """Return the durably stored states with content or erased, out of ``ids``."""

    def refresh(self) -> None:
        """Make everything applied so far visible to questions, in this process."""

    def count(self, selection: Selection) -> int:
        """Return how many mentions are selected."""

    def buckets(
        self, selection: Selection, step: timedelta, by: GroupField | None = None
    ) -> list[BucketCount]:
        """Return counts per UTC bucket of the selection's view, ordered by start, then value.

        Buckets without mentions are left out. ``selection.window`` must be set; raises ValueError
        if it is not or ``step`` neither divides 15 minutes nor is a multiple of them.
        """

    def top(self, selection: Selection, field: GroupField, size: int) -> list[ValueCount]:
        """Return the ``size`` most frequent values of ``field``, by count, then value.

        Mentions without a value are not counted.
        """

    def distinct(self, selection: Selection, field: GroupField) -> int:
        """Return about how many different values ``field`` has (within 5 %)."""

    def page(
        self,
        selection: Selection,
        size: int,
        order: Order = Order.NEWEST,
        token: str | None = None,
    ) -> Page:
        """Return up to ``size`` mentions in ``order``, after ``token``."""

    def scan(self, selection: Selection) -> Iterator[Mention]:
        """Yield every selected mention once, in no stated order, in constant memory."""

    def size(self) -> int:
        """Return how many mentions with content are stored."""

    def close(self) -> None:
        """Release files, locks and connections; safe to call twice."""


# --- spool ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """One entry read from the spool: its position, and its envelope or why it has none."""

    position: str
    envelope: Envelope | None
    error: str | None = None


class Spool(Protocol):
    """A durable queue between what brings envelopes and what puts them into the index.

    At least once: an entry is read again until it is acknowledged.
    """

    def append(self, envelopes: Sequence[Envelope]) -> None:
        """Add the envelopes in order; they are on disk when it returns.

        Raises DurabilityError when that cannot be said.
        """

    def read(self, limit: int) -> list[SpoolEntry]:
        """Return up to ``limit`` entries that were not read since this reader opened.

        In order of each producer. A damaged entry comes with its error instead of an envelope.
        """

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """Say that the entries' content is in the index or in quarantine; durable on return.

        Covers every entry of the same producer that was read before them.
        """

    def pending(self) -> int:
        """Return how many entries wait to be acknowledged."""

    def quarantine(self, entry: SpoolEntry, reason: str) -> None:
        """Keep an entry that cannot be processed, with its reason; durable on return.

        It is acknowledged with its batch: an acknowledgement covers all that was read before it.
        """

    def close(self) -> None:
        """Release files; safe to call twice."""


# --- collecting -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one request to a source brought: mentions, and where to go on afterwards.

    ``cursor`` replaces the source's cursor once the mentions are durable; None leaves it.
    ``skipped`` counts items that could not become mentions, by reason.
    """

    source: str
    mentions: Sequence[Mention]
    cursor: Mapping[str, JsonValue] | None = None
    deleted: Sequence[str] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: items in = new + duplicates + unmatched + sampled_out."""

    new: int = 0
    duplicates: int = 0
    unmatched: int = 0
    sampled_out: int = 0


class Sink(Protocol):
    """Takes what collectors bring: tags it with topics and makes it durable."""

    def deliver(self, delivery: Delivery) -> Receipt:
        """Match, spool, then move the cursor; everything is durable when it returns."""

    def wanted(self, mention: Mention) -> bool:
        """Return whether any topic matches, for collectors that look more up only then."""


class Cursors(Protocol):
    """Where each source is to go on."""

    def load(self, source: str) -> dict[str, JsonValue]:
        """Return the source's cursor, empty at first."""

    def save(self, source: str, cursor: Mapping[str, JsonValue]) -> None:
        """Replace the source's cursor; durable when it returns."""


class PollStatus(StrEnum):
    """How one poll of a source ended."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    RATE_LIMITED = "rate_limited"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Poll:
    """The outcome of one poll of one source, for its health and coverage."""

    source: str
    at: datetime
    status: PollStatus
    fetched: int = 0
    new: int = 0
    reason: str | None = None


# --- understanding ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Analysis:
    """The outcome of analysing one mention: the enriched mention, or the reason it failed."""

    mention: Mention
    error: str | None = None


class Analyser(Protocol):
    """Says what mentions say. Deterministic for the same models and texts."""

    def analyse(
        self, mentions: Sequence[Mention], now: datetime, *, brief: bool = False
    ) -> list[Analysis]:
        """Return one outcome a mention, in order. A text that fails fails alone.

        With ``brief`` only what costs little is found. What takes long, tone and names, is left
        unknown and the enrichment marked so, where there is more to find: nothing else is said
        instead, so that no two ways of reading mix in the counts.
        """

    def is_current(self, enrichment: Enrichment) -> bool:
        """Return whether these models made ``enrichment``, so that doing it again is no use."""


# --- telling ----------------------------------------------------------------------------------


class Mailer(Protocol):
    """Sends one e-mail."""

    def send(self, message: EmailMessage) -> str:
        """Hand the message over and return where it went, for people to read.

        Raises RetryableError when it may work later (MailUnavailable when no message would be
        taken now), QuarantineError when it never will.
        """

    def probe(self, message: EmailMessage) -> str:
        """Do all that handing the message over takes but the last step: nobody gets it.

        Returns what would take it, for people to read. Raises as ``send``, and also where any one
        of its recipients is refused.
        """


class Notifier(Protocol):
    """Sends one short message to a chat or another service."""

    def send(self, recipient: str, title: str, body: str) -> str:
        """Hand the message over and return where it went, for people to read.

        Raises RetryableError when it may work later, QuarantineError when it never will.
        """
