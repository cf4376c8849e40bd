"""Erasing from a bucket that keeps versions: every version and marker goes, and a rest is never called erased."""

from collections.abc import Iterator

import pytest

from cluster.storage.erasure import Absent, Erased, Failed
from cluster.storage.objects import S3Objects
from tests.fixtures_storage import S3_CREDENTIALS
from tests.unit.storage.versioned_bucket import VersionedBucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[VersionedBucket]:
    """A bucket with versioning enabled."""
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = VersionedBucket()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def objects(bucket: VersionedBucket) -> S3Objects:
    """The store in it."""
    return S3Objects("bucket", "", bucket.endpoint, "us-east-1")


def test_every_version_goes(bucket: VersionedBucket, objects: S3Objects) -> None:
    for content in (b"first", b"second", b"third"):
        objects.put("a", [content])
    objects.put("a-neighbour", [b"stays"])
    assert objects.delete("a") == Erased(3)
    assert [key for key, _, _ in bucket.versions] == ["a-neighbour"]
    assert objects.delete("a") == Absent()


def test_what_somebody_only_marked_as_deleted_is_still_erased(bucket: VersionedBucket, objects: S3Objects) -> None:
    objects.put("a", [b"first"])
    bucket.add("a", None)
    assert objects.delete("a") == Erased(2)
    assert bucket.versions == []


def test_a_version_that_stays_is_not_erased(bucket: VersionedBucket, objects: S3Objects) -> None:
    for key in ("a", "b"):
        objects.put(key, [b"x"])
    bucket.locked.add("a")
    assert objects.delete_many(["a", "b", "c"]) == {"a": Failed("still_there"), "b": Erased(1), "c": Absent()}


def test_of_what_is_known_to_be_stored_every_version_goes_too(bucket: VersionedBucket, objects: S3Objects) -> None:
    for content in (b"first", b"second"):
        objects.put("a", [content])
    objects.put("b", [b"x"])
    bucket.locked.add("b")
    assert objects.delete_stored(["a", "b"]) == {"a": Erased(2), "b": Failed("still_there")}
    assert [key for key, _, _ in bucket.versions] == ["b"]
