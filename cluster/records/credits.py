"""Credits: a double-entry ledger. Every transfer moves an amount from one ledger to another, so it always balances.

The ledgers of an account are ``available`` and ``reserved``; outside it stand ``issued`` (where grants come from)
and ``earned`` (where delivered work goes). A job reserves once and is settled or released once: unique indexes
make a second charge impossible, not merely unlikely.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)

from cluster import clock
from cluster.errors import InsufficientCredits
from cluster.storage.database import metadata

__all__ = [
    "Balance",
    "Discrepancy",
    "balance",
    "credit_balances",
    "credit_transfers",
    "discrepancies",
    "grant",
    "release",
    "reserve",
    "settle",
]

credit_balances = Table(
    "credit_balances",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    CheckConstraint("available >= 0", name="available"),
    CheckConstraint("reserved >= 0", name="reserved"),
)

credit_transfers = Table(
    "credit_transfers",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("job_id", ForeignKey("jobs.id")),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("moved_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('grant', 'reserve', 'settle', 'release')", name="kind"),
    CheckConstraint("amount >= 0", name="amount"),
    Index("uq_credit_transfers_reserve", "job_id", unique=True, postgresql_where=text("kind = 'reserve'")),
    Index("uq_credit_transfers_end", "job_id", unique=True, postgresql_where=text("kind IN ('settle', 'release')")),
)


@dataclass(frozen=True, slots=True)
class Balance:
    """Credits that can be spent, and credits held for jobs that have not ended."""

    available: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """By how much an account's balances are above what its transfers add up to."""

    account_id: str
    available: int
    reserved: int


def grant(connection: Connection, account_id: str, amount: int) -> None:
    """Open the account's balance with a sign-up grant."""
    connection.execute(insert(credit_balances).values(account_id=account_id, available=amount, reserved=0))
    _transfer(connection, account_id, None, "grant", "issued", "available", amount)


def reserve(connection: Connection, account_id: str, job_id: str, amount: int) -> None:
    """Hold a job's price.

    Raises:
        InsufficientCredits: less is available.
    """
    balances = credit_balances.c
    statement = (
        update(credit_balances)
        .where(balances.account_id == account_id, balances.available >= amount)
        .values(available=balances.available - amount, reserved=balances.reserved + amount)
    )
    if connection.execute(statement).rowcount != 1:
        raise InsufficientCredits
    _transfer(connection, account_id, job_id, "reserve", "available", "reserved", amount)


def settle(connection: Connection, account_id: str, job_id: str) -> None:
    """Charge what was reserved: the job was delivered."""
    amount = _reserved(connection, job_id)
    balances = credit_balances.c
    connection.execute(
        update(credit_balances).where(balances.account_id == account_id).values(reserved=balances.reserved - amount)
    )
    _transfer(connection, account_id, job_id, "settle", "reserved", "earned", amount)


def release(connection: Connection, account_id: str, job_id: str) -> None:
    """Give back what was reserved: the job was not delivered."""
    amount = _reserved(connection, job_id)
    balances = credit_balances.c
    connection.execute(
        update(credit_balances)
        .where(balances.account_id == account_id)
        .values(available=balances.available + amount, reserved=balances.reserved - amount)
    )
    _transfer(connection, account_id, job_id, "release", "reserved", "available", amount)


def balance(connection: Connection, account_id: str) -> Balance:
    """What the account has now."""
    columns = (credit_balances.c.available, credit_balances.c.reserved)
    row = connection.execute(select(*columns).where(credit_balances.c.account_id == account_id)).one_or_none()
    return Balance(*row) if row else Balance(0, 0)


def discrepancies(connection: Connection) -> list[Discrepancy]:
    """Accounts whose balance is not what their transfers add up to; normally none."""
    query = text("""
        SELECT account_id,
               coalesce(max(b.available), 0)
                   - coalesce(sum(CASE WHEN t.target = 'available' THEN t.amount
                                       WHEN t.source = 'available' THEN -t.amount END), 0) AS available,
               coalesce(max(b.reserved), 0)
                   - coalesce(sum(CASE WHEN t.target = 'reserved' THEN t.amount
                                       WHEN t.source = 'reserved' THEN -t.amount END), 0) AS reserved
        FROM credit_balances b FULL JOIN credit_transfers t USING (account_id)
        GROUP BY account_id
    """)
    found = [Discrepancy(*row) for row in connection.execute(query)]
    return [one for one in found if one.available or one.reserved]


def _reserved(connection: Connection, job_id: str) -> int:
    transfers = credit_transfers.c
    query = select(transfers.amount).where(transfers.job_id == job_id, transfers.kind == "reserve")
    return int(connection.execute(query).scalar_one())


def _transfer(
    connection: Connection, account_id: str, job_id: str | None, kind: str, source: str, target: str, amount: int
) -> None:
    values = {
        "account_id": account_id,
        "job_id": job_id,
        "kind": kind,
        "source": source,
        "target": target,
        "amount": amount,
        "moved_at": clock.now(),
    }
    connection.execute(insert(credit_transfers).values(values))
