"""Makes videos of the items of batches, one after another, while their account has room for more.

A batch is leased to one replica for the time of one item. Should that replica be gone, another one takes the item
again; the transaction that makes the job is the one that takes the item off the list, so that it becomes one video.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from cluster import telemetry
from cluster.errors import InvalidCredentials, ServiceError
from cluster.records import access_log, api_keys, jobs, sessions, video_batches
from cluster.records import video_batch_items as items
from cluster.records.principals import Principal
from cluster.records.video_batch_items import ItemKey
from cluster.records.video_batches import Batch
from serve.ingress.accept import accept
from serve.ingress.batch_intake import order_of
from serve.ingress.door import Visitor
from serve.ingress.services import Services

__all__ = ["AT_ONCE", "LOOK_SECONDS", "drive"]

AT_ONCE: Final = 4
"""So many batches a replica works on at once: photos by link are waited for."""
LOOK_SECONDS: Final = 1.0
_LEASE: Final = timedelta(minutes=2)
"""Longer than the longest fetch of a photo and all that comes after it."""
_PAUSE: Final = timedelta(seconds=2)
_SHARE: Final = 0.75
"""Of an account's places in the queue: the others are left to what is asked for directly."""
_ENDED: Final = "The API key or login that sent this batch has ended. Send what is left of it with another one."


@dataclass(frozen=True, slots=True)
class _Task:
    """An item that is to be accepted now, and whoever asks for it."""

    key: ItemKey
    sealed: bytes
    caller: Visitor


async def drive(services: Services) -> None:
    """Accept items until no batch is due."""
    while task := await services.resources.database.run(_next, services):
        await _accept(services, task)


async def _accept(services: Services, task: _Task) -> None:
    """Make a video of an item, or note why not; what may pass by itself is tried again."""
    resources = services.resources
    try:
        request = items.request_of(resources.keys, task.caller.opening, task.key, task.sealed)
        await accept(services, task.caller, await order_of(services, request, task.key))
        return
    except ServiceError as error:
        refusal = error
    except Exception as error:
        telemetry.log_failure("batch_item_failed", error)
        refusal = ServiceError()
    if refusal.retryable:
        await resources.database.run(video_batches.postpone, task.key.batch_id, _PAUSE)
    else:
        await resources.database.run(items.fail, task.key, refusal.code, refusal.message)


def _next(connection: Connection, services: Services) -> _Task | None:
    """Lease the batch that is due next and has a good credential and room; None if there is none."""
    while batch := video_batches.take(connection, _LEASE):
        sender = _sender(connection, batch)
        if sender is None:
            items.fail_waiting(connection, batch.id, InvalidCredentials.code, _ENDED)
        elif not _has_room(connection, services, batch.account_id):
            video_batches.postpone(connection, batch.id, _PAUSE)
        else:
            key, sealed = items.upcoming(connection, batch.id)
            opening = access_log.by_service(connection, batch.account_id, service="ingress", purpose="batch")
            return _Task(key, sealed, Visitor.admitted(sender, opening))
    return None


def _sender(connection: Connection, batch: Batch) -> Principal | None:
    wanted = [batch.credential_id]
    return (api_keys.named(connection, wanted) | sessions.named(connection, wanted)).get(batch.credential_id)


def _has_room(connection: Connection, services: Services, account_id: str) -> bool:
    limits = services.resources.settings.jobs
    own = max(1, int(_SHARE * limits.max_queued_per_account))
    return jobs.active_count(connection, account_id) < own and jobs.waiting_count(connection) < limits.max_queued
