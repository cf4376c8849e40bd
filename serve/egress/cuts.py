"""Sendings that are under way, and the one look that is taken for all of them, four times a second.

A sending is cut when its account's epoch has risen, its job is not wanted any more, or nobody could look for a second:
what cannot be known to be allowed is not.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from cluster import clock, telemetry
from cluster.records import accounts, submissions
from cluster.storage.database import AsyncDatabase

__all__ = ["Cuts", "Sendable"]

_EVERY: Final = 0.25
_BLIND: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sendable:
    """A sending under way: what it depends on, and how it learns that it is cut. ``blind``: because nobody could look,
    and so for no reason of its own.
    """

    account_id: str
    epoch: int
    submission_id: str
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    blind: asyncio.Event = field(default_factory=asyncio.Event)


class Cuts:
    """Looks after every sending of this process."""

    def __init__(self, database: AsyncDatabase) -> None:
        """Nothing is under way yet."""
        self._database = database
        self._by_id: dict[int, Sendable] = {}
        self._seen_at = clock.monotonic()

    @contextmanager
    def watching(self, sending: Sendable) -> Iterator[None]:
        """Look after a sending for as long as the block lasts."""
        if not self._by_id:
            self._seen_at = clock.monotonic()
        self._by_id[id(sending)] = sending
        try:
            yield
        finally:
            del self._by_id[id(sending)]

    async def look(self) -> None:
        """Look once, if there is anything to look after."""
        if not self._by_id:
            return
        watched = list(self._by_id.values())
        try:
            async with asyncio.timeout(_BLIND):
                epochs, abandoned = await self._database.run(_states, watched)
        except Exception as error:
            telemetry.log_failure("not_looked_after", error)
            self._cut_if_blind()
            return
        self._seen_at = clock.monotonic()
        for sending in watched:
            if epochs.get(sending.account_id) != sending.epoch or sending.submission_id in abandoned:
                sending.cut.set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(_EVERY)
            await self.look()

    def _cut_if_blind(self) -> None:
        if clock.monotonic() - self._seen_at > _BLIND:
            for sending in self._by_id.values():
                sending.blind.set()
                sending.cut.set()


def _states(connection: Connection, watched: list[Sendable]) -> tuple[Mapping[str, int], set[str]]:
    epochs = accounts.epochs(connection, {sending.account_id for sending in watched})
    return epochs, submissions.abandoned(connection, {sending.submission_id for sending in watched})
