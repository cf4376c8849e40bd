"""What a process of the sweep holds open: the database as `i2v_pipeline`, and sealed objects without their keys."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cluster import runtime, telemetry
from cluster.settings import Settings
from cluster.storage.database import Database
from cluster.storage.object_store import ObjectStore
from cluster.storage.objects import open_objects
from cluster.storage.privileges import DatabaseRole

__all__ = ["Stores", "open_stores"]

_STATEMENT_TIMEOUT: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Stores:
    """Database, objects, and the settings that retention rules name."""

    settings: Settings
    database: Database
    objects: ObjectStore

    @property
    def unfinished(self) -> timedelta:
        """Age at which what nobody accepted is nobody's: far above the time between a row and its object."""
        return timedelta(minutes=self.settings.retention.unfinished_minutes)


def open_stores(settings: Settings) -> Stores:
    """Open both, for this process alone."""
    telemetry.silence_libraries()
    url = runtime.database_url(settings, DatabaseRole.PIPELINE)
    database = Database(url, settings.database.stage_pool_size, "sweep", statement_timeout=_STATEMENT_TIMEOUT)
    return Stores(settings, database, open_objects(settings.objects, runtime.paths(settings).objects))
