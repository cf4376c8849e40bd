"""The hub: tells everybody who follows a job how it stands, by one statement for all of them.

It asks only while somebody follows. Whoever is slow gets the newest standing, not each one that was: nothing piles up.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from cluster import telemetry
from cluster.records import standings
from cluster.records.standings import Standing
from cluster.storage.database import AsyncDatabase

__all__ = ["Following", "Hub"]

_POLL_SECONDS = 0.5


class Following:
    """One follower of one job."""

    def __init__(self, first: Standing) -> None:
        """``first`` is what the follower knows already."""
        self.job_id = first.job_id
        self._latest: Standing | None = first
        self._changed = asyncio.Event()

    def tell(self, standing: Standing | None) -> None:
        """Take note of how the job stands; None: it was deleted."""
        if standing != self._latest:
            self._latest = standing
            self._changed.set()

    async def news(self) -> Standing | None:
        """Wait until the job stands otherwise than before; None: it was deleted."""
        await self._changed.wait()
        self._changed.clear()
        return self._latest

    async def end(self) -> None:
        """Wait until nothing more will happen to the job."""
        while (standing := await self.news()) and not standing.ended:
            pass


class Hub:
    """The hub of one ingress replica; belongs to one event loop."""

    def __init__(self, database: AsyncDatabase, poll_seconds: float = _POLL_SECONDS) -> None:
        """Nobody follows anything yet."""
        self._database, self._pause = database, poll_seconds
        self._followers: set[Following] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def asking(self) -> bool:
        """Whether the database is being asked from time to time."""
        return self._task is not None and not self._task.done()

    @contextmanager
    def follow(self, first: Standing) -> Iterator[Following]:
        """Follow a job that stands at ``first``, for as long as the block runs."""
        following = Following(first)
        self._followers.add(following)
        if not self.asking:
            self._task = asyncio.create_task(self._ask())
        try:
            yield following
        finally:
            self._followers.discard(following)

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            followers = list(self._followers)
            if not followers:
                return
            try:
                found = await self._database.run(standings.of_jobs, {each.job_id for each in followers})
            except Exception as error:
                telemetry.log_failure("hub_failed", error)
                continue
            for each in followers:
                each.tell(found.get(each.job_id))
