"""Since when rules have been looked at: what a machine that slept knows of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.rounds import Awake
from core.errors import UsageError

if TYPE_CHECKING:
    from app.bootstrap import Application

LONG_PAUSE = timedelta(minutes=30)
"""Rounds further apart: the machine slept, or nobody evaluated rules."""

ROUNDS = "|rounds"
"""Where the state keeps when rules were looked at; no source can be named so."""


def awake_since(application: Application) -> Awake:
    """Return since when rounds have followed each other without a long pause."""
    now = application.clock()
    since, last, before = _kept(application)
    if since is None or last is None or last > now:
        # Of a clock that was ahead then, or that is held back now, nobody knows what passed since.
        return Awake(now, now - LONG_PAUSE)
    if now - last > LONG_PAUSE:
        return Awake(now, last, last)
    return Awake(since, last, before)


def check_time(application: Application) -> None:
    """Raises UsageError where rules were looked at after the instant that the clock is held at.

    What was found since would be overwritten by what was known before.
    """
    _, last, _ = _kept(application)
    if application.is_clock_held and last is not None and last > application.clock():
        raise UsageError(
            f"rules were evaluated at {last:%Y-%m-%d %H:%M:%S} UTC, after --now: "
            "what was found since stays as it is; add --dry-run to see what would be told"
        )


def note_round(application: Application, awake: Awake) -> None:
    """Remember that a round was now; one on a clock that is held ahead is none."""
    now = application.clock()
    if application.is_clock_held and now > datetime.now(UTC):
        return
    times = {"since": awake.since, "last": now, "before": awake.before}
    kept = {key: at.isoformat() for key, at in times.items() if at is not None}
    application.state.save(ROUNDS, kept)


def _kept(application: Application) -> tuple[datetime | None, ...]:
    held = application.state.load(ROUNDS)
    return tuple(
        datetime.fromisoformat(str(held[key])) if held.get(key) else None
        for key in ("since", "last", "before")
    )
