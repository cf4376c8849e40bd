"""Webhook endpoints: where an account wants to be told how its jobs end. URL, name and secrets are sealed."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    LargeBinary,
    Row,
    Table,
    Text,
    any_,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "SECRET_OVERLAP",
    "Endpoint",
    "count",
    "create",
    "disable",
    "forget_old",
    "get",
    "listing",
    "name_of",
    "remove",
    "remove_all",
    "rotate_secret",
    "secrets_of",
    "subscribed",
    "url_of",
    "verify",
    "webhook_endpoints",
]

SECRET_OVERLAP = timedelta(hours=24)
"""How long a secret that was replaced still signs, beside the new one."""

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("url_sealed", LargeBinary, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("secret_hint", Text, nullable=False),
    Column("previous_secret_sealed", LargeBinary),
    Column("previous_until", DateTime(timezone=True)),
    Column("events", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("verified_at", DateTime(timezone=True)),
    Column("disabled_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it stands. It gets nothing before its URL was found to be allowed, nor once it is disabled."""

    id: str
    account_id: str
    name_sealed: bytes
    url_sealed: bytes
    secret_sealed: bytes
    secret_hint: str
    previous_secret_sealed: bytes | None
    previous_until: datetime | None
    events: Sequence[str]
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None


_COLUMNS = tuple(webhook_endpoints.c[name] for name in Endpoint.__dataclass_fields__)
_verified = webhook_endpoints.c.verified_at.is_not(None)


def create(
    connection: Connection, keys: KeyStore, account_id: str, *, url: str, name: str, events: Sequence[str]
) -> tuple[str, str]:
    """Note an endpoint down; `verify` makes it one. The second value is its secret, which is shown only now."""
    endpoint_id, now = new_id("we"), clock.now()
    secret, sealed = _new_secret(keys, account_id, endpoint_id)
    values = sealed | {
        "id": endpoint_id,
        "account_id": account_id,
        "name_sealed": keys.seal_text(account_id, name, _context("name", endpoint_id)),
        "url_sealed": keys.seal_text(account_id, url, _context("url", endpoint_id)),
        "events": list(events),
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(insert(webhook_endpoints).values(values))
    return endpoint_id, secret


def verify(connection: Connection, endpoint_id: str) -> None:
    """Its URL is allowed: from now on it is told of what happens."""
    _change(connection, webhook_endpoints.c.id == endpoint_id, verified_at=clock.now())


def disable(connection: Connection, endpoint_id: str) -> None:
    """Send nothing more: its host said that it is gone."""
    _change(connection, webhook_endpoints.c.id == endpoint_id, disabled_at=clock.now())


def count(connection: Connection, account_id: str) -> int:
    """How many endpoints the account has, those that are still being checked included."""
    query = select(func.count()).where(webhook_endpoints.c.account_id == account_id)
    return int(connection.execute(query).scalar_one())


def get(connection: Connection, endpoint_id: str, account_id: str | None = None) -> Endpoint | None:
    """A verified endpoint; with ``account_id``, only if it is that account's. Without, unverified ones as well."""
    query = select(*_COLUMNS).where(webhook_endpoints.c.id == endpoint_id)
    if account_id is not None:
        query = query.where(webhook_endpoints.c.account_id == account_id, _verified)
    row = connection.execute(query).one_or_none()
    return _endpoint(row) if row else None


def listing(connection: Connection, account_id: str, *, after: str | None, limit: int) -> tuple[list[Endpoint], bool]:
    """A page of the account's endpoints, the newest first, and whether there are more."""
    query = select(*_COLUMNS).where(webhook_endpoints.c.account_id == account_id, _verified)
    if after is not None:
        query = query.where(webhook_endpoints.c.id < after)
    rows = connection.execute(query.order_by(webhook_endpoints.c.id.desc()).limit(limit + 1))
    found = [_endpoint(row) for row in rows]
    return found[:limit], len(found) > limit


def subscribed(connection: Connection, account_id: str, event: str) -> Sequence[str]:
    """The endpoints of the account that want to be told of this."""
    query = select(webhook_endpoints.c.id).where(
        webhook_endpoints.c.account_id == account_id,
        literal(event) == any_(webhook_endpoints.c.events),
        webhook_endpoints.c.disabled_at.is_(None),
        _verified,
    )
    return connection.execute(query).scalars().all()


def remove(connection: Connection, endpoint_id: str, account_id: str) -> bool:
    """Forget an endpoint with its deliveries; False if the account has none of that id."""
    statement = delete(webhook_endpoints).where(
        webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.account_id == account_id
    )
    return connection.execute(statement).rowcount == 1


def remove_all(connection: Connection, account_id: str) -> None:
    """Forget every endpoint of an account with their deliveries."""
    connection.execute(delete(webhook_endpoints).where(webhook_endpoints.c.account_id == account_id))


def rotate_secret(connection: Connection, keys: KeyStore, endpoint: Endpoint, *, keep_old: bool) -> str:
    """Replace the secret; the old one goes on signing for `SECRET_OVERLAP` beside it, or ends at once."""
    secret, sealed = _new_secret(keys, endpoint.account_id, endpoint.id)
    now = clock.now()
    values = sealed | {
        "previous_secret_sealed": endpoint.secret_sealed if keep_old else None,
        "previous_until": now + SECRET_OVERLAP if keep_old else None,
        "updated_at": now,
    }
    _change(connection, webhook_endpoints.c.id == endpoint.id, **values)
    return secret


def forget_old(connection: Connection, unverified_life: timedelta) -> None:
    """Remove secrets whose overlap is over, and endpoints whose check never ended."""
    now = clock.now()
    gone = {"previous_secret_sealed": None, "previous_until": None}
    _change(connection, webhook_endpoints.c.previous_until <= now, **gone)
    unfinished = ~_verified, webhook_endpoints.c.created_at < now - unverified_life
    connection.execute(delete(webhook_endpoints).where(*unfinished))


def url_of(keys: KeyStore, opening: Opening, endpoint: Endpoint) -> str:
    """Open the URL."""
    return keys.open_text(opening, endpoint.url_sealed, _context("url", endpoint.id))


def name_of(keys: KeyStore, opening: Opening, endpoint: Endpoint) -> str:
    """Open the name that its owner gave it."""
    return keys.open_text(opening, endpoint.name_sealed, _context("name", endpoint.id))


def secrets_of(keys: KeyStore, opening: Opening, endpoint: Endpoint) -> list[str]:
    """Open the secrets that sign at this moment, the newest first."""
    sealed = [endpoint.secret_sealed]
    if endpoint.previous_secret_sealed and endpoint.previous_until and endpoint.previous_until > clock.now():
        sealed.append(endpoint.previous_secret_sealed)
    return [keys.open_text(opening, each, _context("secret", endpoint.id)) for each in sealed]


def _new_secret(keys: KeyStore, account_id: str, endpoint_id: str) -> tuple[str, dict[str, Any]]:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    sealed = keys.seal_text(account_id, secret, _context("secret", endpoint_id))
    return secret, {"secret_sealed": sealed, "secret_hint": secret[-5:-1]}


def _change(connection: Connection, wanted: ColumnElement[bool], **values: Any) -> None:
    connection.execute(update(webhook_endpoints).where(wanted).values(values))


def _endpoint(row: Row[*tuple[Any, ...]]) -> Endpoint:
    return Endpoint(*row)


def _context(column: str, endpoint_id: str) -> str:
    return f"webhook_endpoints.{column}|{endpoint_id}"
