"""Recognises what Groundswell itself wrote, so that an alert that comes back raises no alert."""

from __future__ import annotations

import re
from collections.abc import Callable

from alerts.message import address_of
from core.mention import Mention
from core.settings import Settings

PAGES = ("act?t=", "alerts?incident=", "mentions?")
"""How every link in our mails goes on after the address of the dashboard."""

_NAMED = r"[0-9a-f]{16,20}\.(?:opened|doubled-\d+|resolved)@"


def echo_finder(settings: Settings) -> Callable[[Mention], bool]:
    """Return what says of a mention whether it is a message of ours: quoted, forwarded or posted.

    Its mails are known by the links in them and by their Message-IDs, which replies repeat.
    """
    links = tuple(f"{settings.link_base}/{page}" for page in PAGES)
    domain = re.escape(address_of(settings.mail.sender).domain or "groundswell.invalid")
    message_id = re.compile(f"(?i){_NAMED}{domain}")

    def is_echo(mention: Mention) -> bool:
        texts = (mention.text, mention.title or "", mention.url or "")
        return any(link in text for text in texts for link in links) or any(
            message_id.search(text) for text in texts
        )

    return is_echo
