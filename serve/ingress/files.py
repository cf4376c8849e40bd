"""`/v1/files`: photos that are kept by themselves, each to be used in as many videos as its owner likes.

The name that a file had with its owner is not kept: it often says who or where.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidRequest, NotFound, RangeNotSatisfiable, TooManyFiles, Unavailable
from cluster.ids import is_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import media
from cluster.records.media import Medium
from serve.erasure import erase_doomed
from serve.ingress.content import send
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.file_intake import Purpose, read_wanted, take_in
from serve.ingress.forms import read_file_form
from serve.ingress.keeping import EXPIRES, keeping_schema
from serve.ingress.kept import file_id_of, media_id_of
from serve.ingress.services import FileId, Served, VideoReader, VideoWriter
from serve.media.probe import ACCEPTED

__all__ = ["router"]

router = APIRouter(tags=["Files"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
_ABSENT = documented(NotFound)
_NAME: Final = "photo.jpg"


class File(BaseModel):
    """A photo that is kept by itself."""

    id: str
    object: Literal["file"] = "file"
    bytes: int = Field(description="Of what is kept: the pixels, without anything that the camera wrote.")
    created_at: int
    expires_at: int | None = Field(description="When it is erased; null: once it is deleted.")
    filename: str = Field(description="The same for all: the name that it came with is not kept.")
    purpose: Purpose
    status: Literal["processed"] = "processed"


class FilePage(BaseModel):
    """A page of files, the newest first unless asked otherwise."""

    object: Literal["list"] = "list"
    data: list[File]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """The answer to a deletion: the file is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


def _schema() -> dict[str, Any]:
    """What an upload takes, for the documentation: the body is read by hand, within bounds."""
    properties = {
        "file": {"type": "string", "format": "binary", "description": f"{ACCEPTED}."},
        "purpose": {"enum": ["vision", "user_data"]},
        EXPIRES: keeping_schema()[EXPIRES] | {"description": "The file's own time to live."},
    }
    schema = {"type": "object", "required": ["file", "purpose"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/v1/files",
    openapi_extra=_schema(),
    responses=documented(InvalidRequest, TooManyFiles, errors.PayloadTooLarge, errors.TooManyRequests),
)
async def create_file(request: Request, services: Served, caller: VideoWriter) -> File:
    """Keep a photo, to be named in `input_reference.file_id`. Only its pixels are kept, at most 2560 on a side."""
    wanted = await read_wanted(services, await read_file_form(request))
    return _shown(await take_in(services, caller, wanted))


@router.get("/v1/files")
async def list_files(
    services: Served,
    caller: VideoReader,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    purpose: Purpose | None = None,
) -> FilePage:
    """A page of the account's files."""
    if after is not None and not is_id("file", after):
        raise InvalidRequest("after: this must be the id of a file.", param="after")
    found, more = await services.resources.database.run(
        media.listing,
        caller.account_id,
        MediaKind.FILE,
        after=media_id_of(after) if after is not None else None,
        limit=limit,
        order=order,
        purpose=purpose,
    )
    first, last = (file_id_of(found[0].id), file_id_of(found[-1].id)) if found else (None, None)
    return FilePage(data=list(map(_shown, found)), first_id=first, last_id=last, has_more=more)


@router.get("/v1/files/{file_id}", responses=_ABSENT)
async def retrieve_file(file_id: FileId, services: Served, caller: VideoReader) -> File:
    """One file."""
    return _shown(await services.resources.database.run(_own, caller, file_id))


@router.get(
    "/v1/files/{file_id}/content",
    response_class=StreamingResponse,
    responses=_ABSENT
    | documented(RangeNotSatisfiable, errors.TooManyRequests, errors.TooManyStreams)
    | {200: {"content": {"image/jpeg": {}}}, 206: {"description": "A part."}},
)
async def download_file(file_id: FileId, request: Request, services: Served, caller: VideoReader) -> StreamingResponse:
    """The picture as it is kept."""
    medium = await services.resources.database.run(_own, caller, file_id)
    return await send(services, caller, request, medium)


@router.delete("/v1/files/{file_id}", responses=_ABSENT)
async def delete_file(file_id: FileId, services: Served, caller: VideoWriter) -> FileDeleted:
    """Erase a file; videos that were made of it keep their own copies. The answer comes when it is gone."""

    def doom(connection: Connection) -> str:
        medium = _own(connection, caller, file_id)
        media.doom_one(connection, medium.id)
        return medium.id

    media_id = await services.resources.database.run(doom)
    if await erase_doomed(services.resources, media_id=media_id):
        raise Unavailable("The file is hidden, but could not be erased yet. We keep trying.")
    return FileDeleted(id=file_id)


def _own(connection: Connection, caller: Visitor, file_id: str) -> Medium:
    medium = media.get(connection, caller.account_id, media_id_of(file_id))
    if medium is None or medium.kind is not MediaKind.FILE:
        raise NotFound
    return medium


def _shown(medium: Medium) -> File:
    return File(
        id=file_id_of(medium.id),
        bytes=medium.size or 0,
        created_at=clock.unix(medium.created_at),
        expires_at=clock.unix(medium.expires_at) if medium.expires_at else None,
        filename=_NAME,
        purpose="vision" if medium.purpose == "vision" else "user_data",
    )
