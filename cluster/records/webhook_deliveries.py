"""Webhook deliveries: the queue of events to be sent, and afterwards the log of how that went. Codes and times only.

An event is enqueued in the transaction that makes it true. It is ``waiting`` until it was ``delivered``, has
``failed`` for good, or was ``dropped`` because the account's epoch rose or the account was closed or frozen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from cluster import clock
from cluster.ids import new_id
from cluster.records import webhook_endpoints as endpoints
from cluster.records.accounts import accounts, is_open
from cluster.records.webhook_endpoints import webhook_endpoints
from cluster.storage.database import metadata

__all__ = [
    "Delivery",
    "Due",
    "EventType",
    "State",
    "end",
    "enqueue",
    "enqueue_sample",
    "get",
    "lease",
    "listing",
    "may_send",
    "remove_old",
    "samples_since",
    "try_later",
    "webhook_deliveries",
]

State = Literal["waiting", "delivered", "failed", "dropped"]
EventType = Literal["video.completed", "video.failed", "video.cancelled"]

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("endpoint_id", ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("epoch", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("job_id", ForeignKey("jobs.id"), index=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("last_status", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False, index=True),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'dropped')", name="state"),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_due", "next_attempt_at", postgresql_where=text("state = 'waiting'")),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. Without ``job_id`` it is a sample, sent once and at once."""

    id: str
    endpoint_id: str
    account_id: str
    type: str
    job_id: str | None
    state: State
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    created_at: datetime
    ended_at: datetime | None


_COLUMNS = tuple(webhook_deliveries.c[name] for name in Delivery.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Due:
    """The right to make one attempt at a delivery."""

    delivery_id: str
    attempt: int


def enqueue(connection: Connection, account_id: str, epoch: int, event: str, job_id: str) -> None:
    """Tell every endpoint of the account that wants to know how a job ended; part of the transaction that ends it."""
    now = clock.now()
    for endpoint_id in endpoints.subscribed(connection, account_id, event):
        _insert(connection, endpoint_id, account_id, epoch, event, job_id=job_id, next_attempt_at=now)


def enqueue_sample(connection: Connection, endpoint_id: str, account_id: str, epoch: int, event: str) -> str:
    """Note down a sample, which somebody sends at once: the queue leaves it alone. Returns its id."""
    return _insert(connection, endpoint_id, account_id, epoch, event, attempts=1)


def samples_since(connection: Connection, endpoint_id: str, since: datetime) -> int:
    """How many samples were sent to an endpoint since then."""
    query = select(func.count()).where(
        webhook_deliveries.c.endpoint_id == endpoint_id,
        webhook_deliveries.c.job_id.is_(None),
        webhook_deliveries.c.created_at >= since,
    )
    return int(connection.execute(query).scalar_one())


def get(connection: Connection, delivery_id: str) -> Delivery | None:
    """The delivery as it stands, or None."""
    row = connection.execute(select(*_COLUMNS).where(webhook_deliveries.c.id == delivery_id)).one_or_none()
    return Delivery(*row) if row else None


def listing(connection: Connection, endpoint_id: str, *, after: str | None, limit: int) -> tuple[list[Delivery], bool]:
    """A page of the endpoint's log, the newest first, and whether there is more."""
    query = select(*_COLUMNS).where(webhook_deliveries.c.endpoint_id == endpoint_id)
    if after is not None:
        query = query.where(webhook_deliveries.c.id < after)
    rows = connection.execute(query.order_by(webhook_deliveries.c.id.desc()).limit(limit + 1))
    found = [Delivery(*row) for row in rows]
    return found[:limit], len(found) > limit


def lease(connection: Connection, *, room: int, per_account: int, life: timedelta) -> list[Due]:
    """Take due deliveries for ``life``; an attempt that nobody ends within it is made again.

    No account gets more than ``per_account`` of the room at once, so that slow hosts of one hold up no other.
    """
    now = clock.now()
    due = webhook_deliveries.c.state == "waiting", webhook_deliveries.c.next_attempt_at <= now
    place = func.row_number().over(
        partition_by=webhook_deliveries.c.account_id, order_by=webhook_deliveries.c.next_attempt_at
    )
    ranked = select(webhook_deliveries.c.id, place.label("place")).where(*due).subquery()
    chosen = select(ranked.c.id).where(ranked.c.place <= per_account).limit(room)
    locked = select(webhook_deliveries.c.id).where(webhook_deliveries.c.id.in_(chosen), *due)
    ids = connection.execute(locked.with_for_update(skip_locked=True)).scalars().all()
    return [Due(delivery_id, _attempt(connection, delivery_id, now + life)) for delivery_id in ids]


def may_send(connection: Connection, delivery_id: str) -> bool:
    """Whether the event may leave at this moment; call it right before. If not, the delivery ends as ``dropped``.

    It may while the account's epoch is that of the event, the account is open and not frozen, and the endpoint takes
    events.
    """
    query = (
        select(webhook_deliveries.c.id)
        .join(accounts, accounts.c.id == webhook_deliveries.c.account_id)
        .join(webhook_endpoints, webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id)
        .where(
            webhook_deliveries.c.id == delivery_id,
            webhook_deliveries.c.state == "waiting",
            webhook_deliveries.c.epoch == accounts.c.epoch,
            is_open(),
            webhook_endpoints.c.verified_at.is_not(None),
            webhook_endpoints.c.disabled_at.is_(None),
        )
    )
    if connection.execute(query).one_or_none() is not None:
        return True
    end(connection, delivery_id, "dropped", None)
    return False


def end(connection: Connection, delivery_id: str, state: State, status: int | None) -> None:
    """Write down how a delivery ended."""
    _change(connection, delivery_id, state=state, last_status=status, next_attempt_at=None, ended_at=clock.now())


def try_later(connection: Connection, delivery_id: str, status: int | None, at: datetime) -> None:
    """Write down an attempt that failed, and when the next is made."""
    _change(connection, delivery_id, last_status=status, next_attempt_at=at)


def remove_old(connection: Connection, life: timedelta) -> int:
    """Forget what is older than ``life``, however it ended; returns how many."""
    old = webhook_deliveries.c.created_at < clock.now() - life
    return connection.execute(delete(webhook_deliveries).where(old)).rowcount


def _insert(connection: Connection, endpoint_id: str, account_id: str, epoch: int, event: str, **schedule: Any) -> str:
    delivery_id = new_id("evt")
    values = {
        "id": delivery_id,
        "endpoint_id": endpoint_id,
        "account_id": account_id,
        "epoch": epoch,
        "type": event,
        "state": "waiting",
        "attempts": 0,
        "created_at": clock.now(),
    }
    connection.execute(insert(webhook_deliveries).values(values | schedule))
    return delivery_id


def _attempt(connection: Connection, delivery_id: str, until: datetime) -> int:
    statement = (
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id)
        .values(attempts=webhook_deliveries.c.attempts + 1, next_attempt_at=until)
        .returning(webhook_deliveries.c.attempts)
    )
    return int(connection.execute(statement).scalar_one())


def _change(connection: Connection, delivery_id: str, **values: Any) -> None:
    unended = webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.state == "waiting"
    connection.execute(update(webhook_deliveries).where(*unended).values(values))
