"""Content: the bytes that were made, whole or in part, and nothing after they may no longer be sent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from cluster.errors import RangeNotSatisfiable
from cluster.records import api_keys, lifecycle
from cluster.storage.sealed import SealedReader
from serve.ingress import content
from serve.ingress.content import parse_range
from serve.ingress.unexpected import Aborted
from serve.ingress.watch import Sending, still_allowed
from tests.api import SPRITESHEET, THUMBNAIL, VIDEO, Api, Person

SIZES = st.integers(1, 10**12)
NUMBERS = st.integers(0, 10**13)


@pytest.fixture
def path(api: Api, person: Person) -> str:
    job_id = person.created()
    api.drive(job_id)
    return f"/v1/videos/{job_id}/content"


@given(NUMBERS, NUMBERS, SIZES)
def test_a_range_is_what_a_slice_would_be(first: int, last: int, size: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert parse_range(header, size) is None
    elif first >= size:
        with pytest.raises(RangeNotSatisfiable) as refusal:
            parse_range(header, size)
        assert refusal.value.headers == {"content-range": f"bytes */{size}"}
    else:
        assert parse_range(header, size) == (first, min(last, size - 1))


@given(NUMBERS, SIZES)
def test_open_ranges_reach_to_the_end(number: int, size: int) -> None:
    if number < size:
        assert parse_range(f"bytes={number}-", size) == (number, size - 1)
    if number:
        assert parse_range(f"bytes=-{number}", size) == (max(0, size - number), size - 1)


@given(st.one_of(st.none(), st.text(), st.text(alphabet="bytes=-0123456789, ", max_size=20)), SIZES)
def test_whatever_the_header_says_the_answer_lies_within_the_content(header: str | None, size: int) -> None:
    try:
        part = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    assert part is None or 0 <= part[0] <= part[1] < size


@pytest.mark.parametrize(
    "header", ["items=0-1", "bytes=0-1,3-4", "bytes=-", "bytes", "bytes=a-b", "bytes=5-2", "bytes=1 2-30", ""]
)
def test_a_header_without_sense_is_ignored(header: str) -> None:
    assert parse_range(header, 100) is None


def test_the_last_no_bytes_cannot_be_sent() -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range("bytes=-0", 100)


def test_all_variants_are_the_bytes_that_were_made(person: Person, path: str) -> None:
    expected = {
        "video": (VIDEO, "video/mp4"),
        "thumbnail": (THUMBNAIL, "image/webp"),
        "spritesheet": (SPRITESHEET, "image/jpeg"),
    }
    assert person.get(path).content == VIDEO
    for variant, (data, kind) in expected.items():
        answer = person.get(f"{path}?variant={variant}")
        assert (answer.status_code, answer.content == data) == (200, True)
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-length"] == str(len(data))
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["cache-control"] == "no-store"


def test_a_part_is_that_part(person: Person, path: str) -> None:
    size = len(VIDEO)
    parts = {
        "bytes=0-0": (0, 1),
        "bytes=0-": (0, size),
        "bytes=1048570-1048580": (1048570, 1048581),
        "bytes=1048576-3145728": (1048576, 3145729),
        "bytes=-5": (size - 5, size),
        "bytes=3499990-9999999": (3499990, size),
    }
    for header, (start, end) in parts.items():
        answer = person.get(path, headers={"range": header})
        assert answer.status_code == 206
        assert answer.content == VIDEO[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"


@pytest.mark.parametrize("header", ["bytes=9-3", "bytes=0-1,3-4", "bytes=" + ",".join(["0-"] * 1000), "bytes=nan-"])
def test_ranges_backwards_or_many_are_answered_with_the_whole(person: Person, path: str, header: str) -> None:
    answer = person.get(path, headers={"range": header})
    assert (answer.status_code, answer.content == VIDEO) == (200, True)


def test_a_part_beyond_the_end_is_refused(person: Person, path: str) -> None:
    answer = person.get(path, headers={"range": f"bytes={len(VIDEO)}-"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(VIDEO)}"


def test_there_is_no_content_before_the_end_and_no_other_variant(api: Api, person: Person, path: str) -> None:
    waiting = person.get(f"/v1/videos/{person.created()}/content")
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "video_not_ready")
    assert waiting.headers["x-should-retry"] == "false"
    for variant in ("input", "upload", "x"):
        refused = person.get(f"{path}?variant={variant}")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "variant")


@pytest.mark.parametrize("ending", ["key", "video"])
def test_a_download_stops_when_it_may_no_longer_go_on(
    api: Api, person: Person, path: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def ask(connection: Connection, sendings: list[Sending]) -> set[Sending]:
        asked.append(1)
        if len(asked) == 3:
            (key,) = api.world.run(api_keys.listing, person.account_id)
            if ending == "key":
                api.world.run(api_keys.revoke, person.account_id, key.id)
            else:
                api.world.run(lifecycle.delete, person.account_id, path.split("/")[3])
        return still_allowed(connection, sendings)

    monkeypatch.setattr(content, "still_allowed", ask)
    with pytest.raises(Aborted):
        person.get(path)
    assert len(asked) == 3


def test_a_download_that_stalls_lets_its_megabyte_go_and_loses_nothing(
    api: Api, person: Person, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "_STALL_SECONDS", 0.01)
    opened: list[int] = []
    read = SealedReader.read

    def count(reader: SealedReader, start: int, length: int) -> bytes:
        opened.append(length)
        return read(reader, start, length)

    async def stall(_: Any) -> None:
        await asyncio.sleep(0.03)

    monkeypatch.setattr(SealedReader, "read", count)
    taken = api.await_(_take, api, person, path, stall)
    assert taken == VIDEO
    assert len(opened) > len(VIDEO) // (1 << 16)
    opened.clear()
    monkeypatch.setattr(content, "_STALL_SECONDS", 60)
    assert person.get(path).content == VIDEO
    assert len(opened) == 4


async def _take(api: Api, person: Person, path: str, pause: Callable[[Any], Awaitable[None]]) -> bytes:
    """A download by somebody who pauses after each piece."""
    parts, asked = [], iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if (message := next(asked, None)) is None:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}
        return message

    async def send(message: Any) -> None:
        parts.append(bytes(message.get("body", b"")))
        await pause(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {person.key}".encode())],
        "client": ("192.0.2.7", 50_000),
    }
    await api.client.app(cast("Any", scope), receive, send)
    return b"".join(parts)
