"""What was sent counts as taken once nothing of it waits on this host, in the server that Serve uses."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from serve.ingress.finaliser import taken
from serve.ingress.send_buffer import SendBufferMiddleware

SIZE = 1 << 16


class Sender:
    """An application that sends some bytes and asks whether they were taken."""

    def __init__(self) -> None:
        self.sent, self.answer = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        length = (b"content-length", str(SIZE).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": bytes(SIZE), "more_body": True})
        self.sent.set()
        self.answer.set_result(await taken(scope))


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Sender, socket.socket]]:
    """Served, and a client that has asked and takes next to nothing by itself."""
    sender = Sender()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 12)
    config = uvicorn.Config(SendBufferMiddleware(sender), loop="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        client.connect(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(sender.sent.wait(), 60)
        yield sender, client
    server.should_exit = True
    await serving


async def _taken_by_a_reader() -> tuple[bool, bool]:
    async with asked() as (sender, client):
        await asyncio.sleep(0.3)
        early = sender.answer.done()
        client.settimeout(60)
        got = 0
        while got < SIZE:
            got += len(await asyncio.to_thread(client.recv, SIZE))
        return early, await asyncio.wait_for(sender.answer, 60)


async def _left_by_a_client() -> bool:
    async with asked() as (sender, client):
        client.close()
        return bool(await asyncio.wait_for(sender.answer, 60))


def test_bytes_count_when_the_client_has_them_and_not_before() -> None:
    assert asyncio.run(_taken_by_a_reader()) == (False, True)


def test_bytes_on_a_broken_connection_do_not_count() -> None:
    assert asyncio.run(_left_by_a_client()) is False


def test_where_there_is_no_server_what_was_sent_was_taken() -> None:
    assert asyncio.run(taken({"type": "http"}))


@pytest.mark.parametrize("scope", [{"type": "http", "extensions": {}}])
def test_a_scope_with_other_extensions_is_no_connection(scope: Scope) -> None:
    assert asyncio.run(taken(scope))
