"""How one visit to a source ended, and what its answer says about when to come again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.errors import FetchError
from core.ports import PollStatus

EPOCH_SECONDS = 1_000_000_000
"""RateLimit-Reset is used for seconds to wait and for points in time; no wait is this long."""

LONGEST_WAIT = timedelta(days=1)
MAX_REASON_CHARS = 200


class RateLimitedError(FetchError):
    """The source asks to come again later, after ``retry_after`` where it says."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class BlockedError(FetchError):
    """The source does not answer us, now or later."""


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How the last visit to one source ended.

    ``fetched`` counts items that the source delivered, ``new`` mentions not seen before;
    ``retry_after`` is how long the source asked to be left alone.
    """

    name: str
    status: PollStatus
    fetched: int = 0
    new: int = 0
    reason: str | None = None
    retry_after: timedelta | None = None


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the answer asks to wait, None where it does not say.

    ``headers`` has lower-case names. Retry-After holds seconds or a date; RateLimit-Reset (and
    X-RateLimit-Reset) holds seconds, an epoch, or a date in ISO 8601.
    """
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        wait = _wait(headers.get(name, "").strip(), now)
        if wait is not None:
            return min(max(wait, timedelta(0)), LONGEST_WAIT)
    return None


def _wait(value: str, now: datetime) -> timedelta | None:
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        until = _date(value)
        return None if until is None else until - now
    if not abs(seconds) < 1e11:  # also what is no number
        return None
    if seconds >= EPOCH_SECONDS:
        return datetime.fromtimestamp(seconds, UTC) - now
    return timedelta(seconds=seconds)


def _date(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            parsed = parse(value)
        except (ValueError, TypeError):
            continue
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return None


def said_in_body(body: bytes) -> str:
    """Return the words of an error's body: its JSON ``error`` or its plain text, shortened."""
    text = body[:4000].decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        said = parsed.get("error_description") or parsed.get("message") or parsed.get("error")
        text = said if isinstance(said, str) else ""
    elif text.startswith("<"):
        text = ""
    return " ".join(text.split())[:MAX_REASON_CHARS]


def raise_for_status(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise what an answer other than 2xx and 304 means; return for those."""
    if 200 <= status < 300 or status == 304:
        return
    said = said_in_body(body)
    reason = f"HTTP {status}" + (f": {said}" if said else "")
    asks_to_wait = status == 429 or (status == 503 and "retry-after" in headers)
    if asks_to_wait:
        raise RateLimitedError(reason, wait_asked_for(headers, now))
    if status in (401, 403, 407, 451):
        raise BlockedError(reason)
    raise FetchError(reason)
