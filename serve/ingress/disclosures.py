"""`/v1/privacy/disclosures`: what of an account went to which third party, when, and on whose word."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cluster import clock, errors
from cluster.records import disclosure_outcomes, disclosures
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
    outcome: str | None = Field(
        description="`answered`; `not_sent` or `cut`: stopped before it began, or on the way; `lost`: no answer came;"
        " null: it is on its way, or whoever sent it died."
    )
    sent_bytes: int | None = Field(description="How many bytes left at most; null with the outcome.")


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
    database = services.resources.database
    found, more = await database.run(disclosures.listing, caller.account_id, after=after, limit=limit)
    outcomes = await database.run(disclosure_outcomes.of, [one.sequence for one in found])
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
            outcome=outcomes[one.sequence].outcome if one.sequence in outcomes else None,
            sent_bytes=outcomes[one.sequence].sent_bytes if one.sequence in outcomes else None,
        )
        for one in found
    ]
    return DisclosurePage(data=shown, has_more=more)
