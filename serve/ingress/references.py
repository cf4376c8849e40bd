"""A photo by link: the ingress asks for it by the id of a row, and reads the sealed bytes that were brought."""

import asyncio
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from cluster import telemetry
from cluster.errors import InvalidRequest, TooManyRequests, Unavailable
from cluster.records import accounts, fetches, media
from cluster.records.media import Medium
from serve.erasure import erase_doomed
from serve.ingress.door import Visitor
from serve.ingress.kept import read_whole
from serve.ingress.services import Services
from serve.url_failures import SENTENCES, UrlFailure

__all__ = ["fetched"]

_PATIENCE: Final = timedelta(seconds=15)
"""How much longer than a fetch may take is waited for its outcome."""


async def fetched(services: Services, caller: Visitor, url: str) -> bytes:
    """The bytes behind the URL. Nothing of the fetch is kept, however it ends.

    Raises:
        InvalidRequest: the URL could not be used; the code is one of `UrlFailure`.
        TooManyRequests: the account waits for too many photos already.
        Unavailable: the way out is down.
    """
    database = services.resources.database
    fetch_id = await database.run(_announce, services, caller.account_id, url)
    try:
        await _ask(services, fetch_id)
        medium = await database.run(_outcome, fetch_id)
        return await asyncio.to_thread(read_whole, services, caller.opening, medium)
    finally:
        await asyncio.shield(_forget(services, fetch_id))


def _life(services: Services) -> timedelta:
    return timedelta(seconds=services.resources.settings.outbound.fetch_seconds) + _PATIENCE


def _announce(connection: Connection, services: Services, account_id: str, url: str) -> str:
    most = services.resources.settings.outbound.max_fetches_per_account
    if accounts.lock(connection, account_id) is None:
        raise Unavailable
    if fetches.count(connection, account_id) >= most:
        raise TooManyRequests(f"This account waits for {most} photos by link already. Let some arrive first.")
    return fetches.announce(connection, services.resources.keys, account_id, url, _life(services))


async def _ask(services: Services, fetch_id: str) -> None:
    try:
        async with asyncio.timeout(_life(services).total_seconds()):
            await services.outbound.fetch(fetch_id)
    except Exception as error:
        telemetry.log_failure("way_out_failed", error)
        raise Unavailable from None


def _outcome(connection: Connection, fetch_id: str) -> Medium:
    fetch = fetches.get(connection, fetch_id)
    if fetch and fetch.error_code:
        code = UrlFailure(fetch.error_code)
        raise InvalidRequest(SENTENCES[code], code=code, param="input_reference")
    medium = media.unaccepted(connection, fetch.account_id, fetch.media_id) if fetch and fetch.media_id else None
    if medium is None:
        raise Unavailable
    return medium


async def _forget(services: Services, fetch_id: str) -> None:
    """Remove the row and what was brought; what even that does not reach, the director erases later."""
    await services.resources.database.run(_remove, fetch_id)
    await erase_doomed(services.resources)


def _remove(connection: Connection, fetch_id: str) -> None:
    fetch = fetches.get(connection, fetch_id)
    if fetch and fetch.media_id:
        media.doom_unaccepted(connection, fetch.media_id)
    fetches.forget(connection, fetch_id)
