"""The HTTP application in this process over a PostgreSQL of its own, as durable as a real one, for benchmarks."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cluster.privacy import policy, recipients
from cluster.settings import Settings, configs_folder, read
from cluster.storage import embedded_postgres, migrate, roles
from serve import catalogue, resources
from serve.ingress.admission import Rooms
from serve.ingress.api import create_api
from serve.ingress.door import Door
from serve.ingress.hub import Hub
from serve.ingress.looks import Looks
from serve.ingress.services import OutboundCalls, Services, published_notices, published_terms
from serve.ingress.stream_leases import StreamLeases
from serve.ingress.watch import Watch
from serve.outbound import channels

__all__ = ["application", "client_of"]


@asynccontextmanager
async def application(**settings: str) -> AsyncIterator[Services]:
    """What an ingress replica answers with, over an empty database; ``settings`` are ``I2V_`` variables."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    try:
        url = embedded_postgres.ensure_running(folder / "postgres")
        roles.ensure(url, folder / "credentials")
        migrate.upgrade(url)
        own = {"I2V_DATA_FOLDER": str(folder), "I2V_DATABASE_URL": url} | settings
        yield await _services(read(configs_folder(), own))
    finally:
        embedded_postgres.stop(folder / "postgres")
        shutil.rmtree(folder)


def client_of(services: Services, address: str = "192.0.2.7") -> httpx.AsyncClient:
    """Somebody at an address, who talks to the application without a network between."""
    transport = httpx.ASGITransport(create_api(services), client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://benchmark")


async def _services(settings: Settings) -> Services:
    opened = resources.for_web(settings, "benchmark")
    photos, events = channels(opened)
    register = recipients.load(settings)
    return Services(
        opened,
        catalogue.load(),
        await published_notices(opened.database, register),
        lambda: None,
        outbound=OutboundCalls(photos.fetch, events.check_endpoint, events.send_sample),
        door=Door(opened.database, opened.keys, settings.admission),
        watch=Watch(opened.database),
        hub=Hub(opened.database),
        looks=Looks(opened.database),
        rooms=Rooms(settings.admission),
        streams=StreamLeases(opened.database),
        terms=published_terms(),
        policy=policy.published(opened.settings),
        register=register,
    )
