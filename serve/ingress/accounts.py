"""`/v1/accounts`, `/v1/me`: who somebody is here, and what they have."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidCredentials
from cluster.records import accounts, api_keys, credits
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials, errors.InsufficientScope)

_Detail = Annotated[str | None, Field(max_length=320)]


class NewAccount(BaseModel):
    """Everything is optional, and nothing depends on it."""

    model_config = ConfigDict(extra="forbid")

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
