"""A sign of life for whoever watches from outside: a file in the home, and an address if set.

Mail is how alarms are told; when mail is down, it is this sign's absence that rings elsewhere.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from app.stores.segment import replace_file
from core.errors import DurabilityError

if TYPE_CHECKING:
    from app.bootstrap import Application

log = structlog.get_logger()

FILE = "heartbeat.json"
EVERY = timedelta(minutes=1)
TIMEOUT_SECONDS = 10.0

STUCK = timedelta(minutes=5)
"""A message that waits longer than any greylisting makes it is an outage of mail."""


class Heartbeat:
    """Beats once a minute while rules are judged and messages go out."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._due: datetime | None = None
        self.judged_at: datetime | None = None
        """When the rules were judged last; whoever judges them sets it."""

    def beat(self) -> None:
        """Write the file, and ask for the address if all is well; once a minute at most."""
        now = self._application.clock()
        if self._due is not None and now < self._due:
            return
        self._due = now + EVERY
        problem = self._problem(now)
        report = {
            "at": now.isoformat(),
            "judged_at": self.judged_at.isoformat() if self.judged_at else None,
            "is_well": problem is None,
            "problem": problem,
        }
        try:
            replace_file(self._application.home / FILE, json.dumps(report).encode())
        except (OSError, DurabilityError) as err:
            log.warning("heartbeat_failed", reason=str(err))
            return
        if problem is None:
            self._ping()

    def _problem(self, now: datetime) -> str | None:
        if self.judged_at is not None and now - self.judged_at > 5 * EVERY:
            return f"no rule was judged since {self.judged_at:%Y-%m-%d %H:%M} UTC"
        stuck = self._application.outbox.stuck(now - STUCK)
        if stuck:
            return f"{len(stuck)} messages wait: {stuck[0].words}"
        return None

    def _ping(self) -> None:
        address = self._application.configuration.settings.heartbeat_url
        if address is None:
            return
        import httpx

        try:
            httpx.get(address.get_secret_value(), timeout=TIMEOUT_SECONDS).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            # The address is a secret: of the error, its kind alone is told.
            log.warning("heartbeat_failed", reason=type(err).__name__)
