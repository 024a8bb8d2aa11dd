"""The negative share as it is counted, and corrected for the errors that the model makes.

How it errs on a channel is known from what people answered on random mentions of that channel,
and, for social networks, from the validation tweets on the model's card. Other channels have no
correction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.answers import SENTIMENT_ORDER, NegativeShare, Stats
from app.scope import Scope, sentiment_node
from core.mention import Channel, Sentiment
from insights.measures import share
from insights.quantify import Stratum, corrected_share

if TYPE_CHECKING:
    from app.queries import Queries

Matrix = tuple[tuple[int, ...], ...]
"""Labelled texts: rows are true labels, columns the model's, in the order of SENTIMENT_ORDER."""

CARD_CHANNEL = Channel.SOCIAL
"""The channel that the texts on the model's card are of."""


def negative_share(queries: Queries, scope: Scope, stats: Stats) -> NegativeShare | None:
    """Return the negative share of ``scope``, whose statistics are ``stats``; None if unscored."""
    count = stats.sentiment[Sentiment.NEGATIVE.value]
    counted = share(count, sum(stats.sentiment.values()))
    if counted is None:
        return None
    opened = replace(scope, sentiments=(Sentiment.NEGATIVE,))
    # What is known of the model is of whole texts; how it errs towards topics is not.
    is_whole = scope.towards is None and not scope.sentiments
    strata = _strata(queries, scope) if is_whole else {}
    corrected = corrected_share(strata, SENTIMENT_ORDER.index(Sentiment.NEGATIVE))
    channels = tuple(name for name, stratum in strata.items() if stratum.is_usable)
    return NegativeShare(counted, count, opened, corrected, channels)


def _strata(queries: Queries, scope: Scope) -> dict[str, Stratum]:
    """Return the counts and the matrix of each channel of the scope that has a matrix."""
    from app.queries import narrowed

    found = {}
    for channel, matrix in sorted(queries.confusions().items()):
        if scope.channels and channel not in scope.channels:
            continue
        selection = queries.selection(replace(scope, channels=(Channel(channel),)))
        counts = [
            queries.index.count(narrowed(selection, sentiment_node((label,), None)))
            for label in SENTIMENT_ORDER
        ]
        found[str(channel)] = Stratum(counts, matrix)
    return found


def joined(card: Matrix | None, answers: dict[str, Matrix]) -> dict[str, Matrix]:
    """Return each channel's matrix: of people's answers if they are enough, else the card's."""
    found = {name: rows for name, rows in answers.items() if _is_enough(rows)}
    if card is not None:
        found.setdefault(CARD_CHANNEL.value, card)
    return found


def _is_enough(rows: Matrix) -> bool:
    return Stratum((1,), rows).is_usable
