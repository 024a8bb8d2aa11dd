"""What is told late, and why: a source was away, or nobody collected. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incident import Incident, Late, Unheard
from alerts.incidents import QUIET_BEFORE_RESOLVED

LATE_FROM = timedelta(minutes=30)
"""What comes sooner than this after it was due is not said to be late."""

DAY = timedelta(days=1)
NAMED_GAPS = 3


def late_briefly(late: Late, told_at: datetime) -> str:
    """Return "told 2 h late"."""
    minutes = max((told_at - late.due_at) // timedelta(minutes=1), 0)
    return f"told {minutes} min late" if minutes < 90 else f"told {minutes / 60:.0f} h late"


def late_words(late: Late, told_at: datetime, zone: str) -> str:
    """Return "told 2 h late: the source Daily was down 14:00-16:10"."""
    return f"{late_briefly(late, told_at)}: {reason_words(late.gaps, told_at, zone)}"


def reason_words(gaps: Sequence[Unheard], told_at: datetime, zone: str) -> str:
    """Return why nobody knew, on the wall clock of ``zone``."""
    told = [_gap_words(gap, told_at, zone) for gap in gaps[:NAMED_GAPS]]
    if len(gaps) > NAMED_GAPS:
        told.append(f"{len(gaps) - NAMED_GAPS} more such times")
    return " and ".join(told)


def _gap_words(gap: Unheard, told_at: datetime, zone: str) -> str:
    what = "nobody collected" if gap.source is None else f"the source {gap.source} was down"
    if gap.waited is not None:
        what = gap.waited.value
    start, end, today = (at.astimezone(ZoneInfo(zone)) for at in (gap.start, gap.end, told_at))
    if end - start < DAY:
        day = "" if start.date() == today.date() else f"{start:%a} "
        return f"{what} {day}{start:%H:%M}-{end:%H:%M}"
    since = f"{start:%a %H:%M}" if today - start < 6 * DAY else f"{start:%d %b %Y}"
    return f"{what} from {since} to {end:%a %H:%M}"


def causes_of(gaps: Iterable[Unheard]) -> list[Unheard]:
    """Return the gaps that say why; those are left out in which nobody asked most of the time.

    The first poll of a machine that wakes up often fails: the source was not down all night. Nor
    does it matter what waited where nothing was collected.
    """
    known = list(gaps)
    asleep = [gap for gap in known if gap.source is None and gap.waited is None]

    def slept(gap: Unheard) -> timedelta:
        parts = (min(one.end, gap.end) - max(one.start, gap.start) for one in asleep)
        return sum((part for part in parts if part > timedelta()), timedelta())

    return [gap for gap in known if gap in asleep or 2 * slept(gap) < gap.end - gap.start]


def is_told(known: Iterable[Incident], first_alert: datetime, last_alert: datetime) -> bool:
    """Return whether one of a rule's incidents covers alerts between these instants.

    What was told late covers all that was missed in the same gaps: it is told in one mail. A new
    level covers no burst.
    """
    for one in known:
        late = one.first.late
        if late is not None:
            if min(gap.start for gap in late.gaps) <= first_alert <= one.opened_at:
                return True
        elif one.level_since is None or one.level_since != one.first.started_at:
            until = one.updated_at + QUIET_BEFORE_RESOLVED
            if one.first.started_at <= last_alert and first_alert <= until:
                return True
    return False
