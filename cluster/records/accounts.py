"""Accounts: who somebody is to the service. Everything that names a person is sealed under the account's key."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    LargeBinary,
    Table,
    Text,
    and_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from cluster import clock
from cluster.errors import AccountExists
from cluster.ids import new_id
from cluster.records import audit
from cluster.records.audit import AuditAction
from cluster.records.principals import Role
from cluster.storage.database import metadata
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "Account",
    "Details",
    "accounts",
    "by_login",
    "close",
    "closed_with_key",
    "create",
    "details",
    "disclosing",
    "epochs",
    "expired_guests",
    "get",
    "has_login",
    "is_open",
    "key_destroyed",
    "lock",
    "raise_epoch",
    "set_role",
]

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("name_sealed", LargeBinary),
    Column("email_sealed", LargeBinary),
    Column("company_sealed", LargeBinary),
    Column("email_lookup", LargeBinary, index=True),
    Column("login_lookup", LargeBinary, unique=True),
    Column("terms_version", Text, nullable=False),
    Column("known_minor", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("frozen_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("key_destroyed_at", DateTime(timezone=True)),
    Column("disclosed_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('user', 'guest')", name="kind"),
    CheckConstraint("role IN ('user', 'ml_engineer', 'operator', 'moderator')", name="role"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account without anything that names a person."""

    id: str
    kind: str
    role: str
    epoch: int
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What a person may say of themselves; nothing is required."""

    name: str | None = None
    email: str | None = None
    company: str | None = None


_PUBLIC = tuple(accounts.c[name] for name in Account.__dataclass_fields__)
_SEALED = tuple(Details.__dataclass_fields__)


def is_open() -> ColumnElement[bool]:
    """The condition that an account is neither closed nor frozen, and that a guest's time has not passed."""
    unexpired = or_(accounts.c.expires_at.is_(None), accounts.c.expires_at > clock.now())
    return and_(accounts.c.closed_at.is_(None), accounts.c.frozen_at.is_(None), unexpired)


def create(
    connection: Connection,
    keys: KeyStore,
    given: Details | None = None,
    *,
    terms_version: str,
    login_lookup: bytes | None = None,
    expires_at: datetime | None = None,
) -> Account:
    """Open an account under a key of its own. With ``expires_at`` it is a guest's.

    Raises:
        AccountExists: there is one with this very e-mail and password.
    """
    given, account_id = given or Details(), new_id("acct")
    keys.create(account_id)
    account = Account(account_id, "guest" if expires_at else "user", Role.USER.value, 1, clock.now(), expires_at)
    values = {name: getattr(account, name) for name in Account.__dataclass_fields__}
    values |= {f"{name}_sealed": _sealed(keys, account_id, name, getattr(given, name)) for name in _SEALED}
    values |= {
        "email_lookup": keys.lookup("accounts.email", given.email.casefold()) if given.email else None,
        "login_lookup": login_lookup,
        "terms_version": terms_version,
        "known_minor": False,
    }
    statement = insert(accounts).values(values).on_conflict_do_nothing(index_elements=[accounts.c.login_lookup])
    if connection.execute(statement.returning(accounts.c.id)).one_or_none() is None:
        keys.destroy(account_id)
        raise AccountExists
    audit.append(connection, account_id, AuditAction.ACCOUNT_OPENED, account.kind)
    return account


def get(connection: Connection, account_id: str) -> Account | None:
    """An open account, or None."""
    return _one(connection, account_id, lock=False)


def lock(connection: Connection, account_id: str) -> Account | None:
    """The same, locked to the end of the transaction: no epoch rises and no consent changes beneath it."""
    return _one(connection, account_id, lock=True)


def disclosing(connection: Connection, account_id: str) -> tuple[int, bool] | None:
    """Note that data of an open account are about to leave, and lock it as `lock` does: its epoch, and whether it is
    known to be a minor's. None: there is no such account."""
    statement = (
        update(accounts)
        .where(accounts.c.id == account_id, is_open())
        .values(disclosed_at=clock.now())
        .returning(accounts.c.epoch, accounts.c.known_minor)
    )
    row = connection.execute(statement).one_or_none()
    return (row.epoch, row.known_minor) if row else None


def epochs(connection: Connection, account_ids: Collection[str]) -> dict[str, int]:
    """The epochs of those accounts that are open."""
    query = select(accounts.c.id, accounts.c.epoch).where(accounts.c.id.in_(account_ids), is_open())
    return {row.id: row.epoch for row in connection.execute(query)}


def details(connection: Connection, keys: KeyStore, opening: Opening) -> Details:
    """What the account's owner has said of themselves."""
    query = select(*(accounts.c[f"{name}_sealed"] for name in _SEALED)).where(accounts.c.id == opening.account_id)
    sealed = dict(zip(_SEALED, connection.execute(query).one(), strict=True))
    return Details(
        **{
            name: keys.open_text(opening, content, _context(opening.account_id, name))
            for name, content in sealed.items()
            if content is not None
        }
    )


def by_login(connection: Connection, login_lookup: bytes) -> str | None:
    """The open account that an e-mail and a password together lead to, or None."""
    query = select(accounts.c.id).where(accounts.c.login_lookup == login_lookup, is_open())
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def has_login(connection: Connection, account_id: str) -> bool:
    """Whether the account has a password."""
    query = select(accounts.c.login_lookup.is_not(None)).where(accounts.c.id == account_id)
    return bool(connection.execute(query).scalar_one_or_none())


def raise_epoch(connection: Connection, account_id: str) -> int:
    """Refuse all work begun before now; returns the new epoch."""
    statement = (
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(epoch=accounts.c.epoch + 1)
        .returning(accounts.c.epoch)
    )
    return int(connection.execute(statement).scalar_one())


def set_role(connection: Connection, account_id: str, role: Role) -> bool:
    """Say what an account is to this installation; False if there is none."""
    wanted = (accounts.c.id == account_id, accounts.c.closed_at.is_(None))
    if connection.execute(update(accounts).where(*wanted).values(role=role.value)).rowcount == 0:
        return False
    audit.append(connection, account_id, AuditAction.ROLE_CHANGED, role.value)
    return True


def expired_guests(connection: Connection) -> list[str]:
    """Guests whose time has passed and who are not yet closed."""
    query = select(accounts.c.id).where(accounts.c.expires_at <= clock.now(), accounts.c.closed_at.is_(None))
    return list(connection.execute(query).scalars())


def close(connection: Connection, account_id: str) -> None:
    """End an account for good and remove what names a person; `lifecycle.close` does what belongs to it as well."""
    gone: dict[str, object] = {f"{name}_sealed": None for name in _SEALED}
    gone |= {"email_lookup": None, "login_lookup": None, "closed_at": clock.now()}
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(gone))
    audit.append(connection, account_id, AuditAction.ACCOUNT_CLOSED)


def closed_with_key(connection: Connection) -> list[str]:
    """Closed accounts whose key is not yet known to be destroyed."""
    query = select(accounts.c.id).where(accounts.c.closed_at.is_not(None), accounts.c.key_destroyed_at.is_(None))
    return list(connection.execute(query).scalars())


def key_destroyed(connection: Connection, account_id: str) -> None:
    """Write down that nothing sealed for a closed account can be opened any more."""
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(key_destroyed_at=clock.now()))
    audit.append(connection, account_id, AuditAction.ACCOUNT_KEY_DESTROYED)


def _sealed(keys: KeyStore, account_id: str, name: str, value: str | None) -> bytes | None:
    return keys.seal_text(account_id, value, _context(account_id, name)) if value else None


def _context(account_id: str, name: str) -> str:
    return f"accounts.{name}|{account_id}"


def _one(connection: Connection, account_id: str, *, lock: bool) -> Account | None:
    query = select(*_PUBLIC).where(accounts.c.id == account_id, accounts.c.closed_at.is_(None))
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    return Account(*row) if row else None
