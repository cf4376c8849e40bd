"""What is sent does not run ahead of whoever takes it, in the server that Serve uses."""

import asyncio
import socket

import pytest
import uvicorn
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.ingress.send_buffer import SendBufferMiddleware, middlewares

PIECE, MOST = bytes(1 << 16), 64 << 20


async def sent_to_nobody(wrap: bool) -> int:
    """How many bytes the application gets rid of while nobody takes them."""
    sent = 0

    async def application(_: Scope, __: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while sent < MOST:
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            sent += len(PIECE)

    served: ASGIApp = SendBufferMiddleware(application) if wrap else application
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(served, loop="none", lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.connect(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        before = -1
        while not sent or sent != before:
            before = sent
            await asyncio.sleep(0.2)
    server.should_exit = True
    await serving
    return before


def test_a_client_that_takes_nothing_is_sent_little() -> None:
    bounded, unbounded = (asyncio.run(sent_to_nobody(wrap)) for wrap in (True, False))
    assert bounded < 1 << 20 < unbounded < MOST


def test_serve_is_given_it_as_the_outermost() -> None:
    (made,) = middlewares()
    assert isinstance(made, Middleware)
    assert made.cls.__name__ == SendBufferMiddleware.__name__  # type: ignore[attr-defined]  # a class, which a factory need not be


def test_another_server_is_not_taken_for_uvicorn() -> None:
    async def nothing(*_: object) -> None:
        raise AssertionError

    with pytest.raises(RuntimeError, match="transport"):
        asyncio.run(SendBufferMiddleware(nothing)({"type": "http"}, nothing, nothing))  # type: ignore[arg-type]  # of any type
