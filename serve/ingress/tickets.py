"""What becomes of an Idempotency-Key: keyed digests of it and of what was sent with it."""

from sqlalchemy import Connection

from cluster.errors import Unavailable
from cluster.records import idempotency
from cluster.records.idempotency import Ticket
from cluster.storage.keys import KeyStore

__all__ = ["ticket_of", "twin_of"]


def ticket_of(keys: KeyStore, account_id: str, idempotency_key: str, content: bytes) -> Ticket:
    """One use of the account's key. ``content`` says all that a repetition must have in common with it."""
    return Ticket(
        account_id,
        keys.lookup("idempotency_keys.key", f"{account_id}|{idempotency_key}"),
        keys.lookup("idempotency_keys.body", content),
    )


def twin_of(connection: Connection, ticket: Ticket) -> str:
    """What a twin made that took the key first; raises `Unavailable` if it is gone by now."""
    twin = idempotency.find(connection, ticket)
    if twin is None:
        raise Unavailable
    return twin
