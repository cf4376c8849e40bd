"""`/v1/accounts`, `/v1/me`, `/v1/api-keys`, `/v1/credits`: who somebody is here, and what they have."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidCredentials, NotFound
from cluster.records import accounts, api_keys, credits
from cluster.records.api_keys import ApiKey
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, AccountWriter, KeyId, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials, errors.InsufficientScope)

_Detail = Annotated[str | None, Field(max_length=320)]


class NewAccount(BaseModel):
    """Everything is optional, and nothing depends on it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Detail = None
    email: _Detail = None
    company: _Detail = None


class AccountCreated(BaseModel):
    """A new account and its first key, which is shown only here."""

    account_id: str
    api_key: str
    credits: int


class Me(BaseModel):
    """The caller's account."""

    account_id: str
    kind: str
    created_at: int
    available_credits: int
    reserved_credits: int


class KeyShown(BaseModel):
    """A key without its secret."""

    id: str
    object: Literal["api_key"] = "api_key"
    hint: str = Field(description="The last four characters.")
    scopes: list[str]
    created_at: int


class KeyCreated(KeyShown):
    """A new key; the secret is shown only here."""

    api_key: str


class KeyList(BaseModel):
    """The account's live keys."""

    object: Literal["list"] = "list"
    data: list[KeyShown]


class KeyDeleted(BaseModel):
    """The answer to a revocation."""

    id: str
    object: Literal["api_key.deleted"] = "api_key.deleted"
    deleted: Literal[True] = True


class CreditBalance(BaseModel):
    """Credits that can be spent, and those held for jobs that have not ended."""

    object: Literal["credits"] = "credits"
    available: int
    reserved: int


@router.post("/v1/accounts", status_code=201)
async def create_account(services: Served, body: NewAccount | None = None) -> AccountCreated:
    """Open an account. Names and addresses are sealed under a key that only this account has."""
    resources, details = services.resources, body or NewAccount()
    grant = resources.settings.credits.sign_up_grant

    def create(connection: Connection) -> tuple[str, str]:
        account = accounts.create(connection, resources.keys, **details.model_dump())
        credits.grant(connection, account.id, grant)
        _, token = api_keys.create(connection, resources.keys, account.id)
        return account.id, token

    account_id, token = await resources.database.run(create)
    return AccountCreated(account_id=account_id, api_key=token, credits=grant)


@router.get("/v1/me", responses=_KNOWN)
async def read_me(services: Served, caller: AccountReader) -> Me:
    """The account behind the key."""

    def read(connection: Connection) -> Me:
        account = accounts.get(connection, caller.account_id)
        if account is None:
            raise InvalidCredentials
        balance = credits.balance(connection, account.id)
        return Me(
            account_id=account.id,
            kind=account.kind,
            created_at=clock.unix(account.created_at),
            available_credits=balance.available,
            reserved_credits=balance.reserved,
        )

    return await services.resources.database.run(read)


@router.get("/v1/credits", responses=_KNOWN)
async def read_credits(services: Served, caller: AccountReader) -> CreditBalance:
    """The account's credits."""
    balance = await services.resources.database.run(credits.balance, caller.account_id)
    return CreditBalance(available=balance.available, reserved=balance.reserved)


@router.post("/v1/api-keys", status_code=201, responses=_KNOWN)
async def create_api_key(services: Served, caller: AccountWriter) -> KeyCreated:
    """Make another key. It is shown once and stored only as a keyed hash."""
    resources = services.resources
    key, token = await resources.database.run(api_keys.create, resources.keys, caller.account_id)
    return KeyCreated(**_shown(key).model_dump(), api_key=token)


@router.get("/v1/api-keys", responses=_KNOWN)
async def list_api_keys(services: Served, caller: AccountReader) -> KeyList:
    """The account's live keys, without their secrets."""
    found = await services.resources.database.run(api_keys.listing, caller.account_id)
    return KeyList(data=[_shown(key) for key in found])


@router.delete("/v1/api-keys/{key_id}", responses=_KNOWN | documented(NotFound))
async def revoke_api_key(key_id: KeyId, services: Served, caller: AccountWriter) -> KeyDeleted:
    """End a key at once, downloads in progress included."""
    if not await services.resources.database.run(api_keys.revoke, caller.account_id, key_id):
        raise NotFound
    return KeyDeleted(id=key_id)


def _shown(key: ApiKey) -> KeyShown:
    return KeyShown(id=key.id, hint=key.hint, scopes=list(key.scopes), created_at=clock.unix(key.created_at))
