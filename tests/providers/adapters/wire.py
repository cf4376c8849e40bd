"""The wire of an adapter under test: plain HTTP to an emulator, without the gate and its records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import httpx

from serve.recipients.wire import ContentRequest, ControlRequest, LostOnTheWay, NotSent, Reply

__all__ = ["TestWire"]


@dataclass
class TestWire:
    """Fails as the real wire does, and counts how often content was sent."""

    __test__: ClassVar[bool] = False

    sends: int = 0
    unreachable: bool = False
    """No connection stands, whatever is asked for."""

    async def send(self, request: ContentRequest) -> Reply:
        """See `serve.recipients.wire`."""
        self.sends += 1
        return await self._exchange(request.method, request.url, request.headers, request.body)

    async def call(self, request: ControlRequest) -> Reply:
        """See `serve.recipients.wire`."""
        return await self._exchange(request.method, request.url, request.headers, request.body)

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """See `serve.recipients.wire`."""
        return await self._exchange("GET", url, headers or {}, None)

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        if self.unreachable:
            raise NotSent
        try:
            async with httpx.AsyncClient(timeout=60, verify=False, trust_env=False) as client:
                answer = await client.request(method, url, headers=headers, content=body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise NotSent from None
        except httpx.HTTPError:
            raise LostOnTheWay from None
        return Reply(answer.status_code, dict(answer.headers), answer.content)
