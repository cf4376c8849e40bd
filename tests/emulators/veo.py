"""Veo on Vertex AI, emulated: a token for a signed assertion, an operation to begin and to fetch, a video inline."""

import base64
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.emulators.emulator import Answered, Emulator
from tests.emulators.script import Endpoint, Fault
from tests.emulators.strict import bearer, parse, read_json
from tests.emulators.tasks import Stage, Task
from tests.emulators.veo_keys import GRANT, LIFETIME, ServiceAccount
from tests.emulators.veo_schema import Fetch, Predict

__all__ = ["Veo"]

_MODELS: Final = frozenset({"veo-3.1-generate-001", "veo-3.1-fast-generate-001"})
_MODEL_PATH: Final = "/v1/projects/{project}/locations/{location}/publishers/google/models/{model}"
_REFUSALS: Final = {
    Fault.AUTH: (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    Fault.QUOTA_EXHAUSTED: (403, "PERMISSION_DENIED", "This API method requires billing to be enabled."),
    Fault.INVALID_INPUT: (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    Fault.MODEL_GONE: (404, "NOT_FOUND", "Publisher Model was not found."),
    Fault.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."),
    Fault.PARALLEL_LIMIT: (429, "RESOURCE_EXHAUSTED", "Quota exceeded for concurrent requests per base model."),
    Fault.SERVER_ERROR: (500, "INTERNAL", "Internal error encountered."),
}


class Veo(Emulator):
    """The provider. Its results come inline: whoever wants an oversized one says a size that memory holds."""

    name: ClassVar[str] = "veo"
    told_by_the_task: ClassVar[frozenset[Fault]] = frozenset({Fault.MODERATED_INPUT})

    def __init__(self, api_key: str = "test-key", poll_steps: int = 2, oversized_bytes: int = 1 << 26) -> None:
        """`api_key` is a token that does not end; others are bought at /token."""
        super().__init__(api_key, poll_steps, oversized_bytes)
        self.account = ServiceAccount()

    def routes(self) -> Sequence[BaseRoute]:
        """The token endpoint, and the two methods of a model."""
        return [
            Route("/token", self._token, methods=["POST"]),
            Route(_MODEL_PATH + ":predictLongRunning", self._create, methods=["POST"]),
            Route(_MODEL_PATH + ":fetchPredictOperation", self._poll, methods=["POST"]),
        ]

    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """Google's shape of an error."""
        status, name, message = _REFUSALS[fault]
        return _error(status, name, reason or message)

    def _authenticate(self, request: Request) -> None:
        token = bearer(request)
        if token != self.api_key and not self.account.knows(token):
            raise Answered(self.refusal(Fault.AUTH))

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            fields = {name: str(value) for name, value in form.items()}
        if set(fields) != {"grant_type", "assertion"} or fields["grant_type"] != GRANT:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = self.account.token(fields["assertion"], str(request.url))
        if token is None:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid JWT."}, 400)
        seconds = int(LIFETIME.total_seconds())
        return JSONResponse({"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    async def _create(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        step = await self.gate(Endpoint.CREATE)
        body = parse(Predict, await read_json(request))
        model = request.path_params["model"]
        if model not in _MODELS:
            return self.refusal(Fault.MODEL_GONE)
        (instance,) = body.instances
        photo = instance.image.take()
        if instance.lastFrame is not None:
            instance.lastFrame.take()
        name = f"{_MODEL_PATH[4:].format(**request.path_params)}/operations/{uuid.uuid4()}"
        task = self.tasks.create(name, model, instance.prompt, photo, body.parameters.durationSeconds)
        task.meet(step)
        return self.answer(step, JSONResponse({"name": task.id}))

    async def _poll(self, request: Request) -> Response:
        await request.body()
        self._authenticate(request)
        step = await self.gate(Endpoint.POLL)
        name = parse(Fetch, await read_json(request)).operationName
        task = self.tasks.get(name)
        if task is not None:
            task.meet(step)
            task.advance()
        if task is None or task.fate is Fault.LOST_TASK:
            return _error(404, "NOT_FOUND", "The operation was not found.")
        return self.answer(step, JSONResponse(await run_in_threadpool(self._operation, task)))

    def _operation(self, task: Task) -> dict[str, Any]:
        if task.stage is not Stage.DONE:
            return {"name": task.id}
        done = {"name": task.id, "done": True}
        if task.fate is Fault.MODERATED_INPUT:
            # The worst that a vendor may do: to repeat what the user wrote.
            return done | {"error": {"code": 3, "message": f"The input violates usage guidelines: {task.prompt}"}}
        if task.fate is Fault.EXPIRED_RESULT:
            return done | {"error": {"code": 5, "message": "The result has expired."}}
        if task.fate is Fault.MODERATED_OUTPUT:
            return done | {"response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Support code 1."]}}
        data = base64.b64encode(b"".join(self.result_bytes(task))).decode()
        videos = [{"bytesBase64Encoded": data, "mimeType": "video/mp4"}] * (2 if task.fate is Fault.DUPLICATE else 1)
        return done | {"response": {"raiMediaFilteredCount": 0, "videos": videos}}


def _error(status: int, name: str, message: str) -> Response:
    return JSONResponse({"error": {"code": status, "message": message, "status": name}}, status)
