"""The demo's own folder and configuration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from core.errors import UsageError
from core.loading import load_configuration
from demo.__main__ import main
from demo.config import CAMPAIGN, write_configuration
from demo.home import (
    FRESH,
    Beginning,
    check_home,
    demo_home,
    is_fresh,
    read_beginning,
    remove_home,
    write_beginning,
)
from demo.server import DemoServer
from demo.world import BRANDS, FEEDS

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)
BEGINNING = Beginning(NOW, 7, 28611, 28612)


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    """A server to point the configuration at."""
    server = DemoServer()
    server.start(NOW)
    yield server
    server.stop()


def test_the_configuration_is_complete_and_synthetic(server: DemoServer, tmp_path: Path) -> None:
    """The folder passes the system's own check; every source is marked and on loopback."""
    write_configuration(tmp_path / "config", server, 8599)
    configuration = load_configuration(tmp_path / "config", {})
    assert {topic.name for topic in configuration.topics} == {
        *(brand.name for brand in BRANDS),
        CAMPAIGN,
    }
    assert {source.type for source in configuration.sources} == {
        "feed",
        "hackernews",
        "mastodon",
        "bluesky",
    }
    assert len(configuration.sources) == len(FEEDS) + len(BRANDS) + 2
    assert all(source.synthetic and source.allow_private for source in configuration.sources)
    assert configuration.settings.dashboard.port == 8599
    assert {rule.kind.value for rule in configuration.alerts} == {"volume_spike", "negative_spike"}
    assert configuration.audiences
    assert configuration.topics[0].own


def test_the_configuration_says_that_it_is_overwritten(server: DemoServer, tmp_path: Path) -> None:
    """Each file is YAML with a first line that warns whoever edits it."""
    write_configuration(tmp_path, server)
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# Written by the demo")
        assert yaml.safe_load(text)


def test_the_home_is_named_or_its_own(tmp_path: Path) -> None:
    """GROUNDSWELL_HOME decides; without it the demo keeps apart from real data."""
    assert demo_home({"GROUNDSWELL_HOME": str(tmp_path)}) == tmp_path
    assert demo_home({}).name == "groundswell-demo"


def test_a_beginning_is_kept(tmp_path: Path) -> None:
    """What decides the stream survives; a damaged or missing file is no beginning."""
    home = tmp_path / "home"
    assert read_beginning(home) is None
    write_beginning(home, BEGINNING)
    assert read_beginning(home) == BEGINNING
    (home / "demo.json").write_text("{", encoding="utf-8")
    assert read_beginning(home) is None


def test_an_old_demo_does_not_go_on() -> None:
    """A demo goes on for some hours, and never one from the future."""
    assert is_fresh(BEGINNING, NOW + FRESH - timedelta(seconds=1))
    assert not is_fresh(BEGINNING, NOW + FRESH)
    assert not is_fresh(BEGINNING, NOW - timedelta(seconds=1))


def test_only_its_own_folder_is_removed(tmp_path: Path) -> None:
    """A folder of somebody else's is refused and left alone; the demo's goes at once."""
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="not the demo's"):
        remove_home(strangers)
    assert (strangers / "thesis.txt").exists()
    home = tmp_path / "home"
    write_beginning(home, BEGINNING)
    (home / "index").mkdir()
    check_home(home)
    remove_home(home)
    assert not home.exists()
    remove_home(home)


def test_remove_ends_with_the_data_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--remove deletes the demo's folder; where the folder is not the demo's, it exits with 2."""
    home = tmp_path / "home"
    monkeypatch.setenv("GROUNDSWELL_HOME", str(home))
    write_beginning(home, BEGINNING)
    assert main(["--remove"]) == 0
    assert not home.exists()
    home.mkdir()
    (home / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert main(["--remove"]) == 2
    assert main(["--no-serve"]) == 2
    assert (home / "thesis.txt").exists()
