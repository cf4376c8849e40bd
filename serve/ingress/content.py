"""`/v1/videos/{id}/content`: the finished bytes, with Range, opened a segment at a time."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection

from cluster import errors
from cluster.errors import NotFound, NotReady, RangeNotSatisfiable, VideoDelivered, VideoExpired
from cluster.privacy.media_kinds import MediaKind
from cluster.records import jobs, media
from cluster.records.job_states import JobState
from cluster.records.media import Medium
from cluster.storage.sealed import SealedReader
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.finaliser import finalise
from serve.ingress.services import Served, Services, VideoId, VideoReader
from serve.ingress.watch import Sending, still_allowed
from serve.ingress.watched import Watched

__all__ = ["BYTES", "Variant", "find", "parse_range", "router", "send"]

router = APIRouter(
    tags=["Videos"],
    responses=documented(
        errors.InvalidCredentials, errors.InsufficientScope, NotFound, errors.TooManyRequests, errors.TooManyStreams
    ),
)

_BLOCK = 1 << 20
_PIECE = 1 << 16
_STALL_SECONDS = 1.0
"""A megabyte that is taken no further for so long is let go, and opened again when it is: many may wait at once."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Variant = Literal["video", "thumbnail", "spritesheet"]
BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"video/mp4": {}, "image/webp": {}, "image/jpeg": {}}},
    206: {"description": "A part."},
}
_KINDS: Final[Mapping[Variant, MediaKind]] = {
    "video": MediaKind.VIDEO,
    "thumbnail": MediaKind.THUMBNAIL,
    "spritesheet": MediaKind.SPRITESHEET,
}


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks for; None if all of them.

    A header of another unit, of several ranges or without sense is ignored, as HTTP allows.

    Raises:
        RangeNotSatisfiable: the range lies outside the content.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size - 1), size - 1)
        if last and int(last) < start:
            return None
    if start > end:
        raise RangeNotSatisfiable(headers={"content-range": f"bytes */{size}"})
    return start, end


@router.get(
    "/v1/videos/{video_id}/content",
    response_class=StreamingResponse,
    responses=documented(NotReady, RangeNotSatisfiable, VideoExpired, VideoDelivered) | BYTES,
)
async def download_content(
    video_id: VideoId,
    request: Request,
    services: Served,
    caller: VideoReader,
    variant: Variant = "video",
) -> StreamingResponse:
    """The video (MP4), its thumbnail (WebP) or its sprite sheet (JPEG).

    A video made with `store=false` is erased once it has been sent whole, in one answer or in parts.
    """
    medium, store = await services.resources.database.run(find, caller, video_id, variant)
    return await send(services, caller, request, medium, store=store)


async def send(
    services: Services, caller: Visitor, request: Request, medium: Medium, *, store: bool = True
) -> StreamingResponse:
    """Answer with an object, or with the part of it that the request asks for.

    ``store``: whether it is kept once it has been sent whole.
    """
    resources = services.resources
    reader = await asyncio.to_thread(resources.store.open, medium.object_key, caller.opening, medium.id)
    part = parse_range(request.headers.get("range"), reader.size)
    start, end = part or (0, reader.size - 1)
    headers = {"accept-ranges": "bytes", "content-length": str(end - start + 1)}
    if part:
        headers["content-range"] = f"bytes {start}-{end}/{reader.size}"
    body = _blocks(services, caller, medium, reader, start, end + 1)
    if not store and medium.kind is MediaKind.VIDEO:
        body = _then(body, partial(finalise, services, request.scope, medium, start, end + 1, reader.size))
    return Watched(
        services.watch,
        caller,
        body,
        media_type=medium.content_type,
        media_id=medium.id,
        status_code=206 if part else 200,
        headers=headers,
    )


async def _blocks(
    services: Services, caller: Visitor, medium: Medium, reader: SealedReader, start: int, end: int
) -> AsyncGenerator[bytes, None]:
    """Megabyte by megabyte, asking before each whether it may still be sent. The server buffers a piece of it whole."""
    loop, block = asyncio.get_running_loop(), bytearray()
    while start < end:
        if not await services.resources.database.run(still_allowed, [Sending(caller, medium.id)]):
            raise NotFound
        stop = min(end, (start // _BLOCK + 1) * _BLOCK)
        while start < stop:
            if not block:
                block += await asyncio.to_thread(reader.read, start, stop - start)
            left = len(block) - (stop - start)
            piece = bytes(block[left : left + _PIECE])
            stalled = loop.call_later(_STALL_SECONDS, block.clear)
            yield piece
            stalled.cancel()
            start += len(piece)
        block.clear()


async def _then(
    body: AsyncGenerator[bytes, None], ending: Callable[[], Awaitable[None]]
) -> AsyncGenerator[bytes, None]:
    """Send all of ``body``; only then do ``ending``."""
    async with aclosing(body):
        async for piece in body:
            yield piece
    await ending()


def find(connection: Connection, caller: Visitor, video_id: str, variant: Variant) -> tuple[Medium, bool]:
    """The medium, and whether it is to be stored.

    Raises:
        NotFound: the account has no such video.
        NotReady: there is no content yet, or there never will be.
        VideoExpired: there is none any more; the code says why.
    """
    job = jobs.get(connection, video_id, caller.account_id)
    if job is None:
        raise NotFound
    medium = media.of_job(connection, video_id, _KINDS[variant]) if job.state is JobState.COMPLETED else None
    if medium is not None:
        return medium, job.store
    if job.expired:
        raise VideoExpired
    if job.state is JobState.COMPLETED and job.erased_at is not None:
        raise VideoDelivered
    raise NotReady
