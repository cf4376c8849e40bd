"""`/v1/policy`, `/privacy.html` and, for operators, the record of processing: one document in three forms."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import HTMLResponse

from cluster import errors
from cluster.errors import Forbidden
from cluster.privacy.policy import Policy
from cluster.privacy.record_of_processing import RecordOfProcessing, record_of
from cluster.records.principals import Principal, Role
from serve.ingress import policy_page
from serve.ingress.error_answers import documented
from serve.ingress.services import AccountReader, Served

__all__ = ["router"]

router = APIRouter(tags=["Privacy"])

_FRESH = "public, max-age=300"
"""Nothing in the policy is anybody's own: whoever carries it may keep it for some minutes."""

_PAGE_HEADERS = {"content-security-policy": policy_page.CONTENT_SECURITY_POLICY}
_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "It still has the hash that `If-None-Match` names."}
}

KnownTag = Annotated[str | None, Header(alias="if-none-match", max_length=500)]


def _current(services: Served) -> Policy:
    return services.policy


Current = Annotated[Policy, Depends(_current)]


def _operator(caller: AccountReader) -> Principal:
    if caller.role is not Role.OPERATOR:
        raise Forbidden("Only operators of this installation may read that.")
    return caller


Operator = Annotated[Principal, Depends(_operator)]


@router.get("/v1/policy", response_model=Policy, responses=_UNCHANGED)
async def read_policy(current: Current, response: Response, known: KnownTag = None) -> Policy | Response:
    """The privacy policy with its version and hash; the hash is also the answer's `ETag`."""
    if _is_known(current, known):
        return Response(status_code=304, headers=_headers(current))
    response.headers.update(_headers(current))
    return current


@router.get("/privacy.html", response_class=Response, responses=_UNCHANGED | {200: {"content": {"text/html": {}}}})
async def show_policy(current: Current, known: KnownTag = None) -> Response:
    """The same policy as a page, under the same `ETag`."""
    headers = _headers(current) | _PAGE_HEADERS
    if _is_known(current, known):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(policy_page.render(current), headers=headers)


@router.get(
    "/v1/staff/record-of-processing",
    responses=documented(errors.InvalidCredentials, errors.InsufficientScope),
)
async def read_record_of_processing(current: Current, _: Operator) -> RecordOfProcessing:
    """The record of processing activities (GDPR, Article 30), for operators."""
    return record_of(current)


def _headers(policy: Policy) -> dict[str, str]:
    return {"etag": _tag(policy), "cache-control": _FRESH}


def _is_known(policy: Policy, known: str | None) -> bool:
    """Whether ``If-None-Match`` names this version; a proxy that compresses marks the tag as weak."""
    return known is not None and _tag(policy) in {tag.strip().removeprefix("W/") for tag in known.split(",")}


def _tag(policy: Policy) -> str:
    return f'"{policy.hash}"'
