"""Amazon Bedrock, emulated: asynchronous invocations of Luma Ray2, and the bucket that their results go to."""

import secrets
import string
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tests.emulators.bedrock_bucket import Bucket, error_xml, objects_xml, versions_xml
from tests.emulators.bedrock_keys import KeyPair
from tests.emulators.bedrock_schema import Page, StartAsyncInvoke
from tests.emulators.emulator import Answered, Emulator
from tests.emulators.script import Endpoint, Fault, Step
from tests.emulators.strict import Invalid, parse, read_json
from tests.emulators.tasks import Stage, Task

__all__ = ["Bedrock"]

_REGION: Final = "us-west-2"
_MODELS: Final = frozenset({"luma.ray-v2:0"})
_BLOCKED: Final = frozenset({Fault.MODERATED_INPUT, Fault.MODERATED_OUTPUT})
_REFUSALS: Final = {
    Fault.AUTH: (403, "AccessDeniedException", "You don't have access to the model with the specified model ID."),
    Fault.QUOTA_EXHAUSTED: (403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT."),
    Fault.INVALID_INPUT: (400, "ValidationException", "Malformed input request, please reformat your input."),
    Fault.MODEL_GONE: (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
    Fault.RATE_LIMITED: (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    Fault.PARALLEL_LIMIT: (400, "ServiceQuotaExceededException", "Too many concurrent invocations for this model."),
    Fault.SERVER_ERROR: (500, "InternalServerException", "The system encountered an unexpected error."),
}
_IN_S3: Final = {
    400: (400, "InvalidRequest"),
    403: (403, "AccessDenied"),
    404: (404, "NoSuchKey"),
    429: (503, "SlowDown"),
    500: (500, "InternalError"),
}


class Bedrock(Emulator):
    """The provider, and the storage of its customer. `api_key` is the secret of `access_key`.

    The bucket's faults are those of LIST (a list of either kind), RESULT (its objects) and DELETE.
    """

    name: ClassVar[str] = "bedrock"
    told_by_the_task: ClassVar[frozenset[Fault]] = frozenset({Fault.MODERATED_INPUT})
    access_key = "AKIATESTTESTTESTTEST"
    region = _REGION
    unavailable = False
    """Every create is answered with 503."""
    most_listed = 1000
    """How much a page holds, whatever is asked for."""

    def __init__(self, api_key: str = "test-key", poll_steps: int = 2, oversized_bytes: int = 1 << 30) -> None:
        """An account with one bucket."""
        super().__init__(api_key, poll_steps, oversized_bytes)
        self.bucket = Bucket("test-bucket")
        self.started: dict[str, StartAsyncInvoke] = {}

    def credentials(self, _: str) -> dict[str, str]:
        """What a customer knows, by the names of the register."""
        return {"access_key": self.access_key, "secret_key": self.api_key}

    def routes(self) -> Sequence[BaseRoute]:
        """Start, look up and list invocations; list, read and delete objects, by paths that name the bucket."""
        return [
            Route("/async-invoke", self._create, methods=["POST"]),
            Route("/async-invoke", self._list, methods=["GET"]),
            Route("/async-invoke/{arn:path}", self._poll, methods=["GET"]),
            Route("/test-bucket", self._objects, methods=["GET"]),
            Route("/test-bucket/{key:path}", self._object, methods=["GET"]),
            Route("/test-bucket/{key:path}", self._delete, methods=["DELETE"]),
        ]

    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """Amazon's shape of an error: its name is in a header."""
        status, name, message = _REFUSALS[fault]
        return _error(status, name, reason or message)

    async def _authenticate(self, request: Request, service: str) -> None:
        keys = KeyPair(self.access_key, self.api_key, self.region)
        if keys.signed(request, await request.body(), service):
            return
        if service == "s3":
            raise Answered(_s3_error(403, "SignatureDoesNotMatch"))
        raise Answered(_error(403, "InvalidSignatureException", "The request signature does not match."))

    async def _create(self, request: Request) -> Response:
        await self._authenticate(request, "bedrock")
        step = await self.gate(Endpoint.CREATE)
        if self.unavailable:
            return _error(503, "ServiceUnavailableException", "The service isn't currently available.")
        body = parse(StartAsyncInvoke, await read_json(request))
        if body.modelId not in _MODELS:
            return self.refusal(Fault.MODEL_GONE)
        if body.place()[0] != self.bucket.name:
            raise Invalid("outputDataConfig: the bucket does not exist")
        photo = await run_in_threadpool(body.modelInput.keyframes.frame0.source.take)
        task = self._by_token(body.clientRequestToken)
        if task is None:
            seconds = int(body.modelInput.duration.removesuffix("s"))
            task = self.tasks.create(
                _arn(), body.modelId, body.modelInput.prompt, photo, seconds, body.clientRequestToken
            )
            self.started[task.id] = body
        elif self.started[task.id] != body:
            return _error(400, "ConflictException", "The token was used for another request.")
        task.meet(step)
        return self.answer(step, JSONResponse({"invocationArn": task.id}))

    def _by_token(self, token: str | None) -> Task | None:
        return next((task for task in self.tasks.all() if token and task.reference == token), None)

    async def _poll(self, request: Request) -> Response:
        await self._authenticate(request, "bedrock")
        step = await self.gate(Endpoint.POLL)
        task = self.tasks.get(request.path_params["arn"])
        if task is not None:
            task.meet(step)
            self._advance(task)
            task = self.tasks.get(task.id)
        if task is None:
            return _error(404, "ResourceNotFoundException", "The invocation was not found.")
        return self.answer(step, JSONResponse(self._summary(task)))

    def _advance(self, task: Task) -> None:
        was = task.stage
        if task.advance() is Stage.DONE and was is not Stage.DONE and task.fate not in _BLOCKED:
            folder = f"{self.started[task.id].place()[1]}/{task.id.rpartition('/')[2]}"
            self.bucket.put(f"{folder}/manifest.json", b"{}")
            self.bucket.put(f"{folder}/output.mp4", task)

    async def _list(self, request: Request) -> Response:
        await self._authenticate(request, "bedrock")
        step = await self.gate(Endpoint.LIST)
        page = parse(Page, dict(request.query_params))
        shown = [self._summary(task) for task in self.tasks.all() if _is_within(task, page)]
        shown = [one for one in shown if page.statusEquals in (None, one["status"])]
        shown = shown[:: 1 if page.sortOrder == "Ascending" else -1]
        end = page.nextToken + min(page.maxResults, self.most_listed)
        more = {"nextToken": str(end)} if len(shown) > end else {}
        return self.answer(step, JSONResponse({"asyncInvokeSummaries": shown[page.nextToken : end]} | more))

    def _summary(self, task: Task) -> dict[str, Any]:
        body, done = self.started[task.id], task.stage is Stage.DONE
        summary = {
            "invocationArn": task.id,
            "modelArn": f"arn:aws:bedrock:{self.region}::foundation-model/{task.model}",
            "status": "Completed" if done else "InProgress",
            "submitTime": task.created_at.isoformat().replace("+00:00", "Z"),
            "outputDataConfig": body.outputDataConfig.model_dump(),
        }
        if task.reference:
            summary["clientRequestToken"] = task.reference
        if done and task.fate in _BLOCKED:
            # The worst that a vendor may do: to repeat what the user wrote.
            what = "generated video" if task.fate is Fault.MODERATED_OUTPUT else "prompt"
            summary |= {
                "status": "Failed",
                "failureMessage": f"The {what} was blocked by content filters: {task.prompt}",
            }
        return summary

    async def _s3_gate(self, request: Request, endpoint: Endpoint) -> Step | None:
        await self._authenticate(request, "s3")
        try:
            return await self.gate(endpoint)
        except Answered as answered:
            if "x-amzn-errortype" not in answered.response.headers:
                raise
            raise Answered(_s3_error(*_IN_S3[answered.response.status_code])) from None

    async def _objects(self, request: Request) -> Response:
        step = await self._s3_gate(request, Endpoint.LIST)
        query = request.query_params
        render = versions_xml if "versions" in query else objects_xml
        text = render(self.bucket, query.get("prefix", ""), min(int(query.get("max-keys", "1000")), self.most_listed))
        return self.answer(step, Response(text, media_type="application/xml"))

    async def _object(self, request: Request) -> Response:
        step = await self._s3_gate(request, Endpoint.RESULT)
        content = self.bucket.get(request.path_params["key"])
        if isinstance(content, Task):
            content.meet(step)
        if content is None or (isinstance(content, Task) and content.fate is Fault.EXPIRED_RESULT):
            return _s3_error(404, "NoSuchKey")
        pieces = self.result_bytes(content) if isinstance(content, Task) else iter([content])
        return self.answer(step, StreamingResponse(pieces, media_type="application/octet-stream"))

    async def _delete(self, request: Request) -> Response:
        step = await self._s3_gate(request, Endpoint.DELETE)
        self.bucket.delete(request.path_params["key"], request.query_params.get("versionId"))
        return self.answer(step, Response(status_code=204))


def _is_within(task: Task, page: Page) -> bool:
    after, before = page.submitTimeAfter, page.submitTimeBefore
    return (after is None or task.created_at > after) and (before is None or task.created_at < before)


def _arn() -> str:
    letters = string.ascii_lowercase + string.digits
    name = "".join(secrets.choice(letters) for _ in range(12))
    return f"arn:aws:bedrock:{_REGION}:123456789012:async-invoke/{name}"


def _error(status: int, name: str, message: str) -> Response:
    return JSONResponse({"message": message}, status, {"x-amzn-errortype": name})


def _s3_error(status: int, code: str) -> Response:
    return Response(error_xml(code), status, media_type="application/xml")
