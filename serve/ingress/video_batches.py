"""`/v1/video_batches`: up to a thousand create requests at once, accepted one after another while there is room."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy import Connection

from cluster import errors
from cluster.errors import InvalidRequest, NotFound, StateConflict, TooManyQueued, Unavailable
from cluster.ids import is_id
from cluster.records import accounts, idempotency, lifecycle, video_batches
from cluster.records import video_batch_items as items
from cluster.records.idempotency import Ticket
from cluster.records.job_states import Actor
from cluster.records.video_batches import Batch
from serve.ingress.batch_intake import batch_schema, read_batch
from serve.ingress.batch_object import BatchItemPage, VideoBatch, VideoBatchPage, show_batch, show_item
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.forms import read_json
from serve.ingress.order import check_idempotency_key
from serve.ingress.services import BatchId, Served, Services, VideoReader, VideoWriter
from serve.ingress.tickets import ticket_of, twin_of
from serve.ingress.videos import create_schema

__all__ = ["router"]

router = APIRouter(tags=["Batches"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
_ABSENT = documented(NotFound)
_BUSY_SECONDS = 10


@router.post(
    "/v1/video_batches",
    openapi_extra=batch_schema(create_schema(required=["input_reference"])),
    responses=documented(
        InvalidRequest,
        errors.ModelNotFound,
        errors.FileMissing,
        errors.PayloadTooLarge,
        errors.IdempotencyKeyReused,
        errors.TooManyRequests,
        TooManyQueued,
    ),
)
async def create_video_batch(
    request: Request, services: Served, caller: VideoWriter, idempotency_key: Annotated[str | None, Header()] = None
) -> VideoBatch:
    """Have many videos made. Each item is what `POST /v1/videos` takes as JSON, with its photo by `file_id` or link.

    All items are checked first, and one that is wrong refuses the batch. Then they become videos in their order, while
    the account has room for more; each is a video like any other, of the credential that sent the batch. One that is
    refused (too few credits, a withdrawn consent, a photo that is not there) has its error, and the others go on.
    """
    check_idempotency_key(idempotency_key)
    resources, account_id, batch_id = services.resources, caller.account_id, video_batches.new_batch_id()
    wanted = await read_batch(services, account_id, await read_json(request))
    content = json.dumps(["video_batch", *([new.request, new.custom_id] for new in wanted)]).encode()
    ticket = ticket_of(resources.keys, account_id, idempotency_key, content) if idempotency_key is not None else None
    rows = await asyncio.to_thread(items.seal, resources.keys, account_id, batch_id, wanted)
    made = await resources.database.run(_store, services, caller, batch_id, rows, ticket)
    return await _shown(services, caller, made)


@router.get("/v1/video_batches")
async def list_video_batches(
    services: Served,
    caller: VideoReader,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> VideoBatchPage:
    """A page of the account's batches. They are kept for some weeks after their end."""
    if after is not None and not is_id("batch", after):
        raise InvalidRequest("after: this must be the id of a batch.", param="after")

    def page(connection: Connection) -> VideoBatchPage:
        found, more = video_batches.listing(connection, caller.account_id, after=after, limit=limit, order=order)
        counts = items.counts(connection, [batch.id for batch in found])
        data = [show_batch(batch, counts[batch.id]) for batch in found]
        first, last = (data[0].id, data[-1].id) if data else (None, None)
        return VideoBatchPage(data=data, first_id=first, last_id=last, has_more=more)

    return await services.resources.database.run(page)


@router.get("/v1/video_batches/{batch_id}", responses=_ABSENT)
async def retrieve_video_batch(batch_id: BatchId, services: Served, caller: VideoReader) -> VideoBatch:
    """One batch, with how far it is."""
    return await _shown(services, caller, batch_id)


@router.get("/v1/video_batches/{batch_id}/items", responses=_ABSENT)
async def list_video_batch_items(
    batch_id: BatchId,
    services: Served,
    caller: VideoReader,
    after: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The `index` of the last item seen.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> BatchItemPage:
    """A page of a batch's items, each with the video that it became or the error for which it was refused."""

    def page(connection: Connection) -> tuple[list[items.Item], bool]:
        _own(connection, caller, batch_id)
        return items.listing(connection, batch_id, after=after, limit=limit)

    found, more = await services.resources.database.run(page)
    keys = services.resources.keys
    return BatchItemPage(data=[show_item(keys, caller.opening, item) for item in found], has_more=more)


@router.post("/v1/video_batches/{batch_id}/cancel", responses=_ABSENT | documented(StateConflict))
async def cancel_video_batch(batch_id: BatchId, services: Served, caller: VideoWriter) -> VideoBatch:
    """Let go of the items that wait, and stop the videos of the others that have not ended. These are not charged."""

    def cancel(connection: Connection) -> bool:
        accounts.lock(connection, caller.account_id)
        _own(connection, caller, batch_id)
        waiting = items.cancel_waiting(connection, batch_id)
        running = items.active_jobs(connection, batch_id)
        for job_id in running:
            lifecycle.cancel(connection, job_id, Actor.OWNER, "cancelled_by_user")
        if waiting or running:
            video_batches.cancel(connection, batch_id)
        return bool(waiting or running)

    if not await services.resources.database.run(cancel):
        raise StateConflict("All of this batch has ended already; there is nothing to cancel.")
    return await _shown(services, caller, batch_id)


def _store(
    connection: Connection,
    services: Services,
    caller: Visitor,
    batch_id: str,
    rows: list[dict[str, Any]],
    ticket: Ticket | None,
) -> str:
    """The one transaction that makes the batch: its id, or that of a twin that was first."""
    if ticket and (twin := idempotency.find(connection, ticket)):
        return twin
    if accounts.lock(connection, caller.account_id) is None:
        raise Unavailable
    if ticket and not idempotency.claim(connection, ticket, services.ticket_life):
        return twin_of(connection, ticket)
    most = services.resources.settings.admission.batches_per_account
    if (going := video_batches.open_count(connection, caller.account_id)) >= most:
        message = f"This account has {most} batches in progress already. Let one finish first."
        raise TooManyQueued(message, details={"limit": most, "active": going}, retry_after=_BUSY_SECONDS)
    video_batches.create(connection, batch_id, caller.account_id, caller.credential_id)
    items.add(connection, rows)
    if ticket:
        idempotency.fulfil(connection, ticket, batch_id)
    return batch_id


def _own(connection: Connection, caller: Visitor, batch_id: str) -> Batch:
    batch = video_batches.get(connection, caller.account_id, batch_id)
    if batch is None:
        raise NotFound
    return batch


async def _shown(services: Services, caller: Visitor, batch_id: str) -> VideoBatch:
    def read(connection: Connection) -> VideoBatch:
        batch = _own(connection, caller, batch_id)
        return show_batch(batch, items.counts(connection, [batch_id])[batch_id])

    return await services.resources.database.run(read)
