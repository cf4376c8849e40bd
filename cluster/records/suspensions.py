"""Recipients that get nothing any more, whatever the settings say: off-boarding begins with a row here."""

from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["is_suspended", "lift", "since", "suspend", "suspensions"]

suspensions = Table(
    "suspensions",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("suspended_at", DateTime(timezone=True), nullable=False),
)


def suspend(connection: Connection, recipient: str) -> None:
    """Let nothing go to a recipient from now on; harmless when repeated."""
    values = {"recipient": recipient, "suspended_at": clock.now()}
    connection.execute(insert(suspensions).values(values).on_conflict_do_nothing())


def lift(connection: Connection, recipient: str) -> bool:
    """Take that back; whether it was so."""
    return connection.execute(delete(suspensions).where(suspensions.c.recipient == recipient)).rowcount == 1


def is_suspended(connection: Connection, recipient: str) -> bool:
    """Whether nothing may go to a recipient."""
    return since(connection, recipient) is not None


def since(connection: Connection, recipient: str) -> datetime | None:
    """Since when, or None if it may."""
    found: datetime | None = connection.execute(
        select(suspensions.c.suspended_at).where(suspensions.c.recipient == recipient)
    ).scalar_one_or_none()
    return found
