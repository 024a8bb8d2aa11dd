"""A sink that keeps what collectors deliver, as the real one would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from core.mention import Mention
from core.ports import Delivery, Poll, Receipt
from core.settings import SourceSettings
from crawlers.outcome import SourceReport
from crawlers.policy import FetchPolicy
from crawlers.runner import CollectContext, collect

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class RecordingSink:
    """Takes mentions (those with `only` in their text) and moves cursors, in memory."""

    only: str = ""
    mentions: dict[str, Mention] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    cursors: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    polls: list[Poll] = field(default_factory=list)

    def deliver(self, delivery: Delivery) -> Receipt:
        self.deliveries.append(delivery)
        self.deleted.extend(delivery.deleted)
        matched = [mention for mention in delivery.mentions if self.wanted(mention)]
        known = len(self.mentions)
        self.mentions |= {mention.id: mention for mention in matched}
        new = len(self.mentions) - known
        if delivery.cursor is not None:
            self.save(delivery.source, delivery.cursor)
        return Receipt(new, len(matched) - new, len(delivery.mentions) - len(matched))

    def wanted(self, mention: Mention) -> bool:
        return self.only in f"{mention.title} {mention.text}"

    def load(self, source: str) -> dict[str, JsonValue]:
        return dict(self.cursors.get(source, {}))

    def save(self, source: str, cursor: Mapping[str, JsonValue]) -> None:
        self.cursors[source] = dict(cursor)

    @property
    def texts(self) -> list[str]:
        """The texts of all mentions, sorted."""
        return sorted(mention.text for mention in self.mentions.values())

    def collect(
        self,
        *sources: SourceSettings,
        now: datetime = NOW,
        history: timedelta | None = None,
        policy: FetchPolicy | None = None,
    ) -> list[SourceReport]:
        """Visit the sources once."""
        context = CollectContext(
            self, self, lambda: now, self.polls.append, history, None, policy or FetchPolicy()
        )
        return collect(sources, context, once=True)


def skipped(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """Return all counts of what was skipped, by reason."""
    counts: dict[str, int] = {}
    for delivery in deliveries:
        for reason, count in delivery.skipped.items():
            counts[reason] = counts.get(reason, 0) + count
    return counts
