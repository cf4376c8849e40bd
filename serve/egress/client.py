"""One request over one connection to one address that was checked. No cookies, no proxies, no retries, no redirects.

This is httpx's transport without its client, which would bring all of those.
"""

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from serve.egress.addresses import Address
from serve.egress.pinning import Pinned

__all__ = ["Body", "Client", "LastLook", "Timeouts"]

_HEADERS: Final = {"user-agent": "ImageToVideos", "accept-encoding": "identity", "connection": "close"}
_ADDRESSES_TRIED: Final = 4
_FIRST_BYTE: Final = "http11.send_request_headers.started"

_ABORTIVE: Final[list[tuple[int, int, int] | tuple[int, int, bytes]]] = [
    (socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16),
    (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
]
"""Whoever breaks off leaves little behind in the socket, and that is thrown away by the system, not sent."""

LastLook = Callable[[], Awaitable[None]]
"""Called when the connection stands, before the first byte of the request. If it raises, nothing is sent."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is given piece by piece, ``size`` bytes in all, and may break off before its end."""

    size: int
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a connection must stand, between two pieces of an answer, and for everything together."""

    connect: float
    read: float
    total: float


class Client:
    """Connects to the address; certificate, SNI and the Host header are of the name."""

    def __init__(self, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> None:
        """``tls`` says which authorities are trusted; without it the public ones are."""
        self.timeouts = timeouts
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    @asynccontextmanager
    async def send(
        self,
        method: str,
        pinned: Pinned,
        headers: Mapping[str, str],
        content: bytes | Body | None = None,
        last_look: LastLook | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Send, and give the answer's head; its body is read only as far as the caller reads it.

        A `Body` goes by a connection whose end, if it comes early, throws away what has not left yet. Another address
        is tried only while no connection stands: nothing has been sent then.

        Raises:
            httpx.HTTPError: the connection failed.
        """
        tried = pinned.addresses[:_ADDRESSES_TRIED]
        looking = {"trace": _before_the_first_byte(last_look)} if last_look else {}
        for address in tried:
            options = _ABORTIVE if isinstance(content, Body) else None
            async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, socket_options=options) as transport:
                try:
                    request = self._request(method, pinned.url, address, headers, content)
                    request.extensions |= looking
                    response = await transport.handle_async_request(request)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if address == tried[-1]:
                        raise
                    continue
                try:
                    yield response
                finally:
                    await response.aclose()
                return

    def _request(
        self, method: str, url: httpx.URL, address: Address, headers: Mapping[str, str], content: bytes | Body | None
    ) -> httpx.Request:
        seconds = httpx.Timeout(self.timeouts.read, connect=self.timeouts.connect)
        sized = {"content-length": str(content.size)} if isinstance(content, Body) else {}
        return httpx.Request(
            method,
            url.copy_with(host=str(address)),
            headers=_HEADERS | dict(headers) | sized | {"host": url.netloc.decode("ascii")},
            content=content.pieces if isinstance(content, Body) else content,
            extensions={"sni_hostname": url.raw_host.decode("ascii"), "timeout": seconds.as_dict()},
        )


def _before_the_first_byte(last_look: LastLook) -> Callable[[str, object], Awaitable[None]]:
    """What the transport calls at each of its steps; the test of it fails if a step is ever called otherwise."""

    async def trace(step: str, _: object) -> None:
        if step == _FIRST_BYTE:
            await last_look()

    return trace
