"""Opens the store of objects that the settings name: a local folder or S3. The only module that knows s3fs.

S3 is spoken request by request (no file objects: theirs would complete a half-written upload when closed after an
error, and ask for lengths that nobody needs). Calls run on s3fs's own event loop, from any thread.
"""

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError

from cluster import clock
from cluster.settings import Objects
from cluster.storage.erasure import Absent, Erased, Erasure, Failed
from cluster.storage.errors import ObjectMissing, ObjectStoreUnavailable
from cluster.storage.local_objects import LocalObjects
from cluster.storage.object_store import ObjectStore, check_key, check_prefix

__all__ = ["ObjectStore", "S3Objects", "open_objects"]

PART_BYTES: Final = 8 << 20
DELETED_AT_ONCE: Final = 1000  # as many as S3 takes in a request
CALLS_AT_ONCE: Final = 16
ATTEMPTS: Final = 2  # each of which botocore may repeat once: with its time-outs, an answer within about a minute
_CONNECTION: Final = {
    "connect_timeout": 5,
    "read_timeout": 15,
    "max_pool_connections": 64,
    "retries": {"mode": "standard", "max_attempts": 2},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


def open_objects(settings: Objects, default_folder: Path) -> ObjectStore:
    """The store that the settings name; without a URL, a folder.

    Raises:
        ValueError: the URL is neither s3://bucket[/prefix] nor file:///folder.
        ObjectStoreUnavailable: the folder cannot be made.
    """
    if settings.url is None:
        return LocalObjects(default_folder)
    url = urlsplit(settings.url)
    if url.scheme == "file" and not url.netloc and url.path.startswith("/"):
        return LocalObjects(Path(url.path))
    if url.scheme == "s3" and url.netloc:
        return S3Objects(url.netloc, url.path.strip("/"), settings.s3_endpoint, settings.s3_region)
    raise ValueError("the URL of the objects is s3://bucket/prefix or file:///folder")


class S3Objects:
    """An `ObjectStore` in a bucket. Credentials come from the environment or the host's role, as always with AWS."""

    def __init__(self, bucket: str, prefix: str, endpoint: str | None, region: str | None) -> None:
        """Prepare; the first request is made by the first call."""
        import s3fs  # here, because a laptop without S3 need not load it

        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._system: Any = s3fs.S3FileSystem(
            endpoint_url=endpoint,
            client_kwargs={"region_name": region} if region else {},
            config_kwargs=dict(_CONNECTION),
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._system.retries = ATTEMPTS

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `ObjectStore.put`. One request for a small object, a multipart upload for a large one."""
        name = self._name(key)
        parts = _parts(chunks)
        head = list(itertools.islice(parts, 2))
        if len(head) == 1:
            self._call("put_object", Key=name, Body=head[0])
            return len(head[0])
        upload = {"Key": name, "UploadId": self._call("create_multipart_upload", Key=name)["UploadId"]}
        try:
            return self._upload(upload, itertools.chain(head, parts))
        except BaseException:
            with contextlib.suppress(ObjectStoreUnavailable, ObjectMissing):
                self._call("abort_multipart_upload", **upload)
            raise

    def _upload(self, upload: dict[str, str], parts: Iterable[bytes]) -> int:
        size, tags = 0, []
        for number, body in enumerate(parts, 1):
            answer = self._call("upload_part", PartNumber=number, Body=body, **upload)
            tags.append({"PartNumber": number, "ETag": answer["ETag"]})
            size += len(body)
        self._call("complete_multipart_upload", MultipartUpload={"Parts": tags}, **upload)
        return size

    def read(self, key: str, start: int, length: int) -> bytes:
        """See `ObjectStore.read`."""
        path = f"{self._bucket}/{self._name(key)}"
        if length <= 0:
            return b""
        try:
            with self._answering():
                return bytes(self._system.cat_file(path, start=start, end=start + length))
        except _BeyondTheEnd:
            return b""

    def size(self, key: str) -> int:
        """See `ObjectStore.size`."""
        return int(self._call("head_object", Key=self._name(key))["ContentLength"])

    def delete(self, key: str) -> Erasure:
        """See `ObjectStore.delete`."""
        return self.delete_many([key])[key]

    def delete_many(self, keys: Iterable[str]) -> dict[str, Erasure]:
        """See `ObjectStore.delete_many`. S3 answers "deleted" for what never was, and a versioned bucket keeps what it
        calls deleted: so look first, delete each version by name, and look again."""
        outcomes: dict[str, Erasure] = {}
        remaining = iter(dict.fromkeys(keys))
        while batch := [check_key(key) for key in itertools.islice(remaining, DELETED_AT_ONCE)]:
            try:
                outcomes |= self._erase(batch)
            except ObjectStoreUnavailable:
                outcomes |= dict.fromkeys(batch, Failed("object_store_unavailable"))
        return outcomes

    def delete_stored(self, keys: Iterable[str]) -> dict[str, Erasure]:
        """See `ObjectStore.delete_stored`. One request for each thousand; a versioned bucket needs all of them."""
        outcomes: dict[str, Erasure] = {}
        remaining = iter(dict.fromkeys(keys))
        while batch := [check_key(key) for key in itertools.islice(remaining, DELETED_AT_ONCE)]:
            try:
                outcomes |= self._erase(batch) if self._versioned else self._remove(batch)
            except ObjectStoreUnavailable:
                outcomes |= dict.fromkeys(batch, Failed("object_store_unavailable"))
        return outcomes

    def _remove(self, keys: list[str]) -> dict[str, Erasure]:
        named = [{"Key": self._name(key)} for key in keys]
        answer = self._call("delete_objects", Delete={"Objects": named, "Quiet": True})
        refused = {error["Key"] for error in answer.get("Errors", [])}
        return {key: Failed("refused") if self._name(key) in refused else Erased() for key in keys}

    def _erase(self, keys: list[str]) -> dict[str, Erasure]:
        before = self._copies(keys)
        doomed = [{"Key": self._name(key)} | copy for key in keys for copy in before[key]]
        for start in range(0, len(doomed), DELETED_AT_ONCE):
            batch = doomed[start : start + DELETED_AT_ONCE]
            self._call("delete_objects", Delete={"Objects": batch, "Quiet": True})
        after = self._copies([key for key in keys if before[key]])
        return {
            key: Absent() if not before[key] else Failed("still_there") if after[key] else Erased(len(before[key]))
            for key in keys
        }

    def _copies(self, keys: list[str]) -> dict[str, list[dict[str, str]]]:
        """What identifies each stored copy of each key, delete markers included."""
        look = self._versions if self._versioned else self._current
        if len(keys) == 1:
            return {keys[0]: look(keys[0])}
        with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
            return dict(zip(keys, threads.map(look, keys), strict=True))

    def _current(self, key: str) -> list[dict[str, str]]:
        try:
            self.size(key)
        except ObjectMissing:
            return []
        return [{}]

    def _versions(self, key: str) -> list[dict[str, str]]:
        name = self._name(key)
        pages = self._pages("list_object_versions", name, "KeyMarker", "VersionIdMarker")
        copies = [copy for page in pages for kind in ("Versions", "DeleteMarkers") for copy in page.get(kind, [])]
        return [{"VersionId": copy["VersionId"]} for copy in copies if copy["Key"] == name]

    @cached_property
    def _versioned(self) -> bool:
        """Whether the bucket keeps, or ever kept, older versions. A server that knows none may refuse the question."""
        try:
            return bool(self._call("get_bucket_versioning").get("Status"))
        except _NotImplemented:
            return False

    def keys(self, prefix: str = "", older_than: timedelta = timedelta.min) -> Iterator[str]:
        """See `ObjectStore.keys`."""
        newest = None if older_than == timedelta.min else clock.now() - older_than
        for page in self._pages("list_objects_v2", self._prefix + check_prefix(prefix), "ContinuationToken"):
            for entry in page.get("Contents", []):
                if newest is None or entry["LastModified"] <= newest:
                    yield entry["Key"].removeprefix(self._prefix)

    def discard_unfinished(self, older_than: timedelta) -> int:
        """See `ObjectStore.discard_unfinished`."""
        oldest, stale = clock.now() - older_than, []
        with contextlib.suppress(ObjectMissing):  # some servers answer so where there is none
            for page in self._pages("list_multipart_uploads", self._prefix, "KeyMarker", "UploadIdMarker"):
                stale += [upload for upload in page.get("Uploads", []) if upload["Initiated"] < oldest]
        for upload in stale:
            self._call("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
        return len(stale)

    def _pages(self, method: str, prefix: str, *markers: str) -> Iterator[dict[str, Any]]:
        """All pages of a listing; each marker of a request is the ``Next…`` of the page before."""
        following: dict[str, str] = {}
        while True:
            page = self._call(method, Prefix=prefix, **following)
            yield page
            if not page.get("IsTruncated"):
                return
            following = {marker: page[f"Next{marker}"] for marker in markers if page.get(f"Next{marker}")}

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        with self._answering():
            answer: dict[str, Any] = self._system.call_s3(method, Bucket=self._bucket, **arguments)
            return answer

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """Translate errors. A missing bucket must not look like a missing object: a HEAD cannot tell them apart."""
        try:
            yield
        except FileNotFoundError:
            with self._refusing():
                self._system.call_s3("head_bucket", Bucket=self._bucket)
            raise ObjectMissing from None
        except (OSError, BotoCoreError) as error:
            raise _REFUSALS.get(_code(error), ObjectStoreUnavailable) from error

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, BotoCoreError) as error:
            raise ObjectStoreUnavailable from error


class _BeyondTheEnd(Exception):
    """A range that begins at or after the end."""


class _NotImplemented(Exception):
    """A request that this server does not know."""


_REFUSALS: Final[dict[str, type[Exception]]] = {
    "InvalidRange": _BeyondTheEnd,
    "416": _BeyondTheEnd,
    "NotImplemented": _NotImplemented,
    "501": _NotImplemented,
}


def _code(error: BaseException) -> str:
    response: dict[str, Any] = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Re-cut a stream into parts of `PART_BYTES`, the last one shorter; at least one, which may be empty."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) > PART_BYTES:
            yield bytes(pending[:PART_BYTES])
            del pending[:PART_BYTES]
    yield bytes(pending)
