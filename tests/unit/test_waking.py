"""How rules are woken, what counts as an echo of our own, and the sign of life."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.delivering import Outbox
from app.echo import echo_finder
from app.heartbeat import FILE, Heartbeat
from app.waking import await_news, tell_news
from core.errors import DurabilityError
from core.mention import Channel, Mention
from core.settings import MailSettings, Settings
from tests.fakes import crisis
from tests.mockserver.replies import error, text
from tests.mockserver.server import MockServer

NOW = datetime(2026, 11, 23, 14, 20, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def waited(home: Path, every: timedelta, least: timedelta, now: datetime = NOW) -> float:
    """Return how many seconds were waited for news."""
    begun = time.monotonic()
    await_news(home, now, every, least, threading.Event())
    return time.monotonic() - begun


def test_news_ends_the_wait(tmp_path: Path) -> None:
    """What the enricher brings is looked at seconds later, not a minute later."""
    timer = threading.Timer(0.3, tell_news, [tmp_path])
    timer.start()
    assert 2 <= waited(tmp_path, 60 * SECOND, SECOND) < 15
    timer.join()


def test_without_news_the_end_of_a_minute_ends_it(tmp_path: Path) -> None:
    """A bucket that closed is judged though nothing came in since."""
    now = NOW.replace(second=57)
    assert 3 <= waited(tmp_path, 60 * SECOND, SECOND, now) < 15


def test_every_is_the_longest_wait(tmp_path: Path) -> None:
    """Also when it is shorter than what is waited at least."""
    assert waited(tmp_path, SECOND / 2, 60 * SECOND) < 10


def test_stopping_ends_the_wait(tmp_path: Path) -> None:
    """A stop is heard at once."""
    stop = threading.Event()
    stop.set()
    begun = time.monotonic()
    await_news(tmp_path, NOW, 60 * SECOND, 60 * SECOND, stop)
    assert time.monotonic() - begun < 5


SETTINGS = Settings(
    public_url="https://listen.example",
    mail=MailSettings(sender="Groundswell <groundswell@news.example>"),
)


@pytest.mark.parametrize(
    "words",
    [
        "FYI acme: https://listen.example/mentions?topic=Acme&as_of=2026-03-05T15:00Z",
        "https://listen.example/alerts?incident=0a92b2d59f635c5ebacf acme",
        "acme > I am on it: https://listen.example/act?t=abc",
        "In-Reply-To: <0a92b2d59f635c5ebacf.opened@news.example> acme",
        "References: <0a92b2d59f635c5ebacf.doubled-157@NEWS.example> acme",
    ],
)
def test_an_alert_that_comes_back_is_an_echo(words: str) -> None:
    """Quoted, forwarded or posted: by its links or its Message-ID."""
    is_echo = echo_finder(SETTINGS)
    assert is_echo(Mention(id="m", text=words, channel=Channel.SOCIAL))
    assert is_echo(Mention(id="m", text="acme", title=words, channel=Channel.NEWS))


@pytest.mark.parametrize(
    "words", ["acme at listen.example", "https://listen.example/ acme", "<opened@news.example>"]
)
def test_what_only_looks_alike_is_none(words: str) -> None:
    """People may write about the host or its start page."""
    assert not echo_finder(SETTINGS)(Mention(id="m", text=words, channel=Channel.SOCIAL))


def beating(folder: Path, address: str | None = None) -> tuple[Application, Heartbeat]:
    """Return an application and its heartbeat."""
    settings = crisis.SETTINGS_YML + (f"heartbeat_url: {address}\n" if address else "")
    application = crisis.open_home(crisis.write_home(folder, settings), lambda: NOW)
    return application, Heartbeat(application)


def test_a_heart_that_beats_asks_its_address(tmp_path: Path, mock_server: MockServer) -> None:
    """While all is well the file says so and the watchdog hears it, once a minute."""
    application, heartbeat = beating(tmp_path, mock_server.route("/ping/secret", text("ok")))
    heartbeat.judged_at = NOW
    heartbeat.beat()
    heartbeat.beat()
    report = json.loads((application.home / FILE).read_bytes())
    assert (report["is_well"], report["problem"]) == (True, None)
    assert len(mock_server.requests_to("/ping/secret")) == 1
    application.close()


def test_when_mail_is_stuck_the_watchdog_hears_nothing(
    tmp_path: Path, mock_server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file says why, and the silence rings elsewhere."""
    from alerts.notification import Delivery, DeliveryState

    old = NOW - timedelta(hours=1)
    stuck = Delivery("k", "a@acme.example", DeliveryState.WAITING, NOW, old, 3, "nobody listens")
    monkeypatch.setattr(Outbox, "stuck", lambda _, since: [stuck] if old <= since else [])
    application, heartbeat = beating(tmp_path, mock_server.route("/ping/secret", text("ok")))
    heartbeat.beat()
    report = json.loads((application.home / FILE).read_bytes())
    assert report["problem"] == "1 messages wait: nobody listens"
    assert mock_server.requests_to("/ping/secret") == []
    application.close()


def test_a_file_that_cannot_be_written_is_no_sign_of_life(
    tmp_path: Path, mock_server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk stops no mail, and the watchdog hears nothing."""

    def full(path: Path, content: bytes) -> None:
        raise DurabilityError("No space left on device")

    monkeypatch.setattr("app.heartbeat.replace_file", full)
    application, heartbeat = beating(tmp_path, mock_server.route("/ping/secret", text("ok")))
    heartbeat.judged_at = NOW
    heartbeat.beat()
    assert mock_server.requests_to("/ping/secret") == []
    application.close()


def test_when_no_rule_is_judged_it_is_not_well(tmp_path: Path) -> None:
    """Rules that stand still are no quiet."""
    application, heartbeat = beating(tmp_path)
    heartbeat.judged_at = NOW - timedelta(minutes=6)
    heartbeat.beat()
    report = json.loads((application.home / FILE).read_bytes())
    assert "no rule was judged since" in report["problem"]
    application.close()


def test_a_watchdog_that_is_away_stops_nothing(tmp_path: Path, mock_server: MockServer) -> None:
    """Its failure is logged without its address, and the beat goes on."""
    application, heartbeat = beating(tmp_path, mock_server.route("/ping/secret", error(500)))
    heartbeat.beat()
    assert json.loads((application.home / FILE).read_bytes())["is_well"]
    application.close()
