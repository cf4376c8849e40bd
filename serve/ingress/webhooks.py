"""`/v1/webhook_endpoints`: where an account is told how its videos end. The wire format is that of the OpenAI API."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from cluster import clock, errors, telemetry
from cluster.errors import InvalidRequest, NotFound, StateConflict, TooManyRequests, Unavailable
from cluster.ids import is_id
from cluster.records import accounts
from cluster.records import webhook_deliveries as deliveries
from cluster.records import webhook_endpoints as endpoints
from cluster.records.principals import Principal
from cluster.records.webhook_endpoints import Endpoint
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, AccountWriter, EndpointId, Served, Services
from serve.ingress.webhook_objects import (
    DeliveryPage,
    EndpointCreated,
    EndpointDeleted,
    EndpointPage,
    EndpointShown,
    NewEndpoint,
    Rotation,
    Sample,
    SampleSent,
    show_delivery,
    show_endpoint,
)
from serve.url_failures import SENTENCES, UrlFailure

__all__ = ["router"]

router = APIRouter(tags=["Webhooks"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
_ABSENT = documented(NotFound)
_SAMPLES_A_MINUTE: Final = 10

Limit = Annotated[int, Query(ge=1, le=100)]


@router.post("/v1/webhook_endpoints", status_code=201, responses=documented(InvalidRequest, TooManyRequests))
async def create_endpoint(body: NewEndpoint, services: Served, caller: AccountWriter) -> EndpointCreated:
    """Name a URL that is told how videos end. The signing secret is shown only now."""
    resources = services.resources

    def note_down(connection: Connection) -> tuple[str, str]:
        most = resources.settings.outbound.max_endpoints_per_account
        accounts.lock(connection, caller.account_id)
        if endpoints.count(connection, caller.account_id) >= most:
            raise StateConflict(f"This account has {most} webhook endpoints already. Delete one first.")
        return endpoints.create(
            connection, resources.keys, caller.account_id, url=body.url, name=body.name, events=body.event_types
        )

    endpoint_id, secret = await resources.database.run(note_down)
    accepted = False
    try:
        await _ask(services.outbound.check_endpoint, endpoint_id, "url")
        await resources.database.run(endpoints.verify, endpoint_id)
        accepted = True
    finally:
        if not accepted:
            await resources.database.run(endpoints.remove, endpoint_id, caller.account_id)
    return EndpointCreated(**(await _shown(services, caller, endpoint_id)).model_dump(), signing_secret=secret)


@router.get("/v1/webhook_endpoints")
async def list_endpoints(
    services: Served, caller: AccountReader, after: str | None = None, limit: Limit = 20
) -> EndpointPage:
    """The account's endpoints, without their secrets."""
    if after is not None and not is_id("we", after):
        raise InvalidRequest("after: this must be the id of a webhook endpoint.", param="after")
    resources = services.resources
    found, more = await resources.database.run(endpoints.listing, caller.account_id, after=after, limit=limit)
    shown = [show_endpoint(resources.keys, caller.opening, endpoint) for endpoint in found]
    first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
    return EndpointPage(data=shown, first_id=first, last_id=last, has_more=more)


@router.get("/v1/webhook_endpoints/{endpoint_id}", responses=_ABSENT)
async def retrieve_endpoint(endpoint_id: EndpointId, services: Served, caller: AccountReader) -> EndpointShown:
    """One endpoint, without its secret."""
    return await _shown(services, caller, endpoint_id)


@router.delete("/v1/webhook_endpoints/{endpoint_id}", responses=_ABSENT)
async def delete_endpoint(endpoint_id: EndpointId, services: Served, caller: AccountWriter) -> EndpointDeleted:
    """Send nothing more, and forget the endpoint with its log."""
    if not await services.resources.database.run(endpoints.remove, endpoint_id, caller.account_id):
        raise NotFound
    return EndpointDeleted(id=endpoint_id)


@router.post("/v1/webhook_endpoints/{endpoint_id}/rotate_secret", responses=_ABSENT)
async def rotate_secret(
    endpoint_id: EndpointId, services: Served, caller: AccountWriter, body: Rotation | None = None
) -> EndpointCreated:
    """Make a new signing secret. Unless told otherwise, events are signed with both for 24 hours."""
    resources, wanted = services.resources, body or Rotation()

    def rotate(connection: Connection) -> str:
        endpoint = _own(connection, caller, endpoint_id)
        keep = wanted.keep_old_secret_active_for_24_hours
        return endpoints.rotate_secret(connection, resources.keys, endpoint, keep_old=keep)

    secret = await resources.database.run(rotate)
    return EndpointCreated(**(await _shown(services, caller, endpoint_id)).model_dump(), signing_secret=secret)


@router.post("/v1/webhook_endpoints/{endpoint_id}/test", responses=_ABSENT | documented(StateConflict, TooManyRequests))
async def send_sample(
    endpoint_id: EndpointId, services: Served, caller: AccountWriter, body: Sample | None = None
) -> SampleSent:
    """Send a sample now, once. It is signed like any event, and its `data.id` is the endpoint's own."""
    event = (body or Sample()).event_type

    def enqueue(connection: Connection) -> str:
        endpoint = _own(connection, caller, endpoint_id)
        account = accounts.get(connection, caller.account_id)
        if endpoint.disabled_at or account is None:
            raise StateConflict("This endpoint is disabled: its host said that it is gone. Make a new one.")
        minute_ago = clock.now() - timedelta(minutes=1)
        if deliveries.samples_since(connection, endpoint_id, minute_ago) >= _SAMPLES_A_MINUTE:
            raise TooManyRequests(f"At most {_SAMPLES_A_MINUTE} samples a minute are sent to an endpoint.")
        return deliveries.enqueue_sample(connection, endpoint_id, caller.account_id, account.epoch, event)

    database = services.resources.database
    delivery_id = await database.run(enqueue)
    await _ask(services.outbound.send_sample, delivery_id, None)
    delivery = await database.run(deliveries.get, delivery_id)
    if delivery is None or delivery.last_status is None:
        raise Unavailable
    return SampleSent(webhook_endpoint_id=endpoint_id, event_type=event, status_code=delivery.last_status)


@router.get("/v1/webhook_endpoints/{endpoint_id}/deliveries", responses=_ABSENT)
async def list_deliveries(
    endpoint_id: EndpointId, services: Served, caller: AccountReader, after: str | None = None, limit: Limit = 20
) -> DeliveryPage:
    """How the events of the last weeks were delivered."""
    if after is not None and not is_id("evt", after):
        raise InvalidRequest("after: this must be the id of an event.", param="after")

    def read(connection: Connection) -> DeliveryPage:
        _own(connection, caller, endpoint_id)
        found, more = deliveries.listing(connection, endpoint_id, after=after, limit=limit)
        first, last = (found[0].id, found[-1].id) if found else (None, None)
        return DeliveryPage(data=list(map(show_delivery, found)), first_id=first, last_id=last, has_more=more)

    return await services.resources.database.run(read)


def _own(connection: Connection, caller: Principal, endpoint_id: str) -> Endpoint:
    endpoint = endpoints.get(connection, endpoint_id, caller.account_id)
    if endpoint is None:
        raise NotFound
    return endpoint


async def _shown(services: Services, caller: Visitor, endpoint_id: str) -> EndpointShown:
    endpoint = await services.resources.database.run(_own, caller, endpoint_id)
    return show_endpoint(services.resources.keys, caller.opening, endpoint)


async def _ask(way_out: Callable[[str], Awaitable[str | None]], row_id: str, param: str | None) -> None:
    """Have the way out do something with a row; what it has against the row's URL is the caller's to mend."""
    try:
        code = await way_out(row_id)
    except Exception as error:
        telemetry.log_failure("way_out_failed", error)
        raise Unavailable from None
    if code is not None:
        raise InvalidRequest(SENTENCES[UrlFailure(code)], code=code, param=param)
