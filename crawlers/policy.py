"""What may be fetched, and how: everything that is fetched is hostile.

No socket goes to a private address, except to the exact host and port of a source that says
``allow_private``. The check is made on the address that is connected to, after the name was
resolved and for every connection anew, so neither a redirect nor changing DNS gets around it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import httpcore

from core.errors import FetchError

NAT64 = ipaddress.ip_network("64:ff9b::/96")
V4_COMPATIBLE = ipaddress.ip_network("::/96")
NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments; the metadata service of one cloud lies here
        "192.88.99.0/24",  # relays of 6to4, given up
        "168.63.129.16/32",  # the host of a virtual machine, in another cloud
        "3fff::/20",  # documentation
    )
)
"""Ranges that no site has, and that Python (3.11) or the registry counts as global."""

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]


class PrivateAddressError(FetchError):
    """A name led to an address inside, where nothing may be fetched."""


class Origin(NamedTuple):
    """Host (lower case) and port: what ``allow_private`` opens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Return the origin of ``url``. Raises FetchError when it names no host and port."""
        try:
            parts = urlsplit(url)
            port = parts.port or DEFAULT_PORTS[parts.scheme]
        except (ValueError, KeyError) as err:
            raise FetchError(f"no address to fetch from: {redacted(url)}") from err
        if not parts.hostname:
            raise FetchError(f"no address to fetch from: {redacted(url)}")
        return cls(parts.hostname.rstrip("."), port)


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Limits of every request.

    ``timeout`` bounds one request from the first packet to the last byte of the body, so that a
    body that never ends does; ``max_bytes`` bounds the body as sent and as unpacked.
    """

    timeout: timedelta = timedelta(seconds=30)
    max_bytes: int = 20_000_000
    max_redirects: int = 5
    contact: str | None = None

    @property
    def user_agent(self) -> str:
        """Who we are, with the operator's contact where one is configured."""
        return f"Groundswell/0.1 (social listening; {self.contact or 'self-hosted'})"


def redacted(url: str) -> str:
    """Return ``url`` without user, password, query and fragment, fit for logs and reasons."""
    bare = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


def without_credentials(url: str) -> tuple[str, str | None]:
    """Return ``url`` without user and password, and the Authorization header they make."""
    parts = urlsplit(url)
    account, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    token = b64encode(unquote(account).encode()).decode("ascii")
    return urlunsplit(parts._replace(netloc=host)), f"Basic {token}"


def is_public(address: str) -> bool:
    """Return whether ``address`` is a unicast address of the public internet.

    IPv4 inside IPv6 (mapped, 6to4, Teredo, NAT64) is judged by the IPv4 address it leads to.
    """
    try:
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = _inner_address(parsed)
        if inner is not None:
            return is_public(str(inner))
        if parsed in V4_COMPATIBLE or parsed.is_site_local:
            return False
    if any(parsed in network for network in NOT_PUBLIC):
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _inner_address(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of ``host`` in the system's order. Raises FetchError without any."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise FetchError(f"the name {host} cannot be resolved") from err
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def permitted_addresses(
    origin: Origin, allowed: Origin | None, resolver: Resolver = resolve
) -> list[str]:
    """Return the addresses that a connection to ``origin`` may go to.

    ``allowed`` is the one origin whose addresses may be private. Raises PrivateAddressError when
    nothing is left.
    """
    addresses = await resolver(origin.host, origin.port)
    if allowed == origin:
        return addresses
    public = [address for address in addresses if is_public(address)]
    if not public:
        raise PrivateAddressError(
            f"{origin.host}:{origin.port} is a private address; only the host and port of a "
            "source with `allow_private: true` may be one"
        )
    return public


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of one pool, to permitted addresses only."""

    def __init__(self, allowed: Origin | None, resolver: Resolver = resolve) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first permitted address of ``host`` that answers."""
        origin = Origin(host.rstrip(".").lower(), port)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in await permitted_addresses(origin, self._allowed, self._resolver):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as err:
                failure = err
        raise FetchError(f"{host}:{port} does not accept connections") from failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the base's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: nothing is fetched from sockets of this machine."""
        raise PrivateAddressError(f"{path} is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def open_socket(origin: Origin, allowed: Origin | None, seconds: float) -> socket.socket:
    """Return a socket connected to a permitted address of ``origin``, for streaming clients.

    Raises FetchError when none accepts within ``seconds`` each.
    """
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    for address in await permitted_addresses(origin, allowed):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(connection, (address, origin.port)), seconds)
        except OSError as err:
            connection.close()
            failure = err
        else:
            return connection
    raise FetchError(f"{origin.host}:{origin.port} does not accept connections") from failure
