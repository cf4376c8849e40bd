"""An OpenAI-compatible video API, emulated: create by a form, poll, list, fetch the content and delete."""

import secrets
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from cluster import clock
from tests.emulators.emulator import Answered, Emulator
from tests.emulators.openai_videos_schema import MODELS, Page, read_form
from tests.emulators.script import Endpoint, Fault
from tests.emulators.strict import bearer, parse
from tests.emulators.tasks import Stage, Task

__all__ = ["OpenAIVideos"]

_STATUS: Final = {Stage.WAITING: "queued", Stage.RUNNING: "in_progress", Stage.DONE: "completed"}
_PROGRESS: Final = {Stage.WAITING: 0, Stage.RUNNING: 50, Stage.DONE: 100}
_REFUSALS: Final = {
    Fault.AUTH: (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    Fault.QUOTA_EXHAUSTED: (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    Fault.INVALID_INPUT: (400, "invalid_request_error", "invalid_value", "Invalid value."),
    Fault.MODEL_GONE: (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    Fault.MODERATED_INPUT: (400, "invalid_request_error", "moderation_blocked", "Blocked by our moderation system."),
    Fault.RATE_LIMITED: (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    Fault.PARALLEL_LIMIT: (429, "requests", "rate_limit_exceeded", "Too many videos at a time."),
    Fault.SERVER_ERROR: (500, "server_error", "server_error", "The server had an error."),
}


class OpenAIVideos(Emulator):
    """The provider. With `idempotent`, as some upstreams are, a create is made once for each `Idempotency-Key`."""

    name: ClassVar[str] = "openai_videos"
    idempotent = False

    def routes(self) -> Sequence[BaseRoute]:
        """Everything under /v1/videos."""
        return [
            Route("/v1/videos", self._create, methods=["POST"]),
            Route("/v1/videos", self._list, methods=["GET"]),
            Route("/v1/videos/{video_id}", self._poll, methods=["GET"]),
            Route("/v1/videos/{video_id}", self._delete, methods=["DELETE"]),
            Route("/v1/videos/{video_id}/content", self._content, methods=["GET"]),
        ]

    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """OpenAI's shape of an error."""
        status, kind, code, message = _REFUSALS[fault]
        return _error(status, kind, code, reason or message)

    def _authenticate(self, request: Request) -> None:
        if bearer(request) != self.api_key:
            raise Answered(self.refusal(Fault.AUTH))

    def _task(self, request: Request) -> Task:
        task = self.tasks.get(request.path_params["video_id"])
        if task is None:
            raise Answered(_error(404, "invalid_request_error", "not_found", "Video not found."))
        return task

    async def _create(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        step = await self.gate(Endpoint.CREATE)
        body, photo = await read_form(request)
        if body.model not in MODELS:
            return self.refusal(Fault.MODEL_GONE)
        key = request.headers.get("idempotency-key") if self.idempotent else None
        task = next((task for task in self.tasks.all() if key and task.reference == key), None)
        if task is None:
            video_id = f"video_{secrets.token_hex(16)}"
            task = self.tasks.create(video_id, body.model, body.prompt, photo, int(body.seconds), key)
        task.meet(step)
        return self.answer(step, JSONResponse(_video(task)))

    async def _poll(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.POLL)
        task = self._task(request)
        task.meet(step)
        task.advance()
        return self.answer(step, JSONResponse(_video(self._task(request))))

    async def _list(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.LIST)
        page = parse(Page, dict(request.query_params))
        tasks = self.tasks.all()[:: 1 if page.order == "asc" else -1]
        ids = [task.id for task in tasks]
        first = ids.index(page.after) + ids.count(page.after) if page.after in ids else 0
        data = [_video(task) for task in tasks[first : first + page.limit]]
        more = len(tasks) > first + page.limit
        return self.answer(step, JSONResponse({"object": "list", "data": data, "has_more": more}))

    async def _delete(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.DELETE)
        task = self._task(request)
        self.tasks.delete(task.id)
        return self.answer(step, JSONResponse({"id": task.id, "object": "video.deleted", "deleted": True}))

    async def _content(self, request: Request) -> Response:
        self._authenticate(request)
        step = await self.gate(Endpoint.RESULT)
        task = self._task(request)
        task.meet(step)
        if task.stage is not Stage.DONE or task.fate in (Fault.MODERATED_OUTPUT, Fault.EXPIRED_RESULT):
            return _error(404, "invalid_request_error", "not_found", "There is no content.")
        return self.answer(step, StreamingResponse(self.result_bytes(task), media_type="video/mp4"))


def _video(task: Task) -> dict[str, Any]:
    done = task.stage is Stage.DONE
    failed = done and task.fate is Fault.MODERATED_OUTPUT
    # The worst that a vendor may do: to repeat what the user wrote.
    error = {"code": "moderation_blocked", "message": f"Blocked: {task.prompt}"} if failed else None
    return {
        "id": task.id,
        "object": "video",
        "model": task.model,
        "status": "failed" if failed else _STATUS[task.stage],
        "progress": _PROGRESS[task.stage],
        "created_at": clock.unix(task.created_at),
        "completed_at": clock.unix(task.changed_at) if done and not failed else None,
        "seconds": str(task.seconds),
        "error": error,
    }


def _error(status: int, kind: str, code: str, message: str) -> Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error}, status)
