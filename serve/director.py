"""The director leases durable jobs and walks each one through the stages.

All it knows is in PostgreSQL: it may be killed at any moment, and several may run. It hands a stage to a deployment
only when there is room, so that waiting stays in the database.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from ray.serve.handle import DeploymentHandle

from cluster import clock, telemetry
from cluster import settings as cluster_settings
from cluster.errors import ServiceError, Unavailable
from cluster.ids import new_id
from cluster.records import (
    allowances,
    delegation,
    expiry,
    idempotency,
    leases,
    lifecycle,
    media,
    open_streams,
    throttles,
    turns,
    workers,
)
from cluster.records.job_states import Stage
from cluster.records.leases import Lease
from serve import delegates, resources
from serve.erasure import destroy_keys, erase_doomed
from serve.loops import for_ever
from serve.metrics import counted

__all__ = ["Director"]

_FORGOTTEN: Final = timedelta(minutes=1)


class Director:
    """Claims due work, hands it out, and cleans up after workers that are gone."""

    async def __init__(self, stages: Mapping[str, DeploymentHandle[Any]]) -> None:  # type: ignore[misc]  # Serve awaits it
        """Start the loops; ``stages`` maps each stage to the deployment that does it."""
        settings = cluster_settings.load()
        self._resources = resources.for_web(settings, "director")
        self._stages = stages
        self._delegates = delegates.read()
        self._holder = new_id("director")
        self._wake = asyncio.Event()
        self._driving: dict[asyncio.Task[None], Lease] = {}
        self._silent: set[Lease] = set()
        self._unstored = timedelta(minutes=settings.retention.unstored_minutes)
        jobs = settings.jobs
        self._loops = [
            asyncio.create_task(for_ever("director_failed", self._claim, jobs.poll_seconds, self._wake)),
            asyncio.create_task(for_ever("director_failed", self._keep_order, jobs.heartbeat_seconds)),
            asyncio.create_task(for_ever("director_failed", self._clean, jobs.heartbeat_seconds)),
            asyncio.create_task(for_ever("director_failed", self._delegate, jobs.heartbeat_seconds)),
        ]
        telemetry.log("replica_started", deployment="director")

    async def wake(self) -> None:
        """Look for due work now: something was just accepted."""
        self._wake.set()

    async def check_health(self) -> None:
        """Serve calls this from time to time: a director whose loops have ended is of no use."""
        for loop in self._loops:
            if loop.done():
                raise RuntimeError("a loop of the director has ended")

    async def _claim(self) -> None:
        database, settings = self._resources.database, self._resources.settings
        slots = await database.run(workers.places, timedelta(seconds=settings.jobs.lease_seconds))
        slots[Stage.PUBLISH] = settings.stages.publish_slots
        for lease in await database.run(lifecycle.claim, slots, self._holder):
            task = asyncio.create_task(self._drive(lease))
            self._driving[task] = lease
            task.add_done_callback(self._driving.pop)

    async def _drive(self, lease: Lease) -> None:
        """Have one stage done. The outcome is already in the database, unless the worker died.

        If not even that can be written down now, nobody beats for the lease any more, and its silence tells.
        """
        jobs = self._resources.settings.jobs
        try:
            if lease.stage == Stage.PUBLISH:
                await self._publish(lease)
            else:
                call = self._stages[lease.stage].run.remote(lease.job_id, lease.fence, lease.stage)
                # A replica bounds its own time; as long may it take until there is one.
                await asyncio.wait_for(call, 2 * jobs.stage_seconds)
        except Exception as error:
            telemetry.log_failure("worker_lost", error, job_id=lease.job_id, stage=lease.stage)
            with suppress(ServiceError):
                held = await self._resources.database.run(lifecycle.lose, lease, jobs.max_attempts)
                if held or lease not in self._silent:
                    counted.lost(Stage(lease.stage), counted.Loss.BROKEN if held else counted.Loss.GIVEN_UP)
        self._silent.discard(lease)
        self._wake.set()

    async def _delegate(self) -> None:
        """Hand over what third parties are to make, and take back what they have made, or will not make."""
        database = self._resources.database
        if await database.run(delegation.settle):
            self._wake.set()
        await database.run(delegation.hand_over, self._delegates)

    async def _publish(self, lease: Lease) -> None:
        """Deliver. There is no worker that could be lost: while the database is away, wait for it."""
        started = clock.monotonic()
        counted.attempted(Stage.PUBLISH)
        delivered = await self._delivered(lease)
        outcome = counted.Outcome.DONE if delivered else counted.Outcome.STOPPED
        counted.ended(Stage.PUBLISH, outcome, clock.monotonic() - started)

    async def _delivered(self, lease: Lease) -> bool:
        """Whether the job was completed by this lease; asked until there is an answer."""
        while True:
            try:
                return await self._resources.database.run(lifecycle.complete, lease, self._unstored)
            except Unavailable as error:
                telemetry.log_failure("not_published", error, job_id=lease.job_id, stage=lease.stage)
            await asyncio.sleep(self._resources.settings.jobs.poll_seconds)

    async def _keep_order(self) -> None:
        """Beat for what no replica has begun yet; take jobs from holders that have fallen silent."""
        database, jobs = self._resources.database, self._resources.settings.jobs
        driven = [lease.job_id for lease in self._driving.values()]
        await database.run(leases.keep_alive, self._holder, driven)
        for lease in await database.run(lifecycle.lose_expired, jobs.lease_seconds, jobs.max_attempts):
            counted.lost(Stage(lease.stage), counted.Loss.SILENT)
            self._silent.add(lease)
            self._wake.set()
        await database.run(lifecycle.cancel_outdated)
        await database.run(turns.promote, timedelta(seconds=jobs.low_patience_seconds))

    async def _clean(self) -> None:
        """Erase what is doomed; doom what has ended by time, and what was begun and never accepted."""
        retention = self._resources.settings.retention
        await self._resources.database.run(media.doom_abandoned, timedelta(minutes=retention.unfinished_minutes))
        while await self._resources.database.run(expiry.expire):
            self._wake.set()
        await self._resources.database.run(idempotency.remove_expired)
        await self._resources.database.run(throttles.remove_expired)
        await self._resources.database.run(allowances.remove_full)
        await self._resources.database.run(open_streams.remove_expired)
        await self._resources.database.run(workers.remove_silent, _FORGOTTEN)
        await self._resources.database.run(lifecycle.close_expired_guests)
        await erase_doomed(self._resources)
        await destroy_keys(self._resources)
