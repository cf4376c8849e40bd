"""One real cluster for the whole session: what `i2v up` starts, in a data folder and on ports of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from cluster import runtime, settings
from cluster.settings import Settings
from cluster.storage.database import Database
from cluster.storage.objects import ObjectStore, open_objects
from tests.cluster import _ports
from tests.outside import PUBLIC

I2V = Path(sys.executable).with_name("i2v")


@dataclass(frozen=True)
class RunningCluster:
    """A cluster that answers, and the environment that its commands need."""

    url: str
    folder: Path
    environment: dict[str, str]
    settings: Settings
    database: Database
    objects: ObjectStore

    def i2v(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this cluster."""
        return subprocess.run(
            [I2V, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=240
        )


@dataclass(frozen=True)
class Account:
    """An account with its own clients."""

    id: str
    key: str
    openai: OpenAI
    http: httpx.Client

    def login(self) -> httpx.Client:
        """A client with a fresh session, as answering for consent needs."""
        begun = self.http.post("/v1/sessions", json={"api_key": self.key}).raise_for_status().json()
        self.http.cookies.clear()
        headers = {"Authorization": f"Bearer {begun['token']}"}
        return httpx.Client(base_url=self.http.base_url, headers=headers, timeout=60)


@contextmanager
def new_account(cluster: RunningCluster, **details: str) -> Iterator[Account]:
    """Sign up, with details or none."""
    created = httpx.post(f"{cluster.url}/v1/accounts", json=details, timeout=30).raise_for_status().json()
    key = created["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    with (
        OpenAI(base_url=f"{cluster.url}/v1", api_key=key) as openai,
        httpx.Client(base_url=cluster.url, headers=headers, timeout=60) as http,
    ):
        yield Account(created["account_id"], key, openai, http)


@contextmanager
def running_cluster(**own_settings: str) -> Iterator[RunningCluster]:
    """A cluster with further ``I2V_`` variables; ended with everything it started."""
    folder = Path(tempfile.mkdtemp(prefix="i2v-", dir="/tmp"))
    models = runtime.paths(settings.load()).models
    environment = {name: value for name, value in os.environ.items() if not name.startswith("I2V_")}
    ports = _ports.take()
    environment |= ports.settings | {"I2V_DATA_FOLDER": str(folder), "I2V_OUTBOUND_ALLOWED_NETWORKS": PUBLIC}
    environment["I2V_SWEEP_EVERY_HOURS"] = ""  # tests plant what it would erase
    environment |= own_settings
    if models.exists():
        (folder / "models").symlink_to(models)
    own = settings.read(settings.configs_folder(), environment)
    where = runtime.paths(own)
    started = subprocess.run(
        [I2V, "up", "--json"], env=environment, capture_output=True, text=True, check=False, timeout=280
    )
    try:
        assert started.returncode == 0, started.stderr
        url = json.loads(started.stdout)["urls"]["api"]
        database = Database(runtime.owner_url(own), 2, "tests")
        yield RunningCluster(url, folder, environment, own, database, open_objects(own.objects, where.objects))
        database.close()
    finally:
        subprocess.run([I2V, "down"], env=environment, capture_output=True, check=False, timeout=120)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(where.sockets, ignore_errors=True)
        ports.release()


@pytest.fixture(scope="session")
def cluster() -> Iterator[RunningCluster]:
    """The session's cluster."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def account(cluster: RunningCluster) -> Iterator[Account]:
    """A new account."""
    with new_account(cluster) as account:
        yield account
