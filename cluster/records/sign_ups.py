"""Addresses of sign-ups: kept for ever, against spam only.

While the account lives its owner can read the address, sealed under the account's key. After erasure only an address
and a day are left, without any id, sealed under a key of this store's own that nothing here opens: the spam check
compares keyed hashes.
"""

import datetime as dt

from sqlalchemy import (
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from cluster import clock
from cluster.ids import new_id
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = ["STORE", "count_today", "detach", "own", "record", "sign_up_addresses"]

STORE = "service_signups"
"""Whose key seals what is kept for ever."""

sign_up_addresses = Table(
    "sign_up_addresses",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), unique=True),
    Column("address_sealed", LargeBinary),
    Column("kept_sealed", LargeBinary, nullable=False),
    Column("address_lookup", LargeBinary, nullable=False),
    Column("day", Date, nullable=False),
    Index("ix_sign_up_addresses_address_lookup_day", "address_lookup", "day"),
)


def count_today(connection: Connection, keys: KeyStore, address: str) -> int:
    """How many accounts were opened from this address today (UTC): the spam check."""
    addresses = sign_up_addresses.c
    query = select(func.count()).where(addresses.address_lookup == _lookup(keys, address), addresses.day == _today())
    return int(connection.execute(query).scalar_one())


def record(connection: Connection, keys: KeyStore, account_id: str, address: str) -> None:
    """Keep the address that an account was opened from."""
    keys.create(STORE)
    row_id = new_id("signup")
    values = {
        "id": row_id,
        "account_id": account_id,
        "address_sealed": keys.seal_text(account_id, address, _context(row_id)),
        "kept_sealed": keys.seal_text(STORE, address, f"sign_up_addresses.kept|{_today()}"),
        "address_lookup": _lookup(keys, address),
        "day": _today(),
    }
    connection.execute(insert(sign_up_addresses).values(values))


def own(connection: Connection, keys: KeyStore, opening: Opening) -> tuple[str, dt.date] | None:
    """The address and the day, for the account's owner."""
    addresses = sign_up_addresses.c
    query = select(addresses.id, addresses.address_sealed, addresses.day)
    row = connection.execute(query.where(addresses.account_id == opening.account_id)).one_or_none()
    return (keys.open_text(opening, row.address_sealed, _context(row.id)), row.day) if row else None


def detach(connection: Connection, account_id: str) -> None:
    """Let nothing lead from the address to the account or back; call it when the account is closed."""
    statement = update(sign_up_addresses).where(sign_up_addresses.c.account_id == account_id)
    connection.execute(statement.values(id=new_id("signup"), account_id=None, address_sealed=None))


def _lookup(keys: KeyStore, address: str) -> bytes:
    return keys.lookup("sign_up_addresses.address", address)


def _today() -> dt.date:
    return clock.now().date()


def _context(row_id: str) -> str:
    return f"sign_up_addresses.address|{row_id}"
