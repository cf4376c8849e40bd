"""`/v1/subjects`: a platform erases one of its own users with one request."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from cluster import errors
from cluster.errors import Unavailable
from cluster.records import subjects
from serve.erasure import erase_doomed
from serve.ingress.error_answers import documented
from serve.ingress.order import read_subject
from serve.ingress.services import Served, VideoWriter

__all__ = ["router"]

router = APIRouter(tags=["Videos"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))


class SubjectDeleted(BaseModel):
    """The answer to a deletion: nothing of this subject is left."""

    object: Literal["subject.deleted"] = "subject.deleted"
    deleted: Literal[True] = True
    videos: int = Field(description="How many videos this request deleted; 0 if there were none, or none any more.")


@router.delete("/v1/subjects/{ref:path}")
async def delete_subject(
    ref: Annotated[str, Path(description="The `subject` that the videos were created with.")],
    services: Served,
    caller: VideoWriter,
) -> SubjectDeleted:
    """Stop and erase every video of one subject. The answer comes when the files are gone; repeating it is harmless.

    It needs the scope that creates videos and deletes them one by one: it can do nothing that these could not.
    """
    resources = services.resources
    database, account_id = resources.database, caller.account_id
    subject = subjects.lookup(resources.keys, account_id, read_subject(ref))
    deleted = 0
    while found := await database.run(subjects.delete_some, account_id, subject):
        deleted += found
    unerased = await database.run(subjects.unerased, account_id, subject)
    if sum([await erase_doomed(resources, job_id) for job_id in unerased]):
        raise Unavailable("The videos are hidden, but some files could not be erased yet. We keep trying; ask again.")
    return SubjectDeleted(videos=deleted)
