import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.home import CONFIG_VARIABLE, HOME_VARIABLE
from dashboard.gate import hash_password
from dashboard.launch import NOW_VARIABLE
from tests.fakes import scenario
from tests.fakes.homes import drain, fill_home, open_scenario
from tests.servers.ports import find_free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = ("", "mentions", "alerts", "sources", "quality", "track")
START_SECONDS = 60
PASSWORD = "tide tables"


class Dashboard:
    """A running dashboard: its address, and the folder that it shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        told = {
            CONFIG_VARIABLE: str(folder / "configs"),
            HOME_VARIABLE: str(folder / "home"),
            NOW_VARIABLE: scenario.NOW.isoformat(),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "127.0.0.1", str(self.port)],
            env={**os.environ, **told},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError(self.url)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario, to copy."""
    return fill_home(tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def dashboard(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on a copy of the scenario."""
    folder = tmp_path_factory.mktemp("shown") / "copy"
    shutil.copytree(filled, folder)
    server = Dashboard(folder)
    yield server
    server.close()


@pytest.fixture(scope="module")
def guarded(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard that is reached from outside, so that it asks for the password."""
    folder = tmp_path_factory.mktemp("guarded") / "copy"
    shutil.copytree(filled, folder)
    settings = (
        f"public_url: http://listen.example\ndashboard:\n"
        f"  password_hash: '{hash_password(PASSWORD)}'\n"
    )
    (folder / "configs" / "settings.yml").write_text(settings, encoding="utf-8")
    server = Dashboard(folder)
    yield server
    server.close()


def _open(page: "Page", dashboard: Dashboard, path: str = "") -> None:
    page.goto(f"{dashboard.url}/{path}")
    page.wait_for_selector(".gw-lead, .gw-total, .gw-empty")


def _settle(page: "Page") -> None:
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(600)


def _total(page: "Page") -> int:
    return int(page.inner_text(".gw-total b").replace(",", ""))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_drawn_without_an_error(
    page: "Page", dashboard: Dashboard, path: str
) -> None:
    """Each page shows, no script fails, and the framework's own menu and footer are gone."""
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    _open(page, dashboard, path)
    _settle(page)
    assert failures == []
    assert page.locator('[data-testid="stException"], [data-testid="stAlert"]').count() == 0
    for hidden in ("#MainMenu", "footer.stFooter", '[data-testid="stAppDeployButton"]'):
        assert not page.locator(hidden).first.is_visible()


def test_nothing_is_fetched_from_elsewhere(page: "Page", dashboard: Dashboard) -> None:
    """Fonts, scripts and pictures all come from the dashboard itself."""
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2].split(":")[0]))
    for path in PAGES:
        _open(page, dashboard, path)
        _settle(page)
    assert hosts - {""} == {"127.0.0.1"}


def test_each_part_of_the_sentence_opens_its_number(page: "Page", dashboard: Dashboard) -> None:
    """The number that was told is the number on the page behind it."""
    _open(page, dashboard, "?topic=Acme")
    links = page.locator(".gw-lead a")
    told = [(link.inner_text(), link.get_attribute("href")) for link in links.all()]
    assert len(told) == 4
    total = {0: told[0][0].split()[0], 2: told[2][0].split()[0], 3: told[3][0].split()[0]}
    for at, number in total.items():
        page.locator(".gw-lead a").nth(at).click()
        page.wait_for_selector(".gw-total")
        assert _total(page) == int(number.replace(",", ""))
        page.go_back()
        page.wait_for_selector(".gw-lead a")


def test_charts_are_drawn(page: "Page", dashboard: Dashboard) -> None:
    """Volume and net sentiment are pictures with a description, not empty boxes."""
    _open(page, dashboard, "?topic=Acme")
    page.wait_for_selector(
        "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
    )
    assert page.locator("[data-testid=stVegaLiteChart]").count() == 2


def test_corrections_move_the_numbers_and_can_be_undone(page: "Page", dashboard: Dashboard) -> None:
    """Done and not us each take one off the list at once; undo brings it back."""
    _open(page, dashboard, "mentions?window=7d&status=open")
    _settle(page)
    before = _total(page)
    for label, said in (("Done", "Marked as done"), ("Not us", "Marked as not us")):
        page.get_by_role("button", name=label, exact=True).first.click()
        page.wait_for_selector(f".st-key-gw-undo:has-text('{said}')")
        assert _total(page) == before - 1
        page.get_by_role("button", name="Undo").click()
        page.wait_for_selector(".st-key-gw-undo", state="detached")
        _settle(page)
        assert _total(page) == before


def test_a_sentiment_is_fixed(page: "Page", dashboard: Dashboard) -> None:
    """The chip shows the person's word, and the filter for the old one loses it."""
    _open(page, dashboard, "mentions?window=30d&sentiment=positive&q=kettle")
    _settle(page)
    before = _total(page)
    page.get_by_role("button", name="Fix the sentiment").first.click()
    page.get_by_role("menuitem", name="negative").or_(
        page.get_by_role("option", name="negative")
    ).first.click()
    page.wait_for_selector(".st-key-gw-undo")
    assert _total(page) == before - 1


def test_shutting_out_a_term_is_shown_before_it_is_saved(
    page: "Page", filled: Path, tmp_path: Path
) -> None:
    """Not us leads to a NOT term; its effect is shown, then the query and the mentions change."""
    folder = tmp_path / "copy"
    shutil.copytree(filled, folder)
    server = Dashboard(folder)
    try:
        _open(page, server, "mentions?topic=Acme&window=30d&q=sunday")
        _settle(page)
        before = _total(page)
        page.get_by_role("button", name="Not us", exact=True).first.click()
        page.get_by_role("button", name="Shut out more like it").click()
        page.get_by_label("Word or phrase that tells it apart").fill("Sunday evening")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"text=removes {before} mentions")
        topics = folder / "configs" / "topics.yml"
        assert "AND NOT" not in topics.read_text(encoding="utf-8")
        page.get_by_role("button", name="Save the query").click()
        page.wait_for_selector(".gw-empty")
        assert '(acme OR @acme) AND NOT "Sunday evening"' in topics.read_text(encoding="utf-8")
    finally:
        server.close()
    application = open_scenario(folder, writes=True)
    # One correction, and every mention that lost the topic.
    assert drain(application) == before + 1
    application.close()


def test_new_mentions_show_up_by_themselves(page: "Page", filled: Path, tmp_path: Path) -> None:
    """While the page is open, the sentence follows what comes in, without a reload."""
    folder = tmp_path / "copy"
    shutil.copytree(filled, folder)
    server = Dashboard(folder)
    try:
        _open(page, server, "?topic=Acme")
        before = int(page.inner_text(".gw-lead a >> nth=0").split()[0])
        application = open_scenario(folder, writes=True)
        fresh = [
            m.model_copy(update={"id": f"fresh-{m.id}"})
            for m in scenario.mentions()[-12:-2]
            if m.matched_topics == ("Acme",)
        ]
        application.index.apply(fresh, scenario.NOW)
        application.close()
        page.wait_for_selector(f".gw-lead a:has-text('{before + len(fresh)} mentions')")
    finally:
        server.close()


def test_a_phone_needs_no_sideways_scrolling(chromium: "Browser", dashboard: Dashboard) -> None:
    """Every page fits a window 390 points wide."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = context.new_page()
    for path in PAGES:
        _open(page, dashboard, path)
        _settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        main = page.locator('[data-testid="stMainBlockContainer"]')
        assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(
    chromium: "Browser", dashboard: Dashboard, scheme: str
) -> None:
    """The sentence, quiet remarks and chips have the contrast that WCAG asks for."""
    context = chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]  # one of two
    page = context.new_page()
    _open(page, dashboard, "mentions?window=30d&topic=Globex")
    _settle(page)
    for selector in (".gw-card p", ".gw-card time", ".gw-chip.negative", ".gw-chip.positive"):
        ratio = page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, (selector, ratio)
    context.close()


CONTRAST = """node => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const paint = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); };
  const read = () => [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  const grounds = [];
  for (let at = node; at; at = at.parentElement) {
    grounds.unshift(getComputedStyle(at).backgroundColor);
  }
  canvas.clearRect(0, 0, 1, 1); grounds.forEach(paint); const ground = read();
  paint(getComputedStyle(node).color); const ink = read();
  const light = rgb => rgb.map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [low, high] = [light(ground), light(ink)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""


def test_from_outside_the_password_is_asked(page: "Page", guarded: Dashboard) -> None:
    """A wrong password is refused, the right one opens every page, also after a reload."""
    page.goto(f"{guarded.url}/mentions")
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").inner_text() == "That is not the password."
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(".gw-lead")
    _open(page, guarded, "mentions")
    assert _total(page) > 0
