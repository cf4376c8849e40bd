"""Erase the objects of doomed rows, then the rows. What the store could not erase keeps its row and is tried again."""

import asyncio

from cluster import telemetry
from cluster.records import media, subjects
from cluster.storage.erasure import Failed
from serve.resources import WebResources

__all__ = ["erase_doomed"]


async def erase_doomed(resources: WebResources, job_id: str | None = None) -> int:
    """Erase what is doomed, of one job or of all; returns how many objects could not be erased."""
    rows = await resources.database.run(media.doomed, job_id)
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
