"""Beginning: a brand's name becomes a topic with sources, and the last weeks are fetched."""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.bootstrap import Application
from app.careful import child_command
from app.collecting import collect_sources
from app.configuring import add_entries
from core.errors import UsageError
from core.query.parser import parse
from core.rules import topics_of
from core.settings import (
    AnySource,
    BlueskySource,
    Configuration,
    HackerNewsSource,
    MastodonSource,
    Topic,
    TopicKind,
)
from core.text import tokenise
from crawlers.outcome import SourceReport

LONGEST_NAME = 80
"""Names of the sources and rules made from it fit the 100 characters that a name may have."""

ENRICHER_WAIT_SECONDS = 60
"""Longest wait for a running enricher; what it has not read by then shows on the dashboard."""

STREAM_WAIT_SECONDS = 10
"""A stream has no end: track listens for as long as a person watches, `run` goes on."""


@dataclass(frozen=True, slots=True)
class AddedBrand:
    """What tracking a brand wrote into the configuration."""

    topic: Topic
    source_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What the sources brought, and how many mentions are stored now."""

    sources: tuple[SourceReport, ...]
    stored: int


def add_brand(
    application: Application, name: str, *, handle: str | None = None, hashtag: str | None = None
) -> AddedBrand:
    """Write the topic ``name`` and its sources; doing it again changes nothing.

    Sources of a server that is configured already are extended rather than doubled. Raises
    UsageError for a name without any letter or digit.
    """
    name = unicodedata.normalize("NFC", name).strip()
    squeezed = "".join(re.findall(r"\w+", name)).lower()
    if not squeezed:
        raise UsageError(f"{name!r} holds no letter or digit to listen for")
    if len(name) > LONGEST_NAME or not name.isprintable() or "|" in name:
        raise UsageError(
            f"a name has at most {LONGEST_NAME} characters, none of them '|' or a control character"
        )
    handle = _plain("--handle", handle or squeezed, "@", r"\w[\w.@-]*")
    hashtag = _plain("--hashtag", hashtag or squeezed, "#", r"\w+")
    configuration = application.configuration
    topic = configuration.topic(name)
    if topic is None:
        entry = {
            "name": name,
            "group": "brands",
            "kind": TopicKind.OWN.value,
            "query": brand_query(name, handle, hashtag),
        }
        configuration = add_entries(application.config_folder, "topics", [entry])
        topic = configuration.topic(name) or Topic.model_validate(entry)
    wanted = _sources(configuration, name, hashtag)
    missing = [entry for entry in wanted if not _is_there(configuration, entry)]
    if missing:
        configuration = add_entries(application.config_folder, "sources", missing)
    if not any(name in topics_of(rule) for rule in configuration.alerts):
        add_entries(application.config_folder, "alerts", _rules(name))
    names = tuple(source.name for source in configuration.sources if _serves(source, name, hashtag))
    return AddedBrand(topic, names)


def _plain(option: str, word: str, sign: str, allowed: str) -> str:
    """Return ``word`` without its sign. Raises UsageError that names the option."""
    word = unicodedata.normalize("NFC", word).strip().removeprefix(sign)
    if not re.fullmatch(allowed, word):
        raise UsageError(f"{option}: {word!r} must be one word of letters and digits")
    return word


def brand_query(name: str, handle: str, hashtag: str) -> str:
    """Return the query for a brand: its name, its handle and its hashtag."""
    words = [token.folded for token in tokenise(name)]
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    # All in capitals it may be an operator; in quotes a word means the same.
    is_plain = words == [name.casefold()] and not name.isupper()
    parts = [name if is_plain else quoted, f"@{handle}", f"#{hashtag}"]
    query = " OR ".join(dict.fromkeys(parts))
    parse(query)
    return query


def fetch_history(
    application: Application, added: AddedBrand, *, tell: Callable[[str], None] = lambda _: None
) -> TrackReport:
    """Fetch what the brand's sources have of the past, enrich it and put it into the index.

    A stream, which has no past, is listened to for a moment only. Where another process enriches,
    as `groundswell run` does, it is waited for instead.
    """
    history = application.configuration.settings.track.history
    streams = {s.name for s in application.configuration.sources if isinstance(s, BlueskySource)}
    reports: list[SourceReport] = []
    for name in sorted(added.source_names, key=lambda name: (name in streams, name)):
        tell(f"Fetching {name} ...")
        stop = threading.Event()
        timer = threading.Timer(STREAM_WAIT_SECONDS, stop.set) if name in streams else None
        if timer:
            timer.start()
        (report,) = collect_sources(application, [name], once=True, stop=stop, history=history)
        if timer:
            timer.cancel()
        reports.append(report)
        reason = f" ({report.reason})" if report.reason else ""
        tell(f"  {report.status.value}: {report.new} new of {report.fetched} fetched{reason}")
    if application.writes:
        config = ["--config", str(application.config_folder)]
        application.enricher(child_command(*config, "enrich-child")).run(
            drain=True, stop=threading.Event()
        )
    else:
        tell("Waiting for the Groundswell that runs to read them ...")
        _await_enricher(application)
    application.index.refresh()
    return TrackReport(tuple(reports), application.index.size())


def _await_enricher(application: Application) -> None:
    deadline = time.monotonic() + ENRICHER_WAIT_SECONDS
    while application.spool.pending_bytes() and time.monotonic() < deadline:
        time.sleep(0.5)


def _sources(configuration: Configuration, name: str, hashtag: str) -> list[dict[str, Any]]:
    """Return the entries that bring in the brand from every service that needs no key.

    A server that is configured already is asked rather than the public one.
    """
    track = configuration.settings.track
    hackernews = _first(configuration, HackerNewsSource)
    mastodon = _first(configuration, MastodonSource)
    bluesky = _first(configuration, BlueskySource)
    private = {"allow_private": True} if track.allow_private else {}
    entries: list[dict[str, Any]] = [
        {
            "name": f"Hacker News: {name}",
            "type": "hackernews",
            "query": name,
            "url": hackernews.url if hackernews else track.hackernews_url,
            **({"allow_private": True} if hackernews and hackernews.allow_private else private),
        },
        {
            "name": f"Mastodon: #{hashtag}",
            "type": "mastodon",
            "url": mastodon.url if mastodon else track.mastodon_url,
            "hashtags": [hashtag],
            **({"allow_private": True} if mastodon and mastodon.allow_private else private),
        },
    ]
    if bluesky is None:
        entries.append(
            {
                "name": "Bluesky",
                "type": "bluesky",
                "url": track.bluesky_url,
                "api_url": track.bluesky_api_url,
                **private,
            }
        )
    return entries


def _first(configuration: Configuration, kind: type[Any]) -> Any:
    return next((source for source in configuration.sources if isinstance(source, kind)), None)


def _is_there(configuration: Configuration, entry: dict[str, Any]) -> bool:
    """Return whether a configured source brings in the same already."""
    for source in configuration.sources:
        if source.name == entry["name"]:
            return True
        if entry["type"] == "hackernews" and isinstance(source, HackerNewsSource):
            is_there = source.query.casefold() == entry["query"].casefold()
        elif entry["type"] == "mastodon" and isinstance(source, MastodonSource):
            is_there = _has_hashtag(source, entry["hashtags"][0])
        else:
            is_there = False
        if is_there:
            return True
    return False


def _has_hashtag(source: MastodonSource, hashtag: str) -> bool:
    return hashtag.casefold() in {tag.lstrip("#").casefold() for tag in source.hashtags}


def _serves(source: AnySource, name: str, hashtag: str) -> bool:
    """Return whether the source brings in mentions of the brand."""
    if not source.enabled:
        return False
    if isinstance(source, HackerNewsSource):
        return source.query.casefold() == name.casefold()
    if isinstance(source, MastodonSource):
        return _has_hashtag(source, hashtag)
    return True


def _rules(name: str) -> list[dict[str, Any]]:
    return [
        {"name": f"{name}: volume", "kind": "volume_spike", "topic": name},
        {"name": f"{name}: negative", "kind": "negative_spike", "topic": name},
    ]
