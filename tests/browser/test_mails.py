"""Every mail in a real browser: nothing is fetched, nothing is cut off, on a phone as on a desk."""

from typing import TYPE_CHECKING

import pytest

from alerts.mail import compose
from tests.browser.mail_page import standalone
from tests.unit import test_alerts_mail as alert
from tests.unit.test_mail_html import MAILS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser]

LURE = (
    '<!channel> acme <img src="https://evil.example/pixel.png"> '
    "![x](https://evil.example/x.png) https://acme-login.evil.example/reset "
    '<link rel="stylesheet" href="https://evil.example/a.css"> @everyone'
)
HOSTILE = compose(
    alert.facts(
        alert.incident(topic="Acme <!channel>\r\nBcc: all@evil.example"),
        mentions=[alert.mention(LURE, "https://evil.example/login")],
        chart=alert.chart(),
    ),
    alert.MAIL,
    ["press@listen.example"],
)


@pytest.mark.parametrize("width", [320, 375, 800])
def test_no_mail_fetches_anything_or_scrolls_sideways(page: "Page", width: int) -> None:
    """Opening it asks nobody for anything, whatever a stranger wrote, and it fits its window."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": width, "height": 700})
    for name, mail in {**MAILS, "hostile": HOSTILE}.items():
        page.set_content(standalone(mail))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.wait_for_timeout(300)
    assert [url for url in asked if not url.startswith(("data:", "about:"))] == []


def test_no_link_leads_to_a_stranger(page: "Page") -> None:
    """A phishing address is text that a browser does not follow, and no header comes of a name."""
    page.set_content(standalone(HOSTILE))
    hosts = page.eval_on_selector_all("a", "links => links.map(link => new URL(link.href).host)")
    assert set(hosts) == {"listen.example"}
    assert page.locator("img").count() == 1
    assert HOSTILE["Bcc"] is None
    assert "acme-login.evil.example" not in page.inner_text("body")


def test_the_watch_for_requests_sees_one(page: "Page") -> None:
    """A mail that did fetch a picture would be noticed."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content('<img src="http://127.0.0.1:9/pixel.png">')
    page.wait_for_timeout(100)
    assert asked == ["http://127.0.0.1:9/pixel.png"]
