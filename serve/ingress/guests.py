"""`/v1/guests`: videos without an account, for a short while."""

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.privacy.terms import Audience
from cluster.records import sessions
from cluster.records.accounts import Account, Details
from cluster.records.principals import GUEST_SCOPES, Credential, Principal
from cluster.records.sessions import Session
from serve.ingress import cookies
from serve.ingress.accounts import Told
from serve.ingress.door import Knock
from serve.ingress.error_answers import documented
from serve.ingress.services import Served, address_of
from serve.ingress.sign_up import open_account, record_entry

__all__ = ["router"]

router = APIRouter(tags=["Account"])


class GuestCreated(BaseModel):
    """A guest's token, which is shown only here, and when their stay ends."""

    account_id: str
    token: str = Field(description="A bearer token; browsers get it as a cookie as well.")
    credits: int
    expires_at: int = Field(description="Then everything that the guest uploaded and made is erased.")
    terms: Told


@router.post("/v1/guests", status_code=201, responses=documented(errors.TooManyRequests))
async def create_guest(request: Request, response: Response, services: Served) -> GuestCreated:
    """Begin as a guest: no account, no details, a few credits, and an end that is told before anything is uploaded."""
    resources = services.resources
    life = timedelta(hours=resources.settings.accounts.guest_hours)
    knock = Knock("", address_of(request), "POST /v1/guests")

    def create(connection: Connection) -> tuple[Account, Session, str]:
        expires_at = clock.now() + life
        account = open_account(connection, services, knock.address, Details(), Audience.GUEST, expires_at=expires_at)
        session, token = sessions.create(connection, resources.keys, account.id, life=life, is_login=True)
        principal = Principal(account.id, Credential.GUEST, session.id, GUEST_SCOPES, account.epoch)
        record_entry(connection, services, principal, knock)
        return account, session, token

    account, session, token = await resources.database.run(create)
    cookies.set_session(request, response, session, token)
    terms = services.terms[Audience.GUEST]
    return GuestCreated(
        account_id=account.id,
        token=token,
        credits=resources.settings.credits.guest_grant,
        expires_at=clock.unix(session.expires_at),
        terms=Told(version=terms.version, text=terms.text),
    )
