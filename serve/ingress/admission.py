"""Admission: how much of each kind a replica does at once, decided before a byte of a body is read.

Long answers cannot take the room of short ones, nor uploads that of anything else. What an account may do is counted
at the door, in the database; this is about the replica itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.errors import Busy
from cluster.records.allowances import RequestKind
from cluster.settings import Admission
from serve.ingress import rate_limit_headers
from serve.ingress.error_answers import answer
from serve.ingress.prefer import wait_seconds

__all__ = ["AdmissionMiddleware", "Rooms", "has_body", "kind_of"]

_STREAMS: Final = ("/events", "/content")
_PROBES: Final = ("/healthz", "/readyz")
_RETRY_SECONDS: Final = 2


def has_body(scope: Scope) -> bool:
    """Whether the request brings a body."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def kind_of(scope: Scope) -> RequestKind:
    """Which room of the replica a request takes."""
    if scope["path"].endswith(_STREAMS):
        return RequestKind.STREAM
    if not has_body(scope):
        return RequestKind.READ
    return RequestKind.STREAM if wait_seconds(Headers(scope=scope).getlist("prefer")) else RequestKind.CREATE


class Rooms:
    """What one replica does now, and the most that it does of each kind; belongs to one event loop."""

    def __init__(self, settings: Admission) -> None:
        """Nothing is done yet."""
        self._most = {
            RequestKind.CREATE: settings.creates_at_once,
            RequestKind.READ: settings.reads_at_once,
            RequestKind.STREAM: settings.streams_at_once,
        }
        self._busy: Counter[RequestKind] = Counter()
        self._shares: Counter[tuple[str, RequestKind]] = Counter()

    @contextmanager
    def taken(self, kind: RequestKind) -> Iterator[None]:
        """Take room for as long as the block runs.

        Raises:
            Busy: there is none.
        """
        if self._busy[kind] >= self._most[kind]:
            raise Busy(retry_after=_RETRY_SECONDS)
        self._busy[kind] += 1
        try:
            yield
        finally:
            self._busy[kind] -= 1

    def share(self, account_id: str, kind: RequestKind) -> Callable[[], None]:
        """Note whose a room is, once that is known; returns what must be called when it is free again.

        Raises:
            Busy: half of all are this account's already. The others' half cannot be taken by whoever sends slowly.
        """
        share = account_id, kind
        if 2 * self._shares[share] >= self._most[kind]:
            raise Busy(retry_after=_RETRY_SECONDS)
        self._shares[share] += 1

        def leave() -> None:
            self._shares[share] -= 1
            self._shares += Counter()

        return leave


class AdmissionMiddleware:
    """Plain ASGI. Whether this process lives can be asked however much it has to do.

    Further in, ``state["allowance"]`` is set to what is left to the caller, and ``state["on_leaving"]`` to what is to
    be called when the request is over.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer 429. What its answer says of the rate limit is what the door has found."""
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        services, state = scope["app"].state.services, scope["state"]

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and (allowance := state.get("allowance")):
                MutableHeaders(scope=message).update(rate_limit_headers.headers(allowance))
            await send(message)

        try:
            with services.rooms.taken(kind_of(scope)):
                await self._app(scope, receive, send_with_limits)
        except Busy as busy:
            await answer(busy)(scope, receive, send)
        finally:
            for leave in state.get("on_leaving", ()):
                leave()
