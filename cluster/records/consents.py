"""The consent ledger: one line for each answer, appended and never changed (a trigger refuses anything else)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from cluster import clock
from cluster.privacy.consent import Answer, ConsentState, state_of
from cluster.storage.database import metadata

__all__ = ["Line", "append", "consents", "history", "latest", "states"]

consents = Table(
    "consents",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("notice_version", ForeignKey("notices.version"), nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Index("ix_consents_account_id_purpose", "account_id", "purpose", "sequence"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One answer as it was given."""

    purpose: str
    notice_version: str
    granted: bool
    recorded_at: datetime


def append(
    connection: Connection, account_id: str, *, purpose: str, notice_version: str, granted: bool, epoch: int
) -> Line:
    """Add an answer. The caller holds the account's lock, so that answers and the work they govern have one order."""
    line = Line(purpose, notice_version, granted, clock.now())
    values = {
        "account_id": account_id,
        "purpose": purpose,
        "notice_version": notice_version,
        "granted": granted,
        "epoch": epoch,
        "recorded_at": line.recorded_at,
    }
    connection.execute(insert(consents).values(values))
    return line


def states(connection: Connection, account_id: str, current: Mapping[str, str]) -> dict[str, ConsentState]:
    """Where the account stands on every purpose that has a notice or an answer.

    ``current`` maps each purpose to the version of its current notice.
    """
    query = (
        select(consents.c.purpose, consents.c.granted, consents.c.notice_version)
        .ext(distinct_on(consents.c.purpose))
        .where(consents.c.account_id == account_id)
        .order_by(consents.c.purpose, consents.c.sequence.desc())
    )
    answers = {row.purpose: Answer(row.granted, row.notice_version) for row in connection.execute(query)}
    return {purpose: state_of(answers.get(purpose), current.get(purpose)) for purpose in {*current, *answers}}


def latest(connection: Connection, account_id: str, purpose: str) -> int | None:
    """The sequence of the account's latest answer for a purpose."""
    query = select(func.max(consents.c.sequence)).where(
        consents.c.account_id == account_id, consents.c.purpose == purpose
    )
    found: int | None = connection.execute(query).scalar_one()
    return found


def history(connection: Connection, account_id: str) -> list[Line]:
    """Every answer of the account, the oldest first."""
    columns = (consents.c.purpose, consents.c.notice_version, consents.c.granted, consents.c.recorded_at)
    query = select(*columns).where(consents.c.account_id == account_id).order_by(consents.c.sequence)
    return [Line(*row) for row in connection.execute(query)]
