"""The streams of one replica: they count against their accounts for as long as they are open, and no longer."""

import asyncio
from collections.abc import Callable
from functools import partial

from cluster import telemetry
from cluster.records import open_streams
from cluster.storage.database import AsyncDatabase

__all__ = ["StreamLeases"]

_RENEW_SECONDS = open_streams.LIFE.total_seconds() / 3


class StreamLeases:
    """Belongs to one event loop. One statement renews all, and one closes those that have ended together."""

    def __init__(self, database: AsyncDatabase) -> None:
        """Nothing is open yet."""
        self._database = database
        self._open: set[str] = set()
        self._ended: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def hold(self, stream_id: str) -> Callable[[], None]:
        """Renew it from now on; returns what must be called when it has ended."""
        self._open.add(stream_id)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return partial(self._release, stream_id)

    def _release(self, stream_id: str) -> None:
        """It has ended. If that cannot be written down, its row runs out by itself."""
        self._open.discard(stream_id)
        self._ended.add(stream_id)
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._close())

    async def settle(self) -> None:
        """Wait until what has ended is written down."""
        if self._closing is not None:
            await self._closing

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if not self._open:
                return
            try:
                await self._database.run(open_streams.renew, list(self._open))
            except Exception as error:
                telemetry.log_failure("streams_not_renewed", error)

    async def _close(self) -> None:
        while self._ended:
            ended, self._ended = self._ended, set()
            try:
                await self._database.run(open_streams.close, ended)
            except Exception as error:
                telemetry.log_failure("streams_not_closed", error)
