"""Batches of create requests: whose each is, by which credential it was sent, and when it is looked at next.

What is in a batch is in `cluster.records.video_batch_items`. Whoever changes an item locks its batch first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Select,
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
from cluster.storage.database import metadata

__all__ = [
    "Batch",
    "BatchState",
    "cancel",
    "complete",
    "create",
    "get",
    "listing",
    "lock",
    "new_batch_id",
    "open_count",
    "postpone",
    "remove_all",
    "remove_old",
    "take",
    "video_batches",
]

video_batches = Table(
    "video_batches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    Index("ix_video_batches_account_id_id", "account_id", "id"),
    Index("ix_video_batches_completed_at", "completed_at"),
    Index("ix_video_batches_due_at", "due_at", postgresql_where=text("state = 'in_progress'")),
)


class BatchState(StrEnum):
    """In progress while an item waits; completed once each has its outcome."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands. It acts as the credential that sent it, for as long as that is good."""

    id: str
    account_id: str
    credential_id: str
    state: BatchState
    created_at: datetime
    completed_at: datetime | None


_GOING = video_batches.c.state == BatchState.IN_PROGRESS
_QUERY: Select[Any] = select(*(video_batches.c[name] for name in Batch.__dataclass_fields__))


def create(connection: Connection, batch_id: str, account_id: str, credential_id: str) -> None:
    """Begin a batch, which is due at once; its items belong into the same transaction."""
    sent = {"id": batch_id, "account_id": account_id, "credential_id": credential_id}
    now = clock.now()
    begun = {"state": BatchState.IN_PROGRESS, "created_at": now, "due_at": now}
    connection.execute(insert(video_batches).values(sent | begun))


def get(connection: Connection, account_id: str, batch_id: str) -> Batch | None:
    """A batch of the account, or None."""
    found = _of(connection, _QUERY.where(video_batches.c.id == batch_id, video_batches.c.account_id == account_id))
    return found[0] if found else None


def listing(
    connection: Connection, account_id: str, *, after: str | None, limit: int, order: str
) -> tuple[list[Batch], bool]:
    """A page of the account's batches, by id (which sorts by age), and whether there are more."""
    query, column = _QUERY.where(video_batches.c.account_id == account_id), video_batches.c.id
    if after is not None:
        query = query.where(column > after if order == "asc" else column < after)
    found = _of(connection, query.order_by(column.asc() if order == "asc" else column.desc()).limit(limit + 1))
    return found[:limit], len(found) > limit


def open_count(connection: Connection, account_id: str) -> int:
    """How many batches of the account are in progress."""
    query = select(func.count()).where(video_batches.c.account_id == account_id, _GOING)
    return int(connection.execute(query).scalar_one())


def take(connection: Connection, lease: timedelta) -> Batch | None:
    """Lock the batch that has been due for the longest, and keep others from it for ``lease``; None if none is due."""
    query = _QUERY.where(_GOING, video_batches.c.due_at <= clock.now()).order_by(video_batches.c.due_at)
    found = _of(connection, query.limit(1).with_for_update(skip_locked=True))
    if not found:
        return None
    postpone(connection, found[0].id, lease)
    return found[0]


def postpone(connection: Connection, batch_id: str, pause: timedelta = timedelta()) -> None:
    """Have the batch looked at again after ``pause``, behind all that are due by then."""
    statement = update(video_batches).where(video_batches.c.id == batch_id, _GOING)
    connection.execute(statement.values(due_at=clock.now() + pause))


def lock(connection: Connection, batch_id: str) -> None:
    """Keep the batch's items as they are to the end of the transaction."""
    connection.execute(select(video_batches.c.id).where(video_batches.c.id == batch_id).with_for_update())


def complete(connection: Connection, batch_id: str) -> None:
    """End a batch in progress of which no item waits any more."""
    _end(connection, BatchState.COMPLETED, video_batches.c.id == batch_id, _GOING)


def cancel(connection: Connection, batch_id: str) -> None:
    """End a batch of which no item waits any more; one that was completed before keeps the time of that."""
    _end(connection, BatchState.CANCELLED, video_batches.c.id == batch_id)


def remove_all(connection: Connection, account_id: str) -> None:
    """Remove the account's batches with all that is in them."""
    connection.execute(delete(video_batches).where(video_batches.c.account_id == account_id))


def remove_old(connection: Connection, life: timedelta) -> int:
    """Remove those that ended longer than ``life`` ago, with all that is in them; how many."""
    old = video_batches.c.completed_at < clock.now() - life
    return connection.execute(delete(video_batches).where(old)).rowcount


def new_batch_id() -> str:
    """What a batch is called before it is stored: its items are sealed under it."""
    return new_id("batch")


def _end(connection: Connection, state: BatchState, *which: ColumnElement[bool]) -> None:
    ended_at = func.coalesce(video_batches.c.completed_at, clock.now())
    connection.execute(update(video_batches).where(*which).values(state=state, completed_at=ended_at))


def _of(connection: Connection, query: Select[Any]) -> list[Batch]:
    return [
        Batch(batch_id, account_id, credential_id, BatchState(state), created_at, completed_at)
        for batch_id, account_id, credential_id, state, created_at, completed_at in connection.execute(query)
    ]
