"""What a page has at hand: the application, its queries, the viewer's zone and scope."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import streamlit as st

from app.actions import Actions
from app.bootstrap import Application, open_application
from app.handling import IncidentDesk
from app.home import config_folder, home_folder
from app.instants import parse_instant
from app.pending import Pending
from app.quality import Quality
from app.queries import Queries
from app.scope import Preset, Scope
from app.scope_reading import PARAMETERS, parse_scope
from dashboard.launch import NOW_VARIABLE

ANSWER_SECONDS = 4
"""How long an answer is kept: shorter than the pages' refresh, long enough for all its parts."""

R = TypeVar("R")


@dataclass(frozen=True)
class Session:
    """The application behind every page of this process."""

    application: Application
    queries: Queries
    actions: Actions
    desk: IncidentDesk
    quality: Quality


@dataclass(frozen=True)
class Viewer:
    """Who looks: time zone, present instant, and whether the page is dark."""

    zone: str
    now: datetime
    is_dark: bool


def open_session() -> Session:
    """Return the session, opened anew when the configuration's files change.

    Raises ConfigurationError, EngineUnavailable.
    """
    config, home = config_folder(None), home_folder()
    return _open(str(config), str(home), os.environ.get(NOW_VARIABLE, ""), _fingerprint(config))


@st.cache_resource(
    show_spinner=False, max_entries=2, on_release=lambda session: session.application.close()
)
def _open(config: str, home: str, now: str, stamp: str) -> Session:  # noqa: ARG001 - part of the key
    instant = parse_instant(now, datetime.now(UTC)) if now else None
    application = open_application(Path(config), Path(home), instant, producer="dashboard")
    pending = _waiting(home)
    queries = Queries(application, pending)
    actions, quality = Actions(application, queries), Quality(application, queries)
    return Session(application, queries, actions, IncidentDesk(application), quality)


@st.cache_resource(show_spinner=False)
def _waiting(home: str) -> Pending:  # noqa: ARG001 - the cache's key
    """Return what waits for the index of ``home``; it outlives a changed configuration."""
    return Pending()


def _fingerprint(config: Path) -> str:
    """Return a digest that changes with any file of the configuration folder."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(config.glob("*.yml")):
        stat = path.stat()
        digest.update(f"{path.name} {stat.st_mtime_ns} {stat.st_size}".encode())
    return digest.hexdigest()


def viewer(session: Session) -> Viewer:
    """Return who looks. The zone is the browser's, else the configured one."""
    zone = st.context.timezone or session.queries.configuration.settings.time_zone
    return Viewer(zone, session.queries.now(), st.context.theme.type == "dark")


def read_scope(session: Session, zone: str, default: Preset = Preset.DAY) -> Scope:
    """Return the scope in the address, and say what in it is wrong."""
    parameters = {name: st.query_params.get_all(name) for name in PARAMETERS}
    queries = session.queries
    scope, problems = parse_scope(
        parameters, queries.configuration, queries.now(), zone, default=default
    )
    for problem in problems:
        st.warning(f"Left out of the address: {plain(problem)}", icon=":material/link_off:")
    if scope.as_of is not None:
        shown = scope.as_of.astimezone(ZoneInfo(zone))
        st.info(
            f"As of {shown:%d %B %Y %H\\:%M}, as the mail told it: what became known since is left "
            f"out. [Show it as well](?{replace(scope, as_of=None).url('')[1:]})",
            icon=":material/history:",
        )
    return scope


def write_scope(scope: Scope) -> None:
    """Put the scope into the address; parameters of the page itself stay."""
    kept = {
        name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMETERS
    }
    st.query_params.from_dict({**kept, **scope.parameters()})


def plain(text: str) -> str:
    """Return text that Streamlit's Markdown shows as it is."""
    escaped = "".join(f"\\{char}" if char in "\\`*_{}[]()#+-!|<>$~:&" else char for char in text)
    return escaped.replace("\n", "  \n")


def answer(session: Session, key: tuple[object, ...], ask: Callable[[], R]) -> R:
    """Return what ``ask`` says, kept for a few seconds for all who ask the same.

    A correction makes every kept answer stale at once.
    """
    revision = session.queries.pending.revision
    return _kept((str(session.application.home), revision, *key), ask)


@st.cache_resource(ttl=ANSWER_SECONDS, show_spinner=False, max_entries=64)
def _kept(key: tuple[object, ...], _ask: Callable[[], R]) -> R:  # noqa: ARG001 - the cache's key
    return _ask()
