"""An installation of two nodes on one host, and what runs on which of them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster import runtime
from cluster.runtime.ray_head import address
from cluster.storage.database import Database
from cluster.storage.objects import open_objects
from tests.cluster import _ports
from tests.cluster._installation import I2V, Installation
from tests.cluster._waiting import until
from tests.cluster.conftest import RunningCluster

_SECOND_ADDRESS = "127.0.0.3"
_TRIES = 3


@dataclass
class TwoNodes:
    """A running cluster whose second node can be killed."""

    installation: Installation
    cluster: RunningCluster
    second: psutil.Process

    def nodes(self) -> dict[int, str]:
        """The node of each replica that makes videos, by its process."""
        rows = self.installation.sql("SELECT id, node FROM workers WHERE 'generation' = ANY(stages)")
        return {int(worker.partition("-")[0]): node for worker, node in rows}

    def is_on_second(self, process: int) -> bool:
        """Whether a process is one of the second node's."""
        return any(parent.pid == self.second.pid for parent in psutil.Process(process).parents())

    def makers(self) -> dict[str, int]:
        """The process that makes the video of each job, where one does."""
        rows = self.installation.sql("SELECT job_id, holder FROM leases WHERE stage = 'generation' AND step > 0")
        return {job_id: int(holder.partition("-")[0]) for job_id, holder in rows}

    def kill_raylet(self) -> None:
        """SIGKILL the raylet of the second node, and nothing else."""
        (raylet,) = (child for child in self.second.children(recursive=True) if child.name() == "raylet")
        raylet.kill()


@contextmanager
def two_nodes(**settings: str) -> Iterator[TwoNodes]:
    """Start a head by `i2v up` and a second node by `i2v join`; end both."""
    installation, ports = Installation(**settings), _ports.take()
    try:
        url = installation.up()["urls"]["api"]
        own = ports.settings | {"I2V_RAY_NODE_ADDRESS": _SECOND_ADDRESS}
        database = Database(runtime.owner_url(installation.settings), 2, "tests")
        objects = open_objects(installation.settings.objects, installation.paths.objects)
        cluster = RunningCluster(
            url, installation.folder, installation.environment, installation.settings, database, objects
        )
        with _joined(installation, own) as second:
            yield TwoNodes(installation, cluster, second)
        database.close()
    finally:
        installation.remove()
        ports.release()


@contextmanager
def _joined(installation: Installation, own: dict[str, str]) -> Iterator[psutil.Process]:
    """A second node, once it is one. Ray gives a node's agent 15 s to start, on a busy host it gets another try."""
    for _ in range(_TRIES):
        started = _join(installation, own)
        try:
            if _is_up(installation, started):
                yield psutil.Process(started.pid)
                return
        finally:
            _end(started)
    raise AssertionError(_log(installation).read_text())


def _join(installation: Installation, own: dict[str, str]) -> subprocess.Popen[bytes]:
    with _log(installation).open("wb") as log:
        return subprocess.Popen(
            [I2V, "join", address(installation.settings)],
            env=installation.environment | own,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _is_up(installation: Installation, started: subprocess.Popen[bytes]) -> bool:
    """Wait until the node is one of the cluster's, or has given up."""
    until(lambda: started.poll() is not None or "Ray runtime started" in _log(installation).read_text(), 150)
    return started.poll() is None


def _log(installation: Installation) -> Path:
    return installation.paths.logs / "second.log"


def _end(started: subprocess.Popen[bytes]) -> None:
    """End a node with all that it started."""
    left = [started.pid] if started.poll() is None else []
    left += [child.pid for pid in left for child in psutil.Process(pid).children(recursive=True)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    started.wait()
