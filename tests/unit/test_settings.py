"""What single settings refuse, in words that say what is allowed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.settings import MailSettings, Rule, RuleKind


@pytest.mark.parametrize("address", ["press@example.org", "Press desk <press@example.org>"])
def test_mail_addresses_are_taken_with_and_without_a_name(address: str) -> None:
    """Both forms in which people write an address are fine."""
    assert MailSettings(sender=address, recipients=(address,)).recipients == (address,)


@pytest.mark.parametrize(
    "address", ["", "press", "press@", "@example.org", "a@example.org\nBcc: b@example.org"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """A word without a domain, or with a line of its own, reaches no mail header."""
    with pytest.raises(ValidationError, match="is no e-mail address"):
        MailSettings(sender=address)
    with pytest.raises(ValidationError, match="is no e-mail address"):
        Rule(name="r", kind=RuleKind.VOLUME_SPIKE, topic="t", recipients=(address,))
