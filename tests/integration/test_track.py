"""``groundswell track``: a name becomes a topic with sources, and its first mentions are shown."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.loading import load_configuration
from core.query.evaluate import matches
from core.query.parser import parse
from core.rules import topics_of
from demo.server import DemoServer
from tests.integration.command_line import groundswell, start, write_topics
from tests.integration.test_collect_apis import _jetstream, _serve_profiles
from tests.mockserver.replies import text as text_reply
from tests.mockserver.server import MockServer
from tests.servers.ports import find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

BRAND = "Pendrake"


@pytest.fixture(scope="module")
def services() -> Iterator[DemoServer]:
    """Serve a month of three brands in the services' own formats."""
    server = DemoServer()
    server.start(datetime.now(UTC))
    yield server
    server.stop()


def variables(server: DemoServer, **changed: str) -> dict[str, str]:
    """Return the settings that send track to ``server``."""
    return {
        "GROUNDSWELL_TRACK__HACKERNEWS_URL": f"{server.url}/api/v1",
        "GROUNDSWELL_TRACK__MASTODON_URL": server.url,
        "GROUNDSWELL_TRACK__BLUESKY_URL": server.jetstream_url,
        "GROUNDSWELL_TRACK__BLUESKY_API_URL": server.url,
        "GROUNDSWELL_TRACK__ALLOW_PRIVATE": "true",
        "GROUNDSWELL_MODELS__ENTITIES": "false",
        **changed,
    }


def contents(config: Path) -> dict[str, str]:
    """Return the text of every file of a configuration."""
    return {path.name: path.read_text(encoding="utf-8") for path in config.iterdir()}


def by_type(document: Any, config: Path) -> dict[str, Any]:
    """Return how each source of the report did, by its type."""
    sources = yaml.safe_load((config / "sources.yml").read_text(encoding="utf-8"))
    kinds = {source["name"]: source["type"] for source in sources}
    return {kinds[report["name"]]: report for report in document["sources"]}


def test_one_command_brings_the_first_mentions(services: DemoServer, tmp_path: Path) -> None:
    """A new folder, the topic and sources, mentions from all three services; twice is once."""
    config = tmp_path / "configs"
    words = ("track", BRAND, "--json", "--config", config)
    first = groundswell(*words, variables=variables(services))
    assert first.code == 0, first.err
    found = first.document
    assert {kind: report["status"] for kind, report in by_type(found, config).items()} == {
        "hackernews": "ok",
        "mastodon": "ok",
        "bluesky": "ok",
    }
    assert all(report["new"] > 0 for report in found["sources"])
    assert found["total"] > 50
    assert len(found["mentions"]) == 10
    assert found["topic"]["name"] == BRAND
    assert all(BRAND in [t["name"] for t in m["topics"]] for m in found["mentions"])
    scored = [m["enrichment"]["sentiment"] for m in found["mentions"] if m["language"] == "en"]
    # Of a few the model is not sure; which those are depends on what was posted last.
    assert sum(label is not None for label in scored) >= len(scored) / 2

    before = contents(config)
    again = groundswell(*words, variables=variables(services)).document
    assert contents(config) == before
    before_that = {kind: report["new"] for kind, report in by_type(found, config).items()}
    since = {kind: report["new"] for kind, report in by_type(again, config).items()}
    # The stream goes on while one listens, and so do the others by the posts of that time.
    assert all(since[kind] < before_that[kind] / 5 for kind in ("hackernews", "mastodon"))
    assert again["total"] >= found["total"]
    assert groundswell("check-config", "--config", config).code == 0


def test_tracking_beside_a_running_enricher_lets_it_write(
    services: DemoServer, tmp_path: Path
) -> None:
    """Where Groundswell runs already, its enricher reads what track fetched, and track shows it."""
    config = write_topics(tmp_path / "configs")
    running = start("enrich", "--config", config, variables=variables(services))
    try:
        lock = Path(os.environ["GROUNDSWELL_HOME"]) / "index" / "writer.lock"
        deadline = time.monotonic() + 60
        while not lock.exists():
            assert running.poll() is None
            assert time.monotonic() < deadline, "the enricher did not begin"
            time.sleep(0.1)
        time.sleep(0.5)
        words = ("track", BRAND, "--json", "--config", config)
        done = groundswell(*words, variables=variables(services))
    finally:
        running.terminate()
        running.communicate(timeout=60)
    assert done.code == 0, done.err
    assert "Waiting for the Groundswell that runs" in done.err
    assert done.document["total"] > 50


def test_existing_sources_are_asked_and_comments_kept(services: DemoServer, tmp_path: Path) -> None:
    """A second brand uses the servers that are configured; what a person wrote stays."""
    config = write_topics(
        tmp_path / "configs",
        topics="# ours\n- name: Kettles   # the short name\n  query: kettle\n",
        sources=(
            "# our own instance\n"
            "- name: Home\n"
            "  type: mastodon\n"
            f"  url: {services.url}   # not the public one\n"
            "  hashtags: [kettle]\n"
            "  allow_private: true\n"
            "- {name: Paused, type: feed, url: 'http://127.0.0.1:9/f', enabled: false}\n"
        ),
        alerts="# nothing yet\n",
    )
    off = variables(services, GROUNDSWELL_TRACK__MASTODON_URL="http://127.0.0.1:9")
    ended = groundswell("track", BRAND, "--json", "--config", config, variables=off)
    assert ended.code == 0, ended.err
    reports = by_type(ended.document, config)
    assert reports["mastodon"]["status"] == "ok"
    assert reports["mastodon"]["new"] > 0
    assert "Paused" not in {report["name"] for report in ended.document["sources"]}
    texts = contents(config)
    assert "# ours" in texts["topics.yml"]
    assert "# the short name" in texts["topics.yml"]
    assert "# our own instance" in texts["sources.yml"]
    assert "# not the public one" in texts["sources.yml"]
    assert "# nothing yet" in texts["alerts.yml"]
    loaded = load_configuration(config, {})
    assert [topic.name for topic in loaded.topics] == ["Kettles", BRAND]
    assert {name for rule in loaded.alerts for name in topics_of(rule)} == {BRAND}


def test_a_source_that_is_down_is_reported_and_stops_no_other(
    services: DemoServer, tmp_path: Path
) -> None:
    """Its error has a reason; the others' mentions arrive all the same."""
    config = tmp_path / "configs"
    dead = f"http://127.0.0.1:{find_free_port()}"
    off = variables(services, GROUNDSWELL_TRACK__MASTODON_URL=dead)
    ended = groundswell("track", BRAND, "--json", "--config", config, variables=off)
    assert ended.code == 0
    reports = by_type(ended.document, config)
    assert reports["mastodon"]["status"] == "error"
    assert reports["mastodon"]["reason"]
    assert reports["hackernews"]["new"] > 0
    assert ended.document["total"] >= reports["hackernews"]["new"]
    assert "error" in ended.err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ('The "Real" Käse & Söhne 🧀', 'bought at The "Real" Käse & Söhne 🧀 today'),
        ("O'Neill's", "nothing beats O'Neill's"),
        ("AND", "the AND brand"),
        ("Über", "mit Über gefahren"),
        ("a\\b: (c)", "a\\b: (c) is odd"),
        ("東京カフェ", "昨日は東京カフェに行った"),
        ("№1 *best*?", "№1 *best*? indeed"),
    ],
)
def test_any_name_becomes_a_topic_that_finds_it(tmp_path: Path, name: str, text: str) -> None:
    """Quotes, umlauts, emoji and operators in a name are the name; the files stay readable."""
    from app.bootstrap import open_application
    from app.tracking import add_brand
    from core.mention import Mention

    config = write_topics(tmp_path / "configs")
    application = open_application(config, tmp_path / "home")
    added = add_brand(application, name)
    again = open_application(config, tmp_path / "home")
    assert again.configuration.topic(name) == added.topic
    before = contents(config)
    assert add_brand(again, name) == added
    assert contents(config) == before
    assert matches(parse(added.topic.query), Mention(id="m", text=text))
    assert not matches(parse(added.topic.query), Mention(id="m", text="nothing of it"))


@pytest.mark.public_data
def test_recorded_answers_come_in(
    tmp_path: Path, public_data: Path, mock_server: MockServer
) -> None:
    """Answers recorded from Mastodon and Bluesky, and documented ones of Hacker News, arrive."""
    payloads = public_data / "payloads"
    cassette = payloads / "mastodon/rtoot/fixtures/get_timeline_hashtag_default.yml"
    recorded = yaml.safe_load(cassette.read_text(encoding="utf-8"))["http_interactions"][0]
    timeline = recorded["response"]["body"]["string"].encode()
    mock_server.route("/api/v1/timelines/tag/rstats", text_reply(timeline))
    documented = Path(__file__).parent.parent / "data/collect/hackernews_synthetic.json"
    mock_server.route("/api/v1/search_by_date", text_reply(documented.read_bytes()))
    corpus = payloads / "bluesky/jetstream/internal/corpus/testdata/expected_v1.jsonl"
    lines = corpus.read_text(encoding="utf-8").split("\n")
    _serve_profiles(mock_server)
    config = write_topics(tmp_path / "configs", topics="- {name: All, query: '*:*'}\n")
    with _jetstream([json.loads(line) for line in lines if line], []) as stream:
        told = {
            "GROUNDSWELL_TRACK__HACKERNEWS_URL": f"{mock_server.url}/api/v1",
            "GROUNDSWELL_TRACK__MASTODON_URL": mock_server.url,
            "GROUNDSWELL_TRACK__BLUESKY_URL": stream,
            "GROUNDSWELL_TRACK__BLUESKY_API_URL": mock_server.url,
            "GROUNDSWELL_TRACK__ALLOW_PRIVATE": "true",
            "GROUNDSWELL_TRACK__HISTORY": "5000d",
        }
        words = ("track", "rstats", "--json", "--config", config)
        first = groundswell(*words, variables=told).document
        again = groundswell(*words, variables=told).document
    counts = {kind: report["new"] for kind, report in by_type(first, config).items()}
    assert counts == {"hackernews": 2, "mastodon": 2, "bluesky": 16}
    assert first["stored"] == 20
    assert sum(report["new"] for report in again["sources"]) == 0
    assert again["stored"] == 20
