"""A cluster for the whole suite, and what a user has: an account, a photo, and one that is refused."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.conftest import Account, RunningCluster, new_account, running_cluster
from tests.outside import PUBLIC
from tests.photos import building, jpeg

_STRICT = {
    # Plain grey scores 0.2, real photos less than a sixth of that: one is refused, the others pass.
    "I2V_SCREENING_UNSAFE_THRESHOLD": "0.1",
    # Few enough that an SDK meets the limit, and so slow to refill that it has to wait.
    "I2V_ADMISSION_CREATES_PER_MINUTE": "12",
}


@dataclass(frozen=True)
class User:
    """Somebody with an account, and the environment in which their programs run."""

    account: Account
    environment: dict[str, str]


@pytest.fixture(scope="session")
def cluster() -> Iterator[RunningCluster]:
    """The suite's cluster, stricter than usual."""
    with running_cluster(**_STRICT) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the photos."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "photo.jpg").write_bytes(jpeg(building()))
    (folder / "refused.jpg").write_bytes(jpeg(np.full((256, 256, 3), 128, np.uint8)))
    return folder


@pytest.fixture
def user(cluster: RunningCluster, photos: Path) -> Iterator[User]:
    """A new user, of whose environment this process's has only the path to programs."""
    with new_account(cluster) as account:
        yield User(
            account,
            {
                "PATH": os.environ["PATH"],
                "OPENAI_API_KEY": account.key,
                "OPENAI_BASE_URL": f"{cluster.url}/v1",
                "CLIENTS_PHOTO": str(photos / "photo.jpg"),
                "CLIENTS_REFUSED_PHOTO": str(photos / "refused.jpg"),
                "CLIENTS_RECEIVER": PUBLIC,
            },
        )
