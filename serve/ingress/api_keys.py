"""`/v1/api-keys`: credentials for programs, each with its own scopes, end and spending cap.

A key never gives more than the credential that made it has: no other scope, no later end, no way around a cap.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import Forbidden, InsufficientScope, InvalidCredentials, InvalidRequest, NotFound
from cluster.records import api_keys
from cluster.records.api_keys import ApiKey
from cluster.records.principals import Credential, Principal, Scope, permits
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, AccountWriter, KeyId, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials, errors.InsufficientScope)

_LONGEST_DAYS = 3652
_MOST_CREDITS = 10**12


class NewKey(BaseModel):
    """What a key may do and for how long. Without anything it creates and reads videos until it is revoked."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str | None, Field(min_length=1, max_length=100, description="For you alone; stored sealed.")] = None
    scopes: list[Scope] = Field(default=[Scope.VIDEOS_READ, Scope.VIDEOS_WRITE], min_length=1)
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=_LONGEST_DAYS)] | None = None
    expires_at: StrictInt | None = Field(default=None, description="Unix seconds, instead of `expires_in_days`.")
    spending_cap: Annotated[StrictInt, Field(ge=0, le=_MOST_CREDITS)] | None = Field(
        default=None, description="Credits that its jobs may cost over its whole life; those not delivered cost none."
    )


class KeyShown(BaseModel):
    """A key without its secret."""

    id: str
    object: Literal["api_key"] = "api_key"
    name: str | None
    hint: str = Field(description="The last four characters.")
    scopes: list[str]
    created_at: int
    expires_at: int | None
    spending_cap: int | None
    spent: int = Field(description="Credits that its jobs have cost or are held for.")


class KeyCreated(KeyShown):
    """A new key; the secret is shown only here."""

    api_key: str


class KeyList(BaseModel):
    """The account's keys that were not revoked."""

    object: Literal["list"] = "list"
    data: list[KeyShown]


class KeyDeleted(BaseModel):
    """The answer to a revocation."""

    id: str
    object: Literal["api_key.deleted"] = "api_key.deleted"
    deleted: Literal[True] = True


@router.post("/v1/api-keys", status_code=201, responses=_KNOWN | documented(errors.Forbidden, errors.InsufficientScope))
async def create_api_key(services: Served, caller: AccountWriter, body: NewKey | None = None) -> KeyCreated:
    """Make another key. It is shown once and stored only as a keyed hash."""
    keys, wanted = services.resources.keys, body or NewKey()
    expires_at = _end_of(wanted)
    _check_scopes(caller, wanted.scopes)

    def create(connection: Connection) -> tuple[ApiKey, str]:
        return api_keys.create(
            connection,
            keys,
            caller.account_id,
            scopes=[scope.value for scope in wanted.scopes],
            name=wanted.name,
            expires_at=_within_maker(connection, caller, expires_at),
            spending_cap=wanted.spending_cap,
        )

    key, token = await services.resources.database.run(create)
    return KeyCreated(**_shown(keys, caller.opening, key).model_dump(), api_key=token)


@router.get("/v1/api-keys", responses=_KNOWN)
async def list_api_keys(services: Served, caller: AccountReader) -> KeyList:
    """The account's keys that were not revoked, without their secrets."""
    found = await services.resources.database.run(api_keys.listing, caller.account_id)
    return KeyList(data=[_shown(services.resources.keys, caller.opening, key) for key in found])


@router.delete("/v1/api-keys/{key_id}", responses=_KNOWN | documented(NotFound))
async def revoke_api_key(key_id: KeyId, services: Served, caller: AccountWriter) -> KeyDeleted:
    """End a key at once, downloads in progress included."""
    if not await services.resources.database.run(api_keys.revoke, caller.account_id, key_id):
        raise NotFound
    return KeyDeleted(id=key_id)


def _end_of(wanted: NewKey) -> datetime | None:
    """When the key is to end: in the future, and not in more than ten years."""
    if wanted.expires_in_days is not None:
        if wanted.expires_at is not None:
            raise InvalidRequest("Give either expires_at or expires_in_days.", param="expires_at")
        return clock.now() + timedelta(days=wanted.expires_in_days)
    if wanted.expires_at is None:
        return None
    now = clock.unix(clock.now())
    if not now < wanted.expires_at <= now + _LONGEST_DAYS * 86_400:
        raise InvalidRequest("expires_at: this must lie in the future, at most ten years ahead.", param="expires_at")
    return datetime.fromtimestamp(wanted.expires_at, UTC)


def _check_scopes(caller: Principal, scopes: list[Scope]) -> None:
    if len(set(scopes)) != len(scopes):
        raise InvalidRequest("scopes: name each scope once.", param="scopes")
    for scope in scopes:
        if not permits(caller.scopes, scope):
            raise InsufficientScope(details={"needed_scope": scope.value})


def _within_maker(connection: Connection, caller: Principal, expires_at: datetime | None) -> datetime | None:
    """The end of a key that ``caller`` may make: not after its own, and none at all with a cap to get around."""
    if caller.credential is not Credential.KEY:
        return expires_at
    maker = api_keys.get(connection, caller.account_id, caller.credential_id)
    if maker is None:
        raise InvalidCredentials
    if maker.spending_cap is not None:
        raise Forbidden("A key with a spending cap makes no other keys. Use a credential without one.")
    if maker.expires_at is None or (expires_at is not None and expires_at <= maker.expires_at):
        return expires_at
    if expires_at is None:
        return maker.expires_at
    raise InvalidRequest("expires_at: a key cannot outlive the one that makes it.", param="expires_at")


def _shown(keys: KeyStore, opening: Opening, key: ApiKey) -> KeyShown:
    return KeyShown(
        id=key.id,
        name=api_keys.name_of(keys, opening, key),
        hint=key.hint,
        scopes=list(key.scopes),
        created_at=clock.unix(key.created_at),
        expires_at=clock.unix(key.expires_at) if key.expires_at else None,
        spending_cap=key.spending_cap,
        spent=key.spent,
    )
