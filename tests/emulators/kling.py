"""Kling, emulated: image to video, by polling or by a list; nothing can be cancelled or deleted."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cluster import clock
from tests.emulators.emulator import Answered, Emulator
from tests.emulators.kling_keys import EXPIRED, INVALID, MISSING, NOT_YET, authentication_failure
from tests.emulators.kling_schema import DURATIONS, ImageToVideo, Page, take_image
from tests.emulators.script import Endpoint, Fault
from tests.emulators.strict import Invalid, bearer, parse, read_json
from tests.emulators.tasks import Stage, Task

__all__ = ["Kling"]

_PATH: Final = "/v1/videos/image2video"
_STATUS: Final = {Stage.WAITING: "submitted", Stage.RUNNING: "processing", Stage.DONE: "succeed"}
_REFUSALS: Final = {
    Fault.AUTH: (401, 1000, "authentication failed"),
    Fault.QUOTA_EXHAUSTED: (429, 1102, "resource pack depleted or expired"),
    Fault.INVALID_INPUT: (400, 1201, "invalid parameters"),
    Fault.MODEL_GONE: (404, 1203, "the requested model does not exist"),
    Fault.MODERATED_INPUT: (400, 1301, "content security policy of the platform was triggered"),
    Fault.RATE_LIMITED: (429, 1302, "requests are too frequent"),
    Fault.PARALLEL_LIMIT: (429, 1303, "parallel task over resource pack limit"),
    Fault.SERVER_ERROR: (500, 5000, "internal server error"),
}
_KEY_REFUSALS: Final = {
    MISSING: "Authorization is empty",
    INVALID: "Authorization is invalid",
    NOT_YET: "Authorization is not yet valid",
    EXPIRED: "Authorization has expired",
}


class Kling(Emulator):
    """The provider. `api_key` is a bearer token; `access_key` and `secret_key` make the older signed ones."""

    name: ClassVar[str] = "kling"
    access_key = "test-access-key"
    secret_key = "test-secret-key-of-at-least-32-bytes"

    def routes(self) -> Sequence[BaseRoute]:
        """Create, list, and look up by either id."""
        return [
            Route(_PATH, self._create, methods=["POST"]),
            Route(_PATH, self._list, methods=["GET"]),
            Route(_PATH + "/{task_id}", self._poll, methods=["GET"]),
        ]

    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """Kling's envelope: what counts is its code."""
        status, code, message = _REFUSALS[fault]
        return _envelope(None, status, code, reason or message)

    def _authenticate(self, request: Request) -> None:
        code = authentication_failure(bearer(request), self.api_key, self.access_key, self.secret_key)
        if code is not None:
            raise Answered(_envelope(None, 401, code, _KEY_REFUSALS[code]))

    async def _create(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        step = await self.gate(Endpoint.CREATE)
        body = parse(ImageToVideo, await read_json(request))
        if body.model_name not in DURATIONS:
            return self.refusal(Fault.MODEL_GONE)
        if body.duration not in DURATIONS[body.model_name]:
            raise Invalid("duration: not a value of this model")
        if body.external_task_id is not None and self._find(body.external_task_id) is not None:
            raise Invalid("external_task_id: already exists")
        photo = await run_in_threadpool(take_image, body.image)
        if body.image_tail is not None:
            await run_in_threadpool(take_image, body.image_tail)
        task = self.tasks.create(
            _task_id(), body.model_name, body.prompt, photo, int(body.duration), body.external_task_id
        )
        task.meet(step)
        return self.answer(step, _envelope(_head(task)))

    async def _poll(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.POLL)
        task = self._find(request.path_params["task_id"])
        if task is not None:
            task.meet(step)
            task.advance()
            task = self.tasks.get(task.id)
        if task is None:
            return _envelope(None, 404, 1203, "task not found")
        return self.answer(step, _envelope(self._whole(request, task)))

    async def _list(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.LIST)
        page = parse(Page, dict(request.query_params))
        tasks = self.tasks.all()[::-1]
        first = (page.pageNum - 1) * page.pageSize
        shown = [self._whole(request, task) for task in tasks[first : first + page.pageSize]]
        return self.answer(step, _envelope(shown))

    def _find(self, either_id: str) -> Task | None:
        return self.tasks.get(either_id) or next(
            (task for task in self.tasks.all() if task.reference == either_id), None
        )

    def _whole(self, request: Request, task: Task) -> dict[str, Any]:
        if task.stage is not Stage.DONE:
            return _head(task) | {"task_status_msg": ""}
        if task.fate is Fault.MODERATED_OUTPUT:
            # The worst that a vendor may do: to repeat what the user wrote.
            message = f"Failure to pass the risk control system: {task.prompt}"
            return _head(task) | {"task_status": "failed", "task_status_msg": message}
        video = {"id": str(uuid.uuid4()), "url": self.result_url(request, task), "duration": str(task.seconds)}
        videos = [video] * (2 if task.fate is Fault.DUPLICATE else 1)
        return _head(task) | {"task_status_msg": "", "task_result": {"videos": videos}}


def _head(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "task_status": _STATUS[task.stage],
        "task_info": {"external_task_id": task.reference} if task.reference else {},
        "created_at": clock.unix(task.created_at) * 1000,
        "updated_at": clock.unix(task.changed_at) * 1000,
    }


def _task_id() -> str:
    return str(uuid.uuid4().int % 10**18).rjust(18, "8")


def _envelope(data: object, status: int = 200, code: int = 0, message: str = "SUCCEED") -> Response:
    body = {"code": code, "message": message, "request_id": str(uuid.uuid4())}
    return JSONResponse(body if data is None else body | {"data": data}, status)
