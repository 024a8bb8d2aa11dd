"""Take the README's pictures from the running product: `python -m tests.browser.screenshots [URL]`.

Without a URL it fills the demo, opens its dashboard and takes the pictures there, and one of the
demo's newest mail about a crisis. They go to `docs/images/`, each in light and dark.
"""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from demo.home import demo_home
from tests.browser.mail_page import standalone
from tests.servers.browser import open_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
DEMO_URL = "http://127.0.0.1:8501"
# Picture -> address: the first page is the one without a path.
PAGES = {"overview": "", "mentions": "mentions", "alerts": "alerts", "sources": "sources"}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WINDOW: "ViewportSize" = {"width": 1280, "height": 900}
MAIL_WIDTHS = {"phone": 375, "desktop": 760}
START_SECONDS = 60
# Charts are drawn by scripts of their own, after Streamlit says that a page is done.
DRAWING_MS = 1500


@contextmanager
def run_demo() -> Iterator[str]:
    """Replay the demo's stream to its end, open its dashboard, and yield the address."""
    command = [sys.executable, "-m", "demo"]
    subprocess.run([*command, "--no-serve"], check=True)
    demo = subprocess.Popen(command)
    try:
        wait_for(DEMO_URL)
        yield DEMO_URL
    finally:
        demo.terminate()
        demo.wait(30)


def wait_for(url: str) -> None:
    """Wait until the dashboard answers. Raises TimeoutError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(f"no dashboard at {url} after {START_SECONDS} s")


def take_pictures(browser: "Browser", url: str, folder: Path) -> list[Path]:
    """Picture each page in each colour scheme; return the files."""
    pictures = []
    for scheme in SCHEMES:
        context = browser.new_context(viewport=WINDOW, locale="en-GB", color_scheme=scheme)
        page = context.new_page()
        for name, path in PAGES.items():
            page.goto(f"{url}/{path}")
            page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
            page.wait_for_timeout(DRAWING_MS)
            picture = folder / f"{name}-{scheme}.png"
            page.screenshot(path=picture)
            pictures.append(picture)
        context.close()
    return pictures


def crisis_mail(home: Path) -> EmailMessage:
    """Return the demo's last first mail about a crisis. Raises LookupError if there is none."""
    for path in sorted(home.rglob("*.eml"), reverse=True):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if "mentions negative since" in str(mail["Subject"]) and mail["In-Reply-To"] is None:
            return mail
    raise LookupError(f"no mail about a crisis in {home}")


def take_mail_pictures(browser: "Browser", mail: EmailMessage, folder: Path) -> list[Path]:
    """Picture a mail as a phone and a desk show it, in each colour scheme; return the files."""
    pictures = []
    for scheme in SCHEMES:
        for name, width in MAIL_WIDTHS.items():
            page = browser.new_page(
                viewport={"width": width, "height": 600}, locale="en-GB", color_scheme=scheme
            )
            page.set_content(standalone(mail))
            picture = folder / f"mail-{name}-{scheme}.png"
            page.screenshot(path=picture, full_page=True)
            # A mail has few colours: a palette makes the file a third as large.
            Image.open(picture).quantize(128).save(picture, optimize=True)
            pictures.append(picture)
            page.close()
    return pictures


def main(arguments: list[str]) -> None:
    """Take the pictures of the dashboard that is named, or of the demo's."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open_chromium() as browser:
        if arguments:
            pictures = take_pictures(browser, arguments[0], FOLDER)
        else:
            with run_demo() as url:
                pictures = take_pictures(browser, url, FOLDER)
            pictures += take_mail_pictures(browser, crisis_mail(demo_home()), FOLDER)
    for picture in pictures:
        sys.stdout.write(f"{picture}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
