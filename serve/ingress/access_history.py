"""`/v1/access-history`: who came in, by what, from where, to do what; and the way to throw everybody else out."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidRequest
from cluster.ids import is_id
from cluster.records import access_log, accounts, api_keys, sessions
from cluster.records.principals import Credential
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountWriter, PrivacyCaller, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))


class AccessShown(BaseModel):
    """One access."""

    id: str
    actor: Literal["key", "session", "guest", "service"]
    actor_id: str = Field(description="The id of the key or session, or the name of the service.")
    action: str = Field(description="A method and a route, or what a service opened the media for.")
    job_id: str | None
    address: str | None = Field(description="The full address; null for services, which run here.")
    at: int


class AccessPage(BaseModel):
    """A page of accesses, the newest first."""

    object: Literal["list"] = "list"
    data: list[AccessShown]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OthersRevoked(BaseModel):
    """How many credentials were ended."""

    revoked_sessions: int
    revoked_keys: int
    api_key: str | None = Field(description="A new key, if the account would have had no lasting way in; shown once.")


@router.get("/v1/access-history")
async def list_accesses(
    services: Served,
    caller: PrivacyCaller,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AccessPage:
    """Every access to the account, this one included."""
    if after is not None and not is_id("access", after):
        raise InvalidRequest("after: this must be the id of an access.", param="after")
    found, more = await services.resources.database.run(
        access_log.history, services.resources.keys, caller.opening, after=after, limit=limit
    )
    shown = [
        AccessShown.model_validate(
            {
                "id": entry.id,
                "actor": entry.actor,
                "actor_id": entry.actor_id,
                "action": entry.action,
                "job_id": entry.job_id,
                "address": entry.address,
                "at": clock.unix(entry.recorded_at),
            }
        )
        for entry in found
    ]
    first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
    return AccessPage(data=shown, first_id=first, last_id=last, has_more=more)


@router.post("/v1/access-history/revoke-others")
async def revoke_others(services: Served, caller: AccountWriter) -> OthersRevoked:
    """End every session and key but the one that asks; what they are downloading breaks off within two seconds."""
    keys = services.resources.keys

    def revoke(connection: Connection) -> OthersRevoked:
        by_key = caller.credential is Credential.KEY
        ended_keys = api_keys.revoke_others(connection, caller.account_id, caller.credential_id if by_key else None)
        ended = sessions.revoke_others(connection, caller.account_id, None if by_key else caller.credential_id)
        token = None
        if not by_key and not accounts.has_login(connection, caller.account_id):
            _, token = api_keys.create(connection, keys, caller.account_id)
        return OthersRevoked(revoked_sessions=ended, revoked_keys=ended_keys, api_key=token)

    return await services.resources.database.run(revoke)
