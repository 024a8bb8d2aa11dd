"""What each service allows with what was collected from it. What is not listed is denied."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """The terms of one service as Groundswell keeps them.

    ``needs_agreement`` says that collecting needs a contract or key of one's own;
    ``honour_delete_within`` is how soon a deletion there must reach us; ``refresh_or_delete_by`` is
    the longest a copy may be kept without looking again (None: no such rule); ``may_export`` says
    whether accounts may stand in a list that leaves the system.
    """

    needs_agreement: bool
    honour_delete_within: timedelta
    refresh_or_delete_by: timedelta | None
    may_export: bool


DAY = timedelta(days=1)

POLICIES = {
    "web": SourcePolicy(False, DAY, None, may_export=True),
    "hackernews": SourcePolicy(False, DAY, None, may_export=True),
    "mastodon": SourcePolicy(False, DAY, None, may_export=True),
    "bluesky": SourcePolicy(False, DAY, None, may_export=True),
}

DENIED = SourcePolicy(True, DAY, DAY, may_export=False)


def policy_of(service: str, agreed: Collection[str] = ()) -> SourcePolicy:
    """Return the policy of ``service``; one of ``agreed`` may export by the operator's word."""
    known = POLICIES.get(service.casefold(), DENIED)
    if service.casefold() in {name.casefold() for name in agreed}:
        return SourcePolicy(
            False, known.honour_delete_within, known.refresh_or_delete_by, may_export=True
        )
    return known
