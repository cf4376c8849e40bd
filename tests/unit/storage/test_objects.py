"""One contract on both back ends: a local folder and a real S3 server."""

import contextlib
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from cluster.settings import Objects
from cluster.storage.erasure import Absent, Erased, Failed
from cluster.storage.errors import ObjectMissing, ObjectStoreUnavailable
from cluster.storage.local_objects import LocalObjects
from cluster.storage.objects import PART_BYTES, ObjectStore, S3Objects, open_objects
from tests.fixtures_cluster import ShiftClock
from tests.fixtures_storage import S3Server


class TestContract:
    def test_what_was_put_is_read_back(self, objects: ObjectStore) -> None:
        assert objects.put("a/b.bin", [b"hello ", b"", b"world"]) == 11
        assert objects.size("a/b.bin") == 11
        assert objects.read("a/b.bin", 0, 11) == b"hello world"

    def test_put_replaces(self, objects: ObjectStore) -> None:
        objects.put("a", [b"first, longer"])
        objects.put("a", [b"second"])
        assert objects.read("a", 0, 100) == b"second"

    @pytest.mark.parametrize("size", [0, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 5])
    def test_sizes_around_the_borders_of_parts(self, objects: ObjectStore, size: int) -> None:
        content = secrets.token_bytes(size)
        assert objects.put("big", (content[at : at + 1_000_000] for at in range(0, size, 1_000_000))) == size
        assert objects.size("big") == size
        assert objects.read("big", 0, size) == content

    @pytest.mark.parametrize(
        ("start", "length", "expected"), [(2, 3, b"cde"), (4, 9, b"ef"), (6, 1, b""), (99, 1, b""), (0, 0, b"")]
    )
    def test_ranges(self, objects: ObjectStore, start: int, length: int, expected: bytes) -> None:
        objects.put("a", [b"abcdef"])
        assert objects.read("a", start, length) == expected

    def test_missing_is_typed(self, objects: ObjectStore) -> None:
        with pytest.raises(ObjectMissing):
            objects.size("nothing")
        with pytest.raises(ObjectMissing):
            objects.read("nothing", 0, 1)

    @pytest.mark.parametrize("produced", [0, 100, 2 * PART_BYTES + 1])
    @pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
    def test_a_failing_source_leaves_nothing(
        self, objects: ObjectStore, produced: int, error: type[BaseException]
    ) -> None:
        def failing() -> Iterator[bytes]:
            yield bytes(produced)
            raise error("mine")

        with pytest.raises(error, match="mine"):
            objects.put("a/b", failing())
        assert list(objects.keys()) == []
        assert objects.discard_unfinished(timedelta(seconds=-5)) == 0

    def test_nobody_sees_half_an_object(self, objects: ObjectStore) -> None:
        middle, go_on = threading.Event(), threading.Event()

        def halting() -> Iterator[bytes]:
            yield bytes(2 * PART_BYTES + 1)
            middle.set()
            go_on.wait(20)
            yield b"end"

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(objects.put, "a", halting())
            assert middle.wait(20)
            seen = list(objects.keys())
            with contextlib.suppress(ObjectMissing):
                seen.append(str(objects.size("a")))
            go_on.set()
            writing.result()
        assert seen == []
        assert list(objects.keys()) == ["a"]

    def test_listing_by_prefix_is_ordered_and_exact(self, objects: ObjectStore) -> None:
        for key in ("b/2", "a/10", "a/1", "ab", "a/1.x"):
            objects.put(key, [b""])
        assert list(objects.keys()) == ["a/1", "a/1.x", "a/10", "ab", "b/2"]
        assert list(objects.keys("a/")) == ["a/1", "a/1.x", "a/10"]
        assert list(objects.keys("a/1")) == ["a/1", "a/1.x", "a/10"]
        assert list(objects.keys("c/d")) == []

    def test_keys_by_age(self, objects: ObjectStore, shift_clock: ShiftClock) -> None:
        objects.put("a/1", [b"x"])
        assert list(objects.keys(older_than=timedelta(minutes=5))) == []
        shift_clock(minutes=6)
        assert list(objects.keys("a/", older_than=timedelta(minutes=5))) == ["a/1"]
        assert list(objects.keys(older_than=timedelta(minutes=7))) == []

    def test_outcomes_of_deleting(self, objects: ObjectStore) -> None:
        for key in ("a/1", "a/2", "b"):
            objects.put(key, [b"x"])
        assert objects.delete("a/1") == Erased(1)
        assert objects.delete("a/1") == Absent()
        assert objects.delete_many(["a/2", "a/3", "b"]) == {"a/2": Erased(1), "a/3": Absent(), "b": Erased(1)}
        assert list(objects.keys()) == []

    def test_what_is_stored_is_removed_in_any_number(self, objects: ObjectStore) -> None:
        keys = [f"a/{number}" for number in range(1003)]
        for key in (keys[0], keys[999], keys[1000], keys[1002], "b"):
            objects.put(key, [b"x"])
        outcomes = objects.delete_stored(keys)
        assert set(outcomes) == set(keys)
        assert {outcomes[keys[number]] for number in (0, 999, 1000, 1002)} == {Erased(1)}
        assert list(objects.keys()) == ["b"]

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/..", ".hidden", "a b", "ä", "a\n"])
    def test_keys_of_another_shape_are_refused(self, objects: ObjectStore, key: str) -> None:
        with pytest.raises(ValueError, match="object key"):
            objects.put(key, [b"x"])
        with pytest.raises(ValueError, match="object key"):
            objects.read(key, 0, 1)
        with pytest.raises(ValueError, match="object key"):
            objects.delete(key)

    def test_many_threads(self, objects: ObjectStore) -> None:
        def round_trip(number: int) -> bool:
            content = bytes([number]) * 10_000
            objects.put(f"t/{number}", [content])
            return objects.read(f"t/{number}", 0, 10_000) == content

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(round_trip, range(40)))


def test_local_files_are_private(tmp_path: Path) -> None:
    LocalObjects(tmp_path / "store").put("a/b", [b"x"])
    made = [tmp_path / "store", *(tmp_path / "store").rglob("*")]
    assert len(made) == 3
    assert all(stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) for path in made)


def test_empty_local_folders_do_not_remain(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    store.put("account/file", [b"x"])
    store.delete("account/file")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_discarded_by_age(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    store.put("a/b", [b"x"])
    left = tmp_path / "a" / ".unfinished-0000"
    left.write_bytes(b"half")
    assert list(store.keys()) == ["a/b"]
    assert store.discard_unfinished(timedelta(minutes=15)) == 0
    os.utime(left, (time.time() - 1000, time.time() - 1000))
    assert store.discard_unfinished(timedelta(minutes=15)) == 1
    assert list(store.keys()) == ["a/b"]
    assert not left.exists()


def test_a_store_that_is_gone_is_not_an_empty_one(tmp_path: Path, s3_server: S3Server) -> None:
    local = LocalObjects(tmp_path / "store")
    (tmp_path / "store").rmdir()
    for store in (local, S3Objects("no-such-bucket", "", s3_server.endpoint, "us-east-1")):
        assert store.delete("a") == Failed("object_store_unavailable")
        with pytest.raises(ObjectStoreUnavailable):
            store.size("a")
        with pytest.raises(ObjectStoreUnavailable):
            list(store.keys())


def test_an_object_that_cannot_be_removed_is_not_erased(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    (tmp_path / "key" / "below").mkdir(parents=True)
    assert isinstance(store.delete("key"), Failed)


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    def opened(url: str | None) -> ObjectStore:
        return open_objects(Objects(url=url, s3_endpoint=None, s3_region=None), tmp_path / "default")

    assert isinstance(opened(None), LocalObjects)
    assert (tmp_path / "default").is_dir()
    assert isinstance(opened(f"file://{tmp_path}/other"), LocalObjects)
    assert (tmp_path / "other").is_dir()
    assert isinstance(opened("s3://bucket/prefix"), S3Objects)
    for wrong in ("ftp://x/y", "s3:///x", "folder", "s3://bucket/../x"):
        with pytest.raises(ValueError, match="object"):
            opened(wrong)
