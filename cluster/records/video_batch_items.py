"""The items of a batch: each waits until it became a video, was refused, or is not wanted any more.

What an item asks for and what its sender calls it are sealed; the request goes as soon as the item waits no longer.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    update,
)

from cluster.records import video_batches as batches
from cluster.records.job_states import ACTIVE
from cluster.records.jobs import jobs
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "Item",
    "ItemKey",
    "ItemState",
    "NewItem",
    "active_jobs",
    "add",
    "cancel_waiting",
    "counts",
    "created",
    "custom_id_of",
    "fail",
    "fail_waiting",
    "forget_subject",
    "listing",
    "request_of",
    "seal",
    "upcoming",
    "video_batch_items",
]

video_batch_items = Table(
    "video_batch_items",
    metadata,
    Column("batch_id", ForeignKey("video_batches.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("request_sealed", LargeBinary),
    Column("custom_id_sealed", LargeBinary),
    Column("subject_lookup", LargeBinary),
    Column("job_id", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Index("ix_video_batch_items_waiting", "batch_id", "position", postgresql_where=text("state = 'waiting'")),
    Index("ix_video_batch_items_subject_lookup", "subject_lookup", postgresql_where=text("subject_lookup IS NOT NULL")),
)

_i = video_batch_items.c


class ItemState(StrEnum):
    """Every state but the first is an outcome, and stays."""

    WAITING = "waiting"
    CREATED = "created"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewItem:
    """What is asked for, as JSON; what its sender calls it; and what its subject is found by, if it has one."""

    request: str
    custom_id: str | None
    subject_lookup: bytes | None


@dataclass(frozen=True, slots=True)
class ItemKey:
    """Which item of which batch."""

    batch_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it stands."""

    batch_id: str
    position: int
    state: ItemState
    custom_id_sealed: bytes | None
    job_id: str | None
    error_code: str | None
    error_message: str | None


def seal(keys: KeyStore, account_id: str, batch_id: str, wanted: Iterable[NewItem]) -> list[dict[str, Any]]:
    """The rows of a new batch's items, in their order."""
    return [
        {
            "batch_id": batch_id,
            "position": position,
            "state": ItemState.WAITING,
            "request_sealed": keys.seal_text(account_id, new.request, _context("request", batch_id, position)),
            "custom_id_sealed": None
            if new.custom_id is None
            else keys.seal_text(account_id, new.custom_id, _context("custom_id", batch_id, position)),
            "subject_lookup": new.subject_lookup,
        }
        for position, new in enumerate(wanted)
    ]


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what `seal` made."""
    connection.execute(insert(video_batch_items), list(rows))


def upcoming(connection: Connection, batch_id: str) -> tuple[ItemKey, bytes]:
    """The next waiting item of a batch in progress that is locked, and its sealed request."""
    waits = (_i.batch_id == batch_id, _i.state == ItemState.WAITING)
    query = select(_i.position, _i.request_sealed).where(*waits).order_by(_i.position).limit(1)
    position, sealed = connection.execute(query).one()
    return ItemKey(batch_id, position), sealed


def request_of(keys: KeyStore, opening: Opening, key: ItemKey, sealed: bytes) -> str:
    """Open what an item asks for."""
    return keys.open_text(opening, sealed, _context("request", key.batch_id, key.position))


def custom_id_of(keys: KeyStore, opening: Opening, item: Item) -> str | None:
    """Open what its sender calls an item."""
    if item.custom_id_sealed is None:
        return None
    return keys.open_text(opening, item.custom_id_sealed, _context("custom_id", item.batch_id, item.position))


def created(connection: Connection, key: ItemKey, job_id: str) -> bool:
    """Note in the transaction that makes the job that an item became it; False if the item waits no longer."""
    return _ended(connection, key, state=ItemState.CREATED, job_id=job_id)


def fail(connection: Connection, key: ItemKey, code: str, message: str) -> None:
    """Note that an item was refused, if it still waits."""
    _ended(connection, key, state=ItemState.FAILED, error_code=code, error_message=message)


def fail_waiting(connection: Connection, batch_id: str, code: str, message: str) -> None:
    """Refuse whatever still waits, which completes the batch."""
    batches.lock(connection, batch_id)
    _end_all(connection, batch_id, state=ItemState.FAILED, error_code=code, error_message=message)
    batches.complete(connection, batch_id)


def cancel_waiting(connection: Connection, batch_id: str) -> int:
    """Let go of whatever still waits; how many items that were."""
    batches.lock(connection, batch_id)
    return _end_all(connection, batch_id, state=ItemState.CANCELLED)


def active_jobs(connection: Connection, batch_id: str) -> list[str]:
    """The jobs that items became and that have not ended."""
    query = select(jobs.c.id).join(video_batch_items, _i.job_id == jobs.c.id)
    return list(connection.execute(query.where(_i.batch_id == batch_id, jobs.c.state.in_(ACTIVE))).scalars())


def forget_subject(connection: Connection, account_id: str, subject_lookup: bytes) -> None:
    """Let go of the waiting items of a subject, and forget what the others were called."""
    of_subject = (_i.subject_lookup == subject_lookup, batches.video_batches.c.account_id == account_id)
    query = select(_i.batch_id).distinct().join(batches.video_batches).where(*of_subject).order_by(_i.batch_id)
    for batch_id in connection.execute(query).scalars().all():
        batches.lock(connection, batch_id)
        mine = update(video_batch_items).where(_i.batch_id == batch_id, _i.subject_lookup == subject_lookup)
        connection.execute(
            mine.where(_i.state == ItemState.WAITING).values(state=ItemState.CANCELLED, request_sealed=None)
        )
        connection.execute(mine.values(custom_id_sealed=None, subject_lookup=None))
        _go_on(connection, batch_id)


def counts(connection: Connection, batch_ids: Collection[str]) -> dict[str, dict[ItemState, int]]:
    """How many items of each batch are in each state; states of none are left out."""
    found: dict[str, dict[ItemState, int]] = {batch_id: {} for batch_id in batch_ids}
    query = select(_i.batch_id, _i.state, func.count()).where(_i.batch_id.in_(batch_ids))
    for batch_id, state, number in connection.execute(query.group_by(_i.batch_id, _i.state)):
        found[batch_id][ItemState(state)] = number
    return found


def listing(connection: Connection, batch_id: str, *, after: int | None, limit: int) -> tuple[list[Item], bool]:
    """A page of a batch's items in their order, and whether there are more."""
    query = select(*(_i[name] for name in Item.__dataclass_fields__)).where(_i.batch_id == batch_id)
    if after is not None:
        query = query.where(_i.position > after)
    rows = connection.execute(query.order_by(_i.position).limit(limit + 1)).all()
    found = [Item(row[0], row[1], ItemState(row[2]), *row[3:]) for row in rows]
    return found[:limit], len(found) > limit


def _ended(connection: Connection, key: ItemKey, **outcome: Any) -> bool:
    """Give a waiting item its outcome; the batch goes on, or is completed."""
    batches.lock(connection, key.batch_id)
    if not _end_all(connection, key.batch_id, key.position, **outcome):
        return False
    _go_on(connection, key.batch_id)
    return True


def _end_all(connection: Connection, batch_id: str, position: int | None = None, **outcome: Any) -> int:
    statement = update(video_batch_items).where(_i.batch_id == batch_id, _i.state == ItemState.WAITING)
    if position is not None:
        statement = statement.where(_i.position == position)
    return connection.execute(statement.values(request_sealed=None, **outcome)).rowcount


def _go_on(connection: Connection, batch_id: str) -> None:
    """Have a batch in progress looked at for its next item, or completed if there is none."""
    waits = select(_i.position).where(_i.batch_id == batch_id, _i.state == ItemState.WAITING).limit(1)
    if connection.execute(waits).one_or_none() is not None:
        batches.postpone(connection, batch_id)
    else:
        batches.complete(connection, batch_id)


def _context(column: str, batch_id: str, position: int) -> str:
    return f"video_batch_items.{column}|{batch_id}|{position}"
