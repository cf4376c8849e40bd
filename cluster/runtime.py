"""Where a cluster keeps its things, and how its processes reach them."""

from dataclasses import dataclass
from pathlib import Path

from cluster.settings import Settings
from cluster.storage import embedded_postgres

__all__ = ["Paths", "database_url", "paths"]


@dataclass(frozen=True, slots=True)
class Paths:
    """The sub-folders of a data folder."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.root / "postgres"

    @property
    def objects(self) -> Path:
        """Sealed objects."""
        return self.root / "objects"

    @property
    def keys(self) -> Path:
        """The key store."""
        return self.root / "keys"

    @property
    def models(self) -> Path:
        """Verified weights."""
        return self.root / "models"


def paths(settings: Settings) -> Paths:
    """The folders of this cluster."""
    return Paths(settings.data.folder)


def database_url(settings: Settings) -> str:
    """Where the database answers."""
    return settings.database.url or embedded_postgres.url_of(paths(settings).postgres)
