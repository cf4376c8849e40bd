"""The data folder, and what lies where in it."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.settings import Settings
from cluster.storage import files

__all__ = ["FolderNotPrivate", "Paths", "make", "paths"]

_LONGEST_RAY_FOLDER: Final = 36  # Ray's own sockets are up to 70 bytes further down, and 107 is the limit
_PRIVATE: Final = 0o700


class FolderNotPrivate(Exception):
    """A folder of ours among the temporary files belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where this installation keeps what it keeps on this host."""

    data: Path
    postgres: Path
    objects: Path
    keys: Path
    credentials: Path
    models: Path
    logs: Path
    run: Path
    ray: Path
    ray_sessions: Path
    sockets: Path

    @property
    def ray_token(self) -> Path:
        """The credential of whoever may use the Ray cluster."""
        return self.ray / "auth_token"

    @property
    def database_url(self) -> Path:
        """Where the database is; who may enter is told elsewhere."""
        return self.run / "database_url"

    @property
    def state(self) -> Path:
        """What the supervisor last knew."""
        return self.run / "state.json"

    @property
    def edge(self) -> Path:
        """The edge's orders, its secret among them."""
        return self.run / "edge.json"

    @property
    def supervisor(self) -> Path:
        """Which process the supervisor is."""
        return self.run / "supervisor.json"

    @property
    def processes(self) -> Path:
        """Every process of the cluster, as the supervisor last saw them."""
        return self.run / "processes.json"


def paths(settings: Settings) -> Paths:
    """Where everything is; nothing is made. Sockets need short paths, so theirs is among the temporary files."""
    data = settings.data.folder.absolute()
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:10]
    sockets = Path(tempfile.gettempdir()) / f"i2v-{os.geteuid()}-{digest}"
    ray = data / "ray"
    return Paths(
        data=data,
        postgres=data / "postgres",
        objects=data / "objects",
        keys=data / "keys",
        credentials=data / "credentials",
        models=data / "models",
        logs=data / "logs",
        run=data / "run",
        ray=ray,
        ray_sessions=ray if len(os.fsencode(ray)) <= _LONGEST_RAY_FOLDER else sockets / "ray",
        sockets=sockets,
    )


def make(where: Paths) -> None:
    """Make the folders that the runtime itself uses, for nobody else to enter.

    Raises:
        FolderNotPrivate: somebody else made the folder for sockets.
    """
    for folder in (where.data, where.logs, where.run, where.ray, where.sockets, where.ray_sessions):
        files.private_folder(folder)
    where.data.chmod(_PRIVATE)
    status = where.sockets.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o777 != _PRIVATE:
        raise FolderNotPrivate(f"{where.sockets} is not a private folder of yours. Remove it and start again.")
