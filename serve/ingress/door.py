"""The door: finds whose a credential is and writes the access down, both in one transaction, before anything is done.

Callers that come while a transaction runs share the next one, so that a busy ingress writes many entries at the price
of one. If the log cannot be written, nobody comes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cluster import telemetry
from cluster.errors import AccessLogUnavailable, InvalidCredentials, ServiceError
from cluster.records import access_log, api_keys, sessions
from cluster.records.access_log import Access
from cluster.records.principals import Principal
from cluster.storage.database import AsyncDatabase
from cluster.storage.errors import KeyMissing
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from serve.ingress.batches import Batches

__all__ = ["Door", "Knock", "Visitor"]


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the door: with which token, from which address, to do what (a method and a route)."""

    token: str
    address: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor(Principal):
    """Somebody whose access is on record, with the leave to open what is theirs."""

    opening: Opening


class Door:
    """The door of one ingress replica; belongs to one event loop."""

    def __init__(self, database: AsyncDatabase, keys: KeyStore) -> None:
        """Nobody waits yet."""
        self._database, self._keys = database, keys
        self._batches = Batches(self._open)

    async def enter(self, knock: Knock) -> Visitor:
        """Come in.

        Raises:
            InvalidCredentials: the token leads to no open account.
            Unavailable: the database or the log is down: nobody comes in.
        """
        return await self._batches.ask(knock)

    async def _open(self, knocks: Sequence[Knock]) -> list[Visitor | Exception]:
        try:
            return await self._database.run(_admit, self._keys, knocks)
        except ServiceError as error:
            telemetry.log_failure("door_shut", error)
            raise
        except Exception as error:
            telemetry.log_failure("door_shut", error)
            raise AccessLogUnavailable from error


def _admit(connection: Connection, keys: KeyStore, knocks: Sequence[Knock]) -> list[Visitor | Exception]:
    """Who each of them is, after writing it down; an error in the place of whom the door stays shut for."""
    lookups = [_lookup(keys, knock.token) for knock in knocks]
    known = api_keys.authenticate(connection, lookups) | sessions.authenticate(connection, lookups)
    outcomes: list[Visitor | Exception] = [InvalidCredentials() for _ in knocks]
    accesses: dict[int, Access] = {}
    for place, (knock, lookup) in enumerate(zip(knocks, lookups, strict=True)):
        if lookup in known:
            accesses[place] = Access(known[lookup], knock.address, knock.action)
    for place, opening in zip(accesses, _record(connection, keys, list(accesses.values())), strict=True):
        if opening is not None:
            outcomes[place] = _visitor(accesses[place].principal, opening)
    return outcomes


def _record(connection: Connection, keys: KeyStore, accesses: Sequence[Access]) -> list[Opening | None]:
    """An opening for each; None for an account whose key has just been destroyed: it is closed."""
    keyed = [_has_key(keys, access.principal.account_id) for access in accesses]
    recorded = [access for access, has_key in zip(accesses, keyed, strict=True) if has_key]
    openings = iter(access_log.by_owners(connection, keys, recorded) if recorded else ())
    return [next(openings) if has_key else None for has_key in keyed]


def _visitor(principal: Principal, opening: Opening) -> Visitor:
    return Visitor(**{name: getattr(principal, name) for name in Principal.__dataclass_fields__}, opening=opening)


def _has_key(keys: KeyStore, account_id: str) -> bool:
    try:
        keys.seal(account_id, b"", "door")
    except KeyMissing:
        return False
    return True


def _lookup(keys: KeyStore, token: str) -> bytes:
    lookup = sessions.lookup if token.startswith(f"{sessions.PREFIX}_") else api_keys.lookup
    return lookup(keys, token)
