"""The backlog: how many videos are still to be made, and how many seconds of work they are expected to be."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from cluster.records import paces
from cluster.records.job_states import ACTIVE, Stage
from cluster.records.jobs import jobs
from cluster.records.leases import leases
from cluster.records.paces import Pace

__all__ = ["Backlog", "read"]

_AHEAD = (Stage.INGESTION, Stage.INPUT_SCREENING, Stage.GENERATION)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Videos not made yet, those being made among them, and the seconds of work that is left of all of them."""

    jobs: int
    seconds: float


def read(connection: Connection, models: Collection[str], usual: Pace) -> Backlog:
    """The backlog of these models; ``usual`` is the pace of one that no video was made with yet."""
    making = (leases.c.stage == Stage.GENERATION) & (leases.c.steps > 0)
    left = case((making, 1 - leases.c.step * 1.0 / func.nullif(leases.c.steps, 0)), else_=1.0)
    query = (
        select(jobs.c.model, func.count(), func.sum(left), func.sum(left * paces.megapixels()))
        .select_from(jobs.outerjoin(leases, leases.c.job_id == jobs.c.id))
        .where(jobs.c.state.in_(ACTIVE), jobs.c.stage.in_(_AHEAD), jobs.c.model.in_(models))
        .group_by(jobs.c.model)
    )
    known = paces.of_models(connection)
    number, seconds = 0, 0.0
    for model, count, videos, megapixels in connection.execute(query):
        pace = known.get(model, usual)
        number += count
        seconds += pace.each * float(videos) + pace.per_megapixel * float(megapixels)
    return Backlog(number, seconds)
