"""The wire of one submission: content by the gate, calls without content, results from wherever they lie."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from serve.egress.client import Client
from serve.egress.cuts import Cuts, Sendable
from serve.egress.errors import EgressFailed, translated
from serve.egress.gate import Gate
from serve.egress.pinning import Pinned, Rules
from serve.egress.replies import read_reply
from serve.egress.sending import send_content
from serve.recipients.wire import ContentRequest, ControlRequest, LostOnTheWay, NotSent, Reply, TooLarge
from serve.url_failures import UrlFailure

__all__ = ["RecipientLine", "SubmissionWire"]

_REDIRECTS = 3


@dataclass(slots=True)
class RecipientLine:
    """Calls that carry no content: what is polled, cancelled and deleted needs no grant."""

    client: Client
    rules: Rules
    most_result_bytes: int

    async def call(self, request: ControlRequest) -> Reply:
        """See `serve.recipients.wire`. No redirect is followed."""
        pinned = await self._pinned(request.url)
        try:
            return await self._exchange(pinned, request)
        except EgressFailed as failure:
            raise (TooLarge if failure.code is UrlFailure.TOO_LARGE else LostOnTheWay) from None

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """See `serve.recipients.wire`."""
        origin = _origin(url)
        for _ in range(_REDIRECTS + 1):
            own = dict(headers or {}) if _origin(url) == origin else {}
            reply = await self.call(ControlRequest("GET", url, own, most=self.most_result_bytes))
            if reply.status not in (301, 302, 303, 307, 308) or "location" not in reply.headers:
                return reply
            url = _joined(url, reply.headers["location"])
        raise LostOnTheWay

    async def _pinned(self, url: str) -> Pinned:
        try:
            async with asyncio.timeout(self.client.timeouts.connect * 2):
                return await self.rules.pin(url, https_only=True)
        except (EgressFailed, TimeoutError):
            raise NotSent from None

    async def _exchange(self, pinned: Pinned, request: ControlRequest) -> Reply:
        with translated():
            async with (
                asyncio.timeout(self.client.timeouts.total),
                self.client.send(request.method, pinned, request.headers, request.body) as response,
            ):
                return await read_reply(response, request.most)


def _origin(url: str) -> tuple[str, str]:
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.netloc.decode("ascii")


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, ValueError):
        raise LostOnTheWay from None


@dataclass(slots=True)
class SubmissionWire(RecipientLine):
    """The same, and content once, if the gate lets it out."""

    gate: Gate
    cuts: Cuts
    sending: Sendable
    used: bool = field(default=False, init=False)

    async def send(self, request: ContentRequest) -> Reply:
        """See `serve.recipients.wire`.

        Raises:
            MayNotLeave: there is no live grant (any more); it is nothing that an adapter could do anything about.
        """
        if self.used:
            raise RuntimeError("an adapter sends content once for each submission")
        self.used = True
        pinned = await self._pinned(request.url)
        return await send_content(self.client, pinned, request, self.gate, self.cuts, self.sending)
