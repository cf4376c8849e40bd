"""What a process of the sweep holds open, as the role that it works as, beside the world that the owner fills."""

from collections.abc import Iterator

import pytest

from cluster.settings import Settings
from pipelines.sweep.stores import Stores, open_stores
from tests.unit.pipelines.planting import Garden
from tests.world import World


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """The database as `i2v_pipeline`, and the folder of objects."""
    opened = open_stores(settings)
    yield opened
    opened.database.close()


@pytest.fixture
def garden(world: World, stores: Stores) -> Garden:
    """Short ways to plant media."""
    return Garden(world, stores)
