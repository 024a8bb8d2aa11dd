"""Reading JSON of strangers: every value may be missing or of another type than documented."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from core.errors import FetchError

MAX_COUNT = 2**63 - 1


def parse_json(body: bytes) -> Any:
    """Return the document in ``body``. Raises FetchError where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as err:
        start = " ".join(body[:80].decode("utf-8", "replace").split())
        raise FetchError(f"the answer is no JSON, it begins {start!r}") from err


def mapping(value: object) -> dict[str, Any]:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """Return the objects in ``value`` if it is a list, else none."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def string(value: object) -> str:
    """Return ``value`` if it is a string, a whole number's digits, else nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def count(value: object) -> int | None:
    """Return ``value`` if it is a count, else None."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MAX_COUNT else None


def moment(value: object) -> datetime | None:
    """Return the aware UTC time of an ISO 8601 string, else None; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch(value: object) -> datetime | None:
    """Return the time of seconds since 1970, else None."""
    seconds = count(value)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
