"""`/v1/privacy/disclosures`: what of an account went to which third party, when, and on whose word."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cluster import clock, errors
from cluster.records import disclosures
from serve.ingress.error_answers import documented
from serve.ingress.services import PrivacyCaller, Served

__all__ = ["router"]

router = APIRouter(tags=["Privacy"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))

_LAST = 2**63 - 1


class DisclosureShown(BaseModel):
    """One line of the record; it was written before anything was sent."""

    id: int
    object: Literal["disclosure"] = "disclosure"
    video_id: str
    recipient: str
    country: str
    categories: list[str] = Field(description="Categories of data, as the policy names them.")
    bytes: int
    notice_version: str = Field(description="The notice that you had agreed to.")
    at: int


class DisclosurePage(BaseModel):
    """A page of disclosures, the newest first. It is empty for as long as you use the `default` model alone."""

    object: Literal["list"] = "list"
    data: list[DisclosureShown]
    has_more: bool


@router.get("/v1/privacy/disclosures")
async def list_disclosures(
    services: Served,
    caller: PrivacyCaller,
    after: Annotated[int | None, Query(ge=1, le=_LAST)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DisclosurePage:
    """Every time that data of this account left for a third party."""
    found, more = await services.resources.database.run(
        disclosures.listing, caller.account_id, after=after, limit=limit
    )
    shown = [
        DisclosureShown(
            id=one.sequence,
            video_id=one.job_id,
            recipient=one.recipient,
            country=one.country,
            categories=list(one.categories),
            bytes=one.size,
            notice_version=one.notice_version,
            at=clock.unix(one.recorded_at),
        )
        for one in found
    ]
    return DisclosurePage(data=shown, has_more=more)
