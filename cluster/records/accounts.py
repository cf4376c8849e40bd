"""Accounts: who somebody is to the service. Everything that names a person is sealed under the account's key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = ["Account", "accounts", "create", "get", "lock", "raise_epoch"]

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("name_sealed", LargeBinary),
    Column("email_sealed", LargeBinary),
    Column("company_sealed", LargeBinary),
    Column("email_lookup", LargeBinary, index=True),
    Column("known_minor", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("frozen_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('user', 'guest')", name="kind"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account without anything that names a person."""

    id: str
    kind: str
    role: str
    epoch: int
    created_at: datetime


_PUBLIC = (accounts.c.id, accounts.c.kind, accounts.c.role, accounts.c.epoch, accounts.c.created_at)


def create(
    connection: Connection,
    keys: KeyStore,
    *,
    name: str | None = None,
    email: str | None = None,
    company: str | None = None,
) -> Account:
    """Open an account under a key of its own; every detail is optional."""
    account_id = new_id("acct")
    keys.create(account_id)

    def sealed(column: str, value: str | None) -> bytes | None:
        return keys.seal_text(account_id, value, f"accounts.{column}|{account_id}") if value else None

    created_at = clock.now()
    row = {
        "id": account_id,
        "kind": "user",
        "role": "user",
        "epoch": 1,
        "name_sealed": sealed("name", name),
        "email_sealed": sealed("email", email),
        "company_sealed": sealed("company", company),
        "email_lookup": keys.lookup("accounts.email", email.casefold()) if email else None,
        "known_minor": False,
        "created_at": created_at,
    }
    connection.execute(insert(accounts).values(row))
    return Account(account_id, "user", "user", 1, created_at)


def get(connection: Connection, account_id: str) -> Account | None:
    """An open account, or None."""
    return _one(connection, account_id, lock=False)


def lock(connection: Connection, account_id: str) -> Account | None:
    """The same, locked to the end of the transaction: no epoch rises and no consent changes beneath it."""
    return _one(connection, account_id, lock=True)


def raise_epoch(connection: Connection, account_id: str) -> int:
    """Refuse all work begun before now; returns the new epoch."""
    statement = (
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(epoch=accounts.c.epoch + 1)
        .returning(accounts.c.epoch)
    )
    return int(connection.execute(statement).scalar_one())


def _one(connection: Connection, account_id: str, *, lock: bool) -> Account | None:
    query = select(*_PUBLIC).where(accounts.c.id == account_id, accounts.c.closed_at.is_(None))
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    return Account(*row) if row else None
