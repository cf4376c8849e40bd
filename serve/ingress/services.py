"""What every route needs, and the dependencies by which routes get it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cluster import clock
from cluster.errors import FreshLoginRequired, InsufficientScope, InvalidCredentials, NotFound
from cluster.ids import is_id
from cluster.privacy.notices import Notice, read_folder
from cluster.privacy.policy import Policy
from cluster.privacy.recipients import Register
from cluster.privacy.share_notices import share_notices
from cluster.privacy.terms import Audience, Terms, read_terms
from cluster.records import notices
from cluster.records.allowances import RequestKind
from cluster.records.principals import Scope, permits
from cluster.settings import configs_folder
from cluster.storage.database import AsyncDatabase
from serve.catalogue import Catalogue
from serve.ingress import cookies
from serve.ingress.admission import Rooms, has_body, kind_of
from serve.ingress.door import Door, Knock, Visitor
from serve.ingress.hub import Hub
from serve.ingress.looks import Looks
from serve.ingress.stream_leases import StreamLeases
from serve.ingress.watch import Watch
from serve.resources import WebResources

__all__ = [
    "AccountReader",
    "AccountWriter",
    "BatchId",
    "Caller",
    "EndpointId",
    "FileId",
    "FreshCaller",
    "KeyId",
    "LinkEntrance",
    "OutboundCalls",
    "PrivacyCaller",
    "Served",
    "Services",
    "VideoId",
    "VideoReader",
    "VideoWriter",
    "address_of",
    "published_notices",
    "published_terms",
]


@dataclass(frozen=True, slots=True)
class OutboundCalls:
    """What the way out is asked for, each by the id of a row. The answers are codes of `UrlFailure`, None for none."""

    fetch: Callable[[str], Awaitable[None]]
    check_endpoint: Callable[[str], Awaitable[str | None]]
    send_sample: Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Services:
    """What one replica answers with: resources, models, texts, ways to other deployments, and what keeps count."""

    resources: WebResources
    catalogue: Catalogue
    notices: Mapping[str, Notice]
    wake: Callable[[], object]
    outbound: OutboundCalls
    door: Door
    watch: Watch
    hub: Hub
    looks: Looks
    rooms: Rooms
    streams: StreamLeases
    terms: Mapping[Audience, Terms]
    policy: Policy
    register: Register
    edge_secret: str | None = None
    """What shows that a request came through the edge; none where there is no edge."""

    @property
    def ticket_life(self) -> timedelta:
        """How long an Idempotency-Key is remembered."""
        return timedelta(hours=self.resources.settings.retention.idempotency_hours)

    @property
    def notice_versions(self) -> dict[str, str]:
        """The version that counts today, by purpose."""
        return {purpose: notice.version for purpose, notice in self.notices.items()}


async def published_notices(database: AsyncDatabase, register: Register) -> dict[str, Notice]:
    """Read this installation's notices, make those of its recipients, and put those that are new on record."""
    current = read_folder(configs_folder() / "notices") | share_notices(register)
    await database.run(notices.publish, list(current.values()))
    return current


def published_terms() -> dict[Audience, Terms]:
    """What everybody is told before they come in."""
    return read_terms(configs_folder() / "terms")


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Served = Annotated[Services, Depends(_services)]


def address_of(request: Request) -> str:
    """The caller's address, as the edge saw it."""
    address: str = request.state.address
    return address


_bearer = HTTPBearer(auto_error=False, description="An API key, a session's token or a guest's.")


async def _caller(
    request: Request, services: Served, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Visitor:
    token = bearer.credentials if bearer else cookies.session_token(request)
    if token is None:
        raise InvalidCredentials
    return await _enter(request, services, token)


async def _enter(request: Request, services: Services, token: str, credential_id: str | None = None) -> Visitor:
    action = f"{request.method} {request.scope['route'].path}"
    kind = kind_of(request.scope)
    rate = RequestKind.CREATE if has_body(request.scope) else kind
    streams = kind is RequestKind.STREAM
    knock = Knock(token, address_of(request), action, rate, streams, credential_id)
    visitor = await services.door.enter(knock)
    request.state.allowance = visitor.allowance
    request.state.on_leaving = on_leaving = []
    if visitor.stream_id:
        on_leaving.append(services.streams.hold(visitor.stream_id))
    on_leaving.append(services.rooms.share(visitor.account_id, kind))
    return visitor


Caller = Annotated[Visitor, Depends(_caller)]


def _link_entrance(request: Request, services: Served) -> Callable[[str], Awaitable[Visitor]]:
    """Come in by a signature that was checked, in the name of the credential of that id."""

    async def enter(credential_id: str) -> Visitor:
        return await _enter(request, services, "", credential_id)

    return enter


LinkEntrance = Annotated[Callable[[str], Awaitable[Visitor]], Depends(_link_entrance)]


def _with(scope: Scope) -> Callable[[Visitor], Visitor]:
    def check(caller: Caller) -> Visitor:
        if not permits(caller.scopes, scope):
            raise InsufficientScope(details={"needed_scope": scope.value})
        return caller

    return check


VideoReader = Annotated[Visitor, Depends(_with(Scope.VIDEOS_READ))]
VideoWriter = Annotated[Visitor, Depends(_with(Scope.VIDEOS_WRITE))]
AccountReader = Annotated[Visitor, Depends(_with(Scope.ACCOUNT_READ))]
AccountWriter = Annotated[Visitor, Depends(_with(Scope.ACCOUNT_WRITE))]
PrivacyCaller = Annotated[Visitor, Depends(_with(Scope.PRIVACY))]


def _fresh(services: Served, caller: PrivacyCaller) -> Visitor:
    life = timedelta(minutes=services.resources.settings.accounts.fresh_minutes)
    if caller.logged_in_at is None or clock.now() - caller.logged_in_at > life:
        raise FreshLoginRequired(details={"log_in_with": {"method": "POST", "path": "/v1/sessions"}})
    return caller


FreshCaller = Annotated[Visitor, Depends(_fresh)]


def _video_id(_: Caller, video_id: str) -> str:
    return _of_kind("video", video_id)


def _key_id(_: Caller, key_id: str) -> str:
    return _of_kind("key", key_id)


def _endpoint_id(_: Caller, endpoint_id: str) -> str:
    return _of_kind("we", endpoint_id)


def _file_id(_: Caller, file_id: str) -> str:
    return _of_kind("file", file_id)


def _batch_id(_: Caller, batch_id: str) -> str:
    return _of_kind("batch", batch_id)


def _of_kind(kind: str, name: str) -> str:
    if not is_id(kind, name):
        raise NotFound
    return name


VideoId = Annotated[str, Depends(_video_id)]
KeyId = Annotated[str, Depends(_key_id)]
FileId = Annotated[str, Depends(_file_id)]
BatchId = Annotated[str, Depends(_batch_id)]
EndpointId = Annotated[str, Depends(_endpoint_id)]
