"""`/v1/accounts`, `/v1/me`: who somebody is here, and what they have."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidCredentials
from cluster.privacy.terms import Audience
from cluster.records import accounts, api_keys, credits, sign_ups
from cluster.records.accounts import Details
from cluster.records.principals import EVERY_SCOPE, Credential, Principal
from serve.ingress.door import Knock
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, Served, address_of
from serve.ingress.sign_up import Email, Password, open_account, password_check, record_entry

__all__ = ["Told", "router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials, errors.InsufficientScope)

_Detail = Annotated[str | None, Field(max_length=320, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewAccount(BaseModel):
    """Everything is optional, and nothing depends on it. With an e-mail and a password one can log in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Detail = None
    email: Email | None = None
    company: _Detail = None
    password: Password | None = None

    @model_validator(mode="after")
    def _has_both(self) -> "NewAccount":
        if self.password is not None and self.email is None:
            raise PydanticCustomError("email", "A password needs an e-mail to go with it")
        return self


class Told(BaseModel):
    """What everybody is told before they come in."""

    version: str
    text: str


class AccountCreated(BaseModel):
    """A new account and its first key, which may do everything and is shown only here."""

    account_id: str
    api_key: str
    credits: int
    terms: Told


class SignUp(BaseModel):
    """From where and on which day the account was opened: kept for ever, against spam only."""

    address: str
    day: date


class Me(BaseModel):
    """The caller's account."""

    account_id: str
    kind: str
    role: str
    name: str | None
    email: str | None
    company: str | None
    has_password: bool
    created_at: int
    expires_at: int | None = Field(description="When a guest's stay ends and everything of it is erased.")
    available_credits: int
    reserved_credits: int
    sign_up: SignUp | None


@router.get("/v1/terms")
async def read_terms(services: Served) -> dict[Audience, Told]:
    """What you are told before you open an account or begin as a guest; both say what is scanned."""
    return {audience: Told(version=terms.version, text=terms.text) for audience, terms in services.terms.items()}


@router.post("/v1/accounts", status_code=201, responses=documented(errors.AccountExists, errors.TooManyRequests))
async def create_account(request: Request, services: Served, body: NewAccount | None = None) -> AccountCreated:
    """Open an account. Names and addresses are sealed under a key that only this account has."""
    given, resources = body or NewAccount(), services.resources
    login = await password_check(services, given.email, given.password) if given.email and given.password else None
    details = Details(given.name, given.email, given.company)
    knock = Knock("", address_of(request), "POST /v1/accounts")

    def create(connection: Connection) -> tuple[str, str]:
        account = open_account(connection, services, knock.address, details, Audience.SIGN_UP, login=login)
        key, token = api_keys.create(connection, resources.keys, account.id)
        principal = Principal(account.id, Credential.KEY, key.id, EVERY_SCOPE, account.epoch)
        record_entry(connection, services, principal, knock)
        return account.id, token

    account_id, token = await resources.database.run(create)
    terms = services.terms[Audience.SIGN_UP]
    return AccountCreated(
        account_id=account_id,
        api_key=token,
        credits=resources.settings.credits.sign_up_grant,
        terms=Told(version=terms.version, text=terms.text),
    )


@router.get("/v1/me", responses=_KNOWN)
async def read_me(services: Served, caller: AccountReader) -> Me:
    """The account behind the credential, with all that it says of a person."""
    keys = services.resources.keys

    def read(connection: Connection) -> Me:
        account = accounts.get(connection, caller.account_id)
        if account is None:
            raise InvalidCredentials
        details = accounts.details(connection, keys, caller.opening)
        balance = credits.balance(connection, account.id)
        came_from = sign_ups.own(connection, keys, caller.opening)
        return Me(
            account_id=account.id,
            kind=account.kind,
            role=account.role,
            name=details.name,
            email=details.email,
            company=details.company,
            has_password=accounts.has_login(connection, account.id),
            created_at=clock.unix(account.created_at),
            expires_at=clock.unix(account.expires_at) if account.expires_at else None,
            available_credits=balance.available,
            reserved_credits=balance.reserved,
            sign_up=SignUp(address=came_from[0], day=came_from[1]) if came_from else None,
        )

    return await services.resources.database.run(read)
