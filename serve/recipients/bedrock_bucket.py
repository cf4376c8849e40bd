"""Our own bucket at Amazon S3, as far as results of Bedrock lie in it: each task has a folder there to itself.

Keys are made of an option, the submission's random id and Amazon's own words. They are plain, so that a listing is read
without taking apart XML; a key that is not plain is not guessed at.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from serve.recipients.bedrock_failures import not_told
from serve.recipients.bedrock_signing import Signed, Signer, escaped
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.wire import ControlRequest, Line

__all__ = ["ResultBucket"]

_VERSION: Final = re.compile(r"<(Version|DeleteMarker)>(.*?)</\1>", re.DOTALL)
_KEY: Final = re.compile(r"<Key>([\w.!/-]+)</Key>", re.ASCII)
_VERSION_ID: Final = re.compile(r"<VersionId>([^<>&\s]+)</VersionId>")
_ROUNDS: Final = 4
_MOST_LISTED: Final = 100


class ResultBucket:
    """The bucket, by paths that name it."""

    def __init__(self, base_url: str, name: str, signer: Signer) -> None:
        """``base_url`` is S3's."""
        self._url, self._signer = f"{base_url}/{escaped(name)}", signer

    async def check(self, line: Line) -> None:
        """See that it may be listed."""
        await self._list(line, "ListBucketResult", {"list-type": "2", "max-keys": "1"})

    async def video(self, line: Line, folder: str) -> bytes:
        """The video that lies in a folder."""
        listing = await self._list(line, "ListBucketResult", {"list-type": "2", "prefix": folder})
        keys = sorted(key for key in _KEY.findall(listing) if key.startswith(folder) and key.endswith(".mp4"))
        if not keys:
            raise ProviderFailed(ProviderFailure.EXPIRED)
        signed = self._sign("GET", keys[0])
        reply = await line.fetch(signed.url, signed.headers)
        if reply.status in (404, 410):
            raise ProviderFailed(ProviderFailure.EXPIRED)
        if reply.status != 200:
            raise not_told(reply)
        return reply.body

    async def empty(self, line: Line, folder: str) -> bool:
        """Delete whatever lies in a folder, with all its versions, until nothing is listed there; False if nothing
        was."""
        for rounds in range(_ROUNDS):
            versions = await self._versions(line, folder)
            if not versions:
                return rounds > 0
            for key, version_id in versions:
                signed = self._sign("DELETE", key, {"versionId": version_id})
                reply = await line.call(ControlRequest("DELETE", signed.url, signed.headers))
                if reply.status not in (200, 204, 404):
                    raise not_told(reply)
        raise ProviderFailed(ProviderFailure.CAPACITY)

    async def _versions(self, line: Line, folder: str) -> list[tuple[str, str]]:
        query = {"versions": "", "prefix": folder, "max-keys": str(_MOST_LISTED)}
        listing = await self._list(line, "ListVersionsResult", query)
        parts = [part for _, part in _VERSION.findall(listing)]
        found = [(_KEY.search(part), _VERSION_ID.search(part)) for part in parts]
        plain = [(key[1], version[1]) for key, version in found if key and version and key[1].startswith(folder)]
        if len(plain) != listing.count("<Key>"):
            raise ProviderFailed(ProviderFailure.CAPACITY)
        return plain

    async def _list(self, line: Line, document: str, query: Mapping[str, str]) -> str:
        """A listing; to have no such bucket is to have no access."""
        signed = self._sign("GET", "", query)
        reply = await line.call(ControlRequest("GET", signed.url, signed.headers))
        if reply.status == 404:
            raise ProviderFailed(ProviderFailure.AUTH)
        text = reply.body.decode("utf-8", errors="replace").strip()
        if reply.status != 200 or not _is_whole(text, document):
            raise not_told(reply)
        return text

    def _sign(self, method: Literal["GET", "DELETE"], key: str, query: Mapping[str, str] | None = None) -> Signed:
        path = "".join(f"/{escaped(segment)}" for segment in key.split("/")) if key else ""
        return self._signer.sign("s3", method, self._url + path, query)


def _is_whole(text: str, document: str) -> bool:
    """Whether that is a listing to its end: an empty one must not be mistaken for a broken one, nor the other way."""
    return f"<{document}" in text and text.endswith((f"</{document}>", f"<{document}/>"))
