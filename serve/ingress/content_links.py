"""Content by a link that needs no credential: signed by us, for minutes, for one variant of one video.

A link stands for whoever asked for it. It opens the door as they do and is nothing of its own: it ends with their
credential, with their account's epoch and with what it leads to, and each use of it is in the access log. It has its
signature in the query, which is written down nowhere (`cluster.deploy.edge` and `cluster.runtime.deploy` see to that).
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cluster import clock, errors
from cluster.errors import InvalidCredentials, LinkExpired, LinkInvalid, NotFound
from cluster.storage.keys import KeyStore
from serve.ingress.content import BYTES, Variant, find, send
from serve.ingress.door import Visitor
from serve.ingress.error_answers import documented
from serve.ingress.services import LinkEntrance, Served, VideoId, VideoReader

__all__ = ["router"]

router = APIRouter(tags=["Videos"], responses=documented(NotFound))
_LIFE: Final = timedelta(minutes=5)
_NOT_THERE: Final = documented(errors.NotReady, errors.VideoExpired, errors.VideoDelivered)


class ContentLink(BaseModel):
    """A link to bytes, for whoever has it."""

    object: Literal["content_link"] = "content_link"
    url: str
    expires_at: int = Field(description="From then on it opens nothing; it may end before.")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a link says and its signature vouches for. ``by`` is the credential that asked for it."""

    video_id: str
    variant: str
    by: str
    epoch: int
    expires: int

    def signature(self, keys: KeyStore) -> str:
        words = "|".join((self.video_id, self.variant, self.by, str(self.epoch), str(self.expires)))
        return keys.lookup("content_links.signature", words).hex()


@router.post(
    "/v1/videos/{video_id}/content_link",
    responses=_NOT_THERE | documented(errors.InvalidCredentials, errors.InsufficientScope),
)
async def make_content_link(
    video_id: VideoId, request: Request, services: Served, caller: VideoReader, variant: Variant = "video"
) -> ContentLink:
    """A link to the content for whoever has no key, such as a browser or a player. It lives for 5 minutes at most."""
    medium, _ = await services.resources.database.run(find, caller, video_id, variant)
    longest = clock.now() + _LIFE
    end = min(longest, medium.expires_at or longest)
    claim = _Claim(video_id, variant, caller.credential_id, caller.epoch, clock.unix(end))
    url = request.url_for("download_by_link", video_id=video_id).include_query_params(
        variant=variant,
        by=claim.by,
        epoch=claim.epoch,
        expires=claim.expires,
        signature=claim.signature(services.resources.keys),
    )
    return ContentLink(url=str(url), expires_at=claim.expires)


async def _holder(
    video_id: str,
    services: Served,
    enter: LinkEntrance,
    variant: Variant,
    by: Annotated[str, Query(max_length=64)],
    epoch: Annotated[int, Query(ge=0, lt=2**63)],
    expires: Annotated[int, Query(ge=0, lt=2**63)],
    signature: Annotated[str, Query(max_length=64)],
) -> Visitor:
    """Whoever the link stands for, limited to what it is for."""
    claim = _Claim(video_id, variant, by, epoch, expires)
    if not secrets.compare_digest(signature.encode(), claim.signature(services.resources.keys).encode()):
        raise LinkInvalid
    if expires <= clock.unix(clock.now()):
        raise LinkExpired
    try:
        visitor = await enter(by)
    except InvalidCredentials:
        raise LinkInvalid from None
    if visitor.epoch != epoch:
        raise LinkInvalid
    return visitor


@router.get(
    "/v1/videos/{video_id}/linked/content",
    response_class=StreamingResponse,
    responses=_NOT_THERE
    | BYTES
    | documented(LinkInvalid, LinkExpired, errors.RangeNotSatisfiable, errors.TooManyRequests, errors.TooManyStreams),
)
async def download_by_link(
    video_id: str,
    request: Request,
    services: Served,
    caller: Annotated[Visitor, Depends(_holder)],
    variant: Variant,
) -> StreamingResponse:
    """What `content` answers, by a link that `content_link` made: no credential is needed."""
    medium, store = await services.resources.database.run(find, caller, video_id, variant)
    return await send(services, caller, request, medium, store=store)
