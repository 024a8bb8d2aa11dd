"""The fixtures through which tests ask for a real server."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.servers.browser import open_chromium
from tests.servers.elasticsearch import ElasticsearchNode, is_ready, make_node
from tests.servers.janitor import Janitor
from tests.servers.missing import ServerMissingError, give_up
from tests.servers.smtp import SmtpServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def janitor() -> Iterator[Janitor]:
    """Return the helper that ends servers and removes folders when the run ends, or is killed."""
    janitor = Janitor()
    yield janitor
    janitor.close()


@pytest.fixture(scope="session")
def elasticsearch_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of a cluster shared by the whole run; name your indices uniquely.

    `GROUNDSWELL_TEST_ELASTICSEARCH` names one that runs already.
    """
    told = os.environ.get("GROUNDSWELL_TEST_ELASTICSEARCH", "").rstrip("/")
    if told:
        if not is_ready(told):
            pytest.fail(f"no healthy cluster at {told} (GROUNDSWELL_TEST_ELASTICSEARCH)")
        yield told
        return
    try:
        node = make_node(request.getfixturevalue("janitor"))
        node.start()
    except ServerMissingError as error:
        give_up(error)
    yield node.url
    node.stop()


@pytest.fixture
def elasticsearch_node(janitor: Janitor) -> Iterator[ElasticsearchNode]:
    """Return a running node of the test's own, to stop, kill and restart (about 11 s to start)."""
    try:
        node = make_node(janitor, heap_mb=512)
        node.start()
    except ServerMissingError as error:
        give_up(error)
    yield node
    node.stop()


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """Return an SMTP server that keeps what it receives."""
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Return a browser for the tests of one module.

    Not for the whole run: while Playwright is open it keeps an event loop in this thread, and no
    other test could call `asyncio.run`.
    """
    try:
        with open_chromium() as browser:
            yield browser
    except ServerMissingError as error:
        give_up(error)


@pytest.fixture
def page(chromium: "Browser") -> "Iterator[Page]":
    """Return an empty page in a fresh profile, the size of a laptop's window."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
