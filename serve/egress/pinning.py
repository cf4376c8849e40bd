"""From a URL to addresses that were checked. The name is asked for once; the connection goes to what was seen then."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx

from serve.egress.addresses import Address, Network, is_public, parse_address, within
from serve.egress.errors import EgressFailed
from serve.url_failures import UrlFailure

__all__ = ["LONGEST_URL", "Pinned", "Resolver", "Rules", "resolve"]

LONGEST_URL: Final = 2048
_PRIVILEGED: Final = 1024
_WEB_PORTS: Final = {80, 443}
_BAD_PORTS: Final = frozenset({
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
})  # fmt: skip
"""Ports above 1023 that browsers refuse, too (Fetch standard, "bad port"): other protocols that HTTP could be made to
speak. Below, everything but the web's own ports is refused."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host and port to addresses as text. Raises OSError or UnicodeError if there are none."""

_resolving = ThreadPoolExecutor(8, "resolve")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A URL and the checked addresses of its host: nobody asks for the name again."""

    url: httpx.URL
    addresses: tuple[Address, ...]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system, in threads of their own: a slow name server must not hold up anything else."""
    ask = asyncio.get_running_loop().run_in_executor
    found = await ask(_resolving, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Rules:
    """Where connections may go: to public addresses, and to the networks that this installation names."""

    allowed: Sequence[Network] = ()
    resolver: Resolver = resolve

    async def pin(self, url: str, *, https_only: bool = False) -> Pinned:
        """Check a URL and every address of its host; plain http, if refused, is still good in allowed networks.

        Raises:
            EgressFailed: it is not allowed, or its host has no address. One bad address spoils all.
        """
        parsed = _parse(url)
        host = parsed.raw_host.decode("ascii")
        try:
            found = await self.resolver(host, _port(parsed))
            addresses = tuple(dict.fromkeys(map(parse_address, found)))
        except (OSError, ValueError):
            raise EgressFailed(UrlFailure.UNREACHABLE) from None
        if not addresses:
            raise EgressFailed(UrlFailure.UNREACHABLE)
        own = [within(address, self.allowed) for address in addresses]
        if not all(mine or is_public(address) for mine, address in zip(own, addresses, strict=True)):
            raise EgressFailed(UrlFailure.NOT_ALLOWED)
        if https_only and parsed.scheme != "https" and not all(own):
            raise EgressFailed(UrlFailure.NOT_ALLOWED)
        return Pinned(parsed, addresses)


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise EgressFailed(UrlFailure.NOT_ALLOWED) from None
    plain = parsed.scheme in ("http", "https") and parsed.host and not parsed.userinfo
    if not plain or len(url) > LONGEST_URL or not _port_allowed(_port(parsed)):
        raise EgressFailed(UrlFailure.NOT_ALLOWED)
    return parsed.copy_with(fragment=None)


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else {"http": 80}.get(url.scheme, 443)


def _port_allowed(port: int) -> bool:
    return port in _WEB_PORTS or (_PRIVILEGED <= port < 1 << 16 and port not in _BAD_PORTS)
