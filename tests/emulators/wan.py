"""Wan on DashScope, emulated: tasks that live for a day, can be listed, and cancelled until they begin."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cluster import clock
from tests.emulators.emulator import Answered, Emulator
from tests.emulators.script import Endpoint, Fault
from tests.emulators.strict import Invalid, bearer, parse, read_json
from tests.emulators.tasks import Task
from tests.emulators.wan_answers import listed, output, status, usage
from tests.emulators.wan_schema import (
    LEGACY_MODELS,
    MODELS,
    Body,
    LegacyBody,
    Listing,
    take_image,
    take_legacy_image,
)

__all__ = ["Wan"]

_CREATE: Final = "/api/v1/services/aigc/video-generation/video-synthesis"
_TASKS: Final = "/api/v1/tasks"
_LIFE: Final = timedelta(hours=24)
_SYNC_REFUSED: Final = "current user api does not support synchronous calls."
_REFUSALS: Final = {
    Fault.AUTH: (401, "InvalidApiKey", "Invalid API-key provided."),
    Fault.QUOTA_EXHAUSTED: (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    Fault.INVALID_INPUT: (400, "InvalidParameter", "Required parameter missing or invalid."),
    Fault.MODEL_GONE: (404, "ModelNotFound", "Model can not be found."),
    Fault.RATE_LIMITED: (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    Fault.PARALLEL_LIMIT: (429, "Throttling.AllocationQuota", "Allocated quota exceeded, please try again later."),
    Fault.SERVER_ERROR: (500, "InternalError", "An internal error has occured, please try again later."),
}


class Wan(Emulator):
    """The provider, with one key. Instants in the query of a list are taken as UTC."""

    name: ClassVar[str] = "wan"
    told_by_the_task = frozenset({Fault.MODERATED_INPUT})

    def routes(self) -> Sequence[BaseRoute]:
        """Create, poll, list, cancel."""
        return [
            Route(_CREATE, self._create, methods=["POST"]),
            Route(_TASKS, self._list, methods=["GET"]),
            Route(_TASKS + "/{task_id}", self._poll, methods=["GET"]),
            Route(_TASKS + "/{task_id}/cancel", self._cancel, methods=["POST"]),
        ]

    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """DashScope's error: a code and a message beside the request's id."""
        status, code, message = _REFUSALS[fault]
        return _error(status, code, reason or message)

    def _authenticate(self, request: Request) -> None:
        if bearer(request) != self.api_key:
            raise Answered(self.refusal(Fault.AUTH))

    async def _create(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        if request.headers.get("x-dashscope-async") != "enable":
            raise Answered(_error(403, "AccessDenied", _SYNC_REFUSED))
        step = await self.gate(Endpoint.CREATE)
        task = await self._accept(await read_json(request))
        task.meet(step)
        return self.answer(step, _reply({"task_id": task.id, "task_status": status(task)}))

    async def _accept(self, body: object) -> Task:
        model = body.get("model") if isinstance(body, dict) else None
        if model in LEGACY_MODELS:
            legacy = parse(LegacyBody, body)
            photo = await run_in_threadpool(take_legacy_image, legacy.input.img_url)
            return self.tasks.create(_id(), legacy.model, legacy.input.prompt, photo, legacy.parameters.duration)
        if isinstance(model, str) and model not in MODELS:
            raise Answered(self.refusal(Fault.MODEL_GONE))
        whole = parse(Body, body)
        first, last = whole.frame("first_frame"), whole.frame("last_frame")
        if first is None:
            raise Invalid("input.media: a first_frame is required")
        photo = await run_in_threadpool(take_image, first)
        if last is not None:
            await run_in_threadpool(take_image, last)
        return self.tasks.create(_id(), whole.model, whole.input.prompt, photo, whole.parameters.duration)

    async def _poll(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.POLL)
        task = self._living(request.path_params["task_id"])
        if task is not None:
            task.meet(step)
            task.advance()
            task = self._living(task.id)
        if task is None:
            return _reply({"task_id": request.path_params["task_id"], "task_status": "UNKNOWN"})
        return self.answer(step, _reply(output(task, self.result_url(request, task)), **usage(task)))

    async def _list(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.LIST)
        query = parse(Listing, dict(request.query_params))
        start, end = _window(query)
        found = [
            task
            for task in self.tasks.all()[::-1]
            if self._living(task.id) is not None
            and start <= task.created_at <= end
            and query.model_name in (None, task.model)
            and query.status in (None, status(task))
        ]
        first = (query.page_no - 1) * query.page_size
        page = {
            "total": len(found),
            "total_page": -(-len(found) // query.page_size),
            "page_no": query.page_no,
            "page_size": query.page_size,
            "data": [listed(task) for task in found[first : first + query.page_size]],
        }
        return self.answer(step, JSONResponse({"request_id": _id()} | page))

    async def _cancel(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        step = await self.gate(Endpoint.CANCEL)
        task = self._living(request.path_params["task_id"])
        if task is None:
            return _error(404, "UnknownTask", "Failed to cancel the task, the task does not exist.")
        if not task.cancel():
            message = "Failed to cancel the task, please confirm if the task is in PENDING status."
            return _error(400, "UnsupportedOperation", message)
        return self.answer(step, JSONResponse({"request_id": _id()}))

    def _living(self, task_id: str) -> Task | None:
        task = self.tasks.get(task_id)
        return None if task is None or clock.now() - task.created_at > _LIFE else task


def _window(query: Listing) -> tuple[datetime, datetime]:
    end = _instant(query.end_time) if query.end_time else clock.now()
    start = _instant(query.start_time) if query.start_time else end - _LIFE
    if start > end or end - start > _LIFE:
        raise Invalid("start_time, end_time: at most 24 hours apart")
    return start, end


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError as error:
        raise Invalid("start_time, end_time: not an instant") from error


def _id() -> str:
    return str(uuid.uuid4())


def _reply(said: dict[str, Any], **more: Any) -> Response:
    return JSONResponse({"request_id": _id(), "output": said} | more)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message, "request_id": _id()}, status)
