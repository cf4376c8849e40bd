"""HTTP applications of uvicorn's, each in a process of its own, for benchmarks."""

import asyncio
import multiprocessing
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import uvicorn
import uvloop

__all__ = ["served"]

Opened = Callable[[], AbstractAsyncContextManager[Any]]


@contextmanager
def served(opened: Opened) -> Iterator[str]:
    """The address of the application that ``opened`` gives while it is open; a child process opens and serves it."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        child = multiprocessing.get_context("spawn").Process(target=_child, args=(opened, listener), daemon=True)
        child.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            child.terminate()
            child.join()


def _child(opened: Opened, listener: socket.socket) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(opened, listener))


async def _serve(opened: Opened, listener: socket.socket) -> None:
    async with opened() as app:
        await uvicorn.Server(uvicorn.Config(app, log_level="error")).serve(sockets=[listener])
