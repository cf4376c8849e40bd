"""Opening an account, whoever it is for: the spam check, its row, its credits, the first entry in its access log."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from cluster.errors import TooManyRequests
from cluster.privacy.terms import Audience
from cluster.records import access_log, accounts, credits, sign_ups
from cluster.records.access_log import Access
from cluster.records.accounts import Account, Details
from cluster.records.principals import Principal
from cluster.storage.passwords import login_lookup
from serve.ingress.door import Knock
from serve.ingress.services import Services

__all__ = ["Email", "Password", "open_account", "password_check", "record_entry"]

_CHECKERS = ThreadPoolExecutor(2, "password")


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "This is no e-mail address") from None


Email = Annotated[str, Field(max_length=320), AfterValidator(_email)]
Password = Annotated[str, Field(min_length=8, max_length=1000)]


async def password_check(services: Services, email: str, password: str) -> bytes:
    """What the account of an e-mail and a password is found by. Costs the same for every pair."""
    resources = services.resources
    loop, cost = asyncio.get_running_loop(), resources.settings.accounts
    return await loop.run_in_executor(_CHECKERS, login_lookup, resources.keys, email, password, cost)


def open_account(
    connection: Connection,
    services: Services,
    address: str,
    details: Details,
    audience: Audience,
    *,
    login: bytes | None = None,
    expires_at: datetime | None = None,
) -> Account:
    """Open an account, a guest's with ``expires_at``, and keep the address that it was opened from.

    Raises:
        TooManyRequests: too many were opened from that address today.
        AccountExists: there is one with this very e-mail and password.
    """
    keys, settings = services.resources.keys, services.resources.settings
    if sign_ups.count_today(connection, keys, address) >= settings.accounts.sign_ups_per_address:
        raise TooManyRequests("Too many accounts were opened from your address today.", code="too_many_sign_ups")
    version = services.terms[audience].version
    account = accounts.create(
        connection, keys, details, terms_version=version, login_lookup=login, expires_at=expires_at
    )
    sign_ups.record(connection, keys, account.id, address)
    guest = audience is Audience.GUEST
    credits.grant(connection, account.id, settings.credits.guest_grant if guest else settings.credits.sign_up_grant)
    return account


def record_entry(connection: Connection, services: Services, principal: Principal, knock: Knock) -> None:
    """Write down that somebody has just got a credential and is in by it."""
    access = Access(principal, knock.address, knock.action)
    access_log.by_owners(connection, services.resources.keys, [access])
