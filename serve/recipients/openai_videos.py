"""Adapter for whatever speaks the OpenAI Videos format: vLLM-Omni, SGLang, LiteLLM, and this project itself.

Extra fields (`seed`, `negative_prompt`) are sent where the register says that the model takes them. The submission's id
goes as `Idempotency-Key`; most upstreams ignore it, and then a lost answer cannot be looked for. One that keeps to it,
as this project does, is declared by the option `idempotent`, and is sent the same again.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.payload import Payload
from serve.recipients.replies import at, fetched, json_of, refuse, task_id, text_at
from serve.recipients.wire import ContentRequest, ControlRequest, Line, Reply, Wire

__all__ = ["OpenAIVideos"]

_MODERATED: Final = ("moderation_blocked", "content_policy_violation", "moderation_input", "moderation_output")
_CODES: Final[Mapping[str, ProviderFailure]] = {
    **dict.fromkeys(_MODERATED, ProviderFailure.MODERATION_INPUT),
    "insufficient_quota": ProviderFailure.QUOTA_EXHAUSTED,
    "insufficient_credits": ProviderFailure.QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": ProviderFailure.QUOTA_EXHAUSTED,
    "model_not_found": ProviderFailure.MODEL_RETIRED,
    "model_retired": ProviderFailure.MODEL_RETIRED,
}
_STATUSES: Final[Mapping[int, ProviderFailure]] = {
    400: ProviderFailure.INVALID_INPUT,
    401: ProviderFailure.AUTH,
    403: ProviderFailure.AUTH,
    404: ProviderFailure.MODEL_RETIRED,
    413: ProviderFailure.INVALID_INPUT,
    415: ProviderFailure.INVALID_INPUT,
    422: ProviderFailure.INVALID_INPUT,
    402: ProviderFailure.QUOTA_EXHAUSTED,
    429: ProviderFailure.RATE_LIMITED,
}


class OpenAIVideos:
    """Bearer key; multipart create; deleting is also how a task is cancelled."""

    def __init__(self, access: Access) -> None:
        """``secrets``: api_key."""
        self._base = access.base_url.rstrip("/") + "/v1/videos"
        self._headers = {"authorization": f"Bearer {access.secrets.get('api_key', '')}"}

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """See `Adapter`."""
        boundary = secrets.token_hex(16)
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "idempotency-key": payload.submission_id,
        }
        body = _form(_fields(payload), payload.picture.data, payload.picture.content_type, boundary)
        reply = await wire.send(ContentRequest(self._base, self._headers | headers, body))
        if reply.status // 100 != 2:
            raise refuse(reply, _meaning(reply), sent=True)
        return task_id(json_of(reply).get("id"))

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """See `Adapter`."""
        reply = await line.call(self._request("GET", f"/{task}"))
        if reply.status == 404:
            raise ProviderFailed(ProviderFailure.EXPIRED)
        video, status = json_of(reply), text_at(json_of(reply), "status")
        if reply.status == 401:
            raise ProviderFailed(ProviderFailure.AUTH)
        if reply.status != 200 or status not in ("queued", "in_progress", "completed", "failed", "cancelled"):
            raise refuse(reply, None, sent=False)
        if status == "completed":
            return Ready()
        if status in ("failed", "cancelled"):
            raise ProviderFailed(_failure(text_at(video, "error", "code")))
        percent = at(video, "progress")
        return Pending(status == "in_progress", percent if isinstance(percent, int) and 0 <= percent <= 100 else None)

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """See `Adapter`."""
        return fetched(await line.fetch(f"{self._base}/{task}/content", self._headers))

    async def find(self, line: Line, search: Search) -> Finding:
        """Nothing of ours is in their list, so it cannot be said."""
        return Finding(None, certain=False)

    async def cancel(self, line: Line, task: str) -> bool:
        """See `Adapter`."""
        return await self.delete(line, task) is Deletion.DELETED

    async def delete(self, line: Line, task: str) -> Deletion:
        """See `Adapter`."""
        reply = await line.call(self._request("DELETE", f"/{task}"))
        if reply.status == 404:
            return Deletion.ABSENT
        if reply.status != 200:
            raise refuse(reply, None, sent=False)
        return Deletion.DELETED

    async def check(self, line: Line) -> None:
        """See `Adapter`."""
        reply = await line.call(self._request("GET", "?limit=1"))
        if reply.status != 200:
            raise refuse(reply, _meaning(reply), sent=False)

    def _request(self, method: Any, path: str) -> ControlRequest:
        return ControlRequest(method, self._base + path, self._headers)


def _fields(payload: Payload) -> dict[str, str]:
    asked = payload.asked
    fields = {"prompt": payload.prompt, "model": payload.model, "seconds": str(asked.seconds), "size": asked.size}
    fields |= {"negative_prompt": asked.negative_prompt}
    fields |= {"seed": str(asked.seed)} if asked.seed is not None else {}
    return {name: value for name, value in fields.items() if value or name == "prompt"}


def _form(fields: Mapping[str, str], picture: bytes, content_type: str, boundary: str) -> bytes:
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    extension = content_type.rpartition("/")[2]
    head = f'content-disposition: form-data; name="input_reference"; filename="input.{extension}"'
    parts.append(f"--{boundary}\r\n{head}\r\ncontent-type: {content_type}\r\n\r\n".encode() + picture)
    return b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()])


def _meaning(reply: Reply) -> ProviderFailure | None:
    """What a refusal means; None if that is open, as of every 5xx that is not plainly a matter of room."""
    return _CODES.get(text_at(json_of(reply), "error", "code")) or _STATUSES.get(reply.status)


def _failure(code: str) -> ProviderFailure:
    """Why a task has failed; what was moderated after it had begun is called output, whatever it was."""
    if code in _MODERATED:
        return ProviderFailure.MODERATION_INPUT if code == "moderation_input" else ProviderFailure.MODERATION_OUTPUT
    return ProviderFailure.EXPIRED if code == "video_expired" else _CODES.get(code, ProviderFailure.INTERNAL)
