"""`/v1/videos`: create, read, list, cancel, delete."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Connection

from cluster import errors
from cluster.errors import InvalidRequest, NotFound, StateConflict, Unavailable
from cluster.ids import is_id
from cluster.records import jobs, lifecycle, subjects, submissions
from cluster.records.job_states import Actor
from serve.engines.parameters import VideoParameters
from serve.erasure import erase_doomed
from serve.ingress import deprecation
from serve.ingress.accept import accept
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.events import wait_for_end
from serve.ingress.forms import read_submission
from serve.ingress.handed_over import provider_copy
from serve.ingress.keeping import keeping_schema
from serve.ingress.looks import Look, look
from serve.ingress.order import Order, read_order, read_subject
from serve.ingress.prefer import MAX_WAIT_SECONDS, wait_seconds
from serve.ingress.services import Served, Services, VideoId, VideoReader, VideoWriter
from serve.ingress.sharing import sharing_schema
from serve.ingress.video_object import Video, VideoDeleted, VideoPage, render
from serve.media.probe import ACCEPTED
from serve.provider_parameters import ProviderParameters

__all__ = ["CREATE_ERRORS", "Prefer", "create_schema", "made", "router"]

router = APIRouter(tags=["Videos"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
_ABSENT = documented(NotFound)
_PREFER = f"`wait=N`, at most {MAX_WAIT_SECONDS} seconds; what else is preferred is ignored."
_LONGEST_POLL = 20
"""So many times the usual pause at most."""


Prefer = Annotated[list[str] | None, Header(description=_PREFER)]
CREATE_ERRORS = documented(
    errors.InvalidRequest,
    errors.ModelNotFound,
    errors.InsufficientCredits,
    errors.SpendingCapReached,
    errors.ConsentRequired,
    errors.ConsentWithdrawn,
    errors.AttestationRequired,
    errors.PersonalText,
    errors.NotForMinors,
    errors.RecipientUnavailable,
    errors.RecipientFailing,
    errors.RequestInProgress,
    errors.PayloadTooLarge,
    errors.IdempotencyKeyReused,
    errors.TooManyRequests,
    errors.TooManyQueued,
    errors.TooManyStreams,
    errors.QueueFull,
)


def create_schema(required: Sequence[str]) -> dict[str, Any]:
    """What a create request takes, for the documentation: the body is read by hand, within bounds."""
    theirs = ProviderParameters.model_json_schema()["properties"]
    of_third_parties = {name: theirs[name] for name in ("resolution", "aspect_ratio", "audio")}
    parameters = VideoParameters.model_json_schema()["properties"] | of_third_parties
    text = {
        "prompt": {"type": "string", "example": "slow push in, a calm morning"},
        "model": {"type": "string", "default": "default"},
        "subject": {
            "type": "string",
            "maxLength": subjects.MAX_CHARACTERS,
            "description": "Your own name for the user this is for. Kept as a keyed hash; `DELETE /v1/subjects/{ref}`.",
        },
        "priority": {
            "enum": ["low", "normal"],
            "default": "normal",
            "description": "`low` gives way to everything normal, for some minutes at most.",
        },
    }
    photo = {"input_reference": {"type": "string", "format": "binary", "description": f"{ACCEPTED}."}}
    link = {"type": "string", "format": "uri", "description": "https, http or data."}
    file = {"type": "string", "description": "One of your files: `POST /v1/files`."}
    linked = {"input_reference": {"type": "object", "properties": {"image_url": link, "file_id": file}}}

    def schema(reference: dict[str, Any]) -> dict[str, Any]:
        properties = text | reference | parameters | keeping_schema() | sharing_schema()
        return {"schema": {"type": "object", "required": list(required), "properties": properties}}

    content = {"multipart/form-data": schema(photo), "application/json": schema(linked)}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/v1/videos",
    openapi_extra=create_schema(required=["input_reference"]),
    responses=CREATE_ERRORS | documented(errors.FileMissing),
)
async def create_video(
    request: Request,
    response: Response,
    services: Served,
    caller: VideoWriter,
    idempotency_key: Annotated[str | None, Header()] = None,
    prefer: Prefer = None,
) -> Video:
    """Turn a photo into a video. The answer is the queued job; the same `Idempotency-Key` is the same job.

    With `Prefer: wait=N` the answer comes when the job has ended, or after N seconds, whichever is first.
    """
    order = await read_order(services, await read_submission(request), idempotency_key)
    return await made(services, caller, order, request, response, prefer)


async def made(
    services: Services, caller: Visitor, order: Order, request: Request, response: Response, prefer: list[str] | None
) -> Video:
    """Accept an order; its job, as it stands at once or after the time that the caller would rather wait."""
    job_id = await accept(services, caller, order)
    if patience := wait_seconds(prefer or []):
        await wait_for_end(services, caller, job_id, request, patience)
        response.headers["preference-applied"] = f"wait={patience}"
    response.headers.update(deprecation.headers(order.model))
    return await _shown(services, caller, job_id, response)


@router.get("/v1/videos")
async def list_videos(
    services: Served,
    caller: VideoReader,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    subject: str | None = None,
) -> VideoPage:
    """A page of the account's videos, or of those of one `subject`."""
    if after is not None and not is_id("video", after):
        raise InvalidRequest("after: this must be the id of a video.", param="after")
    keys, account_id = services.resources.keys, caller.account_id
    wanted = subjects.lookup(keys, account_id, read_subject(subject)) if subject is not None else None

    def page(connection: Connection) -> tuple[list[Look], bool]:
        found, more = jobs.listing(connection, account_id, after=after, limit=limit, order=order, subject_lookup=wanted)
        return look(connection, found), more

    looks, more = await services.resources.database.run(page)
    videos = [render(services, caller.opening, each) for each in looks]
    first, last = (videos[0].id, videos[-1].id) if videos else (None, None)
    return VideoPage(data=videos, first_id=first, last_id=last, has_more=more)


@router.get("/v1/videos/{video_id}", responses=_ABSENT)
async def retrieve_video(video_id: VideoId, response: Response, services: Served, caller: VideoReader) -> Video:
    """One video. A failed job is an ordinary answer with an `error` inside."""
    return await _shown(services, caller, video_id, response)


@router.post("/v1/videos/{video_id}/cancel", responses=_ABSENT | documented(StateConflict))
async def cancel_video(video_id: VideoId, response: Response, services: Served, caller: VideoWriter) -> Video:
    """Stop a job that is waiting or running. Its work ends within seconds and nothing is charged."""

    def cancel(connection: Connection) -> bool:
        if jobs.get(connection, video_id, caller.account_id) is None:
            raise NotFound
        return lifecycle.cancel(connection, video_id, Actor.OWNER, "cancelled_by_user")

    if not await services.resources.database.run(cancel):
        raise StateConflict("This video is finished already; there is nothing to cancel.")
    return await _shown(services, caller, video_id, response)


@router.delete("/v1/videos/{video_id}", responses=_ABSENT, response_model_exclude_none=True)
async def delete_video(video_id: VideoId, services: Served, caller: VideoWriter) -> VideoDeleted:
    """Erase a video, its photo, its stills and its prompt. The answer comes when the files are gone."""
    database = services.resources.database
    if not await database.run(lifecycle.delete, caller.account_id, video_id):
        raise NotFound
    if await erase_doomed(services.resources, video_id):
        raise Unavailable("The video is hidden, but its files could not be erased yet. We keep trying.")
    copy = provider_copy(await database.run(submissions.of_job, video_id))
    return VideoDeleted(id=video_id, copy_there=copy)


async def _shown(services: Services, caller: Visitor, job_id: str, response: Response) -> Video:
    video = render(services, caller.opening, await services.looks.at(caller.account_id, job_id))
    pause = services.resources.settings.http.poll_after_ms * min(video.queue_position or 1, _LONGEST_POLL)
    response.headers["openai-poll-after-ms"] = str(pause)
    return video
