"""`/v1/policy`, `/privacy.html` and, for operators, the record of processing: one document in three forms."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from cluster import errors
from cluster.errors import Forbidden
from cluster.privacy.policy import Policy
from cluster.privacy.record_of_processing import RecordOfProcessing, record_of
from cluster.records.principals import Principal, Role
from serve.ingress import etags, policy_page
from serve.ingress.error_answers import documented
from serve.ingress.etags import UNCHANGED, KnownTag
from serve.ingress.services import AccountReader, Served

__all__ = ["router"]

router = APIRouter(tags=["Privacy"])

_PAGE_HEADERS = {"content-security-policy": policy_page.CONTENT_SECURITY_POLICY}


def _current(services: Served) -> Policy:
    return services.policy


Current = Annotated[Policy, Depends(_current)]


def _operator(caller: AccountReader) -> Principal:
    if caller.role is not Role.OPERATOR:
        raise Forbidden("Only operators of this installation may read that.")
    return caller


Operator = Annotated[Principal, Depends(_operator)]


@router.get("/v1/policy", response_model=Policy, responses=UNCHANGED)
async def read_policy(current: Current, response: Response, known: KnownTag = None) -> Policy | Response:
    """The privacy policy with its version and hash; the hash is also the answer's `ETag`."""
    if etags.is_known(current.hash, known):
        return Response(status_code=304, headers=etags.headers(current.hash))
    response.headers.update(etags.headers(current.hash))
    return current


@router.get("/privacy.html", response_class=Response, responses=UNCHANGED | {200: {"content": {"text/html": {}}}})
async def show_policy(current: Current, known: KnownTag = None) -> Response:
    """The same policy as a page, under the same `ETag`."""
    headers = etags.headers(current.hash) | _PAGE_HEADERS
    if etags.is_known(current.hash, known):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(policy_page.render(current), headers=headers)


@router.get(
    "/v1/staff/record-of-processing",
    responses=documented(errors.InvalidCredentials, errors.InsufficientScope),
)
async def read_record_of_processing(current: Current, services: Served, _: Operator) -> RecordOfProcessing:
    """The record of processing activities (GDPR, Article 30), for operators."""
    return record_of(current, services.register)
