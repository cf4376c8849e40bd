"""`/v1/videos/{id}/events`: how a job goes, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidCredentials, NotFound
from cluster.records import jobs, standings
from cluster.records.job_states import JobState
from cluster.records.standings import Standing
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.services import Served, Services, VideoId, VideoReader
from serve.ingress.stage_eta import StageEta
from serve.ingress.video_object import VideoFailure, failure, progress
from serve.ingress.watch import Ended
from serve.ingress.watched import Watched

__all__ = ["router", "wait_for_end"]

router = APIRouter(
    tags=["Videos"],
    responses=documented(
        errors.InvalidCredentials, errors.InsufficientScope, NotFound, errors.TooManyRequests, errors.TooManyStreams
    ),
)

_MEDIA_TYPE = "text/event-stream"
_KEEPALIVE_SECONDS = 10.0
"""A third of the silence that the edge bears from a client."""


class VideoEvent(BaseModel):
    """How a job stands, in one event. Ids, states and numbers only."""

    type: Literal[
        "video.queued", "video.in_progress", "video.completed", "video.failed", "video.cancelled", "video.deleted"
    ]
    id: str
    status: Literal["queued", "in_progress", "completed", "failed", "cancelled"] | None = Field(
        default=None, description="As in the video itself; null once it is deleted."
    )
    progress: int | None = Field(default=None, description="Percent.")
    stage: str | None = Field(default=None, description="What is being done, while the job runs.")
    step: int | None = Field(default=None, description="How far that stage is, of `steps`; null if it does not say.")
    steps: int | None = None
    queue_position: int | None = Field(default=None, description="1 is next; null once the job has begun.")
    eta_seconds: int | None = Field(
        default=None, description="How long the present stage still takes at the pace it had; null until that is known."
    )
    error: VideoFailure | None = None


def _stream_schema() -> dict[str, Any]:
    """The data of each event, for the documentation; what `Video` has too is described there."""
    schema = VideoEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    return {name: value for name, value in schema.items() if name != "$defs"}


@router.get(
    "/v1/videos/{video_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {_MEDIA_TYPE: {"schema": _stream_schema()}}}},
)
async def stream_events(video_id: VideoId, services: Served, caller: VideoReader) -> StreamingResponse:
    """Each change of the job, the present state first and at once; the stream ends after the job's end.

    The name of each event is its `type`, its data are the object shown here. A stream that broke off is just opened
    again: it begins with the present state, so that `Last-Event-ID` is not needed and ignored. Close the `EventSource`
    at `video.completed`, `video.failed`, `video.cancelled` or `video.deleted`, or it connects again by itself.
    """

    def find(connection: Connection) -> Standing | None:
        if jobs.get(connection, video_id, caller.account_id) is None:
            return None
        return standings.of_jobs(connection, [video_id]).get(video_id)

    first = await services.resources.database.run(find)
    if first is None:
        raise NotFound
    return Watched(services.watch, caller, _events(services, first), media_type=_MEDIA_TYPE)


async def wait_for_end(services: Services, caller: Visitor, job_id: str, request: Request, seconds: float) -> None:
    """Wait until the job has ended or whoever made the request has hung up, at most so long.

    Raises:
        InvalidCredentials: the caller's credential or account ended meanwhile.
    """
    first = (await services.resources.database.run(standings.of_jobs, [job_id])).get(job_id)
    if first is None or first.ended:
        return
    with services.watch.over(caller) as sending, services.hub.follow(first) as following:
        try:
            async with asyncio.timeout(seconds):
                await sending.unless_ended(_first_of(following.end(), _hung_up(request)))
        except TimeoutError:
            return
        except Ended:
            raise InvalidCredentials from None


async def _hung_up(request: Request) -> None:
    """Wait until nobody waits for the answer. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Wait until one of them is done, and stop the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


async def _events(services: Services, first: Standing) -> AsyncGenerator[bytes, None]:
    eta = StageEta()
    standing: Standing | None = first
    yield _event(first, eta)
    if first.ended:
        return
    with services.hub.follow(first) as following:
        while standing and not standing.ended:
            try:
                async with asyncio.timeout(_KEEPALIVE_SECONDS):
                    standing = await following.news()
            except TimeoutError:
                yield KEEPALIVE_COMMENT
            else:
                yield _event(standing, eta) if standing else _deleted(first.job_id)


def _event(standing: Standing, eta: StageEta) -> bytes:
    running = standing.state is JobState.IN_PROGRESS
    counted = running and standing.steps > 0
    return _written(
        VideoEvent.model_validate(
            {
                "type": f"video.{standing.state}",
                "id": standing.job_id,
                "status": standing.state.value,
                "progress": progress(standing),
                "stage": standing.stage.value if running else None,
                "step": standing.step if counted else None,
                "steps": standing.steps if counted else None,
                "queue_position": standing.queue_position,
                "eta_seconds": eta.seconds_left(standing, clock.monotonic()) if counted else None,
                "error": failure(standing.error_code),
            }
        )
    )


def _deleted(job_id: str) -> bytes:
    return _written(VideoEvent(type="video.deleted", id=job_id))


def _written(event: VideoEvent) -> bytes:
    return format_sse_event(event=event.type, data_str=event.model_dump_json())
