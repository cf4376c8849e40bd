"""Spending caps of API keys: what a key's jobs have cost never rises above its cap, however many ask at once.

A job counts from the moment it is accepted; one that ends without delivery is taken off again. Both are one statement
on the key's row, so that two transactions at once see each other. They are called after the credits of the account
have moved, whose row every job of the account locks first: two keys of one account cannot wait for each other.
"""

from sqlalchemy import Connection, or_, select, update

from cluster.errors import InvalidCredentials, SpendingCapReached
from cluster.records.api_keys import api_keys

__all__ = ["charge", "give_back"]


def charge(connection: Connection, key_id: str, amount: int) -> None:
    """Count a job's price against the key that asked for it.

    Raises:
        SpendingCapReached: it would take the key above its cap.
        InvalidCredentials: the key was revoked while the request was read.
    """
    k = api_keys.c
    allowed = or_(k.spending_cap.is_(None), k.spent + amount <= k.spending_cap)
    live = (k.id == key_id, k.revoked_at.is_(None))
    if connection.execute(update(api_keys).where(*live, allowed).values(spent=k.spent + amount)).rowcount == 1:
        return
    is_live = connection.execute(select(k.id).where(*live)).one_or_none()
    raise SpendingCapReached if is_live else InvalidCredentials


def give_back(connection: Connection, key_id: str, amount: int) -> None:
    """Take a job that was not delivered off its key, in the transaction that ends the job."""
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(spent=api_keys.c.spent - amount))
