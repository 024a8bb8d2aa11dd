"""Instants as people and addresses write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import UsageError
from core.sections import parse_duration
from core.window import require_utc


def format_instant(value: datetime) -> str:
    """Return ``2026-11-22T13:00Z``, with seconds where there are any."""
    shown = value.astimezone(UTC)
    return shown.strftime("%Y-%m-%dT%H:%M:%SZ" if shown.second else "%Y-%m-%dT%H:%MZ")


def parse_instant(text: str, now: datetime, zone: str = "UTC", *, is_end: bool = False) -> datetime:
    """Return the instant that ``text`` names.

    An ISO date or time (naive ones in ``zone``), ``now``, or a duration back from ``now`` such as
    7d. A date as an end includes that day. Raises UsageError for anything else.
    """
    text = text.strip()
    if text == "now":
        return now
    try:
        back = parse_duration(text)
        if isinstance(back, timedelta):
            return now - back
    except OverflowError as err:
        raise UsageError(f"{text!r} reaches before the first year") from err
    except ValueError:
        pass  # not a duration; it may be a date
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text) + timedelta(days=int(is_end))
            return require_utc(datetime.combine(day, time(), tzinfo=ZoneInfo(zone)))
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=ZoneInfo(zone))
        return require_utc(instant)
    except (ValueError, OverflowError) as err:
        raise UsageError(
            f"{text!r} is no time; write 2026-11-22, 2026-11-22T13:00Z or 7d (seven days back)"
        ) from err
