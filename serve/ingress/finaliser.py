"""The finaliser: a video that is not to be stored goes once its owner has all of its bytes.

A part counts once whatever the server was given of it has left this host's buffers, on a connection that stands. What
dies between that and the commit leaves the video to its time limit.
"""

import asyncio
import fcntl
import struct
import termios
from asyncio import WriteTransport
from typing import Final

from starlette.types import Scope

from cluster import telemetry
from cluster.errors import Unavailable
from cluster.records import expiry
from cluster.records.media import Medium
from serve.ingress.services import Services

__all__ = ["EXTENSION", "finalise", "taken"]

EXTENSION: Final = "i2v.connection"
"""Where `send_buffer` puts the transport of a connection, among the extensions of a scope."""
_LOOK_SECONDS: Final = 0.01


async def finalise(services: Services, scope: Scope, video: Medium, first: int, end: int, size: int) -> None:
    """Note that these bytes were taken, once they are; ``end`` is not among them. Broken off, it notes nothing."""
    if not await taken(scope):
        return
    try:
        await services.resources.database.run(expiry.delivered, video, first, end, size)
    except Unavailable as error:
        telemetry.log_failure("delivery_not_noted", error, media_id=video.id)


async def taken(scope: Scope) -> bool:
    """Wait until nothing of what was sent waits in this process or its kernel; false if the connection ended first."""
    transport: WriteTransport | None = scope.get("extensions", {}).get(EXTENSION)
    if transport is None:
        return True
    while not transport.is_closing():
        if not transport.get_write_buffer_size() and not _unacknowledged(transport):
            return not transport.is_closing()
        await asyncio.sleep(_LOOK_SECONDS)
    return False


def _unacknowledged(transport: WriteTransport) -> int:
    """Bytes in the kernel that the other side has not acknowledged."""
    answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])
