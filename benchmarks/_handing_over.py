"""Somebody's job on its way to an emulated third party, over a PostgreSQL of its own, for benchmarks."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from cluster.settings import configs_folder, read
from cluster.storage import embedded_postgres, migrate, roles
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore
from cluster.storage.privileges import DatabaseRole
from serve import resources
from tests.handing_over import HandingOver, handing_over
from tests.outside import Names
from tests.photos import Photo, flower
from tests.world import World

__all__ = ["photo_of", "upstream"]


@contextmanager
def upstream(recipient: str) -> Iterator[HandingOver]:
    """An installation that uses the recipient; both end, and their data are removed, with the block."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    try:
        url = embedded_postgres.ensure_running(folder / "postgres")
        roles.ensure(url, folder / "credentials")
        migrate.upgrade(url)
        settings = read(configs_folder(), {"I2V_DATA_FOLDER": str(folder), "I2V_DATABASE_URL": url})
        world = World(Database(url, 8, "benchmark"), KeyStore(folder / "keys"))
        sender = resources.for_web(settings, "outbound", DatabaseRole.OUTBOUND)
        stage = resources.for_stage(settings, "benchmark")
        with handing_over(recipient, world, sender, stage.store, Names()) as made:
            yield made
        stage.database.close()
        world.database.close()
    finally:
        embedded_postgres.stop(folder / "postgres")
        shutil.rmtree(folder)


def photo_of(width: int, height: int) -> Photo:
    """A photo of that many pixels, with as much in it as a camera sees."""
    enlarged = cv2.resize(flower(), (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(5).normal(0, 4, enlarged.shape)
    return np.asarray(np.clip(enlarged + noise, 0, 255), np.uint8)
