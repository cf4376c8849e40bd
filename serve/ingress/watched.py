"""An answer that takes a while and breaks off when it may not be sent any more."""

from collections.abc import AsyncIterable, Mapping

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cluster.records.principals import Principal
from serve.ingress.unexpected import Aborted
from serve.ingress.watch import Ended, Watch

__all__ = ["Watched"]


class Watched(StreamingResponse):
    """A stream that breaks off when its credential, account or object ends, even if nobody reads on."""

    def __init__(
        self,
        watch: Watch,
        caller: Principal,
        body: AsyncIterable[bytes | memoryview],
        *,
        media_type: str,
        media_id: str | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send ``body``, which is that object's or, without ``media_id``, no object's."""
        super().__init__(body, status_code, headers, media_type=media_type)
        self._watch, self._caller, self._media_id = watch, caller, media_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the watch says so."""
        with self._watch.over(self._caller, self._media_id) as sending:
            try:
                await sending.unless_ended(super().__call__(scope, receive, send))
            except Ended:
                raise Aborted from None
