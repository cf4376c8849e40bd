"""What all emulated providers share: the script at each door, closed connections, and the address of results.

A provider is a subclass that says its `name`, its `routes` and how it words a `refusal`. A handler begins with
``step = await self.gate(endpoint)``, does what was asked, gives ``step`` to `Task.meet`, and ends with
``return self.answer(step, response)``, so that every fault of the script works at every endpoint.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from tests.emulators.recording import CONNECTION
from tests.emulators.script import FATES, REFUSALS, Endpoint, Fault, Script, Step
from tests.emulators.strict import Invalid
from tests.emulators.tasks import Task, Tasks
from tests.emulators.videos import result

__all__ = ["Answered", "Dropped", "Emulator"]


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Answered(Exception):
    """This is the answer, whatever the handler was about to do."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Emulator(ABC):
    """One provider. Its state is read by tests: `script`, `tasks`, `api_key`."""

    name: ClassVar[str]
    told_by_the_task: ClassVar[frozenset[Fault]] = frozenset()
    """Those of REFUSALS that this vendor does not answer a create with: the task fails later on."""

    def __init__(self, api_key: str = "test-key", poll_steps: int = 2, oversized_bytes: int = 1 << 30) -> None:
        """`oversized_bytes`: how much an OVERSIZED_VIDEO is; it is made while it is sent."""
        self.api_key = api_key
        self.oversized_bytes = oversized_bytes
        self.script = Script()
        self.tasks = Tasks(poll_steps)
        self.app = Starlette(
            routes=[*self.routes(), Route("/results/{token}.mp4", self._result)],
            exception_handlers={Dropped: _drop, Answered: _answer, Invalid: self._invalid},
        )

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's endpoints, without the one that gives results out."""

    @abstractmethod
    def refusal(self, fault: Fault, reason: str = "") -> Response:
        """The vendor's own answer to one of REFUSALS, less `told_by_the_task`; `reason` is for INVALID_INPUT."""

    async def gate(self, endpoint: Endpoint) -> Step | None:
        """Take the script's fault for this call, and fail as it says.

        Returns what is left to do: one of FATES or `told_by_the_task`, for `Task.meet`, or DROP_AFTER_ACCEPT, for
        `answer`. Read the body before: a real provider refuses what it has read.

        Raises:
            Dropped, Answered: the call ends here.
        """
        step = self.script.take(endpoint)
        if step is None or step.fault in FATES | self.told_by_the_task | {Fault.DROP_AFTER_ACCEPT}:
            return step
        if step.fault is Fault.SLOW:
            await asyncio.sleep(step.amount)
            return None
        if step.fault is Fault.DROP_BEFORE:
            raise Dropped
        raise Answered(self._refusal(step.fault))

    def answer(self, step: Step | None, response: Response) -> Response:
        """The answer of a call that had its effect, unless the connection is closed now.

        Raises:
            Dropped: the script says so.
        """
        if step is not None and step.fault is Fault.DROP_AFTER_ACCEPT:
            raise Dropped
        return response

    def result_url(self, request: Request, task: Task) -> str:
        """Where the video of a task is to be had, without any further credential."""
        return str(request.base_url.replace(path=f"/results/{task.token}.mp4"))

    def result_bytes(self, task: Task) -> Iterable[bytes]:
        """What is given out as the video of a task, in pieces; run it where it may take time."""
        return result(task.photo, task.seconds, task.fate, self.oversized_bytes)

    def _refusal(self, fault: Fault) -> Response:
        if fault is Fault.BAD_GATEWAY:
            return HTMLResponse("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", 502)
        if fault is Fault.RUBBISH:
            return Response(b'{"code": 0, "data": ', media_type="application/json")
        assert fault in REFUSALS
        return self.refusal(fault)

    async def _invalid(self, _: Request, error: Exception) -> Response:
        return self.refusal(Fault.INVALID_INPUT, str(error))

    async def _result(self, request: Request) -> Response:
        step = await self.gate(Endpoint.RESULT)
        task = self.tasks.by_token(request.path_params["token"])
        if task is None:
            return PlainTextResponse("NoSuchKey", 404)
        self.answer(step, Response())
        task.meet(step)
        if task.fate is Fault.EXPIRED_RESULT:
            return Response("<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>", 403)
        return StreamingResponse(self.result_bytes(task), media_type="video/mp4")


async def _drop(request: Request, _: Exception) -> Response:
    request.scope["state"][CONNECTION].abort()
    await asyncio.sleep(0)  # uvicorn hears of it, and sends nothing
    return Response()


async def _answer(_: Request, error: Exception) -> Response:
    assert isinstance(error, Answered)
    return error.response
