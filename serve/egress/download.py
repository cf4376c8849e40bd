"""Read what lies behind a URL, within bounds. Each redirect is a new URL, checked and pinned like the first."""

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx

from serve.egress.client import Client
from serve.egress.errors import EgressFailed, translated
from serve.egress.pinning import Pinned, Rules
from serve.egress.replies import read_within
from serve.url_failures import UrlFailure

__all__ = ["Download", "download"]

_REDIRECTS: Final = 3
_ACCEPT: Final = {"accept": "image/*"}
_FAILURES: Final = {404: UrlFailure.NOT_FOUND, 410: UrlFailure.NOT_FOUND}


@dataclass(frozen=True, slots=True)
class Download:
    """All that this channel knows of a request: where to, and how much at most."""

    url: str
    max_bytes: int


async def download(client: Client, rules: Rules, wanted: Download) -> bytes:
    """The bytes behind the URL.

    Raises:
        EgressFailed: they could not be had; the code says why.
    """
    with translated():
        async with asyncio.timeout(client.timeouts.total):
            return await _follow(client, rules, wanted)


async def _follow(client: Client, rules: Rules, wanted: Download) -> bytes:
    pinned = await rules.pin(wanted.url)
    for _ in range(_REDIRECTS + 1):
        async with client.send("GET", pinned, _ACCEPT) as response:
            if not response.has_redirect_location:
                return await _body(response, wanted.max_bytes)
            location = _next(pinned, response.headers["location"])
        pinned = await rules.pin(location)
    raise EgressFailed(UrlFailure.TOO_MANY_REDIRECTS)


def _next(pinned: Pinned, location: str) -> str:
    """Where a redirect leads: never from https to plain http, wherever that is."""
    try:
        joined = pinned.url.join(location)
    except (httpx.InvalidURL, ValueError):
        raise EgressFailed(UrlFailure.NOT_ALLOWED) from None
    if pinned.url.scheme == "https" and joined.scheme != "https":
        raise EgressFailed(UrlFailure.NOT_ALLOWED)
    return str(joined)


async def _body(response: httpx.Response, most: int) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise EgressFailed(_FAILURES.get(response.status_code, UrlFailure.BAD_ANSWER))
    return await read_within(response, most)
