"""What nobody foresaw is answered with an error object and logged without its text."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster import telemetry
from cluster.errors import ServiceError
from serve.ingress.error_answers import answer

__all__ = ["Aborted", "UnexpectedMiddleware"]


class Aborted(Exception):
    """An answer broke off half-way; the server closes the connection and has no text to log."""


class UnexpectedMiddleware:
    """Stands between the routes and the server, which would print any exception with its text into its log."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 500, or break off what has begun."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            telemetry.log_failure("request_failed", error)
            if begun:
                raise Aborted from None
            await answer(ServiceError())(scope, receive, send)
