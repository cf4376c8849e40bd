"""Sweeps: when each began, when it ended, and whether it left nothing undone. A killed one has no end."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Column, Connection, DateTime, Identity, Table, func, insert, select, update

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["Sweeps", "begin", "end", "read", "sweeps"]

sweeps = Table(
    "sweeps",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("clean", Boolean),
)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """When a sweep last began, and when one last ended that left nothing undone; None for never."""

    began_at: datetime | None
    succeeded_at: datetime | None


def begin(connection: Connection) -> int:
    """Note that a sweep begins; its number."""
    statement = insert(sweeps).values(began_at=clock.now()).returning(sweeps.c.sequence)
    return int(connection.execute(statement).scalar_one())


def end(connection: Connection, sequence: int, *, clean: bool) -> None:
    """Note that it has ended."""
    statement = update(sweeps).where(sweeps.c.sequence == sequence)
    connection.execute(statement.values(ended_at=clock.now(), clean=clean))


def read(connection: Connection) -> Sweeps:
    """What is known of all sweeps together."""
    succeeded = func.max(sweeps.c.ended_at).filter(sweeps.c.clean)
    began_at, succeeded_at = connection.execute(select(func.max(sweeps.c.began_at), succeeded)).one()
    return Sweeps(began_at, succeeded_at)
