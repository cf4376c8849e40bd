"""How videos stand, read for all who ask at the same time by one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cluster.errors import NotFound
from cluster.privacy.purposes import recipient_of
from cluster.records import disclosures, jobs, media, submissions
from cluster.records.disclosures import Disclosure
from cluster.records.jobs import Job
from cluster.records.media import Medium
from cluster.records.submissions import Submission
from cluster.storage.database import AsyncDatabase
from serve.ingress.batches import Batches

__all__ = ["Look", "Looks", "look"]


@dataclass(frozen=True, slots=True)
class Look:
    """A job as it stands, its live media, and its position in the queue if nobody has begun it."""

    job: Job
    media: Sequence[Medium]
    queue_position: int | None
    submission: Submission | None = None
    disclosed: Disclosure | None = None
    """What was handed over of it, and what the record says of that; None if a third party has nothing of it."""


class Looks:
    """The looks of one ingress replica; belongs to one event loop."""

    def __init__(self, database: AsyncDatabase) -> None:
        """Nobody asks yet."""
        self._database = database
        self._batches = Batches(self._look)

    async def at(self, account_id: str, job_id: str) -> Look:
        """How a job of the account stands.

        Raises:
            NotFound: the account has no such job.
        """
        return await self._batches.ask((account_id, job_id))

    async def _look(self, asked: Sequence[tuple[str, str]]) -> list[Look | Exception]:
        found = await self._database.run(_found, asked)
        return [found.get(each) or NotFound() for each in asked]


def _found(connection: Connection, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Look]:
    owned = jobs.of_accounts(connection, asked)
    return {(each.job.account_id, each.job.id): each for each in look(connection, owned)}


def look(connection: Connection, wanted: Sequence[Job]) -> list[Look]:
    """The same for jobs that were read already, in their order."""
    kept = media.of_jobs(connection, [job.id for job in wanted])
    positions = jobs.queue_positions(connection, wanted)
    shared = [job.id for job in wanted if any(map(recipient_of, job.purposes))]
    handed = submissions.of_jobs(connection, shared) if shared else {}
    told = disclosures.latest_of_jobs(connection, shared) if shared else {}
    return [Look(job, kept[job.id], positions.get(job.id), handed.get(job.id), told.get(job.id)) for job in wanted]
