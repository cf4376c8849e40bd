"""What all stage deployments have in common: they take a lease by reference, and report their own health."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from cluster import settings, telemetry
from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import Stage
from cluster.records.leases import Lease
from serve import deployments, resources
from serve.presence import Presence
from serve.stage import StageRun, perform
from serve.watchdog import Watchdog

__all__ = ["StageDeployment", "Wedged"]


class Wedged(RuntimeError):
    """A stage stands still, and the replica has not ended itself for it; Serve replaces it."""


class StageDeployment(ABC):
    """Base of the deployments that do stages. Only a job's id, a fence and a stage's name cross into it."""

    name: ClassVar[str]
    stages: ClassVar[tuple[Stage, ...]]
    consumes: ClassVar[tuple[MediaKind, ...]] = ()

    def __init__(self) -> None:
        """Open this replica's own connections and keys."""
        own = settings.load()
        self.resources = resources.for_stage(own, self.name)
        self.watchdog = Watchdog(own.jobs, self.memory_bytes)
        places = max(1, deployments.places(own, self.name) // len(self.stages))
        self._presence = Presence(self.resources.database, self.stages, places, own.jobs.heartbeat_seconds)
        telemetry.log("replica_started", deployment=self.name)

    @property
    def memory_bytes(self) -> int | None:
        """How much of the host's memory a replica may hold; None: no bound."""
        return None

    @abstractmethod
    def work(self, run: StageRun) -> Mapping[str, Any]:
        """Do the stage and return facts about the result that are not personal."""

    def run(self, job_id: str, fence: int, stage: str) -> None:
        """Do one stage; what became of the job stands in the database when this returns."""
        current: list[StageRun] = []

        def began(run: StageRun) -> None:
            current.append(run)
            self.watchdog.add(run)

        try:
            lease = Lease(job_id, fence, stage)
            perform(self.resources, lease, self.work, consumed=self.consumes, on_begin=began)
        finally:
            for run in current:
                self.watchdog.remove(run)

    async def check_health(self) -> None:
        """Serve calls this from time to time, and first when everything is loaded: from then on there is a place here.

        It is a coroutine because Serve calls a function in the threads that it keeps for `run`: it would wait for work.

        Raises:
            Wedged: a stage stands still.
        """
        self._presence.begin()
        if any(run.stands_still() for run in self.watchdog.runs):
            raise Wedged

    def __del__(self) -> None:
        """Serve calls this once what was begun here has ended, before it ends the replica."""
        if hasattr(self, "_presence"):
            self._presence.end()
