"""An incident: the alerts of one rule, joined while they last."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from core.mention import Part
from core.rules import RuleKind


class IncidentStep(StrEnum):
    """What is told about an incident; each step is told once."""

    OPENED = "opened"
    DOUBLED = "doubled"
    RESOLVED = "resolved"
    LEVEL = "level"


class Words(Part):
    """What a mail says where the kind of rule has words of its own, in plain sentences.

    ``resolved`` is said when it is over. ``link`` names what the button opens, on ``page`` of the
    dashboard; None is the incident's mentions.
    """

    subject: str
    lead: str
    story: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    resolved: str | None = None
    link: str | None = None
    page: str | None = None


class Waited(StrEnum):
    """What nobody did meanwhile, though sources were asked."""

    UNJUDGED = "no rule was judged"
    UNREAD = "what was collected was not read"


class Unheard(Part):
    """A time in which nothing was heard: of ``source``, or of all because none was asked (None).

    With ``waited`` sources were asked, and it went no further.
    """

    source: str | None = None
    start: datetime
    end: datetime
    waited: Waited | None = None


class Late(Part):
    """That an alert is told late: when it was due, how long it lasted, and why nobody knew."""

    due_at: datetime
    last_at: datetime
    gaps: tuple[Unheard, ...]


class Evidence(Part):
    """Why a rule fired: what was seen in a window, what was expected, and how unlikely that is.

    Counts are mentions for a volume spike; for a negative spike ``observed`` are negative mentions
    out of ``scored``. ``low`` and ``high`` bound what is usual; ``factor`` is observed / expected,
    ``p`` the probability of so many by chance. All five are None where nobody knows what is usual:
    while a rule is learning, and for kinds that compare with nothing. ``holiday`` names the one
    that the window ended on, where the number was compared with those of Sundays for it. ``late``
    is None where it was told in time. ``needed_budget`` is the least
    ``false_alarms_per_week`` at which it would have rung, None where no budget decides.
    """

    window_start: datetime
    window_end: datetime
    started_at: datetime
    observed: int
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    factor: float | None = None
    p: float | None = None
    scored: int | None = None
    reference_start: datetime | None = None
    reference_end: datetime | None = None
    coverage: float | None = None
    holiday: str | None = None
    needed_budget: float | None = None
    is_learning: bool = False
    note: str | None = None
    words: Words | None = None
    late: Late | None = None


class Cause(Part):
    """One thing that grew: a term, channel, language, author or story, and by how much."""

    field: str
    value: str
    count: int
    expected: float


class Incident(Part):
    """A rule's alerts joined from the first to the last window that fired.

    ``peak_observed`` is the most that any of its windows held, ``total`` the mentions (for a
    negative spike: the negative ones) since it began, ``told_total`` those when last told.
    ``step`` is the newest step that is to be told. ``topic`` is empty where it is about none.
    ``stories`` are what an event told, so that it is not told again. ``level_since`` is since when
    its volume is a new level, which ended it; None where it is none. ``ended_because`` is why it is
    over without having fallen quiet; None where it did. ``needed_budget`` is that of its loudest
    window.
    """

    id: str
    rule: str
    kind: RuleKind
    topic: str
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    first: Evidence
    latest: Evidence
    peak_observed: int = 0
    total: int = 0
    told_total: int = 0
    step: IncidentStep = IncidentStep.OPENED
    causes: tuple[Cause, ...] = ()
    mention_ids: tuple[str, ...] = ()
    query: str = "*:*"
    stories: tuple[str, ...] = ()
    level_since: datetime | None = None
    ended_because: str | None = None
    needed_budget: float | None = None
