"""Forms: photos are kept whole, and of what is none no more than shows that."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from serve.ingress.forms import Submission, read_submission
from tests.api import PHOTO

PIECE = 10_000


def read(photo: bytes, piece: int = PIECE) -> Submission:
    """Send a form with a file in it, piece by piece."""
    head = b'--x\r\ncontent-disposition: form-data; name="input_reference"; filename="x"\r\n\r\n'
    body = head + photo + b'\r\n--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\norbit\r\n--x--\r\n'
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    return asyncio.run(read_submission(Request(scope, receive)))


@pytest.mark.parametrize("piece", [1, 7, 255, 256, 257, PIECE, 10**9])
def test_a_photo_is_kept_whole_however_it_comes(piece: int) -> None:
    assert read(PHOTO, piece) == Submission({"prompt": "orbit"}, PHOTO)


@pytest.mark.parametrize("junk", [bytes(3_000_000), b"%PDF-1.7 " * 300_000, b"\r\n" * 1_000_000])
@pytest.mark.parametrize("piece", [PIECE, 10**9])
def test_of_junk_only_the_beginning_is_kept(junk: bytes, piece: int) -> None:
    submission = read(junk, piece)
    assert submission.photo
    assert submission.fields == {"prompt": "orbit"}
    assert junk.startswith(submission.photo)
    if piece == PIECE:
        assert len(submission.photo) <= 2 * PIECE
