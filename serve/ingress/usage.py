"""`GET /v1/usage`: what an account was charged, by day, model and API key; its sums are the ledger's."""

import datetime
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cluster import clock, errors
from cluster.errors import InvalidRequest
from cluster.records.charges import Dimension, charges
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, Served

__all__ = ["router"]

router = APIRouter(tags=["Account"], responses=documented(errors.InvalidCredentials, errors.InsufficientScope))

_USUAL_DAYS, _MOST_DAYS = 30, 366
_EARLIEST, _LATEST = datetime.date(2000, 1, 1), datetime.date(9000, 1, 1)

Day = Annotated[datetime.date | None, Query(description="A day in UTC, `YYYY-MM-DD`.")]


class Usage(BaseModel):
    """Videos delivered, and the credits charged for them; null where it was not asked to be told apart, or no key."""

    day: datetime.date | None
    model: str | None
    api_key_id: str | None
    videos: int
    credits: int


class UsageList(BaseModel):
    """One line for each day, model and key with any charge, and the sum of all lines."""

    object: Literal["list"] = "list"
    start_date: datetime.date
    end_date: datetime.date
    data: list[Usage]
    credits: int = Field(description="The sum of the lines.")


@router.get("/v1/usage", responses=documented(errors.InvalidRequest))
async def read_usage(
    services: Served,
    caller: AccountReader,
    start_date: Day = None,
    end_date: Day = None,
    group_by: Annotated[Sequence[Dimension], Query()] = tuple(Dimension),
) -> UsageList:
    """What was charged from `start_date` to `end_date`, both included: by default the last thirty days.

    Charges are made when a video is delivered; what failed or was cancelled is not among them.
    """
    last = end_date or clock.now().date()
    _check(start_date, last)
    first = start_date or last - timedelta(days=_USUAL_DAYS - 1)
    found = await services.resources.database.run(charges, caller.account_id, first, last, group_by)
    lines = [Usage(**{name: getattr(each, name) for name in Usage.model_fields}) for each in found]
    return UsageList(start_date=first, end_date=last, data=lines, credits=sum(line.credits for line in lines))


def _check(first: datetime.date | None, last: datetime.date) -> None:
    if not _EARLIEST + timedelta(days=_USUAL_DAYS) <= last <= _LATEST:
        raise InvalidRequest("end_date: this must be a day of this century.", param="end_date")
    if first is not None and not 0 <= (last - first).days < _MOST_DAYS:
        raise InvalidRequest(
            f"start_date: this must be at most {_MOST_DAYS} days before end_date, and not after it.", param="start_date"
        )
