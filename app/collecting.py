"""Runs collectors over configured sources, delivering to the intake."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from app.bootstrap import Application
from core.errors import UsageError
from core.settings import AnySource
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
        record_poll=application.state.record_poll,
        history=history if history is not None else configuration.settings.track.history,
        stop=stop,
        policy=_policy(application),
    )
    return collect(_chosen(configuration.sources, names), context, once=once)


def _chosen(sources: Sequence[AnySource], names: Sequence[str]) -> list[AnySource]:
    known = {source.name: source for source in sources}
    for name in names:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none is configured"
            raise UsageError(f"no source is named {name!r} (sources: {allowed})")
    chosen = [known[name] for name in names] or [source for source in sources if source.enabled]
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
