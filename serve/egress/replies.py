"""Read an answer within a bound."""

import httpx

from serve.egress.errors import EgressFailed
from serve.recipients.wire import Reply
from serve.url_failures import UrlFailure

__all__ = ["read_reply"]


async def read_reply(response: httpx.Response, most: int) -> Reply:
    """The answer as a whole.

    Raises:
        EgressFailed: it has more than ``most`` bytes.
    """
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            raise EgressFailed(UrlFailure.TOO_LARGE)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, bytes(body))
