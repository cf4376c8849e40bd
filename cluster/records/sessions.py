"""Sessions: a login that lasts a while. A guest's token is a session too, the only one that the guest ever has."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id, secret_token
from cluster.records.accounts import accounts, is_open
from cluster.records.principals import EVERY_SCOPE, GUEST_SCOPES, Credential, Principal, Role
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = [
    "PREFIX",
    "Session",
    "alive",
    "authenticate",
    "create",
    "lookup",
    "named",
    "revoke",
    "revoke_others",
    "sessions",
]

PREFIX = "i2vs"

T = TypeVar("T")

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("token_lookup", LargeBinary, nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("logged_in_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
)

_LIVE = (sessions.c.revoked_at.is_(None), is_open())


@dataclass(frozen=True, slots=True)
class Session:
    """A session without its token."""

    id: str
    account_id: str
    logged_in_at: datetime | None
    expires_at: datetime


def lookup(keys: KeyStore, token: str) -> bytes:
    """What a token is found by."""
    return keys.lookup("sessions.token", token)


def create(
    connection: Connection, keys: KeyStore, account_id: str, *, life: timedelta, is_login: bool
) -> tuple[Session, str]:
    """Begin a session; the second value is the token and exists nowhere else.

    ``is_login``: the owner has just proved who they are, by more than a key that lies in some program's files.
    """
    now, token = clock.now(), secret_token(PREFIX)
    session = Session(new_id("session"), account_id, now if is_login else None, now + life)
    values = {name: getattr(session, name) for name in Session.__dataclass_fields__}
    connection.execute(insert(sessions).values(values | {"token_lookup": lookup(keys, token), "created_at": now}))
    return session, token


def authenticate(connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Principal]:
    """The open accounts behind these tokens; those that lead nowhere are left out."""
    return _principals(connection, sessions.c.token_lookup, lookups)


def named(connection: Connection, session_ids: Collection[str]) -> dict[str, Principal]:
    """The same by the sessions' ids, for what was signed in the name of one."""
    return _principals(connection, sessions.c.id, session_ids)


def _principals(connection: Connection, column: Column[T], values: Collection[T]) -> dict[T, Principal]:
    s = sessions.c
    columns = (column, s.account_id, s.id, s.logged_in_at, accounts.c.kind, accounts.c.epoch, accounts.c.role)
    query = select(*columns).join(accounts).where(column.in_(values), s.expires_at > clock.now(), *_LIVE)
    found = {}
    for name, account_id, session_id, logged_in_at, kind, epoch, role in connection.execute(query):
        guest = kind == "guest"
        credential, scopes = (Credential.GUEST, GUEST_SCOPES) if guest else (Credential.SESSION, EVERY_SCOPE)
        login = clock.now() if guest else logged_in_at
        found[name] = Principal(account_id, credential, session_id, scopes, epoch, Role(role), login)
    return found


def alive(connection: Connection, session_ids: Collection[str]) -> set[str]:
    """Those of these sessions that are still good."""
    query = select(sessions.c.id).join(accounts)
    query = query.where(sessions.c.id.in_(session_ids), sessions.c.expires_at > clock.now(), *_LIVE)
    return set(connection.execute(query).scalars())


def revoke(connection: Connection, account_id: str, session_id: str) -> bool:
    """End a session at once; False if the account has no such live one."""
    wanted = (sessions.c.id == session_id, sessions.c.account_id == account_id, sessions.c.revoked_at.is_(None))
    return connection.execute(update(sessions).where(*wanted).values(revoked_at=clock.now())).rowcount == 1


def revoke_others(connection: Connection, account_id: str, kept: str | None) -> int:
    """End every live session of an account but ``kept``; returns how many."""
    wanted = [sessions.c.account_id == account_id, sessions.c.revoked_at.is_(None)]
    if kept is not None:
        wanted.append(sessions.c.id != kept)
    return connection.execute(update(sessions).where(*wanted).values(revoked_at=clock.now())).rowcount
