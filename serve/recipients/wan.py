"""Adapter for Alibaba Cloud's Wan (DashScope): asynchronous tasks whose ids live for a day.

Prompts are not rewritten and videos not marked unless that was asked for. Models before 2.7 take another body.
"""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.payload import Payload
from serve.recipients.replies import at, dumped, fetched, json_of, refuse, task_id, text_at
from serve.recipients.wire import ContentRequest, ControlRequest, Line, Reply, Wire

__all__ = ["Wan"]

_CREATE: Final = "/api/v1/services/aigc/video-generation/video-synthesis"
_TASKS: Final = "/api/v1/tasks"
_VERSION: Final = re.compile(r"wan(\d+)\.(\d+)")
_MEDIA_SINCE: Final = (2, 7)
_PAGE: Final = 100
_CODES: Final[Mapping[str, ProviderFailure]] = {
    "InvalidApiKey": ProviderFailure.AUTH,
    "AccessDenied": ProviderFailure.AUTH,
    "ModelNotFound": ProviderFailure.MODEL_RETIRED,
    "InvalidParameter": ProviderFailure.INVALID_INPUT,
    "InvalidURL": ProviderFailure.INVALID_INPUT,
    "Arrearage": ProviderFailure.QUOTA_EXHAUSTED,
    "DataInspectionFailed": ProviderFailure.MODERATION_INPUT,
    "Throttling": ProviderFailure.RATE_LIMITED,
    "Throttling.RateQuota": ProviderFailure.RATE_LIMITED,
    "Throttling.AllocationQuota": ProviderFailure.CAPACITY,
}


class Wan:
    """A bearer API key for one region."""

    def __init__(self, access: Access) -> None:
        """``secrets``: api_key."""
        self._base = access.base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {access.secrets.get('api_key', '')}"}

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """See `Adapter`."""
        headers = self._headers | {"content-type": "application/json", "x-dashscope-async": "enable"}
        reply = await wire.send(ContentRequest(self._base + _CREATE, headers, dumped(_body(payload))))
        if reply.status != 200:
            raise refuse(reply, _meaning(reply), sent=True)
        return task_id(at(json_of(reply), "output", "task_id"))

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """See `Adapter`. Moderation is a success of HTTP whose task has failed."""
        reply = await line.call(ControlRequest("GET", f"{self._base}{_TASKS}/{task}", self._headers))
        output = at(json_of(reply), "output")
        if reply.status != 200:
            auth = _meaning(reply) is ProviderFailure.AUTH
            raise refuse(reply, ProviderFailure.AUTH if auth else None, sent=False)
        match text_at(output, "task_status"):
            case "SUCCEEDED":
                return Ready({"url": text_at(output, "video_url")})
            case "FAILED":
                raise ProviderFailed(_failure(output))
            case "CANCELED" | "UNKNOWN":
                raise ProviderFailed(ProviderFailure.EXPIRED)
            case "PENDING" | "RUNNING" | "SUSPENDED" as status:
                return Pending(status == "RUNNING")
        raise refuse(reply, None, sent=False)

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """See `Adapter`. The URL is on a host of their own choosing, and gets no credentials."""
        return fetched(await line.fetch(str(ready.reference["url"])))

    async def find(self, line: Line, search: Search) -> Finding:
        """By their list, which has no id of ours: a task that nobody knows may be anybody's, and is never guessed at.

        Only where there is none of that model and time is it certain that nothing was accepted.
        """
        listed, total = await self._listed(line, search)
        certain = search.known.issuperset(listed) and len(listed) >= total
        return Finding(None, certain=certain)

    async def cancel(self, line: Line, task: str) -> bool:
        """See `Adapter`. Only what has not begun can be cancelled."""
        reply = await line.call(ControlRequest("POST", f"{self._base}{_TASKS}/{task}/cancel", self._headers))
        return reply.status == 200

    async def delete(self, line: Line, task: str) -> Deletion:
        """It cannot be done."""
        return Deletion.IMPOSSIBLE

    async def check(self, line: Line) -> None:
        """See `Adapter`."""
        reply = await line.call(ControlRequest("GET", f"{self._base}{_TASKS}?page_size=1", self._headers))
        if reply.status != 200:
            raise refuse(reply, _meaning(reply), sent=False)

    async def _listed(self, line: Line, search: Search) -> tuple[list[str], int]:
        """The tasks of one page, and how many there are in all."""
        query = {
            "start_time": _written(search.since),
            "end_time": _written(search.until),
            "model_name": search.model,
            "page_size": str(_PAGE),
        }
        reply = await line.call(ControlRequest("GET", f"{self._base}{_TASKS}?{urlencode(query)}", self._headers))
        tasks, total = at(json_of(reply), "data"), at(json_of(reply), "total")
        if reply.status != 200 or not isinstance(tasks, list) or not isinstance(total, int):
            raise refuse(reply, None, sent=False)
        return [text_at(task, "task_id") for task in tasks], total


def _body(payload: Payload) -> dict[str, Any]:
    asked = payload.asked
    encoded = base64.b64encode(payload.picture.data).decode()
    image = f"data:{payload.picture.content_type};base64,{encoded}"
    version = _VERSION.match(payload.model)
    takes_media = version is None or (int(version[1]), int(version[2])) >= _MEDIA_SINCE
    photo = {"media": [{"type": "first_frame", "url": image}]} if takes_media else {"img_url": image}
    words = {"prompt": payload.prompt} | ({"negative_prompt": asked.negative_prompt} if asked.negative_prompt else {})
    parameters: dict[str, Any] = {"duration": asked.seconds, "prompt_extend": False, "watermark": False}
    parameters |= {"resolution": asked.resolution} if asked.resolution else {}
    parameters |= {"seed": asked.seed} if asked.seed is not None else {}
    return {"model": payload.model, "input": words | photo, "parameters": parameters}


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def _meaning(reply: Reply) -> ProviderFailure | None:
    code = text_at(json_of(reply), "code")
    return _CODES.get(code) or _CODES.get(code.partition(".")[0])


def _failure(output: Any) -> ProviderFailure:
    """Why a task has failed. Of what was moderated they say in fixed words whether it went in or came out."""
    code = text_at(output, "code")
    if code == "DataInspectionFailed" and text_at(output, "message").startswith("Output"):
        return ProviderFailure.MODERATION_OUTPUT
    return _CODES.get(code, ProviderFailure.INTERNAL)
