"""The door: finds whose a credential is and writes the access down, both in one transaction, before anything is done.

What an account asks for is counted there as well: whoever asks for too much does not come in.

Callers that come while a transaction runs share the next one, so that a busy ingress writes many entries at the price
of one. If the log cannot be written, nobody comes in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from cluster import telemetry
from cluster.errors import AccessLogUnavailable, InvalidCredentials, ServiceError, TooManyRequests
from cluster.records import access_log, api_keys, sessions
from cluster.records.access_log import Access
from cluster.records.allowances import Allowance, RequestKind
from cluster.records.principals import Principal, Scope
from cluster.settings import Admission
from cluster.storage.database import AsyncDatabase
from cluster.storage.errors import KeyMissing
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from serve.ingress.batches import Batches
from serve.ingress.quotas import Asking, Granted, grant

__all__ = ["Door", "Knock", "Visitor"]


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the door: with which token, from which address, to do what (a method and a route).

    ``kind`` is the allowance that it is taken from; ``streams`` says that the answer takes long. ``credential_id``
    stands in the token's place where somebody comes by what was signed in the name of a credential: they may read
    videos and nothing else.
    """

    token: str
    address: str
    action: str
    kind: RequestKind = RequestKind.READ
    streams: bool = False
    credential_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor(Principal):
    """Somebody whose access is on record, with the leave to open what is theirs.

    ``allowance`` is what is left to them. ``stream_id`` is the stream that was opened for them, to be closed again.
    """

    opening: Opening
    allowance: Allowance | None = None
    stream_id: str | None = None

    @classmethod
    def admitted(cls, principal: Principal, opening: Opening, granted: Granted | None = None) -> "Visitor":
        """A principal with that leave, and with what was granted to their request if they came with one."""
        fields = {name: getattr(principal, name) for name in Principal.__dataclass_fields__}
        if granted is not None:
            fields |= {"allowance": granted.allowance, "stream_id": granted.stream_id}
        return cls(**fields, opening=opening)


Outcome = Visitor | Exception


class Door:
    """The door of one ingress replica; belongs to one event loop."""

    def __init__(self, database: AsyncDatabase, keys: KeyStore, limits: Admission) -> None:
        """Nobody waits yet."""
        self._database, self._keys, self._limits = database, keys, limits
        self._batches = Batches(self._open)

    async def enter(self, knock: Knock) -> Visitor:
        """Come in.

        Raises:
            InvalidCredentials: the token leads to no open account.
            TooManyRequests: the account has asked for too much.
            Unavailable: the database or the log is down: nobody comes in.
        """
        return await self._batches.ask(knock)

    async def _open(self, knocks: Sequence[Knock]) -> list[Outcome]:
        try:
            return await self._database.run(_admit, self._keys, self._limits, knocks)
        except ServiceError as error:
            telemetry.log_failure("door_shut", error)
            raise
        except Exception as error:
            telemetry.log_failure("door_shut", error)
            raise AccessLogUnavailable from error


def _admit(connection: Connection, keys: KeyStore, limits: Admission, knocks: Sequence[Knock]) -> list[Outcome]:
    """Who each of them is, after writing it down; an error in the place of whom the door stays shut for."""
    outcomes: dict[int, Outcome] = {place: InvalidCredentials() for place in range(len(knocks))}
    known = _known(connection, keys, knocks)
    callers = {place: principal for place, principal in enumerate(known) if principal}
    asking = {
        place: Asking(who.account_id, knocks[place].kind, knocks[place].streams) for place, who in callers.items()
    }
    quotas = grant(connection, limits, asking)
    outcomes |= {place: quota for place, quota in quotas.items() if isinstance(quota, TooManyRequests)}
    granted = {place: quota for place, quota in quotas.items() if isinstance(quota, Granted)}
    accesses = {place: Access(callers[place], knocks[place].address, knocks[place].action) for place in granted}
    for place, opening in zip(accesses, _record(connection, keys, list(accesses.values())), strict=True):
        if opening is not None:
            outcomes[place] = Visitor.admitted(callers[place], opening, granted[place])
    return list(outcomes.values())


def _known(connection: Connection, keys: KeyStore, knocks: Sequence[Knock]) -> list[Principal | None]:
    """Whose each token is. Keys and sessions are told apart by how they begin, so that one table is asked for one."""
    lookups = [_lookup(keys, knock.token) for knock in knocks]
    of_sessions = {lookup for lookup, knock in zip(lookups, knocks, strict=True) if _is_session(knock.token)}
    of_keys = set(lookups) - of_sessions
    found = api_keys.authenticate(connection, of_keys) if of_keys else {}
    found |= sessions.authenticate(connection, of_sessions) if of_sessions else {}
    signed = _signed(connection, [knock.credential_id for knock in knocks if knock.credential_id])
    return [
        signed.get(knock.credential_id) if knock.credential_id else found.get(lookup)
        for lookup, knock in zip(lookups, knocks, strict=True)
    ]


def _signed(connection: Connection, credential_ids: Collection[str]) -> dict[str, Principal]:
    """Those who are known by the id of a credential alone, limited to reading videos."""
    if not credential_ids:
        return {}
    found = api_keys.named(connection, credential_ids) | sessions.named(connection, credential_ids)
    reading = (Scope.VIDEOS_READ.value,)
    return {name: replace(each, scopes=reading, logged_in_at=None) for name, each in found.items()}


def _record(connection: Connection, keys: KeyStore, accesses: Sequence[Access]) -> list[Opening | None]:
    """An opening for each; None for an account whose key has just been destroyed: it is closed."""
    keyed = [_has_key(keys, access.principal.account_id) for access in accesses]
    recorded = [access for access, has_key in zip(accesses, keyed, strict=True) if has_key]
    openings = iter(access_log.by_owners(connection, keys, recorded) if recorded else ())
    return [next(openings) if has_key else None for has_key in keyed]


def _has_key(keys: KeyStore, account_id: str) -> bool:
    try:
        keys.seal(account_id, b"", "door")
    except KeyMissing:
        return False
    return True


def _lookup(keys: KeyStore, token: str) -> bytes:
    return (sessions.lookup if _is_session(token) else api_keys.lookup)(keys, token)


def _is_session(token: str) -> bool:
    return token.startswith(f"{sessions.PREFIX}_")
