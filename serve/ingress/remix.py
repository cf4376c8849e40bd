"""`/v1/videos/{id}/remix`: another video from the same photo.

It is made of a copy of the photo that the first video keeps, so that neither's deletion takes anything from the other.
What was said of the first holds for the second: whose it is (`subject`) and, unless it is said anew, for how long.
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from cluster import errors
from cluster.errors import InvalidRequest, NotFound, NotReady, PhotoErased
from cluster.records import jobs
from cluster.records.jobs import Job, negative_prompt_of
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.forms import Submission, read_submission
from serve.ingress.keeping import EXPIRES, seconds_after
from serve.ingress.kept import Kept
from serve.ingress.order import Order, read_order
from serve.ingress.services import Served, Services, VideoId, VideoWriter
from serve.ingress.video_object import Video
from serve.ingress.videos import CREATE_ERRORS, Prefer, create_schema, made

__all__ = ["router"]

router = APIRouter(tags=["Videos"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope, NotFound))


def _schema() -> dict[str, Any]:
    """A create request without a photo, of which only the prompt has to be given."""
    schema = create_schema(required=["prompt"])
    for content in schema["requestBody"]["content"].values():
        del content["schema"]["properties"]["input_reference"]
    return schema


@router.post(
    "/v1/videos/{video_id}/remix",
    openapi_extra=_schema(),
    responses=CREATE_ERRORS | documented(NotReady, PhotoErased),
)
async def remix_video(
    video_id: VideoId,
    request: Request,
    response: Response,
    services: Served,
    caller: VideoWriter,
    idempotency_key: Annotated[str | None, Header()] = None,
    prefer: Prefer = None,
) -> Video:
    """Make another video of the same photo: with a new prompt, and as the first one in all that is not given anew."""
    submission = await read_submission(request)
    source = await services.resources.database.run(jobs.get, video_id, caller.account_id)
    if source is None:
        raise NotFound
    order = await _order(services, caller, source, submission, idempotency_key)
    return await made(services, caller, order, request, response, prefer)


async def _order(
    services: Services, caller: Visitor, source: Job, submission: Submission, idempotency_key: str | None
) -> Order:
    given = submission.fields
    if submission.has_photo:
        raise InvalidRequest("Leave it out: a remix has the photo of its video.", param="input_reference")
    if "prompt" not in given:
        raise InvalidRequest("prompt: this is needed, and may be empty.", param="prompt")
    if source.subject_lookup is not None and "subject" in given:
        raise InvalidRequest("subject: a remix belongs to the same subject as its video.", param="subject")
    kept = _parameters(services, caller, source, given)
    fields = {"model": source.model, **kept, **_life(source, given), **given}
    order = await read_order(services, Submission(fields, None, kept=Kept(source.id)), idempotency_key)
    return order if source.subject_lookup is None else replace(order, subject=source.subject_lookup)


def _parameters(services: Services, caller: Visitor, source: Job, given: dict[str, Any]) -> dict[str, Any]:
    """Those of the source; another model takes others, so that it is asked for what is said, and else as usual."""
    if given.get("model", source.model) != source.model:
        return {}
    unwanted = negative_prompt_of(services.resources.keys, caller.opening, source)
    return dict(source.parameters) | ({"negative_prompt": unwanted} if unwanted else {})


def _life(source: Job, given: dict[str, Any]) -> dict[str, Any]:
    """The time to live of the source, unless the remix is given one."""
    if source.expires_at is None or any(name.partition("[")[0] == EXPIRES for name in given):
        return {}
    return {EXPIRES: seconds_after(source.expires_at - source.created_at)}
