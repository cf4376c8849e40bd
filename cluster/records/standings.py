"""Where jobs stand: what may be told of them while they run, for many jobs by one statement."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from cluster.records.job_states import ACTIVE, JobState, Stage
from cluster.records.jobs import jobs, line
from cluster.records.leases import leases

__all__ = ["Standing", "of_jobs"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is. ``step`` of ``steps`` belongs to its present stage; only a queued job has a position."""

    job_id: str
    state: JobState
    stage: Stage
    error_code: str | None
    step: int
    steps: int
    queue_position: int | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ACTIVE


def of_jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, Standing]:
    """Where these jobs stand; those that were deleted are left out."""
    j = jobs.c
    step, steps = func.coalesce(leases.c.step, 0), func.coalesce(leases.c.steps, 0)
    query = (
        select(j.id, j.state, j.stage, j.error_code, step, steps, line.c.position)
        .select_from(jobs.outerjoin(leases, leases.c.job_id == j.id).outerjoin(line, line.c.job_id == j.id))
        .where(j.id.in_(job_ids), j.deleted_at.is_(None))
    )
    rows = connection.execute(query)
    return {row[0]: Standing(row[0], JobState(row[1]), Stage(row[2]), *row[3:]) for row in rows}
