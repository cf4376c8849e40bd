"""Idempotency keys: the same key is the same job. Keyed digests and the job's id are kept, never bodies."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, Connection, DateTime, ForeignKey, LargeBinary, Table, Text, and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.errors import IdempotencyKeyReused
from cluster.storage.database import metadata

__all__ = ["Ticket", "claim", "find", "fulfil", "idempotency_keys", "remove_expired"]

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("key_lookup", LargeBinary, primary_key=True),
    Column("body_lookup", LargeBinary, nullable=False),
    Column("job_id", Text),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One use of a key: keyed digests of the key and of the request's content."""

    account_id: str
    key_lookup: bytes
    body_lookup: bytes


def find(connection: Connection, ticket: Ticket) -> str | None:
    """The job that the key already stands for, or None.

    Raises:
        IdempotencyKeyReused: the key stands for a request with other content.
    """
    query = select(idempotency_keys.c.body_lookup, idempotency_keys.c.job_id).where(
        idempotency_keys.c.account_id == ticket.account_id,
        idempotency_keys.c.key_lookup == ticket.key_lookup,
        idempotency_keys.c.expires_at > clock.now(),
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.body_lookup != ticket.body_lookup:
        raise IdempotencyKeyReused
    return str(row.job_id)


def claim(connection: Connection, ticket: Ticket, life: timedelta) -> bool:
    """Take the key for a job about to be made.

    A twin that holds the key in an open transaction is waited for, up to the connection's lock time-out.

    Returns:
        True if the key is now ours: call `fulfil` in the same transaction. False: `find` tells whose it is.
    """
    mine = and_(idempotency_keys.c.account_id == ticket.account_id, idempotency_keys.c.key_lookup == ticket.key_lookup)
    connection.execute(delete(idempotency_keys).where(mine, idempotency_keys.c.expires_at <= clock.now()))
    values = {
        "account_id": ticket.account_id,
        "key_lookup": ticket.key_lookup,
        "body_lookup": ticket.body_lookup,
        "expires_at": clock.now() + life,
    }
    statement = insert(idempotency_keys).values(values).on_conflict_do_nothing()
    return connection.execute(statement.returning(idempotency_keys.c.key_lookup)).one_or_none() is not None


def fulfil(connection: Connection, ticket: Ticket, job_id: str) -> None:
    """Write down which job the claimed key stands for."""
    statement = update(idempotency_keys).where(
        idempotency_keys.c.account_id == ticket.account_id, idempotency_keys.c.key_lookup == ticket.key_lookup
    )
    connection.execute(statement.values(job_id=job_id))


def remove_expired(connection: Connection) -> int:
    """Forget the keys whose time has passed; returns how many."""
    return connection.execute(delete(idempotency_keys).where(idempotency_keys.c.expires_at <= clock.now())).rowcount
