"""The fetch channel: a row says what to read, the sealed bytes become an upload, the outcome goes into the row."""

import asyncio
from typing import Final

from sqlalchemy import Connection

from cluster.privacy.media_kinds import MediaKind
from cluster.records import fetches, media
from cluster.records.media import Medium
from serve.egress.client import Client
from serve.egress.download import Download, download
from serve.egress.errors import EgressFailed
from serve.egress.pinning import Rules
from serve.resources import WebResources

__all__ = ["FetchChannel"]

_AT_ONCE: Final = 8


class FetchChannel:
    """Reads photos by link. At most eight are in memory at once, each no larger than an upload may be."""

    def __init__(self, resources: WebResources, client: Client, rules: Rules) -> None:
        """``client`` and ``rules`` are the way out."""
        self._resources, self._client, self._rules = resources, client, rules
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, fetch_id: str) -> None:
        """Do what the row asks for, once. How it went stands in the row when this returns."""
        database, keys = self._resources.database, self._resources.keys
        async with self._room:
            begun = await database.run(fetches.begin, keys, fetch_id)
            if begun is None:
                return
            account_id, url = begun
            try:
                wanted = Download(url, self._resources.settings.http.max_body_bytes)
                data = await download(self._client, self._rules, wanted)
            except EgressFailed as failure:
                await database.run(fetches.fail, fetch_id, failure.code)
                return
            await self._store(fetch_id, account_id, data)

    async def _store(self, fetch_id: str, account_id: str, data: bytes) -> None:
        """Seal the bytes under an announced row. Nobody has accepted it: whoever asked does, or it goes again."""
        database, store = self._resources.database, self._resources.store
        medium = await database.run(self._announce, account_id)
        await asyncio.to_thread(store.put, medium.object_key, account_id, medium.id, [data])
        if not await database.run(fetches.end, fetch_id, medium.id):
            await database.run(media.doom_unaccepted, medium.id)

    @staticmethod
    def _announce(connection: Connection, account_id: str) -> Medium:
        return media.begin(connection, account_id, MediaKind.UPLOAD, "application/octet-stream")
