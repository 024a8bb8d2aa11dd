from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap import open_application, system_clock
from app.queries import Queries
from app.scope import Preset, Scope
from core.errors import UsageError
from dashboard.tracking import track
from tests.mockserver import MockServer, Reply, Request, text
from tests.servers.ports import find_free_port


def _configure(folder: Path, server: MockServer) -> Path:
    """Write settings that send tracking to loopback; Mastodon and Bluesky do not answer there."""
    folder.mkdir()
    nobody = find_free_port()
    (folder / "settings.yml").write_text(
        "track:\n"
        "  allow_private: true\n"
        f"  hackernews_url: {server.url}/api/v1\n"
        f"  mastodon_url: http://127.0.0.1:{nobody}\n"
        f"  bluesky_url: ws://127.0.0.1:{nobody}/subscribe\n",
        encoding="utf-8",
    )
    return folder


def _answer(request: Request) -> Reply:
    at = int((system_clock() - timedelta(hours=3)).timestamp())
    low, high = (int(part.split("=")[1]) for part in request.query["numericFilters"].split(","))
    story = {
        "objectID": "1",
        "title": "Acme opens its repair manuals",
        "url": "https://example.com/manuals",
        "author": "ann",
        "points": 3,
        "num_comments": 1,
        "created_at_i": at,
    }
    hits = [story] if low <= at <= high else []
    return text({"hits": hits, "nbHits": len(hits), "page": 0, "hitsPerPage": 1})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_tracking_from_the_page_brings_the_first_mentions(
    tmp_path: Path, mock_server: MockServer
) -> None:
    """A name leads to a topic and its mentions; sources that fail are told and stop nothing."""
    mock_server.route("/api/v1/search_by_date", _answer)
    config = _configure(tmp_path / "configs", mock_server)
    application = open_application(config, tmp_path / "home", producer="dashboard")
    lines: list[str] = []
    added = track(application, "Acme", handle=None, hashtag=None, tell=lines.append)
    application.close()
    assert added.topic.name == "Acme"
    assert len(lines) == len(added.source_names) + 2
    assert any("1 new of 1" in line for line in lines)
    shown = open_application(config, tmp_path / "home")
    page = Queries(shown).search(Scope(topics=("Acme",), preset=Preset.MONTH))
    shown.close()
    assert [row.mention.title for row in page.rows] == ["Acme opens its repair manuals"]


def test_a_name_without_a_letter_is_refused(tmp_path: Path, mock_server: MockServer) -> None:
    """The form shows the reason, and nothing is written."""
    config = _configure(tmp_path / "configs", mock_server)
    application = open_application(config, tmp_path / "home")
    with pytest.raises(UsageError, match="no letter or digit"):
        track(application, "!!!", handle=None, hashtag=None, tell=lambda _: None)
    application.close()
