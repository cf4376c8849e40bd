"""A body that trickles is ended: the edge ends silence, and this ends a byte now and then."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster import clock
from cluster.errors import RequestTimeout

__all__ = ["BodyPaceMiddleware"]


class BodyPaceMiddleware:
    """Waits for each part of a body no longer than the parts before have earned. Time that ``app`` takes is its own."""

    def __init__(self, app: ASGIApp, bytes_per_second: int, grace_seconds: float = 30.0) -> None:
        """After ``grace_seconds`` of waiting, bodies must have come at ``bytes_per_second``."""
        self._app, self._pace, self._grace = app, bytes_per_second, grace_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand ``app`` a ``receive`` that does not wait for ever while the body is not whole."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, waited, whole = 0, 0.0, False

        async def paced() -> Message:
            nonlocal received, waited, whole
            if whole:
                return await receive()
            began = clock.monotonic()
            try:
                async with asyncio.timeout(self._grace + received / self._pace - waited):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(RequestTimeout.status) from RequestTimeout()
            waited += clock.monotonic() - began
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, paced, send)
