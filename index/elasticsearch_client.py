"""Calls to Elasticsearch, with its failures said in our words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from elasticsearch import ApiError, Elasticsearch, SerializationError, TransportError

from core.errors import ConfigurationError, EngineUnavailable, GroundswellError, Problem

REQUEST_SECONDS = 30
BUSY = 429


def connect(
    url: str,
    *,
    api_key: str | None,
    username: str | None,
    password: str | None,
    ca_certs: str | None,
) -> Elasticsearch:
    """Return a client; it connects at its first call.

    It does not try again by itself: whoever calls the index backs off and does.
    """
    options: dict[str, Any] = {
        "request_timeout": REQUEST_SECONDS,
        "max_retries": 0,
        "retry_on_timeout": False,
    }
    if api_key:
        options["api_key"] = api_key
    elif username:
        options["basic_auth"] = (username, password or "")
    if ca_certs:
        options["ca_certs"] = ca_certs
    try:
        return Elasticsearch(url, **options)
    except ValueError as err:
        raise ConfigurationError([Problem("settings.yml", "index.url", str(err))]) from err


@contextmanager
def said_in_our_words(url: str) -> Iterator[None]:
    """Raise our errors for the client's.

    EngineUnavailable where the same call may work later, ConfigurationError where the cluster does
    not let us in, GroundswellError for any other refusal.
    """
    try:
        yield
    except ApiError as err:
        reason = reason_of(err)
        if is_passing(err.status_code):
            raise EngineUnavailable(f"Elasticsearch at {url} is not ready: {reason}") from err
        if err.status_code in {401, 403}:
            problem = Problem("settings.yml", "index", f"{url} does not let us in: {reason}")
            raise ConfigurationError([problem]) from err
        if "Determinizing" in reason:
            reason = "a pattern is too complex; take fewer ? after a *"
        raise GroundswellError(f"Elasticsearch at {url} refused: {reason}") from err
    except SerializationError as err:
        raise GroundswellError(f"Elasticsearch at {url} does not speak JSON: {err}") from err
    except TransportError as err:
        raise EngineUnavailable(f"Elasticsearch at {url} cannot be reached: {err}") from err


def is_passing(status: int) -> bool:
    """Return whether a refusal with this HTTP status may be gone later."""
    return status == BUSY or status >= 500


def reason_of(err: ApiError) -> str:
    """Return what the cluster said, with the first cause that it names."""
    body = err.body
    error = body.get("error") if isinstance(body, dict) else None
    return said_reason(error) if error else str(err)


def said_reason(error: Any) -> str:
    """Return type and reason of an error as Elasticsearch writes it, of its root cause if named."""
    if not isinstance(error, dict):
        return str(error)
    causes: Sequence[Any] = error.get("root_cause") or [error]
    cause = causes[0]
    inner = error.get("caused_by") or {}
    parts = [cause.get("type", ""), cause.get("reason", ""), inner.get("reason", "")]
    return ": ".join(dict.fromkeys(part for part in parts if part))
