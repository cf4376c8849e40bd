"""The sweep under Ray Data against a real S3 server, and with a worker that is killed in the middle."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from cluster import clock
from cluster import settings as cluster_settings
from cluster.settings import Settings, configs_folder, read
from pipelines.sweep.report import Report
from pipelines.sweep.stores import Stores, open_stores
from pipelines.sweep.sweep import sweep
from pipelines.sweep.workers import by_ray_data
from tests import expired
from tests.cluster._waiting import until
from tests.fixtures_storage import S3Server
from tests.world import World

SECONDS = 240.0


@pytest.fixture
def settings(
    fresh_url: str, credentials_folder: Path, tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The laptop's settings over an S3 server, where the workers look for theirs."""
    (tmp_path / "credentials").symlink_to(credentials_folder)
    own = {
        "I2V_DATA_FOLDER": str(tmp_path),
        "I2V_DATABASE_URL": fresh_url,
        "I2V_OBJECTS_URL": f"s3://{s3_server.bucket}",
        "I2V_OBJECTS_S3_ENDPOINT": s3_server.endpoint,
        "I2V_OBJECTS_S3_REGION": "us-east-1",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    cluster_settings.load.cache_clear()
    yield read(configs_folder(), own)
    cluster_settings.load.cache_clear()


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """What the driver of the sweep holds open, in a Ray of its own."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80_000_000)
    opened = open_stores(settings)
    yield opened
    opened.database.close()
    ray.shutdown()


def workers() -> list[psutil.Process]:
    """The processes of this test's Ray that erase."""
    ours = psutil.Process().children(recursive=True)
    return [process for process in ours if "Map" in " ".join(process.cmdline()[:1])]


def test_a_worker_killed_in_the_middle_is_made_up_for(stores: Stores, world: World, s3_server: S3Server) -> None:
    keys = expired.plant(world, s3_server.folder, 8000, clock.now())
    kept = s3_server.folder / "video" / "kept"
    kept.write_bytes(b"sealed")
    reports: list[Report] = []
    sweeping = threading.Thread(target=lambda: reports.append(sweep(stores, by_ray_data)))
    sweeping.start()
    until(lambda: not (s3_server.folder / keys[0]).exists(), SECONDS)
    killed = workers()[0]
    killed.kill()
    assert any((s3_server.folder / key).exists() for key in keys)
    sweeping.join(SECONDS)

    (report,) = reports
    tally = report.objects["expired"]
    assert (tally.due, tally.erased + tally.absent, dict(tally.failed)) == (len(keys), len(keys), {})
    assert report.clean
    assert list((s3_server.folder / "video").iterdir()) == [kept]
    assert world.sql("SELECT id FROM media") == []
    kept.unlink()
