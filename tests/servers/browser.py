"""Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.missing import ServerMissingError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# No sandbox, because tests run as root on build machines; nothing that calls home.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_chromium() -> "Iterator[Browser]":
    """Start the browser and close it at the end.

    Raises ServerMissingError where no Chromium is installed.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise ServerMissingError(
            "browser tests need Chromium: install the packages chromium, fonts-dejavu-core and "
            "fonts-noto-color-emoji"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
