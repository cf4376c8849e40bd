"""API keys: shown once, stored only as a keyed hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
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
    update,
)

from cluster import clock
from cluster.ids import new_id, secret_token
from cluster.records.accounts import accounts
from cluster.records.principals import EVERY_SCOPE, Credential, Principal, Role
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = ["ApiKey", "alive", "api_keys", "authenticate", "create", "listing", "revoke"]

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


def authenticate(connection: Connection, keys: KeyStore, token: str) -> Principal | None:
    """The account behind a key that is neither revoked nor expired, or None."""
    query = _live().where(api_keys.c.token_lookup == keys.lookup(_LOOKUP, token))
    row = connection.execute(query).one_or_none()
    return Principal(row[0], Credential.KEY, row[1], tuple(row[2]), row[3], Role(row[4])) if row else None


def alive(connection: Connection, principal: Principal) -> bool:
    """Whether the key and the account by which somebody came in are still good."""
    return connection.execute(_live().where(api_keys.c.id == principal.credential_id)).one_or_none() is not None


def _live() -> Select[str, str, Sequence[str], int, str]:
    return (
        select(accounts.c.id, api_keys.c.id, api_keys.c.scopes, accounts.c.epoch, accounts.c.role)
        .join(accounts, accounts.c.id == api_keys.c.account_id)
        .where(
            api_keys.c.revoked_at.is_(None),
            or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > clock.now()),
            accounts.c.closed_at.is_(None),
            accounts.c.frozen_at.is_(None),
        )
    )


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
