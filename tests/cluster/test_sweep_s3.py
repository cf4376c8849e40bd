"""The sweep under Ray Data against a real S3 server, with a worker that is killed in the middle."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cluster import clock
from tests import expired
from tests.cluster._waiting import until
from tests.fixtures_storage import S3Server
from tests.world import World

COUNT = 8_000
SECONDS = 240.0


@pytest.fixture
def environment(fresh_url: str, credentials_folder: Path, tmp_path: Path, s3_server: S3Server) -> dict[str, str]:
    """The laptop's settings over the S3 server, for a driver that starts a Ray of its own."""
    (tmp_path / "credentials").symlink_to(credentials_folder)
    (tmp_path / "token").write_text(secrets.token_hex(32))
    others = {name: value for name, value in os.environ.items() if not name.startswith(("I2V_", "RAY_"))}
    return others | {
        "I2V_DATA_FOLDER": str(tmp_path),
        "I2V_DATABASE_URL": fresh_url,
        "I2V_OBJECTS_URL": f"s3://{s3_server.bucket}",
        "I2V_OBJECTS_S3_ENDPOINT": s3_server.endpoint,
        "I2V_OBJECTS_S3_REGION": "us-east-1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"),
    }


def worker(driver: subprocess.Popen[str]) -> psutil.Process:
    """One of the processes that erase."""
    below = psutil.Process(driver.pid).children(recursive=True)
    return next(process for process in below if "MapWorker" in name_of(process))


def name_of(process: psutil.Process) -> str:
    """What the process calls itself; nothing if it has just gone."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_a_worker_killed_in_the_middle_is_made_up_for(
    world: World, s3_server: S3Server, environment: dict[str, str]
) -> None:
    keys = expired.plant(world, s3_server.folder, COUNT, clock.now())
    young = s3_server.folder / "video" / "young"
    young.write_bytes(b"sealed")
    command = [sys.executable, "-m", "pipelines.sweep"]
    driver = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/"
    )
    until(lambda: driver.poll() is not None or not (s3_server.folder / keys[0]).exists(), SECONDS)
    worker(driver).kill()
    assert (s3_server.folder / keys[-1]).exists()
    output, _ = driver.communicate(timeout=SECONDS)

    report = json.loads(next(line for line in output.splitlines() if line.startswith('{"dry_run"')))
    tally = report["objects"]["expired"]
    assert (tally["due"], tally["erased"] + tally["absent"], tally["failed"]) == (COUNT, COUNT, {})
    assert (driver.returncode, report["clean"]) == (0, True)
    assert [path for path in s3_server.folder.rglob("*") if path.is_file()] == [young]
    assert world.sql("SELECT id FROM media") == []
    young.unlink()
