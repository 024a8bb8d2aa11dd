"""Runs collectors over configured sources, delivering to the intake."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from app.bootstrap import Application
from app.self_test import canary_source
from core.errors import UsageError
from core.ports import Poll
from core.self_test import CANARY_CURSOR
from core.settings import SourceSettings
from crawlers.outcome import SourceReport
from crawlers.policy import FetchPolicy


def collect_sources(
    application: Application,
    names: Sequence[str],
    *,
    once: bool,
    stop: threading.Event,
    history: timedelta | None = None,
) -> list[SourceReport]:
    """Visit the sources called ``names`` (all enabled ones when empty) and return how it went.

    Raises UsageError for a name that is not configured, or when there is nothing to visit.
    """
    from crawlers.runner import CollectContext, collect

    configuration = application.configuration
    context = CollectContext(
        sink=application.intake(),
        cursors=application.state,
        clock=application.clock,
        record_poll=partial(_record_poll, application),
        history=history if history is not None else configuration.settings.track.history,
        stop=stop,
        policy=_policy(application),
    )
    reports = collect(_chosen(application, names), context, once=once)
    return [report for report in reports if report.name != CANARY_CURSOR]


def _record_poll(application: Application, poll: Poll) -> None:
    """Keep how a poll went; the self-test is no source whose coverage anybody reads."""
    if poll.source != CANARY_CURSOR:
        application.state.record_poll(poll)


def _chosen(application: Application, names: Sequence[str]) -> list[SourceSettings]:
    """Return the sources of those names; else those switched on, and the self-test's."""
    sources = application.configuration.sources
    known = {source.name: source for source in sources}
    for name in names:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none is configured"
            raise UsageError(f"no source is named {name!r} (sources: {allowed})")
    if names:
        return [known[name] for name in names]
    chosen: list[SourceSettings] = [source for source in sources if source.enabled]
    canary = canary_source(application)
    if canary is not None:
        chosen.append(canary)
    if not chosen:
        raise UsageError(
            'there is no source to collect from; `groundswell track "Your brand"` adds some, '
            "or write sources.yml"
        )
    return chosen


def _policy(application: Application) -> FetchPolicy:
    settings = application.configuration.settings.collect
    return FetchPolicy(
        max_bytes=settings.max_megabytes * 1_000_000,
        timeout=settings.timeout,
        contact=settings.contact,
    )
