"""Breakers: a recipient that fails again and again is left alone for a while, and nobody's photo is tried on it.

Closed, it counts failures in a row; at the fifth, or at one that meets everybody alike, it opens for a minute. After
that one attempt is let through: if it works the breaker closes, and if not it stays open twice as long as before.
"""

import math
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import CheckConstraint, Column, Connection, DateTime, Integer, Table, Text, select, update
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["admit", "breakers", "failed", "open_until", "worked"]

_IN_A_ROW: Final = 5
_FIRST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(minutes=15)
_PROBE: Final = timedelta(minutes=2)
"""So long at least nobody else is let through beside the one attempt."""

breakers = Table(
    "breakers",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("open_until", DateTime(timezone=True)),
    CheckConstraint("failures >= 0", name="failures"),
)
_b = breakers.c


def failed(connection: Connection, recipient: str, *, everybody: bool = False) -> bool:
    """Count an attempt that failed for no reason of its own; whether that opens the breaker.

    ``everybody``: the next one would meet the same, as where the key is wrong. While the breaker is open nothing is
    counted: what still comes back was sent before, and the one attempt was counted when it was let through.
    """
    now = clock.now()
    connection.execute(insert(breakers).values(recipient=recipient, failures=0).on_conflict_do_nothing())
    failures, until = _locked(connection, recipient)
    if until is not None and until > now:
        return False
    failures = max(failures + 1, _IN_A_ROW if everybody else 0)
    opens = failures >= _IN_A_ROW
    _set(connection, recipient, failures, now + _pause(failures) if opens else None)
    return opens


def worked(connection: Connection, recipient: str) -> None:
    """Close the breaker: the recipient does what it is asked to."""
    statement = update(breakers).where(_b.recipient == recipient, _b.failures > 0)
    connection.execute(statement.values(failures=0, open_until=None))


def admit(connection: Connection, recipient: str) -> datetime | None:
    """Let an attempt through: None. If the breaker is open: until when, at least."""
    now = clock.now()
    failures, until = _locked(connection, recipient)
    if until is None or until > now:
        return until
    _set(connection, recipient, failures + 1, now + max(_PROBE, _pause(failures + 1)))
    return None


def open_until(connection: Connection, recipient: str) -> datetime | None:
    """Until when the breaker is open, or None; nothing is let through by looking."""
    query = select(_b.open_until).where(_b.recipient == recipient, _b.open_until > clock.now())
    until: datetime | None = connection.execute(query).scalar_one_or_none()
    return until


def _locked(connection: Connection, recipient: str) -> tuple[int, datetime | None]:
    """How many failures, and until when it is open; nobody else changes it meanwhile."""
    query = select(_b.failures, _b.open_until).where(_b.recipient == recipient).with_for_update()
    row = connection.execute(query).one_or_none()
    return (row.failures, row.open_until) if row else (0, None)


def _set(connection: Connection, recipient: str, failures: int, until: datetime | None) -> None:
    statement = update(breakers).where(_b.recipient == recipient)
    connection.execute(statement.values(failures=failures, open_until=until))


def _pause(failures: int) -> timedelta:
    return min(_FIRST * math.pow(2, min(failures - _IN_A_ROW, 10)), _LONGEST)
