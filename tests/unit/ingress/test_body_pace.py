"""Bodies that trickle are ended; the time of the application is its own."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from cluster.errors import RequestTimeout
from serve.ingress import error_answers
from serve.ingress.body_pace import BodyPaceMiddleware

SCOPE: Scope = {"type": "http"}


async def never_sent(_: Message) -> None:
    raise AssertionError


def parts(*sizes: int, last: bool = True) -> Receive:
    """A client that sends so much at a time, and nothing after it."""
    left = list(sizes)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        size = left.pop(0)
        return {"type": "http.request", "body": bytes(size), "more_body": bool(left) or not last}

    return receive


def taken_by(receive: Receive, pause: Callable[[], float] = lambda: 0.0, grace: float = 0.05) -> int:
    """How many bytes an application gets that takes a while over each part."""
    taken = 0

    async def application(_: Scope, receive: Receive, __: Send) -> None:
        nonlocal taken
        more = True
        while more:
            message = await receive()
            taken += len(message["body"])
            more = message["more_body"]
            await asyncio.sleep(pause())

    asyncio.run(BodyPaceMiddleware(application, 1_000, grace)(SCOPE, receive, never_sent))
    return taken


def test_a_whole_body_comes_through() -> None:
    assert taken_by(parts(10, 20, 30)) == 60


def test_a_body_that_stops_is_ended() -> None:
    with pytest.raises(HTTPException) as ended:
        taken_by(parts(10, last=False))
    assert isinstance(ended.value.__cause__, RequestTimeout)


def test_whoever_sent_it_is_told_to_send_it_again() -> None:
    application = FastAPI()
    error_answers.install(application)
    application.add_middleware(BodyPaceMiddleware, bytes_per_second=1_000, grace_seconds=0.05)

    @application.post("/")
    async def read(request: Request) -> int:
        return len(await request.body())

    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(5)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here") as client:
            return await client.post("/", content=body())

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["error"]["code"]) == (408, "request_timeout")
    assert answer.headers["x-should-retry"] == "true"


def test_what_came_fast_earns_time_for_what_comes_late() -> None:
    async def late() -> Message:
        await asyncio.sleep(0.2)
        return {"type": "http.request", "body": b"", "more_body": False}

    def then_late(size: int) -> Receive:
        first = parts(size, last=False)
        turns = iter((first, late))

        async def receive() -> Message:
            return await next(turns)()

        return receive

    assert taken_by(then_late(60_000)) == 60_000
    with pytest.raises(HTTPException):
        taken_by(then_late(1))


def test_a_slow_application_does_not_end_its_client() -> None:
    assert taken_by(parts(1, 1, 1), pause=lambda: 0.1) == 3


def test_after_the_body_nobody_is_hurried() -> None:
    async def application(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.2)

    asyncio.run(BodyPaceMiddleware(application, 1_000, 0.05)(SCOPE, parts(1), never_sent))
