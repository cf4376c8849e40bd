"""Gives every answer an `x-request-id`, made here: what a client sends under that name is not repeated."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.ids import new_id

__all__ = ["RequestIdMiddleware"]


class RequestIdMiddleware:
    """Plain ASGI, so that streamed bodies pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the header to the answer's start; nothing personal is to be cached on the way."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = new_id("req")
                headers.setdefault("cache-control", "no-store")
                headers.setdefault("referrer-policy", "no-referrer")
                headers.setdefault("x-content-type-options", "nosniff")
            await send(message)

        await self._app(scope, receive, send_with_id)
