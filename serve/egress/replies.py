"""Read an answer within a bound."""

import httpx

from serve.egress.errors import EgressFailed
from serve.recipients.wire import Reply
from serve.url_failures import UrlFailure

__all__ = ["read_reply", "read_within"]


async def read_reply(response: httpx.Response, most: int) -> Reply:
    """The answer as a whole.

    Raises:
        EgressFailed: it has more than ``most`` bytes.
    """
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, await read_within(response, most))


async def read_within(response: httpx.Response, most: int) -> bytes:
    """The body of an answer; errors as in `read_reply`. What it says of its own length is not waited for."""
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise EgressFailed(UrlFailure.TOO_LARGE)
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            raise EgressFailed(UrlFailure.TOO_LARGE)
    return bytes(body)
