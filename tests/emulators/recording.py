"""What a server received, byte for byte and when; and a reader that is as slow as it is told to be."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cluster import clock

__all__ = ["CONNECTION", "Received", "Record", "noting_bodies", "recording_protocol"]

CONNECTION: Final = "connection"
"""What in the state of a request is the transport of its connection."""

_TLS_BUFFER: Final = 16 * 1024
_TICK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes as they were read from one connection, after TLS."""

    at: float
    """By `clock.monotonic`, which is one for all processes of a machine."""
    data: bytes


@dataclass(slots=True)
class Record:
    """All that came to a server, in order, whatever became of it. Connections are told apart by their numbers."""

    received: list[Received] = field(default_factory=list)
    bodies: list[bytearray] = field(default_factory=list)
    """The body of each request as far as it came and was read, without what HTTP puts between its pieces."""
    bytes_per_second: float | None = None
    """How fast each connection is read; None: as fast as the bytes come."""

    def add(self, data: bytes) -> None:
        """Note down what has just come."""
        self.received.append(Received(clock.monotonic(), data))

    def all_bytes(self) -> bytes:
        """Everything in one piece, so that a search finds what two reads have parted."""
        return b"".join(piece.data for piece in self.received)

    def last_at(self) -> float | None:
        """When the last byte came; None if none did."""
        return self.received[-1].at if self.received else None

    def since(self, instant: float) -> Iterator[Received]:
        """What came at that instant or later."""
        return (piece for piece in self.received if piece.at >= instant)

    def clear(self) -> None:
        """Forget what came, so that what comes next stands alone."""
        self.received.clear()
        self.bodies.clear()


def recording_protocol(record: Record) -> type[H11Protocol]:
    """uvicorn's HTTP/1.1, which notes down what it reads and pauses its socket where the record says how fast."""
    return type("Recording", (_Recording,), {"record": record})


class _Recording(H11Protocol):
    record: ClassVar[Record]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        self.app_state = {**self.app_state, CONNECTION: transport}
        self._held: deque[bytes] = deque()
        self._since = 0.0
        limit = getattr(transport, "set_read_buffer_limits", None)
        if limit is not None:  # TLS reads ahead of who is paused
            limit(high=_TLS_BUFFER)

    def data_received(self, data: bytes) -> None:
        self.record.add(data)
        if self.record.bytes_per_second is None and not self._held:
            super().data_received(data)
            return
        self.transport.pause_reading()
        self._held.append(data)
        if len(self._held) == 1:
            self._since = clock.monotonic()
            self._deliver()

    def _deliver(self) -> None:
        if self.transport.is_closing():
            return
        rate, now = self.record.bytes_per_second, clock.monotonic()
        left = self._since + len(self._held[0]) / rate - now if rate else 0.0
        if left > 0:
            self.loop.call_later(min(left, _TICK_SECONDS), self._deliver)
            return
        super().data_received(self._held.popleft())
        self._since = now
        if self._held:
            self.loop.call_soon(self._deliver)
        elif not self.flow.read_paused:
            self.transport.resume_reading()


def noting_bodies(app: ASGIApp, record: Record) -> ASGIApp:
    """The application, with a note of each body as it was meant, without the frames of a chunked one."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        record.bodies.append(body)

        async def heard() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        await app(scope, heard, send)

    return noting
