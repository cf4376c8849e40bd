"""Figures of all jobs together, for operators: how many, how old. No id, no account, and nothing of a job's content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from cluster import clock
from cluster.records.job_states import ACTIVE, JobState
from cluster.records.jobs import jobs
from cluster.records.leases import leases

__all__ = ["JobFigures", "Queue", "read"]


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs of one model that nobody has begun: how many, how old the first is, and all their ages together."""

    jobs: int
    age_seconds: float
    waiting_seconds: float


@dataclass(frozen=True, slots=True)
class JobFigures:
    """Jobs ``active`` and ``ended`` by state, ``failed`` by code, ``queues`` by model; how silent a lease is."""

    active: Mapping[JobState, int]
    ended: Mapping[JobState, int]
    failed: Mapping[str, int]
    queues: Mapping[str, Queue]
    silent_seconds: float


def read(connection: Connection, recently: timedelta) -> JobFigures:
    """The figures of this moment; `ended` and `failed` count jobs that ended within ``recently``."""
    now = clock.now()
    ended, failed = _ended(connection, now - recently)
    return JobFigures(_active(connection), ended, failed, _queues(connection, now), _silence(connection, now))


def _active(connection: Connection) -> dict[JobState, int]:
    query = select(jobs.c.state, func.count()).where(jobs.c.state.in_(ACTIVE)).group_by(jobs.c.state)
    return dict.fromkeys(ACTIVE, 0) | {JobState(state): number for state, number in connection.execute(query)}


def _ended(connection: Connection, since: datetime) -> tuple[dict[JobState, int], dict[str, int]]:
    query = (
        select(jobs.c.state, jobs.c.error_code, func.count())
        .where(jobs.c.completed_at >= since)
        .group_by(jobs.c.state, jobs.c.error_code)
    )
    ended = {state: 0 for state in JobState if state not in ACTIVE}
    failed: dict[str, int] = {}
    for state, code, number in connection.execute(query):
        ended[JobState(state)] += number
        if state == JobState.FAILED:
            failed[code] = number
    return ended, failed


def _queues(connection: Connection, now: datetime) -> dict[str, Queue]:
    age = func.extract("epoch", now - jobs.c.created_at)
    query = (
        select(jobs.c.model, func.count(), func.max(age), func.sum(age))
        .where(jobs.c.state == JobState.QUEUED)
        .group_by(jobs.c.model)
    )
    return {
        model: Queue(number, max(0.0, float(oldest)), max(0.0, float(together)))
        for model, number, oldest, together in connection.execute(query)
    }


def _silence(connection: Connection, now: datetime) -> float:
    oldest = connection.execute(select(func.min(leases.c.heartbeat_at))).scalar_one()
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
