"""Usage events: what was used and when, written down only for accounts that have agreed to be counted.

An event is written by the transaction that does the thing, which holds the account's lock: a withdrawal comes before
or after both. There is nothing in it of what was made, and nothing of where the account's owner is.
"""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Connection, DateTime, ForeignKey, Table, Text, insert

from cluster import clock
from cluster.ids import new_id
from cluster.privacy.consent import unanswered
from cluster.privacy.purposes import Purpose
from cluster.records import consents
from cluster.storage.database import metadata

__all__ = ["UsageKind", "record", "usage_events"]

usage_events = Table(
    "usage_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('video_created')", name="kind"),
)


class UsageKind(StrEnum):
    """What can be counted. There is no other kind of event."""

    VIDEO_CREATED = "video_created"


def record(connection: Connection, account_id: str, kind: UsageKind, model: str, current: Mapping[str, str]) -> bool:
    """Write an event if the account has agreed to it; returns whether it was written.

    ``current`` maps each purpose to the version of its current notice: a grant for another version counts for nothing.
    """
    if unanswered([Purpose.ANALYTICS], consents.states(connection, account_id, current)):
        return False
    values = {
        "id": new_id("event"),
        "account_id": account_id,
        "kind": kind.value,
        "model": model,
        "recorded_at": clock.now(),
    }
    connection.execute(insert(usage_events).values(values))
    return True
