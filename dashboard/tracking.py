"""Tracking a brand from a page: the work runs in processes of its own, as the command line's.

The crawler needs a process to itself, and the index is written by whoever enriches: this page's
server only ever reads it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence

from app.bootstrap import Application, child_environment
from app.careful import child_command
from app.configuring import ensure_folder
from app.tracking import AddedBrand, add_brand
from core.settings import BlueskySource

SOURCE_SECONDS = 120
STREAM_SECONDS = 12
"""A stream has no past to fetch; this long shows that it answers."""

ENRICH_SECONDS = 300


def track(
    application: Application,
    name: str,
    *,
    handle: str | None,
    hashtag: str | None,
    tell: Callable[[str], None],
) -> AddedBrand:
    """Write the brand's topic and sources, and fetch what they have of the past.

    ``tell`` gets a line for each step. A source that fails is told and does not stop the others.
    Raises UsageError or ConfigurationError where the configuration refuses the brand.
    """
    ensure_folder(application.config_folder)
    added = add_brand(application, name, handle=handle, hashtag=hashtag)
    tell(f"Topic {added.topic.name}: {added.topic.query}")
    streams = {s.name for s in application.configuration.sources if isinstance(s, BlueskySource)}
    for source in sorted(added.source_names, key=lambda entry: (entry in streams, entry)):
        seconds = STREAM_SECONDS if source in streams else SOURCE_SECONDS
        tell(_fetched(application, source, seconds))
    tell("Reading what they say ...")
    if _run(application, ["enrich", "--drain"], ENRICH_SECONDS) is None:
        tell("They show as soon as the running enricher has read them.")
    return added


def _fetched(application: Application, source: str, seconds: float) -> str:
    """Collect from one source and return what came of it, in words."""
    answer = _run(application, ["--json", "collect", "--source", source, "--once"], seconds)
    if answer is None:
        return f"{source}: no answer yet; it is asked again when Groundswell runs"
    try:
        (report,) = json.loads(answer)["sources"]
        reason = f" ({report['reason']})" if report.get("reason") else ""
        return f"{source}: {report['new']} new of {report['fetched']}{reason}"
    except (ValueError, KeyError, TypeError):
        return f"{source}: asked"


def _run(application: Application, words: Sequence[str], seconds: float) -> str | None:
    """Run one of our own commands; None when it fails or is stopped after ``seconds``."""
    command = child_command("--config", str(application.config_folder.absolute()), *words)
    process = subprocess.Popen(  # noqa: S603 - our own command; names are arguments, never a shell's
        command,
        env=child_environment(application),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        output, _ = process.communicate()
    return output if process.returncode == 0 else None
