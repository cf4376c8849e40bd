"""Sealed objects on both back ends: round trips, ranges, tampering, and how much a range fetches."""

import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.storage.erasure import Erased
from cluster.storage.errors import KeyMissing, ObjectMissing, SealBroken
from cluster.storage.keys import KeyStore
from cluster.storage.local_objects import LocalObjects
from cluster.storage.objects import ObjectStore, S3Objects
from cluster.storage.sealed import SealedStore
from cluster.storage.segments import HEADER_BYTES, OVERHEAD, SEGMENT_BYTES
from tests.fixtures_storage import S3Server
from tests.unit.storage.conftest import ACCOUNT, OTHER, opening
from tests.unit.storage.counting_proxy import CountingProxy

FULL = SEGMENT_BYTES + OVERHEAD
CONTENT = secrets.token_bytes(3 * SEGMENT_BYTES + 1000)


@pytest.fixture
def store(objects: ObjectStore, keys: KeyStore) -> SealedStore:
    """A sealed store on the back end of the test."""
    return SealedStore(objects, keys)


@pytest.fixture
def local(tmp_path: Path, keys: KeyStore) -> SealedStore:
    """A sealed store whose object ``a`` is `CONTENT`, in the file ``objects/a``."""
    store = SealedStore(LocalObjects(tmp_path / "objects"), keys)
    store.put("a", ACCOUNT, "media_1", pieces(CONTENT))
    return store


def pieces(content: bytes, size: int = 300_001) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@pytest.mark.parametrize("size", [0, 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES])
def test_round_trip(store: SealedStore, size: int) -> None:
    content = secrets.token_bytes(size)
    assert store.put("a", ACCOUNT, "media_1", pieces(content)) == size
    reader = store.open("a", opening(), "media_1")
    assert reader.size == size
    assert b"".join(reader.chunks()) == content
    assert store.delete("a") == Erased()
    with pytest.raises(ObjectMissing):
        store.open("a", opening(), "media_1")


@given(start=st.integers(0, len(CONTENT) + 10), length=st.integers(0, len(CONTENT)), fresh=st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_range(local: SealedStore, start: int, length: int, fresh: bool) -> None:
    reader = local.open("a", opening(), "media_1")
    if not fresh:
        reader.read(0, 1)
    assert reader.read(start, length) == CONTENT[start : start + length]
    assert b"".join(reader.chunks(start, start + length)) == CONTENT[start : start + length]


def test_nothing_plain_is_stored(tmp_path: Path, keys: KeyStore) -> None:
    canary = b"a canary that would be found"
    LocalObjects(tmp_path / "objects").put("plain", [b"xx" + canary])
    SealedStore(LocalObjects(tmp_path / "objects"), keys).put("sealed", ACCOUNT, "media_1", [b"xx" + canary])
    holding = [file.name for file in (tmp_path / "objects").iterdir() if canary in file.read_bytes()]
    assert holding == ["plain"]


def test_an_object_under_another_id_or_account_is_refused(store: SealedStore) -> None:
    store.put("a", ACCOUNT, "media_1", [b"content"])
    for account, object_id in [(OTHER, "media_1"), (ACCOUNT, "media_2")]:
        with pytest.raises(SealBroken):
            store.open("a", opening(account), object_id).read(0, 1)


def test_nothing_is_sealed_without_a_key(store: SealedStore) -> None:
    store.keys.destroy(ACCOUNT)
    with pytest.raises(KeyMissing):
        store.put("a", ACCOUNT, "media_1", [b"content"])
    assert list(store.objects.keys()) == []


def test_an_open_reader_stops_within_a_second_of_the_key_s_destruction(local: SealedStore, tmp_path: Path) -> None:
    reader = local.open("a", opening(), "media_1")
    assert reader.read(0, 1) == CONTENT[:1]
    KeyStore(tmp_path / "keys").destroy(ACCOUNT)
    time.sleep(1)
    with pytest.raises(KeyMissing):
        reader.read(0, 1)


def tampered(data: bytes) -> Iterable[tuple[str, bytes]]:
    head, first, second, rest = (
        data[:HEADER_BYTES],
        data[HEADER_BYTES : HEADER_BYTES + FULL],
        data[HEADER_BYTES + FULL : HEADER_BYTES + 2 * FULL],
        data[HEADER_BYTES + 2 * FULL :],
    )
    yield "swapped", head + second + first + rest
    yield "dropped", head + second + rest
    yield "truncated to whole segments", head + first + second
    yield "truncated within a segment", data[:-1]
    yield "repeated", head + first + first + second + rest
    yield "one bit", data[:-1] + bytes([data[-1] ^ 1])
    yield "header only", head
    yield "no header", data[HEADER_BYTES:]
    yield "empty", b""


def test_tampering_is_noticed(local: SealedStore, tmp_path: Path) -> None:
    file = tmp_path / "objects" / "a"
    data = file.read_bytes()
    for how, content in tampered(data):
        file.write_bytes(content)
        try:
            b"".join(local.open("a", opening(), "media_1").chunks())
        except SealBroken:
            continue
        pytest.fail(f"{how}: it was opened")
    file.write_bytes(data)
    assert local.open("a", opening(), "media_1").read(0, len(CONTENT)) == CONTENT


def test_spliced_segments_of_the_same_account_are_noticed(local: SealedStore, tmp_path: Path) -> None:
    local.put("b", ACCOUNT, "media_1", pieces(CONTENT))
    one, other = (tmp_path / "objects" / name for name in "ab")
    one.write_bytes(one.read_bytes()[: HEADER_BYTES + FULL] + other.read_bytes()[HEADER_BYTES + FULL :])
    reader = local.open("a", opening(), "media_1")
    assert reader.read(0, SEGMENT_BYTES) == CONTENT[:SEGMENT_BYTES]
    with pytest.raises(SealBroken):
        reader.read(SEGMENT_BYTES, 1)


class CountedReads(LocalObjects):
    """A folder that counts the requests a network store would get."""

    requests = 0

    def read(self, key: str, start: int, length: int) -> bytes:
        self.requests += 1
        return super().read(key, start, length)


def test_a_small_object_is_read_in_one_request(tmp_path: Path, keys: KeyStore) -> None:
    objects = CountedReads(tmp_path / "objects")
    store = SealedStore(objects, keys)
    store.put("a", ACCOUNT, "media_1", pieces(CONTENT))
    assert b"".join(store.open("a", opening(), "media_1").chunks()) == CONTENT
    assert objects.requests == 1
    assert store.open("a", opening(), "media_1").read(SEGMENT_BYTES, 1) == CONTENT[SEGMENT_BYTES : SEGMENT_BYTES + 1]
    assert objects.requests == 3


def test_the_hook_runs_before_each_megabyte_and_stops_the_reading(local: SealedStore) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise PermissionError

    received: list[bytes] = []
    with pytest.raises(PermissionError):
        received.extend(local.open("a", opening(), "media_1").chunks(10, None, check))
    assert [len(piece) for piece in received] == [SEGMENT_BYTES - 10, SEGMENT_BYTES]


@pytest.mark.parametrize(
    ("start", "length"), [(0, 10), (SEGMENT_BYTES - 5, 10), (5 * SEGMENT_BYTES + 7, 3 * SEGMENT_BYTES)]
)
def test_a_ranged_read_from_s3_fetches_its_segments_only(
    s3_server: S3Server, keys: KeyStore, start: int, length: int
) -> None:
    content = secrets.token_bytes(10 * SEGMENT_BYTES)
    prefix = f"tests/{secrets.token_hex(8)}"
    with CountingProxy(s3_server.endpoint) as proxy:
        store = SealedStore(S3Objects(s3_server.bucket, prefix, proxy.endpoint, "us-east-1"), keys)
        store.put("a", ACCOUNT, "media_1", pieces(content))
        reader = store.open("a", opening(), "media_1")
        before = proxy.received
        assert reader.read(start, length) == content[start : start + length]
        fetched = proxy.received - before
        assert b"".join(reader.chunks()) == content
        assert proxy.received - before - fetched > len(content), "the proxy must see what is fetched: the control"
    answer_headers = 2 * 1024
    assert length <= fetched <= length + 2 * FULL + HEADER_BYTES + answer_headers
