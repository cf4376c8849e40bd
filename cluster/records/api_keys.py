"""API keys: shown once, stored only as a keyed hash."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    insert,
    or_,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id, secret_token
from cluster.records.accounts import accounts, is_open
from cluster.records.principals import EVERY_SCOPE, Credential, Principal, Role
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = ["ApiKey", "alive", "api_keys", "authenticate", "create", "listing", "lookup", "revoke", "revoke_others"]

_PREFIX = "i2v"
_LOOKUP = "api_keys.token"

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("token_lookup", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("spending_cap", BigInteger),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner may see it again: never the key itself."""

    id: str
    hint: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None


def create(
    connection: Connection, keys: KeyStore, account_id: str, *, scopes: Sequence[str] = EVERY_SCOPE
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the secret and exists nowhere else."""
    token = secret_token(_PREFIX)
    key = ApiKey(new_id("key"), token[-4:], list(scopes), clock.now(), None)
    values = {
        "id": key.id,
        "account_id": account_id,
        "token_lookup": keys.lookup(_LOOKUP, token),
        "hint": key.hint,
        "scopes": key.scopes,
        "created_at": key.created_at,
    }
    connection.execute(insert(api_keys).values(values))
    return key, token


def lookup(keys: KeyStore, token: str) -> bytes:
    """What a key is found by."""
    return keys.lookup(_LOOKUP, token)


def authenticate(connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Principal]:
    """The open accounts behind these keys; those that lead nowhere are left out."""
    k = api_keys.c
    query = select(k.token_lookup, k.account_id, k.id, k.scopes, accounts.c.epoch, accounts.c.role)
    rows = connection.execute(query.join(accounts).where(k.token_lookup.in_(lookups), *_live()))
    return {row[0]: Principal(row[1], Credential.KEY, row[2], tuple(row[3]), row[4], Role(row[5])) for row in rows}


def alive(connection: Connection, key_ids: Collection[str]) -> set[str]:
    """Those of these keys that are still good."""
    query = select(api_keys.c.id).join(accounts).where(api_keys.c.id.in_(key_ids), *_live())
    return set(connection.execute(query).scalars())


def listing(connection: Connection, account_id: str) -> list[ApiKey]:
    """The live keys of an account, the oldest first."""
    columns = (api_keys.c.id, api_keys.c.hint, api_keys.c.scopes, api_keys.c.created_at, api_keys.c.expires_at)
    query = (
        select(*columns)
        .where(api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.id)
    )
    return [ApiKey(*row) for row in connection.execute(query)]


def revoke(connection: Connection, account_id: str, key_id: str) -> bool:
    """End a key at once; False if the account has no such live key."""
    statement = (
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    return connection.execute(statement).rowcount == 1


def revoke_others(connection: Connection, account_id: str, kept: str | None) -> int:
    """End every live key of an account but ``kept``; returns how many."""
    wanted = [api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None)]
    if kept is not None:
        wanted.append(api_keys.c.id != kept)
    return connection.execute(update(api_keys).where(*wanted).values(revoked_at=clock.now())).rowcount


def _live() -> tuple[ColumnElement[bool], ...]:
    unexpired = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > clock.now())
    return api_keys.c.revoked_at.is_(None), unexpired, is_open()
