"""What every part of the configuration is made of: durations, names, addresses, sections."""

from __future__ import annotations

import re
from datetime import date, timedelta
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d+)\s*(s|m|min|h|d|w)")
MASK = "**********"
"""What stands for a secret; what pydantic shows, too."""

_DAY = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})")
# A leap year: of every year's dates it has all.
_ANY_YEAR = 2000

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_duration(value: object) -> object:
    """Return a timedelta for ``5m``, ``2h``, ``30d`` or ``1w``; other types pass through.

    Raises ValueError for a string of another form.
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no duration; write a number and s, m, h, d or w, e.g. 5m")
    return int(match[1]) * _UNITS[match[2]]


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ValueError(f"{name!r} is no time zone; use a name such as Europe/Berlin") from err
    return name


def _check_http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{masked_url(url)!r} must begin with http:// or https:// and name a host")
    return url


def _check_websocket(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"{masked_url(url)!r} must begin with ws:// or wss:// and name a host")
    return url


def _check_address(text: str) -> str:
    local, _, domain = parseaddr(text)[1].rpartition("@")
    if not local or not domain or any(ord(char) < 32 for char in text):
        raise ValueError(f"{text!r} is no e-mail address; write press@example.org")
    return text


def _check_name(name: str) -> str:
    if not name.strip() or any(ord(char) < 32 for char in name) or "|" in name:
        raise ValueError("a name must not be empty, nor hold control characters or '|'")
    return name.strip()


def _read_country(value: object) -> object:
    """Return a country's code as it is written; YAML reads Norway's, unquoted, as a no."""
    if not isinstance(value, str):
        return "NO" if value is False else value
    country, dash, part = value.strip().partition("-")
    return country.upper() + dash + part


def _check_country(code: str) -> str:
    import holidays

    country, dash, part = code.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise ValueError(
            f"{code!r} is no country whose holidays are known; write a code such as DE, or DE-BY "
            f"for a part of one (allowed: {', '.join(sorted(known))})"
        )
    if dash and part not in known[country]:
        parts = ", ".join(f"{country}-{name}" for name in sorted(known[country]))
        raise ValueError(
            f"{code!r} is no part of {country} whose holidays are known "
            f"(allowed: {country}{', ' * bool(parts)}{parts})"
        )
    return code


def _read_day(value: object) -> object:
    """Return a day as text: YAML reads 2026-12-24 as a date."""
    return value.isoformat() if isinstance(value, date) else value


def _check_day(text: str) -> str:
    match = _DAY.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        date(int(match[1] or _ANY_YEAR), int(match[2]), int(match[3]))
    except ValueError as err:
        raise ValueError(
            f"{text!r} is no day; write 2026-12-24, or 12-24 for that day of every year"
        ) from err
    return text


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
MailAddress = Annotated[str, AfterValidator(_check_address)]
HttpUrl = Annotated[str, AfterValidator(_check_http)]
WebsocketUrl = Annotated[str, AfterValidator(_check_websocket)]
Name = Annotated[str, Field(max_length=100), AfterValidator(_check_name)]
HolidayCountry = Annotated[str, BeforeValidator(_read_country), AfterValidator(_check_country)]
HolidayDay = Annotated[str, BeforeValidator(_read_day), AfterValidator(_check_day)]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Section(BaseModel):
    """Base of all configuration: frozen, refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def masked_url(url: str) -> str:
    """Return the address without user, password, values of its query and fragment."""
    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    # Without a name, the whole of it may be the secret.
    query = "&".join(f"{name}={MASK}" if sign else MASK for name, sign, _ in pairs)
    return urlunsplit(
        parts._replace(
            netloc=f"{MASK}{at}{host}" if at else host,
            query=query,
            fragment=parts.fragment and MASK,
        )
    )
