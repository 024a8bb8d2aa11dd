import json
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.mockserver import MockServer, html_page
from tests.servers.elasticsearch import ElasticsearchNode
from tests.servers.janitor import Janitor
from tests.servers.smtp import SmtpServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def _ask(url: str, method: str = "GET", body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.servers
def test_shared_cluster_indexes_and_finds(elasticsearch_url: str) -> None:
    """The cluster is the real one: a document that was put in is found by its word."""
    _ask(f"{elasticsearch_url}/servers-probe", "PUT")
    _ask(f"{elasticsearch_url}/servers-probe/_doc/1?refresh=true", "PUT", {"text": "late parcel"})

    found = _ask(f"{elasticsearch_url}/servers-probe/_search?q=text:parcel")
    _ask(f"{elasticsearch_url}/servers-probe", "DELETE")

    assert found["hits"]["total"]["value"] == 1


@pytest.mark.servers
def test_killed_node_comes_back_with_its_data(elasticsearch_node: ElasticsearchNode) -> None:
    """After kill -9 and a restart the acknowledged document is there, at the same address."""
    url = elasticsearch_node.url
    _ask(f"{url}/kept", "PUT")
    _ask(f"{url}/kept/_doc/1", "PUT", {"text": "safe"})

    elasticsearch_node.kill9()
    with pytest.raises(OSError, match="refused"):
        _ask(f"{url}/_cluster/health")
    elasticsearch_node.restart()

    assert elasticsearch_node.url == url
    assert _ask(f"{url}/kept/_doc/1")["_source"] == {"text": "safe"}


@pytest.mark.browser
def test_browser_shows_a_page(page: "Page", mock_server: MockServer) -> None:
    """Chromium loads a page from loopback and its text can be read."""
    page.goto(mock_server.route("/", html_page("Hello there")))

    assert page.inner_text("body") == "Hello there"


def test_mail_arrives_and_can_be_refused(smtp_server: SmtpServer) -> None:
    """A refused mail is not kept, the next one is, with its envelope."""
    message = EmailMessage()
    message["Subject"] = "Spike: 4.3 times the usual"
    message.set_content("Since 13:00 …")
    smtp_server.refuse_next("451 try later")

    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.send_message(message, "from@example.com", ["to@example.com"])
        client.send_message(message, "from@example.com", ["to@example.com"])

    assert refusal.value.smtp_code == 451
    (mail,) = smtp_server.mails
    assert (mail.sender, mail.recipients) == ("from@example.com", ("to@example.com",))
    assert mail.message["Subject"] == "Spike: 4.3 times the usual"
    assert mail.message.get_content().strip() == "Since 13:00 …"


CHILD = """
import subprocess, sys, time
from pathlib import Path
from tests.servers.janitor import Janitor
janitor = Janitor()
sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
janitor.watch_group(sleeper.pid)
janitor.watch_folder(Path(sys.argv[1]))
print(sleeper.pid, flush=True)
time.sleep(600)
"""


def test_killed_run_leaves_no_server_behind(tmp_path: Path) -> None:
    """When the run itself is killed with -9, its servers and folders go too."""
    folder = tmp_path / "data"
    folder.mkdir()
    run = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE)
    assert run.stdout is not None
    server = int(run.stdout.readline())
    assert _is_running(server)

    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    deadline = time.monotonic() + 10
    while (_is_running(server) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not _is_running(server)
    assert not folder.exists()


def test_forgotten_group_is_left_alone() -> None:
    """A server that was stopped in good order is not killed again at the end."""
    janitor = Janitor()
    sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
    janitor.watch_group(sleeper.pid)
    janitor.forget_group(sleeper.pid)

    janitor.close()

    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def _is_running(process_id: int) -> bool:
    """Tell whether the process is there and not only waiting to be reaped."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"
