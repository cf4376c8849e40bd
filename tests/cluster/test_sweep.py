"""The sweep as an operator runs it: the line that `i2v up` prints, in the cluster's own Ray."""

import json
import os
import subprocess
import time
from typing import Any

import psutil
import pytest
from sqlalchemy import Connection, select, text

from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import media
from cluster.records.media import Medium
from tests.cluster.conftest import Account, RunningCluster

HOUR = 3600


def submit(cluster: RunningCluster, *options: str) -> subprocess.Popen[str]:
    """Submit it with the printed line, from a shell that knows nothing else."""
    line = json.loads(cluster.i2v("up", "--json").stdout)["sweep"]
    bare = {"PATH": os.defpath, "HOME": str(cluster.folder)}
    command = ["sh", "-c", " ".join([line, *options])]
    return subprocess.Popen(command, env=bare, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def sweep(cluster: RunningCluster, *options: str) -> dict[str, Any]:
    """Have it done; its report."""
    submitted = submit(cluster, *options)
    output, _ = submitted.communicate(timeout=240)
    assert submitted.returncode == 0, output
    (report,) = [line for line in output.splitlines() if line.startswith('{"dry_run"')]
    found: dict[str, Any] = json.loads(report)
    return found


def plant(cluster: RunningCluster, account: Account, *, expires: str) -> Medium:
    """A live object; ``expires``: SQL for the end of its own time to live."""

    def announce(connection: Connection) -> Medium:
        medium = media.begin(connection, account.id, MediaKind.VIDEO, "video/mp4")
        media.finish(connection, medium.id, 6)
        statement = text(f"UPDATE media SET expires_at = {expires} WHERE id = :id")
        connection.execute(statement, {"id": medium.id})
        return medium

    medium = cluster.database.run(announce)
    cluster.objects.put(medium.object_key, [b"sealed"])
    return medium


def orphan(cluster: RunningCluster, *, age: float) -> str:
    """An object that no row names, put that many seconds ago."""
    key = f"video/{new_id('media')}"
    plant_old(cluster, key, age)
    return key


def plant_old(cluster: RunningCluster, key: str, age: float = HOUR) -> None:
    """An object under this key, put that many seconds ago."""
    cluster.objects.put(key, [b"sealed"])
    put = time.time() - age
    os.utime(cluster.folder / "objects" / key, (put, put))


def test_the_printed_line_erases_what_is_due_and_nothing_else(cluster: RunningCluster, account: Account) -> None:
    expired = {plant(cluster, account, expires="created_at").object_key for _ in range(30)}
    kept = {plant(cluster, account, expires=when).object_key for when in ("NULL", "created_at + interval '1 day'")}
    orphans, young = {orphan(cluster, age=HOUR) for _ in range(20)}, orphan(cluster, age=0)

    dry = sweep(cluster, "--dry-run")
    assert (dry["objects"]["expired"]["due"], dry["objects"]["orphans"]["due"]) == (30, 20)
    assert expired | orphans | kept | {young} <= set(cluster.objects.keys())

    report = sweep(cluster)
    for category, planted in (("expired", 30), ("orphans", 20)):
        tally = report["objects"][category]
        assert (tally["due"], tally["erased"] + tally["absent"], tally["failed"]) == (planted, planted, {})
    assert report["clean"]
    left = set(cluster.objects.keys())
    assert not left & (expired | orphans)
    assert kept | {young} <= left

    again = sweep(cluster)
    assert {"expired", "orphans"}.isdisjoint(again["objects"])
    assert again["clean"]
    cluster.objects.delete(young)


def driver(cluster: RunningCluster) -> psutil.Process | None:
    """The process of the submitted job, if it runs."""
    for process in psutil.process_iter():
        try:
            named = process.cmdline()[1:] == ["-m", "pipelines.sweep"]
            if named and process.environ().get("I2V_DATA_FOLDER") == str(cluster.folder):
                return process
        except psutil.Error:
            continue
    return None


@pytest.mark.long
def test_a_job_killed_in_the_middle_is_finished_by_the_next(cluster: RunningCluster, account: Account) -> None:
    expired = {plant(cluster, account, expires="created_at").object_key for _ in range(1500)}
    kept = plant(cluster, account, expires="NULL").object_key
    submitted = submit(cluster)
    deadline = time.monotonic() + 120
    while expired <= set(cluster.objects.keys("video/")):
        assert submitted.poll() is None
        assert time.monotonic() < deadline
    killed = driver(cluster)
    assert killed
    killed.kill()
    submitted.communicate(timeout=120)
    assert submitted.returncode != 0

    assert sweep(cluster)["clean"]
    left = set(cluster.objects.keys())
    assert not left & expired
    assert kept in left
    rows = cluster.database.run(lambda connection: set(connection.execute(select(media.media.c.object_key)).scalars()))
    assert not rows & expired
    assert kept in rows
