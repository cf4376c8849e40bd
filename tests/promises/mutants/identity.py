"""A job knows whose it is, or a stage is told."""

from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import ConfigDict

from cluster.records import jobs
from cluster.records.leases import Lease
from serve.director import Director
from serve.engines.parameters import VideoParameters
from tests.promises.harness.mutation import mutant


@mutant("P47", enforcement="serve.engines.parameters:VideoParameters")
def unknown_fields_are_kept(original: type[VideoParameters]) -> type[VideoParameters]:
    class Open(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        model_config = ConfigDict(extra="allow")

    return Open


@mutant("P47", enforcement="serve.director:Director._drive")
def stages_are_told_whose_job_it_is(_: object) -> Callable[..., Coroutine[Any, Any, None]]:
    async def drive(self: Director, lease: Lease) -> None:
        job = await self._resources.database.run(jobs.get, lease.job_id)
        if job and lease.stage in self._stages:
            await self._stages[lease.stage].run.remote(lease.job_id, lease.fence, lease.stage, job.account_id)

    return drive
