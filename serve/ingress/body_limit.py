"""No body is read further than it may be long, whichever route it is for."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.errors import PayloadTooLarge

__all__ = ["BodyLimitMiddleware"]


class BodyLimitMiddleware:
    """Counts the bytes of a body as they come; a declared length that is too large is refused before the first."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        """Let bodies of at most ``max_bytes`` through to ``app``."""
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand ``app`` a counting ``receive``. FastAPI passes on nothing but its own kind of exception from there."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        received = 0

        async def counting() -> Message:
            nonlocal received
            self._check(int(declared) if declared.isdecimal() else 0)
            message = await receive()
            received += len(message.get("body", b""))
            self._check(received)
            return message

        await self._app(scope, counting, send)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            too_large = PayloadTooLarge(f"The request body may have at most {self._max_bytes} bytes.")
            raise HTTPException(PayloadTooLarge.status) from too_large
