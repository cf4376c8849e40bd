"""`/healthz` and `/readyz`: is this process alive, and can it keep its promises?"""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Connection, text

from cluster.errors import Unavailable
from serve.ingress.error_answers import documented
from serve.ingress.services import Served

__all__ = ["router"]

router = APIRouter(tags=["Health"])


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def is_alive() -> Health:
    """This process answers."""
    return Health()


@router.get("/readyz", responses=documented(Unavailable))
async def is_ready(services: Served) -> Health:
    """The database, the key store and the object store answer as well."""
    resources = services.resources
    await resources.database.run(_probe)
    await asyncio.to_thread(resources.keys.exists, "account_probe")
    await asyncio.to_thread(next, resources.store.objects.keys("probe/"), None)
    return Health()


def _probe(connection: Connection) -> None:
    connection.execute(text("SELECT 1 FROM notices LIMIT 1"))
