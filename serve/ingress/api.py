"""The HTTP application: routes, error answers, request ids, documentation that loads nothing from elsewhere."""

from typing import Any

from fastapi import FastAPI
from typing_extensions import override

from serve.ingress import (
    access_history,
    accounts,
    api_keys,
    consents,
    content,
    content_links,
    credits,
    disclosures,
    documentation,
    error_answers,
    estimates,
    events,
    features,
    files,
    guests,
    health,
    models,
    policy,
    rate_limit_headers,
    remix,
    sessions,
    subjects,
    subprocessors,
    usage,
    video_batches,
    videos,
    webhooks,
)
from serve.ingress.address import AddressMiddleware
from serve.ingress.admission import AdmissionMiddleware
from serve.ingress.body_limit import BodyLimitMiddleware
from serve.ingress.body_pace import BodyPaceMiddleware
from serve.ingress.request_id import RequestIdMiddleware
from serve.ingress.services import Services
from serve.ingress.unexpected import UnexpectedMiddleware

__all__ = ["create_api"]

_ROUTES = (
    videos,
    remix,
    video_batches,
    estimates,
    content,
    content_links,
    files,
    events,
    subjects,
    accounts,
    guests,
    sessions,
    access_history,
    api_keys,
    credits,
    consents,
    disclosures,
    webhooks,
    models,
    features,
    usage,
    policy,
    subprocessors,
    health,
    documentation,
)
_DESCRIPTION = """
Turns photos into videos. The wire format is that of the OpenAI Videos API, so its SDKs work unmodified: set their
`base_url` to this address with `/v1` and their API key to one of this service.

Every error is `{"error": {message, type, param, code}}`; the message says what to do. A job that fails is an ordinary
answer with `status: "failed"` and an `error` inside.

Each account has an allowance of requests a minute; the `x-ratelimit-…` headers of every answer say what is left of it.
Whoever asks for too much gets a 429 that says in `retry-after-ms` and `Retry-After` when to come back. Videos are begun
in fair turns: whoever has a hundred of them waiting delays nobody else by more than one.
"""


class _Api(FastAPI):
    @override
    def openapi(self) -> dict[str, Any]:
        """The description, with the headers that each answer has."""
        if self.openapi_schema is None:
            rate_limit_headers.describe(super().openapi())
        return super().openapi()


def create_api(services: Services) -> FastAPI:
    """Build the application of one ingress replica."""
    api = _Api(
        title="ImageToVideos",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        responses=error_answers.COMMON,
    )
    api.state.services = services
    for module in _ROUTES:
        api.include_router(module.router)
    error_answers.install(api)
    http = services.resources.settings.http
    api.add_middleware(BodyLimitMiddleware, max_bytes=http.max_body_bytes)
    api.add_middleware(BodyPaceMiddleware, bytes_per_second=http.min_upload_bytes_per_second)
    api.add_middleware(AdmissionMiddleware)
    api.add_middleware(AddressMiddleware, secret=services.edge_secret)
    api.add_middleware(UnexpectedMiddleware)
    api.add_middleware(RequestIdMiddleware)
    return api
