"""Hands messages to chats and other services through Apprise, which knows more than a hundred.

Their addresses are secrets: they come from the environment, and no message or log shows them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from alerts.notification import CHAT
from core.errors import QuarantineError, RetryableError

LEAST_SECRET = 6


class AppriseNotifier:
    """Sends to the addresses that the settings name."""

    def __init__(self, addresses: Mapping[str, str], home_page: str) -> None:
        """``addresses`` are Apprise URLs by name; ``home_page`` is where messages come from."""
        self._addresses, self._home_page = addresses, home_page

    def send(self, recipient: str, title: str, body: str) -> str:
        """Send one message and return where it went.

        The texts must be harmless already (``alerts.plain``), but for links of our own. Raises
        QuarantineError for a name that is not set or no address, RetryableError if the service
        did not take it.
        """
        import apprise

        name = recipient.removeprefix(CHAT)
        address = self._addresses.get(name)
        if address is None:
            raise QuarantineError(f"{name}: no address of that name is set")
        # Pictures of its own would be fetched from the internet by whoever reads the message.
        asset = apprise.AppriseAsset(
            app_id="Groundswell",
            app_desc="Groundswell",
            app_url=self._home_page,
            image_url_mask="",
            image_url_logo="",
        )
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            raise QuarantineError(f"{name}: the address is none that Apprise knows")
        capture = apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
        with capture as captured:
            is_sent = service.notify(
                title=title,
                body=body,
                body_format=apprise.NotifyFormat.TEXT,
            )
            words = captured.getvalue()
        if not is_sent:
            reason = " ".join(words.split())[:300] or "it gave no reason"
            raise RetryableError(f"{name} did not take it: {redacted(reason, address)}")
        return f"{name} ({service.service_name})"


def redacted(text: str, address: str) -> str:
    """Return ``text`` without any part of a secret address."""
    parts = {part for part in re.split(r"[/:?&=@]+", address) if len(part) >= LEAST_SECRET}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text
