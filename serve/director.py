"""The director leases durable jobs and walks each one through the stages.

All it knows is in PostgreSQL: it may be killed at any moment, and several may run. It hands a stage to a deployment
only when there is room, so that waiting stays in the database.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from ray.serve.handle import DeploymentHandle

from cluster import clock, telemetry
from cluster import settings as cluster_settings
from cluster.errors import ServiceError
from cluster.ids import new_id
from cluster.records import idempotency, leases, lifecycle, media, throttles
from cluster.records.job_states import Stage
from cluster.records.leases import Lease
from cluster.settings import Settings
from serve import resources
from serve.erasure import destroy_keys, erase_doomed
from serve.loops import for_ever
from serve.metrics import counted

__all__ = ["Director"]


def slots_of(settings: Settings) -> dict[Stage, int]:
    """How many jobs each stage may hold at once, over the whole cluster."""
    stages = settings.stages
    return {
        Stage.INGESTION: stages.ingestion_slots,
        Stage.INPUT_SCREENING: stages.screening_slots,
        Stage.GENERATION: stages.generation_slots,
        Stage.OUTPUT_SCREENING: stages.screening_slots,
        Stage.PUBLISH: stages.publish_slots,
    }


class Director:
    """Claims due work, hands it out, and cleans up after workers that are gone."""

    async def __init__(self, stages: Mapping[str, DeploymentHandle[Any]]) -> None:  # type: ignore[misc]  # Serve awaits it
        """Start the loops; ``stages`` maps each stage to the deployment that does it."""
        settings = cluster_settings.load()
        self._resources = resources.for_web(settings, "director")
        self._stages = stages
        self._slots = slots_of(settings)
        self._holder = new_id("director")
        self._wake = asyncio.Event()
        self._driving: set[asyncio.Task[None]] = set()
        self._silent: set[Lease] = set()
        jobs = settings.jobs
        self._loops = [
            asyncio.create_task(for_ever("director_failed", self._claim, jobs.poll_seconds, self._wake)),
            asyncio.create_task(for_ever("director_failed", self._keep_order, jobs.heartbeat_seconds)),
            asyncio.create_task(for_ever("director_failed", self._clean, jobs.heartbeat_seconds)),
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
        for lease in await self._resources.database.run(lifecycle.claim, self._slots, self._holder):
            task = asyncio.create_task(self._drive(lease))
            self._driving.add(task)
            task.add_done_callback(self._driving.discard)

    async def _drive(self, lease: Lease) -> None:
        """Have one stage done. The outcome is already in the database, unless the worker died."""
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

    async def _publish(self, lease: Lease) -> None:
        started = clock.monotonic()
        counted.attempted(Stage.PUBLISH)
        delivered = await self._resources.database.run(lifecycle.complete, lease)
        outcome = counted.Outcome.DONE if delivered else counted.Outcome.STOPPED
        counted.ended(Stage.PUBLISH, outcome, clock.monotonic() - started)

    async def _keep_order(self) -> None:
        """Beat for what no replica has begun yet; take jobs from holders that have fallen silent."""
        database, jobs = self._resources.database, self._resources.settings.jobs
        await database.run(leases.keep_alive, self._holder)
        for lease in await database.run(lifecycle.lose_expired, jobs.lease_seconds, jobs.max_attempts):
            counted.lost(Stage(lease.stage), counted.Loss.SILENT)
            self._silent.add(lease)
            self._wake.set()
        await database.run(lifecycle.cancel_outdated)

    async def _clean(self) -> None:
        """Erase what is doomed, and doom what was begun and never accepted."""
        retention = self._resources.settings.retention
        await self._resources.database.run(media.doom_abandoned, timedelta(minutes=retention.unfinished_minutes))
        await self._resources.database.run(idempotency.remove_expired)
        await self._resources.database.run(throttles.remove_expired)
        await self._resources.database.run(lifecycle.close_expired_guests)
        await erase_doomed(self._resources)
        await destroy_keys(self._resources)
