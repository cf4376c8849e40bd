"""`/v1/sessions`: log in and out. Nobody learns here which e-mails exist, and nobody is locked out by others.

Wrong logins are counted for an e-mail and an address together, and for an address alone: who tries from elsewhere
waits for nobody. An e-mail that nobody has is counted like any other.
"""

from datetime import timedelta
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InsufficientScope, InvalidCredentials, StateConflict, TooManyRequests, WrongLogin
from cluster.records import accounts, api_keys, sessions, throttles
from cluster.records.principals import EVERY_SCOPE, Credential, Principal
from cluster.records.sessions import Session
from serve.ingress import cookies
from serve.ingress.door import Knock
from serve.ingress.error_answers import documented
from serve.ingress.services import Caller, Served, Services, address_of
from serve.ingress.sign_up import Email, Password, password_check, record_entry

__all__ = ["router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials)


class Login(BaseModel):
    """An e-mail and a password; or, where the account has none, an API key that may do everything."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    email: Email | None = None
    password: Password | None = None
    api_key: str | None = Field(None, max_length=200)

    @model_validator(mode="after")
    def _is_one_proof(self) -> "Login":
        by_password = self.email is not None and self.password is not None and self.api_key is None
        by_key = self.api_key is not None and self.email is None and self.password is None
        if by_password == by_key:
            raise PydanticCustomError("login", "Give an e-mail and a password, or an API key")
        return self


class SessionCreated(BaseModel):
    """A session; its token is shown only here, and set as a cookie for browsers."""

    id: str
    object: Literal["session"] = "session"
    account_id: str
    token: str
    expires_at: int
    fresh_until: int | None = Field(description="Until then consent can be answered; null: this was no full login.")


class SessionEnded(BaseModel):
    """The answer to a logout."""

    id: str
    object: Literal["session.deleted"] = "session.deleted"
    deleted: Literal[True] = True


@router.post(
    "/v1/sessions",
    status_code=201,
    responses=documented(errors.WrongLogin, errors.InsufficientScope, errors.TooManyRequests),
)
async def create_session(request: Request, response: Response, services: Served, body: Login) -> SessionCreated:
    """Log in."""
    knock = Knock("", address_of(request), "POST /v1/sessions")
    if body.api_key is not None:
        session, token = await services.resources.database.run(_by_key, services, knock, body.api_key)
    else:
        session, token = await _by_password(services, knock, body.email or "", body.password or "")
    cookies.set_session(request, response, session, token)
    fresh = timedelta(minutes=services.resources.settings.accounts.fresh_minutes)
    return SessionCreated(
        id=session.id,
        account_id=session.account_id,
        token=token,
        expires_at=clock.unix(session.expires_at),
        fresh_until=clock.unix(session.logged_in_at + fresh) if session.logged_in_at else None,
    )


@router.delete("/v1/sessions", responses=_KNOWN | documented(StateConflict))
async def end_session(response: Response, services: Served, caller: Caller) -> SessionEnded:
    """Log out: the token by which this is asked ends at once."""
    if caller.credential is Credential.KEY:
        raise StateConflict("An API key is no session. DELETE /v1/api-keys/{id} ends a key.")
    await services.resources.database.run(sessions.revoke, caller.account_id, caller.credential_id)
    cookies.forget(response)
    return SessionEnded(id=caller.credential_id)


async def _by_password(services: Services, knock: Knock, email: str, password: str) -> tuple[Session, str]:
    database, settings = services.resources.database, services.resources.settings.accounts
    limits = _limits(services, knock.address, email)
    await database.run(_refuse_when_used_up, limits)
    login = await password_check(services, email, password)
    begun = await database.run(_begin_by_login, services, knock, login, next(iter(limits)))
    if begun is None:
        await database.run(_count, list(limits), timedelta(minutes=settings.failed_login_minutes))
        raise WrongLogin
    return begun


def _limits(services: Services, address: str, email: str) -> dict[bytes, int]:
    """How many wrong logins are borne for this e-mail from this address, then for all from this address."""
    keys, settings = services.resources.keys, services.resources.settings.accounts
    return {
        keys.lookup("throttles.login", f"{address}|{email.casefold()}"): settings.failed_logins,
        keys.lookup("throttles.login_address", address): settings.failed_logins_per_address,
    }


def _refuse_when_used_up(connection: Connection, limits: dict[bytes, int]) -> None:
    for key_lookup, limit in limits.items():
        until = throttles.used_up(connection, key_lookup, limit)
        if until is not None:
            wait = str(max(0, int(-clock.age_seconds(until) * 1000)))
            raise TooManyRequests(
                "Too many wrong logins from your address. Come back after the time in the header 'retry-after-ms'.",
                code="too_many_logins",
                headers={"retry-after-ms": wait, "x-should-retry": "false"},
            )


def _count(connection: Connection, key_lookups: list[bytes], window: timedelta) -> None:
    for key_lookup in key_lookups:
        throttles.hit(connection, key_lookup, window)


def _begin_by_login(
    connection: Connection, services: Services, knock: Knock, login: bytes, throttle: bytes
) -> tuple[Session, str] | None:
    account_id = accounts.by_login(connection, login)
    if account_id is None:
        return None
    throttles.clear(connection, throttle)
    return _begin(connection, services, knock, account_id, is_login=True)


def _by_key(connection: Connection, services: Services, knock: Knock, token: str) -> tuple[Session, str]:
    """A full key stands for its owner only where there is no password."""
    found = api_keys.authenticate(connection, [api_keys.lookup(services.resources.keys, token)])
    if not found:
        raise InvalidCredentials
    (principal,) = found.values()
    if set(principal.scopes) != set(EVERY_SCOPE):
        raise InsufficientScope("Only a key that may do everything can begin a session.")
    is_login = not accounts.has_login(connection, principal.account_id)
    return _begin(connection, services, knock, principal.account_id, is_login=is_login)


def _begin(
    connection: Connection, services: Services, knock: Knock, account_id: str, *, is_login: bool
) -> tuple[Session, str]:
    life = timedelta(hours=services.resources.settings.accounts.session_hours)
    session, token = sessions.create(connection, services.resources.keys, account_id, life=life, is_login=is_login)
    principal = Principal(account_id, Credential.SESSION, session.id, EVERY_SCOPE, 0)
    record_entry(connection, services, principal, knock)
    return session, token
