"""Bodies that say no length, a huge one, or have no end: no more of them is taken than may come."""

from typing import Any

import pytest
from starlette.types import Message

from tests.api import PHOTO, Api, Person
from tests.unit.ingress.test_bad_input import part

LIMIT = 52_428_800
PIECE = 1_000_000


def sent(api: Api, person: Person, length: int | None) -> tuple[int, int]:
    """The status of the answer to a create whose body has no end, and how many bytes of it were taken."""
    headers = [(b"authorization", f"Bearer {person.key}".encode()), (b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    path = "/v1/videos"
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode()}
    scope |= {"scheme": "http", "query_string": b"", "headers": headers, "client": ("192.0.2.7", 50_000)}
    statuses, taken = list[int](), 0

    async def receive() -> Message:
        nonlocal taken
        taken += PIECE
        return {"type": "http.request", "body": bytes(PIECE), "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    api.await_(api.client.app, scope, receive, send)
    (status,) = statuses
    return status, taken


@pytest.mark.parametrize("length", [None, LIMIT, 200_000_000, 10**30])
def test_a_body_without_an_end_is_taken_up_to_the_limit(api: Api, person: Person, length: int | None) -> None:
    before = api.snapshot()
    status, taken = sent(api, person, length)
    assert status == 413
    assert taken <= (0 if (length or 0) > LIMIT else LIMIT + PIECE)
    assert api.snapshot() == before


def test_a_body_without_a_length_is_read(person: Person) -> None:
    request: dict[str, Any] = part('name="input_reference"; filename="a"', PHOTO)
    pieces = (request["content"][start : start + 1000] for start in range(0, len(request["content"]), 1000))
    assert person.post("/v1/videos", content=pieces, headers=request["headers"]).status_code == 200
