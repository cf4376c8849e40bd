"""Allowances: how many requests of each kind an account may still make, the same for every replica.

An allowance is full for whoever asks seldom; each request takes one from it, and it fills up again evenly, its whole
limit in a minute. One instant says it all: when it will be full. Requests that are refused take nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    Row,
    Table,
    Text,
    case,
    delete,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["Allowance", "RequestKind", "Taken", "allowances", "remove_full", "take"]

PERIOD: Final = timedelta(minutes=1)
_ROUNDING: Final = 0.01
"""Instants are kept to the microsecond, so a whole number of requests can look like a hair less."""


class RequestKind(StrEnum):
    """What a request costs most: a body that is read, an answer that takes long, or neither."""

    CREATE = "create"
    READ = "read"
    STREAM = "stream"


allowances = Table(
    "allowances",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("full_at", DateTime(timezone=True), nullable=False),
    Column("granted", Integer, nullable=False),
    CheckConstraint("kind IN ('create', 'read', 'stream')", name="kind"),
    postgresql_with={"fillfactor": "50"},
)

Spender = tuple[str, RequestKind]
"""An account, and what it wants to do."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request: ``remaining`` of ``limit``, whole again in ``reset`` seconds."""

    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class Taken:
    """How many requests were granted, what is left, and the seconds until there is one more."""

    granted: int
    left: Allowance
    wait: float


def take(
    connection: Connection, wanted: Mapping[Spender, int], limits: Mapping[RequestKind, int]
) -> dict[Spender, Taken]:
    """Take so many requests of each account and kind, or as many of them as there are, in one statement.

    Everybody takes them in one order: transactions that want the same ones wait for each other and do not collide.
    """
    now = clock.now()
    rows = [
        {
            "account_id": account_id,
            "kind": kind,
            "granted": min(number, limits[kind]),
            "full_at": now + min(number, limits[kind]) * (PERIOD / limits[kind]),
        }
        for (account_id, kind), number in sorted(wanted.items())
    ]
    if not rows:
        return {}
    written = connection.execute(_statement(insert(allowances).values(rows), now, limits))
    return {(row.account_id, RequestKind(row.kind)): _taken(row, now, limits) for row in written}


def remove_full(connection: Connection) -> int:
    """Forget those who have asked for nothing in a while; returns how many."""
    return connection.execute(delete(allowances).where(allowances.c.full_at <= clock.now() - PERIOD)).rowcount


def _statement(adding: Insert, now: datetime, limits: Mapping[RequestKind, int]) -> Any:
    costs = {kind: PERIOD / limit for kind, limit in limits.items()}
    cost = case(*((adding.excluded.kind == kind, literal(each)) for kind, each in costs.items()))
    begun = func.greatest(allowances.c.full_at, now)
    room: ColumnElement[Any] = func.extract("epoch", now + PERIOD - begun) / func.extract("epoch", cost)
    granted = func.least(adding.excluded.granted, func.floor(room + _ROUNDING))
    return adding.on_conflict_do_update(
        index_elements=[allowances.c.account_id, allowances.c.kind],
        set_={"granted": granted, "full_at": begun + granted * cost},
    ).returning(*allowances.c)


def _taken(row: Row[Any], now: datetime, limits: Mapping[RequestKind, int]) -> Taken:
    limit = limits[RequestKind(row.kind)]
    cost, reset = PERIOD / limit, max(timedelta(0), row.full_at - now)
    left = max(0, int((PERIOD - reset) / cost + _ROUNDING))
    wait = max(timedelta(milliseconds=1), reset + cost - PERIOD)
    return Taken(row.granted, Allowance(limit, left, reset.total_seconds()), wait.total_seconds())
