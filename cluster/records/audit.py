"""The audit trail: what was done to accounts and to who may use them. Appended by the transaction that does it.

There is no personal data in it: actions come from a closed list, and a detail is an id, a role or another word of a
closed list, never a text.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    insert,
)

from cluster import clock
from cluster.storage.database import metadata

__all__ = ["AuditAction", "append", "audit"]


class AuditAction(StrEnum):
    """What is put on the trail."""

    ACCOUNT_OPENED = "account_opened"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_KEY_DESTROYED = "account_key_destroyed"
    ROLE_CHANGED = "role_changed"
    KNOWN_MINOR_SET = "known_minor_set"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"
    CONSENT_WITHDRAWN_BY_SUPPORT = "consent_withdrawn_by_support"


_ACTIONS = ", ".join(f"'{action}'" for action in AuditAction)

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(f"action IN ({_ACTIONS})", name="action"),
    CheckConstraint("detail ~ '^[0-9a-z_]{1,64}$'", name="detail"),
    Index("ix_audit_account_id_sequence", "account_id", "sequence"),
)


def append(connection: Connection, account_id: str, action: AuditAction, detail: str | None = None) -> None:
    """Add a line. ``detail`` is the id or the role that the action was about, or why it was done."""
    values = {"account_id": account_id, "action": action.value, "detail": detail, "recorded_at": clock.now()}
    connection.execute(insert(audit).values(values))
