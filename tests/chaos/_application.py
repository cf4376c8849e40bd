"""The service itself, except that its processes may be held at named points: `_holding` says how.

ingestion.begun  …  output_screening.begun        a replica has taken its lease and has done nothing
ingestion.written  …  output_screening.written    it has written its results and has not committed
ingestion.committed  …                            it has committed and nobody knows yet
ingestion.claimed  …  publish.claimed             the director has a lease and has not handed it out
publish.committed                                 the job is completed and nobody knows yet
submission.waiting  …  submission.kept            see `_held_outbound`
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.serve import Application

from cluster import settings
from cluster.records.leases import Lease
from serve import app
from serve.director import Director
from serve.ingestion import Ingestion
from serve.screening import Screening
from serve.stage import StageRun
from serve.stage_deployment import StageDeployment
from serve.video_generation import VideoGeneration
from tests.chaos._held_outbound import HeldOutbound
from tests.chaos._holding import FOLDER, halt

__all__ = ["build"]


def _folder() -> Path:
    return settings.load().data.folder / FOLDER


class _HeldStage(StageDeployment):
    def work(self, run: StageRun) -> Mapping[str, Any]:
        """The stage, between two points."""
        halt(_folder(), f"{run.lease.stage}.begun")
        facts = super().work(run)  # type: ignore[safe-super]  # the deployment that is mixed in comes next
        halt(_folder(), f"{run.lease.stage}.written")
        return facts

    def run(self, job_id: str, fence: int, stage: str) -> None:
        """The stage, and a point behind it."""
        super().run(job_id, fence, stage)
        halt(_folder(), f"{stage}.committed")


class HeldIngestion(_HeldStage, Ingestion):
    """`Ingestion` with points."""


class HeldScreening(_HeldStage, Screening):
    """`Screening` with points."""


class HeldVideoGeneration(_HeldStage, VideoGeneration):
    """`VideoGeneration` with points."""


class HeldDirector(Director):
    """`Director` with points."""

    async def _drive(self, lease: Lease) -> None:
        await asyncio.to_thread(halt, _folder(), f"{lease.stage}.claimed")
        await super()._drive(lease)

    async def _publish(self, lease: Lease) -> None:
        await super()._publish(lease)
        await asyncio.to_thread(halt, _folder(), f"{lease.stage}.committed")


def build() -> Application:
    """What `ray.application` names; it is called in a process that does nothing else."""
    own = settings.load()
    held: dict[str, type] = {"Ingestion": HeldIngestion, "Screening": HeldScreening, "Director": HeldDirector}
    held["Outbound"] = HeldOutbound
    for name, deployment in held.items():
        setattr(app, name, deployment)
    return app.build(own, app.wants_gpus(own), HeldVideoGeneration)
