"""Workers: the replicas that do stages, as they announce themselves. Small rows, written once a second by each.

They say how much can be done at once, so that work is handed only to what is there to take it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ARRAY, Column, Connection, DateTime, Integer, Table, Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.records.job_states import Stage
from cluster.storage.database import metadata

__all__ = ["Worker", "announce", "leave", "places", "remove_silent", "workers"]

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("stages", ARRAY(Text), nullable=False),
    Column("places", Integer, nullable=False),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False),
    postgresql_with={"fillfactor": "50"},
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A replica on a node of Ray's: it does ``places`` jobs of each of its stages at once."""

    id: str
    node: str
    stages: Sequence[Stage]
    places: int


def announce(connection: Connection, worker: Worker) -> None:
    """Say that a worker is there and takes work."""
    now = clock.now()
    beat = update(workers).where(workers.c.id == worker.id).values(heartbeat_at=now)
    if connection.execute(beat).rowcount:
        return
    values = {"id": worker.id, "node": worker.node, "stages": list(worker.stages), "places": worker.places}
    connection.execute(insert(workers).values(values | {"heartbeat_at": now}).on_conflict_do_nothing())


def leave(connection: Connection, worker_id: str) -> None:
    """Say that a worker takes no more work."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def places(connection: Connection, silent: timedelta) -> dict[Stage, int]:
    """How many jobs of each stage the workers do at once; those that were ``silent`` for longer do not count."""
    heard = (
        select(func.unnest(workers.c.stages).label("stage"), workers.c.places)
        .where(workers.c.heartbeat_at >= clock.now() - silent)
        .subquery()
    )
    query = select(heard.c.stage, func.sum(heard.c.places)).group_by(heard.c.stage)
    return {Stage(stage): int(number) for stage, number in connection.execute(query)}


def remove_silent(connection: Connection, silent: timedelta) -> int:
    """Forget workers that have been ``silent`` for so long; returns how many."""
    return connection.execute(delete(workers).where(workers.c.heartbeat_at < clock.now() - silent)).rowcount
