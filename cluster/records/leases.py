"""Leases: who is working on a job now, and how far. Small rows, written once a second, never indexed on the beat."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["Lease", "adopt", "beat", "count", "drop", "expired", "keep_alive", "leases", "take"]

leases = Table(
    "leases",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False),
    postgresql_with={"fillfactor": "50"},
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one stage of one job; a higher fence ends it."""

    job_id: str
    fence: int
    stage: str


def take(connection: Connection, taken: Collection[Lease], holder: str) -> None:
    """Begin leases for ``holder``."""
    begun = {"holder": holder, "step": 0, "steps": 0, "heartbeat_at": clock.now()}
    rows = [{"job_id": lease.job_id, "fence": lease.fence, "stage": lease.stage} | begun for lease in taken]
    if rows:
        connection.execute(insert(leases).values(rows))


def adopt(connection: Connection, job_id: str, fence: int, holder: str) -> bool:
    """Hand the lease from the director to the replica that has begun the stage; False if it has ended."""
    statement = update(leases).where(leases.c.job_id == job_id, leases.c.fence == fence)
    return connection.execute(statement.values(holder=holder, heartbeat_at=clock.now())).rowcount == 1


def beat(connection: Connection, job_id: str, fence: int, step: int, steps: int) -> bool:
    """Say that the stage is alive and how far it is; False: the lease has ended, stop working."""
    statement = update(leases).where(leases.c.job_id == job_id, leases.c.fence == fence)
    values = {"step": step, "steps": steps, "heartbeat_at": clock.now()}
    return connection.execute(statement.values(values)).rowcount == 1


def keep_alive(connection: Connection, holder: str, job_ids: Collection[str]) -> None:
    """Beat for those of these jobs' leases that are still the director's: no replica has begun their stages yet."""
    mine = and_(leases.c.holder == holder, leases.c.job_id.in_(job_ids))
    connection.execute(update(leases).where(mine).values(heartbeat_at=clock.now()))


def expired(connection: Connection, before: datetime) -> list[Lease]:
    """Leases whose holder has been silent since ``before``, locked against other directors."""
    query = (
        select(leases.c.job_id, leases.c.fence, leases.c.stage)
        .where(leases.c.heartbeat_at < before)
        .with_for_update(skip_locked=True)
    )
    return [Lease(*row) for row in connection.execute(query)]


def count(connection: Connection) -> dict[str, int]:
    """How many leases each stage has now."""
    query = select(leases.c.stage, func.count().label("number")).group_by(leases.c.stage)
    return {row.stage: row.number for row in connection.execute(query)}


def drop(connection: Connection, job_id: str) -> None:
    """End whatever lease the job has."""
    connection.execute(delete(leases).where(leases.c.job_id == job_id))
