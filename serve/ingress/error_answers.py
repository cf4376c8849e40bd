"""From exceptions to the OpenAI error object. No answer repeats what the caller sent."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from cluster import errors
from cluster.errors import ServiceError
from serve.metrics import counted

__all__ = ["COMMON", "answer", "documented", "install", "invalid"]


_PLACES = ("body", "query", "path", "header")


class ErrorBody(BaseModel):
    """The four fields of the OpenAI error object; some errors add more beside them."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorAnswer(BaseModel):
    """What every error looks like."""

    error: ErrorBody


def documented(*kinds: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for these errors, each with its example."""
    entries: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = entries.setdefault(
            kind.status, {"model": ErrorAnswer, "description": "", "content": {"application/json": {"examples": {}}}}
        )
        entry["description"] = (entry["description"] + " " + (kind.__doc__ or "")).strip()
        entry["content"]["application/json"]["examples"][kind.code] = {"value": kind().body()}
    return entries


_OF_THE_EDGE = (
    errors.NotThroughTheEdge,
    errors.RequestTimeout,
    errors.HeadersTooLarge,
    errors.TooManyRequests,
    errors.Busy,
    errors.NoAnswer,
)
COMMON = documented(
    errors.InvalidRequest, errors.CrossSite, errors.Unavailable, errors.AccessLogUnavailable, *_OF_THE_EDGE
) | {"default": {"model": ErrorAnswer, "description": "Every other error has the same shape."}}


def answer(error: ServiceError) -> JSONResponse:
    """The HTTP answer of an error; it is counted by its reason."""
    counted.refused(error)
    return JSONResponse(error.body(), error.status, error.all_headers())


def invalid(details: ErrorDetails) -> errors.InvalidRequest:
    """One validation error as an answer: which field, and what it should be; never what it was."""
    if details["type"] == "extra_forbidden":
        return errors.InvalidRequest("There is a field of a name that is not known here; /docs lists those that are.")
    path = [step for step in details["loc"] if isinstance(step, str)]
    field = ".".join(path[1:] if path[:1] and path[0] in _PLACES else path) or None
    return errors.InvalidRequest(f"{field or 'The body'}: {details['msg']}.", param=field)


def install(api: FastAPI) -> None:
    """Make every failure of ``api`` an error object."""

    async def service_error(_: Request, error: Exception) -> JSONResponse:
        return answer(error if isinstance(error, ServiceError) else ServiceError())

    async def validation_error(_: Request, error: Exception) -> JSONResponse:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else None
        return answer(invalid(first) if first else errors.InvalidRequest())

    async def http_error(_: Request, error: Exception) -> JSONResponse:
        if isinstance(error.__cause__, ServiceError):
            return answer(error.__cause__)
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        kinds: dict[int, type[ServiceError]] = {404: errors.NotFound, 405: errors.MethodNotAllowed}
        return answer(kinds.get(status, errors.InvalidRequest if status < 500 else ServiceError)(headers=headers))

    api.add_exception_handler(ServiceError, service_error)
    api.add_exception_handler(RequestValidationError, validation_error)
    api.add_exception_handler(HTTPException, http_error)
