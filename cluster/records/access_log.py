"""The access log: every access to an account, by its owner or by a service, written down before it happens.

An owner's entry holds the full address, sealed. A service's entry says what for and for which job. Only with an entry
is there an `Opening`, so that no key opens unrecorded. Entries are appended; the application may not change them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.exc import DBAPIError

from cluster import clock
from cluster.errors import AccessLogUnavailable
from cluster.ids import new_id
from cluster.records.principals import Principal
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = ["Access", "Entry", "access_log", "by_owners", "by_service", "history"]

_SERVICE = "service"

access_log = Table(
    "access_log",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("job_id", Text),
    Column("address_sealed", LargeBinary),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("actor IN ('key', 'session', 'guest', 'service')", name="actor"),
    CheckConstraint("actor = 'service' OR address_sealed IS NOT NULL", name="address"),
    Index("ix_access_log_account_id_id", "account_id", "id"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody about to come in: as whom, from which address, to do what (a method and a route, never a path)."""

    principal: Principal
    address: str
    action: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as the owner of the account may read it. ``address`` is None for services."""

    id: str
    actor: str
    actor_id: str
    action: str
    job_id: str | None
    address: str | None
    recorded_at: datetime


def by_owners(connection: Connection, keys: KeyStore, accesses: Sequence[Access]) -> list[Opening]:
    """Write down accesses by owners, all in one statement; an opening for each, in the same order.

    Raises:
        AccessLogUnavailable: they cannot be written down; so does `by_service`.
    """
    _write(connection, [_owner_row(keys, access) for access in accesses])
    return [Opening(access.principal.account_id, "ingress", access.action) for access in accesses]


def by_service(
    connection: Connection, account_id: str, *, service: str, purpose: str, job_id: str | None = None
) -> Opening:
    """Write down that a service is about to open what is an account's."""
    _write(connection, [_row(account_id, _SERVICE, service, purpose) | {"job_id": job_id}])
    return Opening(account_id, service, purpose, job_id)


def history(
    connection: Connection, keys: KeyStore, opening: Opening, *, after: str | None, limit: int
) -> tuple[list[Entry], bool]:
    """A page of the account's entries, the newest first, and whether there are more."""
    log = access_log.c
    columns = (log.id, log.actor, log.actor_id, log.action, log.job_id, log.address_sealed, log.recorded_at)
    query = select(*columns).where(log.account_id == opening.account_id).order_by(log.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(log.id < after)
    rows = connection.execute(query).all()

    found = []
    for entry_id, actor, actor_id, action, job_id, sealed, recorded_at in rows[:limit]:
        address = keys.open_text(opening, sealed, _context(entry_id)) if sealed else None
        found.append(Entry(entry_id, actor, actor_id, action, job_id, address, recorded_at))
    return found, len(rows) > limit


def _write(connection: Connection, rows: list[dict[str, object]]) -> None:
    try:
        connection.execute(insert(access_log), rows)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise AccessLogUnavailable from error


def _owner_row(keys: KeyStore, access: Access) -> dict[str, object]:
    who = access.principal
    row = _row(who.account_id, who.credential.value, who.credential_id, access.action)
    sealed = keys.seal_text(who.account_id, access.address, _context(str(row["id"])))
    return row | {"address_sealed": sealed}


def _row(account_id: str, actor: str, actor_id: str, action: str) -> dict[str, object]:
    return {
        "id": new_id("access"),
        "account_id": account_id,
        "actor": actor,
        "actor_id": actor_id,
        "action": action,
        "recorded_at": clock.now(),
    }


def _context(entry_id: str) -> str:
    return f"access_log.address|{entry_id}"
