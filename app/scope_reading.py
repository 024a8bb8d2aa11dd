"""Reads a scope from the parameters of an address; what is wrong is said, and the rest holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from app.instants import parse_instant
from app.scope import Preset, Scope
from core.errors import QueryError, UsageError
from core.mention import Channel, Emotion, Intent, Sentiment, Status
from core.query.parser import parse
from core.settings import Configuration

E = TypeVar("E", bound=StrEnum)

PARAMETERS = (
    "topic",
    "group",
    "window",
    "since",
    "until",
    "q",
    "sentiment",
    "intent",
    "emotion",
    "channel",
    "lang",
    "theme",
    "source",
    "status",
    "own",
    "not-us",
    "as_of",
)
"""Every URL parameter that a scope reads."""


def parse_scope(
    parameters: Mapping[str, Sequence[str]],
    configuration: Configuration,
    now: datetime,
    zone: str = "UTC",
    *,
    default: Preset = Preset.DAY,
) -> tuple[Scope, list[str]]:
    """Return the scope that URL parameters describe, and a message for each one that is wrong.

    A wrong parameter is left out; the others hold. Parameters of other names are ignored: they
    belong to the page.
    """
    reader = _Reader(parameters, configuration, now, zone)
    scope = Scope(
        topics=reader.names("topic", [topic.name for topic in configuration.topics]),
        group=reader.name("group", list(dict.fromkeys(t.group for t in configuration.topics))),
        preset=reader.choice("window", Preset) or default,
        since=reader.instant("since"),
        until=reader.instant("until"),
        query=reader.query(),
        sentiments=reader.choices("sentiment", Sentiment),
        intents=reader.choices("intent", Intent),
        emotions=reader.choices("emotion", Emotion),
        channels=reader.choices("channel", Channel),
        languages=reader.texts("lang", str.casefold),
        themes=reader.texts("theme", str.casefold),
        sources=reader.texts("source"),
        status=reader.choice("status", Status),
        include_own=reader.flag("own"),
        include_irrelevant=reader.flag("not-us"),
        as_of=reader.instant("as_of"),
        zone=zone,
    )
    return scope, reader.problems


class _Reader:
    """Reads parameters one by one and keeps what was wrong with them."""

    def __init__(
        self,
        parameters: Mapping[str, Sequence[str]],
        configuration: Configuration,
        now: datetime,
        zone: str,
    ) -> None:
        self._parameters = parameters
        self._configuration = configuration
        self._now = now
        self._zone = zone
        self.problems: list[str] = []

    def _values(self, name: str) -> list[str]:
        return [value for value in self._parameters.get(name, ()) if value.strip()]

    def _refuse(self, name: str, value: str, allowed: Sequence[str]) -> None:
        listed = ", ".join(allowed) or "none is configured"
        self.problems.append(f"{name}: {value[:60]!r} is not known here (allowed: {listed})")

    def names(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Return the given names in the spelling of ``allowed``."""
        by_folded = {entry.casefold(): entry for entry in allowed}
        found = []
        for value in self._values(name):
            known = by_folded.get(value.casefold())
            if known is None:
                self._refuse(name, value, allowed)
            else:
                found.append(known)
        return tuple(dict.fromkeys(found))

    def name(self, name: str, allowed: Sequence[str]) -> str | None:
        """Return one name out of ``allowed``."""
        return next(iter(self.names(name, allowed)), None)

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        """Return members of an enumeration."""
        allowed = [member.value for member in kind]
        return tuple(kind(value) for value in self.names(name, allowed))

    def choice(self, name: str, kind: type[E]) -> E | None:
        """Return one member of an enumeration."""
        return next(iter(self.choices(name, kind)), None)

    def texts(self, name: str, fold: object = None) -> tuple[str, ...]:
        """Return values of which any may exist in the index."""
        values = [value.strip()[:200] for value in self._values(name)]
        if callable(fold):
            values = [fold(value) for value in values]
        return tuple(dict.fromkeys(values))

    def flag(self, name: str) -> bool:
        """Return whether the parameter says yes."""
        value = next(iter(self._values(name)), "no").casefold()
        if value not in ("yes", "no"):
            self._refuse(name, value, ("yes", "no"))
        return value == "yes"

    def instant(self, name: str) -> datetime | None:
        """Return a time; an ``until`` before ``since`` is refused."""
        value = next(iter(self._values(name)), None)
        if value is None:
            return None
        try:
            found = parse_instant(value, self._now, self._zone, is_end=name == "until")
            if name == "until":
                since = next(iter(self._values("since")), None)
                if since is not None and parse_instant(since, self._now, self._zone) > found:
                    raise UsageError("the window ends before it starts")
        except UsageError as err:
            message = f"{name}: {err}"
            if not (name == "until" and any(p.startswith("since:") for p in self.problems)):
                self.problems.append(message)
            return None
        return found

    def query(self) -> str:
        """Return the query if it can be understood."""
        text = next(iter(self._values("q")), "").strip()
        if not text:
            return ""
        try:
            parse(text, self._now)
        except QueryError as err:
            self.problems.append(f"query: {err}")
            return ""
        return text
