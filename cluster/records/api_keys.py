"""API keys: shown once, stored only as a keyed hash. What a key is called is its owner's text, and sealed.

A key that was revoked, that has expired or that never was is the same: nobody learns which by trying it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    LargeBinary,
    Select,
    Table,
    Text,
    insert,
    or_,
    select,
    text,
    update,
)

from cluster import clock
from cluster.ids import new_id, secret_token
from cluster.records import audit
from cluster.records.accounts import accounts, is_open
from cluster.records.audit import AuditAction
from cluster.records.principals import EVERY_SCOPE, Credential, Principal, Role
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "ApiKey",
    "alive",
    "api_keys",
    "authenticate",
    "create",
    "get",
    "listing",
    "lookup",
    "name_of",
    "named",
    "revoke",
    "revoke_others",
]

_PREFIX = "i2v"
_LOOKUP = "api_keys.token"

T = TypeVar("T")

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("token_lookup", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("spending_cap", BigInteger),
    Column("spent", BigInteger, nullable=False, server_default=text("0")),
    Column("name_sealed", LargeBinary),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("spending_cap >= 0", name="spending_cap"),
    CheckConstraint("spent >= 0", name="spent"),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner may see it again: never the key itself. Caps and spending are in credits."""

    id: str
    account_id: str
    hint: str
    name_sealed: bytes | None
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    spending_cap: int | None
    spent: int


_COLUMNS = tuple(api_keys.c[name] for name in ApiKey.__dataclass_fields__)


def create(
    connection: Connection,
    keys: KeyStore,
    account_id: str,
    *,
    scopes: Sequence[str] = EVERY_SCOPE,
    name: str | None = None,
    expires_at: datetime | None = None,
    spending_cap: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the secret and exists nowhere else."""
    token, key_id = secret_token(_PREFIX), new_id("key")
    sealed = keys.seal_text(account_id, name, _name_context(key_id)) if name else None
    key = ApiKey(key_id, account_id, token[-4:], sealed, list(scopes), clock.now(), expires_at, spending_cap, 0)
    values = {field: getattr(key, field) for field in ApiKey.__dataclass_fields__}
    connection.execute(insert(api_keys).values(values | {"token_lookup": keys.lookup(_LOOKUP, token)}))
    audit.append(connection, account_id, AuditAction.API_KEY_MADE, key_id)
    return key, token


def lookup(keys: KeyStore, token: str) -> bytes:
    """What a key is found by."""
    return keys.lookup(_LOOKUP, token)


def name_of(keys: KeyStore, opening: Opening, key: ApiKey) -> str | None:
    """Open what the owner called the key."""
    return keys.open_text(opening, key.name_sealed, _name_context(key.id)) if key.name_sealed else None


def authenticate(connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Principal]:
    """The open accounts behind these keys; those that lead nowhere are left out."""
    return _principals(connection, api_keys.c.token_lookup, lookups)


def named(connection: Connection, key_ids: Collection[str]) -> dict[str, Principal]:
    """The same by the keys' ids, for what was signed in the name of one."""
    return _principals(connection, api_keys.c.id, key_ids)


def alive(connection: Connection, key_ids: Collection[str]) -> set[str]:
    """Those of these keys that are still good."""
    query = select(api_keys.c.id).join(accounts).where(api_keys.c.id.in_(key_ids), *_live())
    return set(connection.execute(query).scalars())


def get(connection: Connection, account_id: str, key_id: str) -> ApiKey | None:
    """A key of the account that was not revoked, locked against being revoked before the transaction ends."""
    query = _kept(account_id).where(api_keys.c.id == key_id).with_for_update(read=True)
    row = connection.execute(query).one_or_none()
    return ApiKey(*row) if row else None


def listing(connection: Connection, account_id: str) -> list[ApiKey]:
    """The keys of an account that were not revoked, the oldest first."""
    return [ApiKey(*row) for row in connection.execute(_kept(account_id).order_by(api_keys.c.id))]


def revoke(connection: Connection, account_id: str, key_id: str) -> bool:
    """End a key at once and forget its name; False if the account has no such live key."""
    return _revoke(connection, account_id, api_keys.c.id == key_id) == 1


def revoke_others(connection: Connection, account_id: str, kept: str | None) -> int:
    """End every live key of an account but ``kept`` and forget their names; returns how many."""
    return _revoke(connection, account_id, *([] if kept is None else [api_keys.c.id != kept]))


def _principals(connection: Connection, column: Column[T], values: Collection[T]) -> dict[T, Principal]:
    k = api_keys.c
    query = select(column, k.account_id, k.id, k.scopes, accounts.c.epoch, accounts.c.role)
    rows = connection.execute(query.join(accounts).where(column.in_(values), *_live()))
    return {row[0]: Principal(row[1], Credential.KEY, row[2], tuple(row[3]), row[4], Role(row[5])) for row in rows}


def _revoke(connection: Connection, account_id: str, *which: ColumnElement[bool]) -> int:
    wanted = (api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None), *which)
    statement = update(api_keys).where(*wanted).values(revoked_at=clock.now(), name_sealed=None)
    revoked = list(connection.execute(statement.returning(api_keys.c.id)).scalars())
    for key_id in revoked:
        audit.append(connection, account_id, AuditAction.API_KEY_REVOKED, key_id)
    return len(revoked)


def _live() -> tuple[ColumnElement[bool], ...]:
    unexpired = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > clock.now())
    return api_keys.c.revoked_at.is_(None), unexpired, is_open()


def _kept(account_id: str) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None))


def _name_context(key_id: str) -> str:
    return f"api_keys.name|{key_id}"
