"""Killing collector, enricher and index node in mid-work loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.bootstrap import Application, open_application
from core.envelope import Envelope
from core.mention import Correction, Overlay, Sentiment
from core.query.parser import parse
from core.questions import Selection
from tests.mockserver.server import MockServer
from tests.servers.elasticsearch import ElasticsearchNode

FEEDS = 20
KILLS = 2
ITEMS = 150
"""Items a feed: enough for several batches of the enricher."""


def write_feeds(folder: Path, items_a_feed: int) -> set[str]:
    """Write feeds of distinct items into ``folder`` and return the items' titles."""
    titles = set()
    for feed in range(FEEDS):
        items = []
        for number in range(items_a_feed):
            title = f"Acme parcel {feed}-{number}"
            titles.add(title)
            items.append(
                f"<item><title>{title}</title><guid>urn:acme:{feed}:{number}</guid>"
                f"<description>The acme parcel {number} of route {feed} came late.</description>"
                f"<pubDate>Mon, 23 Nov 2026 0{number % 10}:00:00 GMT</pubDate></item>"
            )
        text = f"<rss version='2.0'><channel><title>f</title>{''.join(items)}</channel></rss>"
        (folder / f"{feed}.xml").write_text(text, encoding="utf-8")
    return titles


def write_config(folder: Path, feeds_url: str, index: Mapping[str, Any]) -> None:
    """Write a configuration that collects the feeds."""
    folder.mkdir()
    settings = {"models": {"entities": False}, "languages": ["en"], "index": dict(index)}
    sources = [
        {"name": f"feed {n}", "type": "feed", "url": f"{feeds_url}/{n}.xml", "allow_private": True}
        for n in range(FEEDS)
    ]
    topics = [{"name": "Acme", "query": "acme"}]
    for name, data in (("settings", settings), ("sources", sources), ("topics", topics)):
        (folder / f"{name}.yml").write_text(yaml.safe_dump(data), encoding="utf-8")


def start(config: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a command of the command line."""
    command: Sequence[str] = [sys.executable, "-m", "app.cli", "--config", str(config), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(config: Path, *words: str) -> Any:
    """Run a command to its end and return its JSON document."""
    process = start(config, *words, "--json")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def kill_when(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    """Kill the process as soon as ``condition`` holds; fail when it ends before."""
    while process.poll() is None:
        if condition():
            process.kill()
            process.communicate()
            return
        time.sleep(0.005)
    _, err = process.communicate()
    pytest.fail(f"it ended before it could be killed in mid-work: {err.decode()}")


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until ``condition`` holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def correct_one(application: Application) -> str:
    """Set the sentiment of a mention as a person would, and return its id."""
    found = application.index.page(Selection(query=parse("parcel")), size=1).mentions[0]
    word = Correction[Sentiment | None](
        value=Sentiment.POSITIVE, by="kim", at_us=time.time_ns() // 1_000
    )
    application.spool.append([Envelope.correcting(found.id, Overlay(sentiment=word))])
    return found.id


def open_app(config: Path) -> Application:
    """Open the application as a reader of what the commands wrote."""
    return open_application(config, Path(os.environ["GROUNDSWELL_HOME"]), producer="person")


def check_conserved(config: Path, titles: set[str], corrected: str) -> None:
    """Assert that every served item is stored once, and that the correction stands."""
    application = open_app(config)
    application.index.refresh()
    stored = list(application.index.scan(Selection()))
    quarantined = list(application.spool.quarantined())
    correction = application.index.get([corrected])[corrected]
    pending = application.spool.pending()
    application.close()
    assert pending == 0
    assert quarantined == []
    assert len(stored) == len(titles)
    assert {mention.title for mention in stored} == titles
    assert all(mention.enrichment is not None for mention in stored)
    assert correction.sentiment is Sentiment.POSITIVE


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_collector_and_enricher_lose_nothing(
    tmp_path: Path, mock_server: MockServer
) -> None:
    """Each is killed when it has done a part of its work; then one clean run completes it."""
    feeds, config = tmp_path / "feeds", tmp_path / "configs"
    feeds.mkdir()
    titles = write_feeds(feeds, ITEMS)
    mock_server.serve_folder(feeds)
    write_config(config, mock_server.url, {})
    application = open_app(config)
    spool = application.spool
    for _ in range(KILLS):
        before = spool.pending_bytes()
        kill_when(start(config, "collect", "--once"), lambda n=before: spool.pending_bytes() > n)  # type: ignore[misc]
    assert 0 < spool.pending() < len(titles), "all was collected before the kills"
    finish(config, "collect", "--once")
    for _ in range(KILLS):
        before = spool.pending_bytes()
        kill_when(start(config, "enrich", "--drain"), lambda n=before: spool.pending_bytes() < n)  # type: ignore[misc]
        assert spool.pending_bytes() > 0, "all was enriched before the kill"
    application.index.refresh()
    corrected = correct_one(application)
    before = spool.pending_bytes()
    kill_when(start(config, "enrich", "--drain"), lambda: spool.pending_bytes() < before)
    application.close()
    finish(config, "enrich", "--drain")
    again = finish(config, "collect", "--once")
    assert sum(source["new"] for source in again["sources"]) == 0
    check_conserved(config, titles, corrected)


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_index_node_loses_nothing(
    tmp_path: Path, mock_server: MockServer, elasticsearch_node: ElasticsearchNode
) -> None:
    """The node dies while the enricher works; the spool waits and is drained after the restart."""
    feeds, config = tmp_path / "feeds", tmp_path / "configs"
    feeds.mkdir()
    titles = write_feeds(feeds, 300)
    mock_server.serve_folder(feeds)
    index = {"engine": "elasticsearch", "url": elasticsearch_node.url, "name": "killed"}
    write_config(config, mock_server.url, index)
    finish(config, "collect", "--once")
    application = open_app(config)
    enricher = start(config, "enrich")
    wait_for(lambda: application.index.size() > 0)
    elasticsearch_node.kill9()
    time.sleep(1)
    assert application.spool.pending_bytes() > 0, "all was done before the kill: nothing is proven"
    assert enricher.poll() is None, "the enricher must wait for the index, not die"
    elasticsearch_node.restart()
    wait_for(lambda: application.spool.pending_bytes() == 0)
    enricher.terminate()
    enricher.communicate(timeout=60)
    corrected = correct_one(application)
    application.close()
    finish(config, "enrich", "--drain")
    check_conserved(config, titles, corrected)
