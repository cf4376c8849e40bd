"""Erase the objects of doomed rows, then the rows, and at last the keys of closed accounts.

What a store could not erase keeps its row and is tried again.
"""

import asyncio

from cluster import telemetry
from cluster.records import accounts, media, subjects
from cluster.storage.erasure import Failed
from serve.resources import WebResources

__all__ = ["destroy_keys", "erase_doomed", "take_back"]


async def take_back(resources: WebResources, media_id: str) -> None:
    """Erase what was announced and not accepted; if even that fails, the director does it later."""
    await resources.database.run(media.doom_unaccepted, media_id)
    await erase_doomed(resources)


async def erase_doomed(resources: WebResources, job_id: str | None = None, *, media_id: str | None = None) -> int:
    """Erase what is doomed, of one job, one object or all; returns how many objects could not be erased."""
    rows = await resources.database.run(media.doomed, job_id, media_id=media_id)
    failures = 0
    for row in rows:
        outcome = await asyncio.to_thread(resources.store.delete, row.object_key)
        if isinstance(outcome, Failed):
            failures += 1
            telemetry.log("object_not_erased", media_id=row.id, kind=row.kind)
        else:
            await resources.database.run(media.forget, row.id)
    await resources.database.run(subjects.forget_erased)
    return failures


async def destroy_keys(resources: WebResources) -> int:
    """Destroy the keys of closed accounts of which no object is left; returns how many could not be destroyed."""
    database, failures = resources.database, 0
    for account_id in await database.run(accounts.closed_with_key):
        if await database.run(media.has_any, account_id):
            continue
        outcome = await asyncio.to_thread(resources.keys.destroy, account_id)
        if isinstance(outcome, Failed):
            failures += 1
            telemetry.log("key_not_destroyed", code=outcome.reason)
        else:
            await database.run(accounts.key_destroyed, account_id)
    return failures
