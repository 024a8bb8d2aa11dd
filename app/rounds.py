"""What a kind of rule is given in one round over the rules, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import TYPE_CHECKING

from alerts.incident import Evidence, Incident
from alerts.incidents import Findings
from insights.verdict import Verdict

if TYPE_CHECKING:
    from app.bootstrap import Application
    from app.queries import Queries


@dataclass(frozen=True, slots=True)
class Awake:
    """Since when rules have been looked at without a long pause, and when the last look was.

    ``before`` is when the last look before that pause was, None where there was none.
    """

    since: datetime
    last: datetime
    before: datetime | None = None


@dataclass(frozen=True)
class Round:
    """One look at one rule.

    ``known`` are the rule's incidents of the last weeks, newest first. Nothing is written in one
    that ``is_dry``.
    """

    application: Application
    queries: Queries
    now: datetime
    known: Sequence[Incident] = ()
    awake: Awake | None = None
    is_dry: bool = False

    @property
    def zone(self) -> str:
        """The installation's time zone."""
        return self.application.configuration.settings.time_zone


class Standing(StrEnum):
    """How a rule stands that has nothing to tell."""

    QUIET = "quiet"
    LEARNING = "learning"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a rule found, in ``words``.

    ``evidence`` is an alert, which opens the rule's incident or goes on with it; ``findings`` are
    what its mentions show where the kind knows that itself. ``event`` is an incident of its own
    that is told at once. ``level`` is a new level that was not told yet, ``missed`` an alert that
    is over and was not told either, as its data came late.
    """

    words: str
    standing: Standing = Standing.QUIET
    verdict: Verdict | None = None
    evidence: Evidence | None = None
    findings: Findings | None = None
    event: Incident | None = None
    level: Evidence | None = None
    missed: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that comes by the clock; ``key`` names it for ever, ``compose`` makes it."""

    key: str
    compose: Callable[[], EmailMessage]
