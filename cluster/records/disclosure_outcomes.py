"""What became of each disclosure: the second half of the record, as append-only as the first.

A disclosure without an outcome is one whose sender died: nobody knows how much of it has left.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Table,
    Text,
    exists,
    insert,
    select,
)

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["Outcome", "Recorded", "disclosure_outcomes", "nothing_left", "of", "record"]


class Outcome(StrEnum):
    """How the sending went."""

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    CUT = "cut"
    LOST = "lost"


disclosure_outcomes = Table(
    "disclosure_outcomes",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("disclosure", BigInteger, nullable=False, unique=True),
    Column("outcome", Text, nullable=False),
    Column("sent_bytes", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("outcome IN ('answered', 'not_sent', 'cut', 'lost')", name="outcome"),
    CheckConstraint("sent_bytes >= 0", name="sent_bytes"),
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome of one disclosure; ``sent_bytes`` is how many bytes were handed to the network at most."""

    outcome: Outcome
    sent_bytes: int
    recorded_at: datetime


def record(connection: Connection, account_id: str, disclosure: int, outcome: Outcome, sent_bytes: int) -> None:
    """Write down how a sending went."""
    values = {
        "account_id": account_id,
        "disclosure": disclosure,
        "outcome": outcome.value,
        "sent_bytes": sent_bytes,
        "recorded_at": clock.now(),
    }
    connection.execute(insert(disclosure_outcomes).values(values))


def nothing_left(disclosure: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that nothing was sent after all of what a line of the record says."""
    o = disclosure_outcomes.c
    return exists().where(o.disclosure == disclosure, o.outcome == Outcome.NOT_SENT.value)


def of(connection: Connection, disclosures: Collection[int]) -> dict[int, Recorded]:
    """The outcomes of these disclosures, of those that have one."""
    o = disclosure_outcomes.c
    query = select(o.disclosure, o.outcome, o.sent_bytes, o.recorded_at).where(o.disclosure.in_(disclosures))
    return {row[0]: Recorded(Outcome(row[1]), row[2], row[3]) for row in connection.execute(query)}
