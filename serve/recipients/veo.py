"""Adapter for Google's Veo on Vertex AI: operations whose result comes inline, so that no bucket is ever written to.

The bearer token is bought with an assertion that the service account's key signs; no labels and no storage are named.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import jwt

from cluster import clock
from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.payload import Payload
from serve.recipients.replies import at, dumped, json_of, refuse, task_id, text_at
from serve.recipients.wire import ContentRequest, ControlRequest, Line, LostOnTheWay, NotSent, Reply, Wire

__all__ = ["Veo"]

_PEOPLE: Final = "allow_adult"
"""No child is ever made by it, whatever the prompt says."""
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LIFE, _MARGIN = timedelta(hours=1), timedelta(minutes=5)
_LARGEST: Final = 1 << 28
"""Bytes of an operation whose video lies in it."""
_CODES: Final[Mapping[str, ProviderFailure]] = {
    "UNAUTHENTICATED": ProviderFailure.AUTH,
    "PERMISSION_DENIED": ProviderFailure.AUTH,
    "INVALID_ARGUMENT": ProviderFailure.INVALID_INPUT,
    "FAILED_PRECONDITION": ProviderFailure.INVALID_INPUT,
    "NOT_FOUND": ProviderFailure.MODEL_RETIRED,
    "RESOURCE_EXHAUSTED": ProviderFailure.RATE_LIMITED,
}
_OPERATION_CODES: Final[Mapping[int, ProviderFailure]] = {
    3: ProviderFailure.MODERATION_INPUT,
    5: ProviderFailure.EXPIRED,
    7: ProviderFailure.AUTH,
    8: ProviderFailure.CAPACITY,
    14: ProviderFailure.CAPACITY,
}


class Veo:
    """One project in one location."""

    def __init__(self, access: Access) -> None:
        """``secrets``: service_account, the JSON of its key file; ``options``: project, and region as location."""
        project, location = access.options.get("project", ""), access.options.get("region", "")
        self._models = (
            f"{access.base_url.rstrip('/')}/v1/projects/{project}/locations/{location}/publishers/google/models"
        )
        self._account: Mapping[str, str] = _account(access.secrets.get("service_account", ""))
        self._token, self._token_ends = "", clock.now()

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """See `Adapter`."""
        headers = await self._headers(wire)
        url = f"{self._models}/{payload.model}:predictLongRunning"
        reply = await wire.send(ContentRequest(url, headers, dumped(_body(payload))))
        if reply.status != 200:
            raise refuse(reply, _meaning(reply), sent=True)
        return task_id(json_of(reply).get("name"))

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """See `Adapter`. What was moderated can look like success: something was filtered, and there is no video."""
        model = task.rpartition("/operations/")[0].rpartition("/")[2]
        url = f"{self._models}/{model}:fetchPredictOperation"
        body = dumped({"operationName": task})
        reply = await line.call(ControlRequest("POST", url, await self._headers(line), body, most=_LARGEST))
        if reply.status == 404:
            raise ProviderFailed(ProviderFailure.EXPIRED)
        if reply.status != 200:
            self._token = ""
            raise refuse(reply, None, sent=False)
        operation = await asyncio.to_thread(json_of, reply)
        if not operation:
            raise refuse(reply, None, sent=False)
        return await asyncio.to_thread(_outcome, operation)

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """See `Adapter`."""
        if ready.inline is None:
            raise ProviderFailed(ProviderFailure.EXPIRED)
        return ready.inline

    async def find(self, line: Line, search: Search) -> Finding:
        """Operations have no list and no id of ours, so it cannot be said."""
        return Finding(None, certain=False)

    async def cancel(self, line: Line, task: str) -> bool:
        """It cannot be done."""
        return False

    async def delete(self, line: Line, task: str) -> Deletion:
        """There is nothing to delete: the result came inline."""
        return Deletion.ABSENT

    async def check(self, line: Line) -> None:
        """See `Adapter`."""
        self._token = ""
        await self._headers(line)

    async def _headers(self, line: Line) -> dict[str, str]:
        if not self._token or clock.now() >= self._token_ends - _MARGIN:
            await self._log_in(line)
        return {"authorization": f"Bearer {self._token}", "content-type": "application/json"}

    async def _log_in(self, line: Line) -> None:
        where, now = self._account.get("token_uri", ""), clock.now()
        claims = {"iss": self._account.get("client_email", ""), "aud": where, "scope": _SCOPE}
        claims |= {"iat": clock.unix(now), "exp": clock.unix(now + _LIFE)}  # type: ignore[dict-item]  # JWT's own mix
        try:
            assertion = jwt.encode(claims, self._account.get("private_key", ""), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ProviderFailed(ProviderFailure.AUTH) from None
        body = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            reply = await line.call(ControlRequest("POST", where, headers, body))
        except LostOnTheWay:
            raise NotSent from None
        token = text_at(json_of(reply), "access_token")
        if reply.status in (400, 401, 403):
            raise ProviderFailed(ProviderFailure.AUTH)
        if reply.status != 200 or not token:
            raise NotSent
        seconds = at(json_of(reply), "expires_in")
        life = timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds < 86_400 else _LIFE
        self._token, self._token_ends = token, now + life


def _account(key_file: str) -> Mapping[str, str]:
    try:
        account = json.loads(key_file)
    except ValueError:
        return {}
    return (
        {name: value for name, value in account.items() if isinstance(value, str)} if isinstance(account, dict) else {}
    )


def _body(payload: Payload) -> dict[str, Any]:
    asked, picture = payload.asked, payload.picture
    image = {"bytesBase64Encoded": base64.b64encode(picture.data).decode(), "mimeType": picture.content_type}
    parameters: dict[str, Any] = {
        "sampleCount": 1,
        "durationSeconds": asked.seconds,
        "aspectRatio": asked.aspect_ratio,
        "resolution": asked.resolution,
        "negativePrompt": asked.negative_prompt,
        "personGeneration": _PEOPLE,
        "generateAudio": asked.audio,
        "seed": asked.seed,
    }
    said = {name: value for name, value in parameters.items() if value not in (None, "")}
    return {"instances": [{"prompt": payload.prompt, "image": image}], "parameters": said}


def _outcome(operation: Mapping[str, Any]) -> Pending | Ready:
    if operation.get("done") is not True:
        return Pending(running=True)
    code = at(operation, "error", "code")
    if code is not None:
        known = _OPERATION_CODES.get(code) if isinstance(code, int) else None
        raise ProviderFailed(known or ProviderFailure.INTERNAL)
    encoded = text_at(operation, "response", "videos", 0, "bytesBase64Encoded")
    if not encoded:
        filtered = at(operation, "response", "raiMediaFilteredCount")
        moderated = isinstance(filtered, int) and filtered > 0
        raise ProviderFailed(ProviderFailure.MODERATION_OUTPUT if moderated else ProviderFailure.INTERNAL)
    try:
        return Ready(inline=base64.b64decode(encoded, validate=True))
    except ValueError:
        raise ProviderFailed(ProviderFailure.INTERNAL) from None


def _meaning(reply: Reply) -> ProviderFailure | None:
    return _CODES.get(text_at(json_of(reply), "error", "status"))
