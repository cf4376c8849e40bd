"""`/v1/api-keys`: credentials for programs."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cluster import clock, errors
from cluster.errors import NotFound
from cluster.records import api_keys
from cluster.records.api_keys import ApiKey
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, AccountWriter, KeyId, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"])
_KNOWN = documented(errors.InvalidCredentials, errors.InsufficientScope)


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
