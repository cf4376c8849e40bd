"""What a replica holds open: database, keys and sealed objects. Each deployment makes its own when it starts."""

from dataclasses import dataclass

from cluster import runtime, telemetry
from cluster.settings import Settings
from cluster.storage.database import AsyncDatabase, Database
from cluster.storage.keys import KeyStore
from cluster.storage.objects import open_objects
from cluster.storage.privileges import DatabaseRole
from cluster.storage.sealed import SealedStore
from serve.step_times import StepTimes

__all__ = ["StageResources", "WebResources", "for_stage", "for_web"]


@dataclass(frozen=True, slots=True)
class StageResources:
    """For stages, which work in threads."""

    service: str
    settings: Settings
    database: Database
    keys: KeyStore
    store: SealedStore
    step_times: StepTimes


@dataclass(frozen=True, slots=True)
class WebResources:
    """For the ingress and the director, which live in an event loop."""

    settings: Settings
    database: AsyncDatabase
    keys: KeyStore
    store: SealedStore


def for_stage(settings: Settings, name: str, role: DatabaseRole = DatabaseRole.APP) -> StageResources:
    """Open everything with the few connections that a stage replica may hold, as ``role`` in the database."""
    database = Database(runtime.database_url(settings, role), settings.database.stage_pool_size, name)
    keys, store = _stores(settings)
    return StageResources(name, settings, database, keys, store, StepTimes(settings.jobs))


def for_web(settings: Settings, name: str, role: DatabaseRole = DatabaseRole.APP) -> WebResources:
    """Open everything with a pool for many concurrent requests, as ``role`` in the database."""
    database = AsyncDatabase(runtime.database_url(settings, role), settings.database.pool_size, name)
    keys, store = _stores(settings)
    return WebResources(settings, database, keys, store)


def _stores(settings: Settings) -> tuple[KeyStore, SealedStore]:
    telemetry.silence_libraries()
    paths = runtime.paths(settings)
    keys = KeyStore(paths.keys)
    return keys, SealedStore(open_objects(settings.objects, paths.objects), keys)
