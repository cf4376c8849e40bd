"""How far an answer may run ahead of whoever takes it.

What lies in a socket can no longer be called back, and the kernel lets megabytes lie there. The sockets are those of
Serve's own server, so this stands around Serve, next to that server: see `middlewares`.
"""

import socket
from asyncio import WriteTransport
from typing import Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.ingress.finaliser import EXTENSION

__all__ = ["SEND_BUFFER_BYTES", "SendBufferMiddleware", "middlewares"]

SEND_BUFFER_BYTES: Final = 1 << 17
"""Of one connection between the edge and a replica; Linux reserves twice that."""


class SendBufferMiddleware:
    """Plain ASGI; must be the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bound the buffer of the connection, tell where that is, then go on.

        Raises:
            RuntimeError: the server is not the uvicorn that this was made for.
        """
        if scope["type"] == "http":
            transport = _transport(send)
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            scope.setdefault("extensions", {})[EXTENSION] = transport
        await self._app(scope, receive, send)


def middlewares() -> list[Middleware]:
    """What Serve puts around itself in each replica, by RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH."""
    return [Middleware(SendBufferMiddleware)]


def _transport(send: Send) -> WriteTransport:
    """What uvicorn's ``send``, a method of its cycle of request and response, writes to."""
    transport: WriteTransport | None = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("The server has no transport where uvicorn has it.")
    return transport
