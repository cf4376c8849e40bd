"""Webhook endpoints as the OpenAI API shows them, with what this service says beyond that."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from cluster import clock
from cluster.records import webhook_endpoints as endpoints
from cluster.records.webhook_deliveries import Delivery, EventType
from cluster.records.webhook_endpoints import Endpoint
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

__all__ = [
    "DeliveryPage",
    "DeliveryShown",
    "EndpointCreated",
    "EndpointDeleted",
    "EndpointPage",
    "EndpointShown",
    "NewEndpoint",
    "Rotation",
    "Sample",
    "SampleSent",
    "show_delivery",
    "show_endpoint",
]

_ALL: tuple[EventType, ...] = get_args(EventType)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewEndpoint(_Body):
    """Where events shall be sent, and which."""

    url: str = Field(min_length=1, max_length=2048, description="An https URL of a public host.")
    name: str = Field("", max_length=200)
    event_types: tuple[EventType, ...] = Field(_ALL, min_length=1, max_length=len(_ALL))


class Rotation(_Body):
    """How the old secret ends."""

    keep_old_secret_active_for_24_hours: bool = True


class Sample(_Body):
    """What to send as a sample."""

    event_type: EventType = "video.completed"


class EndpointShown(BaseModel):
    """An endpoint without its secret."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    name: str
    url: str
    event_types: list[str]
    signing_secret_hint: str
    created_at: int
    updated_at: int
    disabled_at: int | None = Field(description="When its host answered 410, which ended sending; null while in use.")


class EndpointCreated(EndpointShown):
    """An endpoint with its new secret, which is shown only here."""

    signing_secret: str


class EndpointPage(BaseModel):
    """A page of endpoints, the newest first."""

    object: Literal["list"] = "list"
    data: list[EndpointShown]
    first_id: str | None
    last_id: str | None
    has_more: bool


class EndpointDeleted(BaseModel):
    """The answer to a deletion: the endpoint and its log are gone."""

    id: str
    object: Literal["webhook_endpoint.deleted"] = "webhook_endpoint.deleted"
    deleted: Literal[True] = True


class SampleSent(BaseModel):
    """The endpoint answered; whether it was content is in the status."""

    object: Literal["webhook_endpoint.test"] = "webhook_endpoint.test"
    webhook_endpoint_id: str
    event_type: str
    status_code: int
    success: Literal[True] = True


class DeliveryShown(BaseModel):
    """How one event was delivered: codes and times only."""

    id: str = Field(description="The event's id, which is its header webhook-id, too.")
    object: Literal["webhook_delivery"] = "webhook_delivery"
    event_type: str
    video_id: str | None = Field(description="Null for a sample.")
    state: Literal["waiting", "delivered", "failed", "dropped"]
    attempts: int
    status_code: int | None = Field(description="The last answer; null if there was none.")
    created_at: int
    next_attempt_at: int | None
    ended_at: int | None


class DeliveryPage(BaseModel):
    """A page of the log, the newest first."""

    object: Literal["list"] = "list"
    data: list[DeliveryShown]
    first_id: str | None
    last_id: str | None
    has_more: bool


def show_endpoint(keys: KeyStore, opening: Opening, endpoint: Endpoint) -> EndpointShown:
    """The public object of an endpoint."""
    return EndpointShown(
        id=endpoint.id,
        name=endpoints.name_of(keys, opening, endpoint),
        url=endpoints.url_of(keys, opening, endpoint),
        event_types=list(endpoint.events),
        signing_secret_hint=f"whsec_…{endpoint.secret_hint}",
        created_at=clock.unix(endpoint.created_at),
        updated_at=clock.unix(endpoint.updated_at),
        disabled_at=clock.unix(endpoint.disabled_at) if endpoint.disabled_at else None,
    )


def show_delivery(delivery: Delivery) -> DeliveryShown:
    """The public object of a delivery."""
    return DeliveryShown(
        id=delivery.id,
        event_type=delivery.type,
        video_id=delivery.job_id,
        state=delivery.state,
        attempts=delivery.attempts,
        status_code=delivery.last_status,
        created_at=clock.unix(delivery.created_at),
        next_attempt_at=clock.unix(delivery.next_attempt_at) if delivery.next_attempt_at else None,
        ended_at=clock.unix(delivery.ended_at) if delivery.ended_at else None,
    )
