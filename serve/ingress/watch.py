"""The watch: ends what is being sent once it may not be sent any more, however slowly it is taken.

One look at the database a second serves everything that a replica is sending.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from cluster import telemetry
from cluster.records import api_keys, media, sessions
from cluster.records.principals import Credential, Principal
from cluster.storage.database import AsyncDatabase

__all__ = ["Ended", "Sending", "Watch", "still_allowed"]

T = TypeVar("T")

_LOOK_SECONDS = 1.0


class Ended(Exception):
    """What was on its way may not be sent any more."""


@dataclass(eq=False)
class Sending:
    """Something on its way to somebody, out of an object or of none; ``ended`` is set once it must stop."""

    caller: Principal
    media_id: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def unless_ended(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` for as long as it may go on.

        Raises:
            Ended: it may not, and was broken off.
        """
        task, ended = asyncio.create_task(work), asyncio.create_task(self.ended.wait())
        try:
            await asyncio.wait((task, ended), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Ended
            return await task
        finally:
            task.cancel()
            ended.cancel()


class Watch:
    """The watch of one ingress replica; belongs to one event loop."""

    def __init__(self, database: AsyncDatabase) -> None:
        """Nothing is being sent yet."""
        self._database = database
        self._sendings: set[Sending] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def over(self, caller: Principal, media_id: str | None = None) -> Iterator[Sending]:
        """Watch for as long as the block runs."""
        sending = Sending(caller, media_id)
        self._sendings.add(sending)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield sending
        finally:
            self._sendings.discard(sending)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            watched = list(self._sendings)
            if not watched:
                return
            try:
                allowed = await self._database.run(still_allowed, watched)
            except Exception as error:
                telemetry.log_failure("watch_failed", error)
                allowed = set()
            for sending in watched:
                if sending not in allowed:
                    sending.ended.set()


def still_allowed(connection: Connection, sendings: list[Sending]) -> set[Sending]:
    """Those whose credential, account and object are still what they were. If nobody can tell, none is."""
    keys = {each.caller.credential_id for each in sendings if each.caller.credential is Credential.KEY}
    others = {each.caller.credential_id for each in sendings} - keys
    alive = api_keys.alive(connection, keys) | sessions.alive(connection, others)
    there = {None, *media.live(connection, {each.media_id for each in sendings if each.media_id})}
    return {each for each in sendings if each.caller.credential_id in alive and each.media_id in there}
