"""`/v1/subprocessors`: who may hold data for us, as JSON, or as a page for whoever would rather read one."""

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import HTMLResponse

from cluster.privacy.recipients import Role
from cluster.privacy.subprocessors import Subprocessors, listed
from serve.ingress import etags, policy_page
from serve.ingress.etags import UNCHANGED, KnownTag
from serve.ingress.services import Served

__all__ = ["prefers_html", "router"]

router = APIRouter(tags=["Privacy"])

_PAGE_HEADERS = {"content-security-policy": policy_page.CONTENT_SECURITY_POLICY}
_ROLES = {Role.AI_PROVIDER: "makes videos", Role.INFRASTRUCTURE: "infrastructure"}
_HTML, _JSON = "text/html", "application/json"

Accepted = Annotated[str, Header(alias="accept", max_length=1000)]


def _current(services: Served) -> Subprocessors:
    return listed(services.register)


Current = Annotated[Subprocessors, Depends(_current)]


@router.get(
    "/v1/subprocessors",
    response_model=Subprocessors,
    responses=UNCHANGED | {200: {"content": {_HTML: {}}}},
)
async def list_subprocessors(
    current: Current, response: Response, accepted: Accepted = "*/*", known: KnownTag = None
) -> Subprocessors | Response:
    """Everybody who may hold data: who, where, which, what for, on which ground, and what becomes of their copies."""
    as_page = prefers_html(accepted)
    tag = f"{current.hash}-html" if as_page else current.hash
    headers = etags.headers(tag) | {"vary": "accept"} | (_PAGE_HEADERS if as_page else {})
    if etags.is_known(tag, known):
        return Response(status_code=304, headers=headers)
    if as_page:
        return HTMLResponse(_page(current), headers=headers)
    response.headers.update(headers)
    return current


@lru_cache(maxsize=8)
def _page(document: Subprocessors) -> str:
    return policy_page.page("subprocessors.html", document=document, roles=_ROLES)


def prefers_html(accepted: str) -> bool:
    """Whether an `Accept` header would rather have a page than JSON; whoever says nothing gets JSON."""
    return _quality(accepted, _HTML) > _quality(accepted, _JSON)


def _quality(accepted: str, kind: str) -> float:
    """The weight of a media type: the most specific range that covers it counts."""
    ranges = dict(_weighted(part) for part in accepted.lower().split(","))
    covering = (kind, f"{kind.split('/')[0]}/*", "*/*")
    return next((ranges[one] for one in covering if one in ranges), 0.0)


def _weighted(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    named = dict(pair for parameter in parameters if len(pair := parameter.split("=", 1)) == 2)
    try:
        return kind, float(named.get("q", 1))
    except ValueError:
        return kind, 0.0
