"""Throttles: how often something was tried in a while, counted under keyed hashes, the same for every replica."""

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, DateTime, Integer, LargeBinary, Table, case, delete, select
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["clear", "hit", "remove_expired", "throttles", "used_up"]

throttles = Table(
    "throttles",
    metadata,
    Column("key_lookup", LargeBinary, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)


def hit(connection: Connection, key_lookup: bytes, window: timedelta) -> int:
    """Count one try; returns how many there were within the window that the first of them began."""
    now = clock.now()
    over = throttles.c.expires_at <= now
    statement = (
        insert(throttles)
        .values(key_lookup=key_lookup, count=1, expires_at=now + window)
        .on_conflict_do_update(
            index_elements=[throttles.c.key_lookup],
            set_={
                "count": case((over, 1), else_=throttles.c.count + 1),
                "expires_at": case((over, now + window), else_=throttles.c.expires_at),
            },
        )
        .returning(throttles.c.count)
    )
    return int(connection.execute(statement).scalar_one())


def used_up(connection: Connection, key_lookup: bytes, limit: int) -> datetime | None:
    """When the next try is allowed if ``limit`` tries have been made, else None."""
    query = select(throttles.c.expires_at).where(
        throttles.c.key_lookup == key_lookup, throttles.c.count >= limit, throttles.c.expires_at > clock.now()
    )
    found: datetime | None = connection.execute(query).scalar_one_or_none()
    return found


def clear(connection: Connection, key_lookup: bytes) -> None:
    """Begin to count anew."""
    connection.execute(delete(throttles).where(throttles.c.key_lookup == key_lookup))


def remove_expired(connection: Connection) -> int:
    """Forget windows that have passed; returns how many."""
    return connection.execute(delete(throttles).where(throttles.c.expires_at <= clock.now())).rowcount
