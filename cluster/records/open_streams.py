"""Open streams: long answers that an account takes now, counted over all replicas.

Each is a row that its replica renews from time to time. A replica that dies renews nothing, so that its rows run out
and nobody is kept out for ever.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Column, Connection, DateTime, ForeignKey, Table, Text, delete, func, insert, select, update

from cluster import clock
from cluster.ids import new_id
from cluster.records.accounts import accounts
from cluster.storage.database import metadata

__all__ = ["LIFE", "close", "open_each", "open_streams", "remove_expired", "renew"]

LIFE: Final = timedelta(seconds=30)
"""How long a stream counts whose replica is silent."""

open_streams = Table(
    "open_streams",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    postgresql_with={"fillfactor": "50"},
)


def open_each(connection: Connection, account_ids: Sequence[str], limit: int) -> list[str | None]:
    """Open a stream for each of these, in their order; None for whoever has ``limit`` of them already."""
    if not account_ids:
        return []
    owners = select(accounts.c.id).where(accounts.c.id.in_(account_ids)).order_by(accounts.c.id)
    connection.execute(owners.with_for_update(key_share=True))
    taken = _counts(connection, account_ids)
    opened: list[str | None] = []
    for account_id in account_ids:
        taken[account_id] += 1
        opened.append(new_id("stream") if taken[account_id] <= limit else None)
    rows = [
        {"id": stream_id, "account_id": account_id, "expires_at": clock.now() + LIFE}
        for stream_id, account_id in zip(opened, account_ids, strict=True)
        if stream_id
    ]
    if rows:
        connection.execute(insert(open_streams).values(rows))
    return opened


def renew(connection: Connection, stream_ids: Collection[str]) -> None:
    """Say that these are still open."""
    mine = open_streams.c.id.in_(stream_ids)
    connection.execute(update(open_streams).where(mine).values(expires_at=clock.now() + LIFE))


def close(connection: Connection, stream_ids: Collection[str]) -> None:
    """They have ended."""
    connection.execute(delete(open_streams).where(open_streams.c.id.in_(stream_ids)))


def remove_expired(connection: Connection) -> int:
    """Forget the streams of replicas that are gone; returns how many."""
    return connection.execute(delete(open_streams).where(open_streams.c.expires_at <= clock.now())).rowcount


def _counts(connection: Connection, account_ids: Sequence[str]) -> Counter[str]:
    o = open_streams.c
    query = select(o.account_id, func.count().label("number")).group_by(o.account_id)
    rows = connection.execute(query.where(o.account_id.in_(account_ids), o.expires_at > clock.now()))
    return Counter({row.account_id: row.number for row in rows})
