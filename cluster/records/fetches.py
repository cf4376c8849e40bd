"""Fetches: photos that the service is asked to read from a URL.

The ingress writes a row and hands on its id; what opens the connection reads the URL from it and writes the outcome
into it, and the URL is gone with the outcome.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id
from cluster.records import access_log
from cluster.records.accounts import accounts, is_open
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore

__all__ = ["Fetch", "announce", "begin", "count", "end", "fail", "fetches", "forget", "get", "remove_expired"]

fetches = Table(
    "fetches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("url_sealed", LargeBinary),
    Column("state", Text, nullable=False),
    Column("error_code", Text),
    Column("media_id", ForeignKey("media.id", ondelete="SET NULL"), index=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
)


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a fetch stands; ``media_id`` is what it brought, ``error_code`` why it brought nothing."""

    id: str
    account_id: str
    state: str
    error_code: str | None
    media_id: str | None


_COLUMNS = tuple(fetches.c[name] for name in Fetch.__dataclass_fields__)


def announce(connection: Connection, keys: KeyStore, account_id: str, url: str, life: timedelta) -> str:
    """Ask for a URL to be read; returns the id by which that is done."""
    fetch_id, now = new_id("fetch"), clock.now()
    values = {
        "id": fetch_id,
        "account_id": account_id,
        "url_sealed": keys.seal_text(account_id, url, _context(fetch_id)),
        "state": "waiting",
        "created_at": now,
        "expires_at": now + life,
    }
    connection.execute(insert(fetches).values(values))
    return fetch_id


def count(connection: Connection, account_id: str) -> int:
    """How many fetches the account has that are not over."""
    query = select(func.count()).where(fetches.c.account_id == account_id, fetches.c.expires_at > clock.now())
    return int(connection.execute(query).scalar_one())


def begin(connection: Connection, keys: KeyStore, fetch_id: str) -> tuple[str, str] | None:
    """Take a waiting fetch of an open account, once: the account and the URL; None if there is none (any more)."""
    open_account = select(accounts.c.id).where(accounts.c.id == fetches.c.account_id, is_open()).exists()
    statement = (
        update(fetches)
        .where(fetches.c.id == fetch_id, fetches.c.state == "waiting", fetches.c.expires_at > clock.now(), open_account)
        .values(state="running")
        .returning(fetches.c.account_id, fetches.c.url_sealed)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    opening = access_log.by_service(connection, row.account_id, service="outbound", purpose="fetch")
    return row.account_id, keys.open_text(opening, row.url_sealed, _context(fetch_id))


def end(connection: Connection, fetch_id: str, media_id: str) -> bool:
    """Write down what was brought, and remove the URL; False if nobody waits for it any more."""
    return _end(connection, fetch_id, state="done", media_id=media_id)


def fail(connection: Connection, fetch_id: str, error_code: str) -> bool:
    """Write down why nothing was brought, and remove the URL."""
    return _end(connection, fetch_id, state="failed", error_code=error_code)


def get(connection: Connection, fetch_id: str) -> Fetch | None:
    """The fetch as it stands, or None."""
    row = connection.execute(select(*_COLUMNS).where(fetches.c.id == fetch_id)).one_or_none()
    return Fetch(*row) if row else None


def forget(connection: Connection, fetch_id: str) -> None:
    """Remove the row."""
    connection.execute(delete(fetches).where(fetches.c.id == fetch_id))


def remove_expired(connection: Connection) -> int:
    """Remove rows that nobody came back for; returns how many."""
    return connection.execute(delete(fetches).where(fetches.c.expires_at <= clock.now())).rowcount


def _end(connection: Connection, fetch_id: str, **outcome: str) -> bool:
    statement = update(fetches).where(fetches.c.id == fetch_id, fetches.c.state == "running")
    return connection.execute(statement.values(url_sealed=None, **outcome)).rowcount == 1


def _context(fetch_id: str) -> str:
    return f"fetches.url|{fetch_id}"
