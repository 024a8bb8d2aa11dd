"""The order in which a community manager answers: what waits most urgently comes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.scope import ANSWERABLE
from core.mention import Mention, Status
from core.ports import Index
from core.questions import Order, Page, Selection
from insights.urgency import urgency

RANKED: Final = 500
"""Mentions of a scope that are ranked, the newest ones: more than anybody answers in a day."""


class InboxOrder(StrEnum):
    """Orders that no index knows: they weigh what people have done and how late it is."""

    URGENCY = "urgency"


PageOrder = Order | InboxOrder


def urgency_of(mention: Mention, now: datetime) -> float:
    """Return how urgently a mention waits for an answer, in points (``insights.urgency``)."""
    found = mention.enrichment
    return urgency(
        found.intent.value if found and found.intent else None,
        mention.sentiment.value if mention.sentiment else None,
        mention.author.followers if mention.author else None,
        now - mention.published_at,
        is_answerable=mention.channel in ANSWERABLE,
        is_done=mention.status is Status.DONE,
    )


def most_urgent_first(mentions: Sequence[Mention], now: datetime) -> list[Mention]:
    """Return the mentions, most urgent first; those alike by time, newest first, then by id."""
    return sorted(
        mentions,
        key=lambda m: (-urgency_of(m, now), -m.published_at.timestamp(), m.id),
    )


def urgent_page(index: Index, selection: Selection, size: int, now: datetime) -> Page:
    """Return the ``size`` most urgent of the newest ``RANKED`` mentions of a selection."""
    page = index.page(selection, RANKED, Order.NEWEST, None)
    ranked = most_urgent_first(page.mentions, now)
    more = "more" if len(ranked) > size else None
    return Page(page.total, tuple(ranked[:size]), more)
