"""Amazon Bedrock: asynchronous invocations of Luma Ray2, whose results go to a bucket of our own.

A submission's random id is the token that makes it one task however often it is sent, and the last part of the folder
that its result goes to; nothing else of ours leaves, and no tags are sent. A task is called by both names, so that its
folder can be emptied when Amazon knows the invocation no more. Nothing is kept at Amazon but what lies there.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from serve.recipients.adapter import Access, Deletion, Finding, Pending, Ready, Search
from serve.recipients.bedrock_bucket import ResultBucket
from serve.recipients.bedrock_failures import ended, not_told, refused
from serve.recipients.bedrock_signing import Signer, escaped
from serve.recipients.failures import RETRIED, ProviderFailed, ProviderFailure
from serve.recipients.payload import Payload
from serve.recipients.replies import dumped, json_of, task_id
from serve.recipients.wire import ContentRequest, ControlRequest, Line, Reply, Wire

__all__ = ["Bedrock"]

_PATH: Final = "/async-invoke"
_PAGES: Final = 10
_SKEW: Final = timedelta(minutes=5)
"""Amazon's clock may differ from ours by so much, or it would not take our signatures."""


class Bedrock:
    """The adapter; see `serve.recipients.adapter`."""

    def __init__(self, access: Access) -> None:
        """S3 is beside Bedrock: at the host of the same region, or where one address stands for both."""
        self._url = access.base_url.rstrip("/")
        options, secrets = access.options, access.secrets
        self._signer = Signer(secrets.get("access_key", ""), secrets.get("secret_key", ""), options.get("region", ""))
        storage = self._url.replace("//bedrock-runtime.", "//s3.", 1)
        self._bucket = ResultBucket(storage, options.get("bucket", ""), self._signer)
        self._bucket_name, self._prefix = options.get("bucket", ""), options.get("prefix", "").strip("/")

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """Start an invocation."""
        body = dumped(_invocation(payload, self._output(payload.submission_id)))
        signed = self._signer.sign("bedrock", "POST", self._url + _PATH, body=body)
        reply = await wire.send(ContentRequest(signed.url, signed.headers, body))
        if reply.status != 200:
            raise refused(reply)
        return _task(payload.submission_id, json_of(reply).get("invocationArn"))

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """It is running or has ended; how far it is is not said."""
        arn = task.partition(":")[2]
        reply = await self._get(line, f"{_PATH}/{escaped(arn)}")
        if reply.status in (400, 404):
            raise ProviderFailed(ProviderFailure.EXPIRED)
        invocation = json_of(reply)
        match invocation.get("status") if reply.status == 200 else None:
            case "InProgress":
                return Pending(running=True)
            case "Completed":
                return Ready()
            case "Failed":
                raise ended(invocation)
        raise not_told(reply)

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """The video, out of its folder."""
        return await self._bucket.video(line, self._folder(task.partition(":")[0]))

    async def find(self, line: Line, search: Search) -> Finding:
        """The invocation of the same token, or whose result goes to the same folder."""
        query = {
            "submitTimeAfter": _instant(search.since - _SKEW),
            "submitTimeBefore": _instant(search.until + _SKEW),
            "maxResults": "1000",
        }
        for _ in range(_PAGES):
            page = await self._page(line, query)
            listed = page["asyncInvokeSummaries"]
            found = {str(one.get("invocationArn")) for one in listed if self._is_of(one, search.submission_id)}
            if len(found) == 1:
                return Finding(_task(search.submission_id, found.pop()), certain=True)
            if found:
                break
            if not page.get("nextToken"):
                return Finding(None, certain=True)
            query["nextToken"] = str(page["nextToken"])
        return _UNSURE

    async def cancel(self, line: Line, task: str) -> bool:
        """It cannot be done."""
        return False

    async def delete(self, line: Line, task: str) -> Deletion:
        """Empty the task's folder, once nothing more can come into it."""
        if not task:
            return Deletion.IMPOSSIBLE
        if await self._is_running(line, task):
            raise ProviderFailed(ProviderFailure.CAPACITY)
        there = await self._bucket.empty(line, self._folder(task.partition(":")[0]))
        return Deletion.DELETED if there else Deletion.ABSENT

    async def check(self, line: Line) -> None:
        """Whether both Bedrock and the bucket take the key."""
        await self._page(line, {"maxResults": "1"})
        await self._bucket.check(line)

    async def _is_running(self, line: Line, task: str) -> bool:
        try:
            return isinstance(await self.poll(line, task), Pending)
        except ProviderFailed as failure:
            if failure.code in RETRIED | {ProviderFailure.AUTH}:
                raise
            return False

    async def _page(self, line: Line, query: Mapping[str, str]) -> Mapping[str, Any]:
        reply = await self._get(line, _PATH, query)
        page = json_of(reply)
        listed = page.get("asyncInvokeSummaries")
        if reply.status != 200 or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise not_told(reply)
        return page

    async def _get(self, line: Line, path: str, query: Mapping[str, str] | None = None) -> Reply:
        signed = self._signer.sign("bedrock", "GET", self._url + path, query)
        return await line.call(ControlRequest("GET", signed.url, signed.headers))

    def _is_of(self, listed: Mapping[str, Any], submission_id: str) -> bool:
        return submission_id == listed.get("clientRequestToken") or self._output(submission_id) in json.dumps(
            listed.get("outputDataConfig")
        )

    def _folder(self, submission_id: str) -> str:
        return "/".join(filter(None, (self._prefix, submission_id))) + "/"

    def _output(self, submission_id: str) -> str:
        return f"s3://{self._bucket_name}/{self._folder(submission_id).rstrip('/')}"


_UNSURE: Final = Finding(None, certain=False)


def _invocation(payload: Payload, output: str) -> dict[str, Any]:
    picture, asked = payload.picture, payload.asked
    data = base64.b64encode(picture.data).decode("ascii")
    source = {"type": "base64", "media_type": picture.content_type, "data": data}
    steered = {"aspect_ratio": asked.aspect_ratio, "resolution": asked.resolution}
    return {
        "clientRequestToken": payload.submission_id,
        "modelId": payload.model,
        "modelInput": {
            "prompt": payload.prompt,
            "duration": f"{asked.seconds}s",
            "loop": False,
            "keyframes": {"frame0": {"type": "image", "source": source}},
            **{name: value for name, value in steered.items() if value},
        },
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": output}},
    }


def _task(submission_id: str, arn: object) -> str:
    return f"{submission_id}:{task_id(arn)}"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
