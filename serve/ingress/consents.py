"""`/v1/notices` and `/v1/consents`: what people are told, and what they answer."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sqlalchemy import Connection

from cluster import clock, errors
from cluster.errors import InvalidRequest
from cluster.privacy.consent import ConsentState
from cluster.privacy.notices import Notice
from cluster.records import consents, lifecycle, notices
from cluster.records.consents import Line
from serve.ingress.error_answers import documented
from serve.ingress.services import FreshCaller, PrivacyCaller, Served, Services

__all__ = ["router"]

router = APIRouter(tags=["Consent"])


class NoticeList(BaseModel):
    """The current notice of every purpose."""

    object: Literal["list"] = "list"
    data: list[Notice]


class ConsentAnswer(BaseModel):
    """An answer. Only an explicit `true` or `false` that names the notice version counts."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"example": {"granted": True}}
    )

    purpose: str = Field(max_length=100)
    notice_version: str = Field(pattern="^[0-9a-z]{1,100}$")
    granted: StrictBool


class Standing(BaseModel):
    """Where the account stands on one purpose."""

    purpose: str
    state: ConsentState
    notice_version: str | None = Field(description="The version that an answer given now has to name.")


class Recorded(BaseModel):
    """One line of the consent ledger."""

    purpose: str
    notice_version: str
    granted: bool
    recorded_at: int


class ConsentList(BaseModel):
    """Every purpose with its state, and every answer ever given."""

    object: Literal["list"] = "list"
    data: list[Standing]
    history: list[Recorded]


class ConsentRecorded(Recorded):
    """The new line, the state it makes, and the jobs that it stopped."""

    state: ConsentState
    stopped_jobs: list[str]


@router.get("/v1/notices")
async def list_notices(services: Served) -> NoticeList:
    """What each purpose means: which data, who gets it, where, how, and how to take consent back."""
    return NoticeList(data=list(services.notices.values()))


@router.get("/v1/consents", responses=documented(errors.InvalidCredentials, errors.InsufficientScope))
async def list_consents(services: Served, caller: PrivacyCaller) -> ConsentList:
    """Where the account stands on every purpose."""
    versions = services.notice_versions

    def read(connection: Connection) -> ConsentList:
        states = consents.states(connection, caller.account_id, versions)
        standing = [Standing(purpose=p, state=s, notice_version=versions.get(p)) for p, s in sorted(states.items())]
        return ConsentList(
            data=standing, history=[_recorded(line) for line in consents.history(connection, caller.account_id)]
        )

    return await services.resources.database.run(read)


@router.post(
    "/v1/consents",
    status_code=201,
    responses=documented(errors.InvalidCredentials, errors.InsufficientScope, errors.FreshLoginRequired),
)
async def answer_notice(body: ConsentAnswer, services: Served, caller: FreshCaller) -> ConsentRecorded:
    """Grant or withdraw a purpose, after a fresh login. Work that rests on a withdrawn one stops within two seconds."""

    def record(connection: Connection) -> ConsentRecorded:
        _check_version(connection, services, body)
        line, stopped = lifecycle.answer(
            connection,
            caller.account_id,
            purpose=body.purpose,
            notice_version=body.notice_version,
            granted=body.granted,
        )
        state = consents.states(connection, caller.account_id, services.notice_versions)[body.purpose]
        return ConsentRecorded(**_recorded(line).model_dump(), state=state, stopped_jobs=stopped)

    return await services.resources.database.run(record)


def _check_version(connection: Connection, services: Services, body: ConsentAnswer) -> None:
    """A grant must name the notice of today; a withdrawal may name any version of the purpose's notice.

    It may do so although nobody is asked about the purpose any more.
    """
    current = services.notices.get(body.purpose)
    if current and body.notice_version == current.version:
        return
    earlier = notices.published(connection, body.notice_version)
    was_told = earlier is not None and earlier.purpose == body.purpose
    if current is None and (body.granted or not was_told):
        raise InvalidRequest("There is no such purpose. GET /v1/notices lists those that there are.", param="purpose")
    if current and (body.granted or not was_told):
        raise InvalidRequest(
            "Name the current version of this purpose's notice, so that it is clear what was agreed to.",
            code="notice_version_not_current",
            param="notice_version",
            details={"notice": current.model_dump()},
        )


def _recorded(line: Line) -> Recorded:
    return Recorded(
        purpose=line.purpose,
        notice_version=line.notice_version,
        granted=line.granted,
        recorded_at=clock.unix(line.recorded_at),
    )
