"""Adapter for Kling AI. What counts is the code in its envelope, whatever the HTTP status is.

Nothing can be cancelled or deleted there; a task whose answer was lost is found by our random `external_task_id`.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import jwt

from cluster import clock
from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.payload import Payload
from serve.recipients.replies import at, dumped, fetched, json_of, refuse, task_id, text_at
from serve.recipients.wire import ContentRequest, ControlRequest, Line, Reply, Wire

__all__ = ["Kling"]

_PATH: Final = "/v1/videos/image2video"
_LIFE, _EARLIER = timedelta(seconds=1800), timedelta(seconds=5)
_CODES: Final[Mapping[int, ProviderFailure]] = {
    **dict.fromkeys(range(1000, 1005), ProviderFailure.AUTH),
    **dict.fromkeys(range(1100, 1103), ProviderFailure.QUOTA_EXHAUSTED),
    1103: ProviderFailure.AUTH,
    **dict.fromkeys(range(1200, 1203), ProviderFailure.INVALID_INPUT),
    1203: ProviderFailure.MODEL_RETIRED,
    1301: ProviderFailure.MODERATION_INPUT,
    1302: ProviderFailure.RATE_LIMITED,
    1303: ProviderFailure.CAPACITY,
}
_NOT_FOUND: Final = 1203


class Kling:
    """A bearer API key, or an access and a secret key, of which a token is made for each call."""

    def __init__(self, access: Access) -> None:
        """``secrets``: api_key, or access_key and secret_key."""
        self._url = access.base_url.rstrip("/") + _PATH
        self._secrets = access.secrets

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """See `Adapter`."""
        headers = self._headers() | {"content-type": "application/json"}
        reply = await wire.send(ContentRequest(self._url, headers, dumped(_body(payload))))
        if _code(reply) != 0:
            raise refuse(reply, _CODES.get(_code(reply)), sent=True)
        return task_id(at(json_of(reply), "data", "task_id"))

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """See `Adapter`."""
        reply = await line.call(ControlRequest("GET", f"{self._url}/{task}", self._headers()))
        if _code(reply) == _NOT_FOUND:
            raise ProviderFailed(ProviderFailure.EXPIRED)
        if _code(reply) != 0:
            auth = _CODES.get(_code(reply)) is ProviderFailure.AUTH
            raise refuse(reply, ProviderFailure.AUTH if auth else None, sent=False)
        data = at(json_of(reply), "data")
        match text_at(data, "task_status"):
            case "succeed":
                return Ready({"url": text_at(data, "task_result", "videos", 0, "url")})
            case "failed":
                raise ProviderFailed(_failure(text_at(data, "task_status_msg")))
            case "submitted" | "processing" as status:
                return Pending(status == "processing")
        raise refuse(reply, None, sent=False)

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """See `Adapter`. The URL is on a host of their own choosing, and gets no credentials."""
        return fetched(await line.fetch(str(ready.reference["url"])))

    async def find(self, line: Line, search: Search) -> Finding:
        """By the random id that was sent along; what they have not, they never got."""
        reply = await line.call(ControlRequest("GET", f"{self._url}/{search.submission_id}", self._headers()))
        if _code(reply) == _NOT_FOUND:
            return Finding(None, certain=True)
        if _code(reply) != 0:
            raise refuse(reply, None, sent=False)
        return Finding(task_id(at(json_of(reply), "data", "task_id")), certain=True)

    async def cancel(self, line: Line, task: str) -> bool:
        """It cannot be done."""
        return False

    async def delete(self, line: Line, task: str) -> Deletion:
        """It cannot be done."""
        return Deletion.IMPOSSIBLE

    async def check(self, line: Line) -> None:
        """See `Adapter`."""
        reply = await line.call(ControlRequest("GET", f"{self._url}?pageNum=1&pageSize=1", self._headers()))
        if _code(reply) != 0:
            raise refuse(reply, _CODES.get(_code(reply)), sent=False)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._secrets.get('api_key') or self._token()}"}

    def _token(self) -> str:
        now = clock.now()
        claims = {"iss": self._secrets.get("access_key", ""), "exp": now + _LIFE, "nbf": now - _EARLIER}
        return jwt.encode(claims, self._secrets.get("secret_key", ""), algorithm="HS256")


def _body(payload: Payload) -> dict[str, Any]:
    asked = payload.asked
    body = {
        "model_name": payload.model,
        "image": base64.b64encode(payload.picture.data).decode(),
        "prompt": payload.prompt,
        "negative_prompt": asked.negative_prompt,
        "duration": str(asked.seconds),
        "mode": asked.resolution or "std",
        "sound": "on" if asked.audio else "off",
        "external_task_id": payload.submission_id,
    }
    return {name: value for name, value in body.items() if value != ""}


def _code(reply: Reply) -> int:
    """The code of an envelope; -1 if there is none."""
    code = at(json_of(reply), "code")
    return code if isinstance(code, int) and not isinstance(code, bool) else -1


def _failure(message: str) -> ProviderFailure:
    """Why a task has failed. There is no code for it, so that their fixed words decide; they are kept nowhere."""
    return ProviderFailure.MODERATION_OUTPUT if "risk control" in message else ProviderFailure.INTERNAL
