"""What every route needs, and the dependencies by which routes get it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cluster.errors import InsufficientScope, InvalidCredentials, NotFound
from cluster.ids import is_id
from cluster.privacy.notices import Notice, read_folder
from cluster.records import api_keys, notices
from cluster.records.principals import Principal, Scope, permits
from cluster.settings import configs_folder
from cluster.storage.database import AsyncDatabase
from serve.catalogue import Catalogue
from serve.resources import WebResources

__all__ = [
    "AccountReader",
    "AccountWriter",
    "Caller",
    "EndpointId",
    "KeyId",
    "OutboundCalls",
    "PrivacyCaller",
    "Served",
    "Services",
    "VideoId",
    "VideoReader",
    "VideoWriter",
    "published_notices",
]


@dataclass(frozen=True, slots=True)
class OutboundCalls:
    """What the way out is asked for, each by the id of a row. The answers are codes of `UrlFailure`, None for none."""

    fetch: Callable[[str], Awaitable[None]]
    check_endpoint: Callable[[str], Awaitable[str | None]]
    send_sample: Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Services:
    """One replica's resources, the models, the current notice of each purpose, and ways to the other deployments."""

    resources: WebResources
    catalogue: Catalogue
    notices: Mapping[str, Notice]
    wake: Callable[[], object]
    outbound: OutboundCalls

    @property
    def notice_versions(self) -> dict[str, str]:
        """The version that counts today, by purpose."""
        return {purpose: notice.version for purpose, notice in self.notices.items()}


async def published_notices(database: AsyncDatabase) -> dict[str, Notice]:
    """Read this installation's notices and put those that are new on record."""
    current = read_folder(configs_folder() / "notices")
    await database.run(notices.publish, list(current.values()))
    return current


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Served = Annotated[Services, Depends(_services)]

_bearer = HTTPBearer(auto_error=False, description="An API key, as POST /v1/accounts or POST /v1/api-keys returns it.")


async def _caller(
    services: Served, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    if credentials is None:
        raise InvalidCredentials
    resources = services.resources
    principal = await resources.database.run(api_keys.authenticate, resources.keys, credentials.credentials)
    if principal is None:
        raise InvalidCredentials
    return principal


Caller = Annotated[Principal, Depends(_caller)]


def _with(scope: Scope) -> Callable[[Principal], Principal]:
    def check(caller: Caller) -> Principal:
        if not permits(caller.scopes, scope):
            raise InsufficientScope(details={"needed_scope": scope.value})
        return caller

    return check


VideoReader = Annotated[Principal, Depends(_with(Scope.VIDEOS_READ))]
VideoWriter = Annotated[Principal, Depends(_with(Scope.VIDEOS_WRITE))]
AccountReader = Annotated[Principal, Depends(_with(Scope.ACCOUNT_READ))]
AccountWriter = Annotated[Principal, Depends(_with(Scope.ACCOUNT_WRITE))]
PrivacyCaller = Annotated[Principal, Depends(_with(Scope.PRIVACY))]


def _video_id(_: Caller, video_id: str) -> str:
    return _of_kind("video", video_id)


def _key_id(_: Caller, key_id: str) -> str:
    return _of_kind("key", key_id)


def _endpoint_id(_: Caller, endpoint_id: str) -> str:
    return _of_kind("we", endpoint_id)


def _of_kind(kind: str, name: str) -> str:
    if not is_id(kind, name):
        raise NotFound
    return name


VideoId = Annotated[str, Depends(_video_id)]
KeyId = Annotated[str, Depends(_key_id)]
EndpointId = Annotated[str, Depends(_endpoint_id)]
