"""What single settings refuse, in words that say what is allowed, and what is shown of them."""

from __future__ import annotations

import pytest
import yaml
from pydantic import ValidationError

from core.rules import VolumeSpikeRule
from core.settings import (
    BlueskySource,
    Configuration,
    DashboardSettings,
    FeedSource,
    HackerNewsSource,
    IndexSettings,
    MailSettings,
    Settings,
    TrackSettings,
    masked,
)


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
        VolumeSpikeRule(name="r", topic="t", recipients=(address,))


def test_own_holidays_are_dates_with_names() -> None:
    """YAML makes a date of one that has a year, and leaves text where it has none."""
    data = yaml.safe_load("own_holidays: {2026-12-24: works outing, 12-31: New Year's Eve}")
    assert Settings.model_validate(data).own_holidays == {
        "2026-12-24": "works outing",
        "12-31": "New Year's Eve",
    }


def _feed(url: str) -> str:
    """Return how the address of a source is shown."""
    source = FeedSource(name="f", type="feed", url=url)
    shown: str = masked(Configuration(sources=(source,)))["sources"][0]["url"]
    return shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://mira:s3cret@x.example/feed", "https://**********@x.example/feed"),
        ("https://t0ken@x.example:8443/feed", "https://**********@x.example:8443/feed"),
        ("https://x.example/?token=s3cret&n=1", "https://x.example/?token=**********&n=**********"),
        ("https://x.example/?s3cret", "https://x.example/?**********"),
        ("https://x.example/feed#s3cret", "https://x.example/feed#**********"),
        ("https://x.example/feed.xml", "https://x.example/feed.xml"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(url: str, shown: str) -> None:
    """Of a source's address remain its host, its path and the names of what it is asked for."""
    assert _feed(url) == shown


def test_no_part_of_the_configuration_shows_the_secrets_of_its_addresses() -> None:
    """Every address is masked, of engines, of sources and of where brands are looked for."""
    web, socket = "https://mira:s3cret@x.example/?k=s3cret", "wss://mira:s3cret@x.example/?k=s3cret"
    configuration = Configuration(
        settings=Settings(
            public_url=web,
            index=IndexSettings(url=web),
            track=TrackSettings(
                hackernews_url=web, mastodon_url=web, bluesky_url=socket, bluesky_api_url=web
            ),
        ),
        sources=(
            HackerNewsSource(name="h", type="hackernews", query="s?a=b", url=web),
            BlueskySource(name="b", type="bluesky", url=socket, api_url=web),
        ),
    )
    data = masked(configuration)
    assert "s3cret" not in str(data)
    assert data["sources"][0]["query"] == "s?a=b"
    assert data["settings"]["track"]["bluesky_url"].startswith("wss://**********@x.example/")


def test_the_hash_of_the_password_is_masked_where_there_is_one() -> None:
    """What could be tried offline is not printed; no password shows as none."""
    hashed = DashboardSettings(password_hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")
    shown = masked(Configuration(settings=Settings(dashboard=hashed)))
    assert shown["settings"]["dashboard"]["password_hash"] == "*" * 10
    assert masked(Configuration())["settings"]["dashboard"]["password_hash"] is None


def test_a_refused_address_is_told_without_its_secrets() -> None:
    """The message about a wrong scheme names the host, not what opens it."""
    with pytest.raises(ValidationError, match="must begin with http") as caught:
        TrackSettings(mastodon_url="ftp://mira:s3cret@x.example/?k=s3cret")
    assert "s3cret" not in caught.value.errors(include_url=False)[0]["msg"]
