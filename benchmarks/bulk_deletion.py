"""Deleting expired objects from an S3 server: the sweep against a bare loop of `delete_objects`.

    python -m benchmarks.bulk_deletion [--count 50000]

The server is `rclone serve s3`. The peer is botocore's client (boto3 is a layer above it) in one process that has the
keys at hand and deletes a thousand a request. The sweep finds as many equal objects by their rows in PostgreSQL, dooms
them, deletes them through Ray Data, removes the rows, and goes through the store for orphans, twice. Ray runs already,
as in a cluster; the workers of Ray Data do not, and their start counts.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import ray
from botocore.config import Config

from cluster import clock
from cluster.settings import configs_folder, read
from cluster.storage import embedded_postgres, migrate, roles
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore
from pipelines.sweep.stores import Stores, open_stores
from pipelines.sweep.sweep import sweep
from pipelines.sweep.workers import by_ray_data
from tests.expired import plant, write
from tests.fixtures_storage import S3Server, serve_s3
from tests.world import World

WANTED = 0.8
A_REQUEST = 1000
TOKEN = "RAY_AUTH_TOKEN"


@contextmanager
def installation(server: S3Server) -> Iterator[tuple[World, Stores]]:
    """A database and a Ray of its own, and the stores of a sweep over the server."""
    with tempfile.TemporaryDirectory(prefix="i2v-", dir="/tmp") as name:
        folder = Path(name)
        url = embedded_postgres.ensure_running(folder / "postgres")
        try:
            roles.ensure(url, folder / "credentials")
            migrate.upgrade(url)
            os.environ |= {
                "I2V_DATA_FOLDER": name,
                "I2V_DATABASE_URL": url,
                "I2V_OBJECTS_URL": f"s3://{server.bucket}",
                "I2V_OBJECTS_S3_ENDPOINT": server.endpoint,
                "I2V_OBJECTS_S3_REGION": "us-east-1",
            }
            ray.init(address="local", include_dashboard=False, log_to_driver=False)
            ray.data.DataContext.get_current().enable_progress_bars = False
            stores = open_stores(read(configs_folder(), os.environ))
            yield World(Database(url, 1, "benchmark"), KeyStore(folder / "keys")), stores
        finally:
            ray.shutdown()
            embedded_postgres.stop(folder / "postgres")


def by_loop(server: S3Server, keys: list[str]) -> float:
    """The peer; its seconds."""
    quiet = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    session = botocore.session.get_session()
    client = session.create_client("s3", endpoint_url=server.endpoint, region_name="us-east-1", config=quiet)
    started = time.perf_counter()
    for first in range(0, len(keys), A_REQUEST):
        batch = [{"Key": key} for key in keys[first : first + A_REQUEST]]
        answer = client.delete_objects(Bucket=server.bucket, Delete={"Objects": batch, "Quiet": True})
        assert not answer.get("Errors")
    return time.perf_counter() - started


def by_sweep(stores: Stores, count: int) -> float:
    """The same number by the sweep; its seconds."""
    started = time.perf_counter()
    report = sweep(stores, by_ray_data)
    seconds = time.perf_counter() - started
    assert report.clean
    assert report.objects["expired"].erased == count
    return seconds


def measure(count: int) -> dict[str, Any]:
    """Both, in this order, and their ratio: that of objects a second."""
    with serve_s3() as server, installation(server) as (world, stores):
        mine, theirs = plant(world, server.folder, count, clock.now()), write(server.folder, count)
        peer = by_loop(server, theirs)
        ours = by_sweep(stores, count)
        assert not any((server.folder / key).exists() for key in mine + theirs)
    return {"count": count, "s": round(ours, 1), "peer_s": round(peer, 1), "ratio": round(peer / ours, 2)}


def main() -> None:
    """Measure and print."""
    if TOKEN not in os.environ:  # Ray reads it when it is imported, and else leaves one in the home folder
        command = [sys.executable, "-m", "benchmarks.bulk_deletion", *sys.argv[1:]]
        os.execve(command[0], command, os.environ | {TOKEN: secrets.token_hex(32)})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    print(json.dumps({"wanted": f">= {WANTED}"} | measure(parser.parse_args().count), indent=2))


if __name__ == "__main__":
    main()
