"""Ray's head node on this host: `ray start --head --block` and all that it starts."""

import secrets
import shutil
import subprocess
import time
from typing import Final

from cluster import clock
from cluster.runtime import layout, processes, ray_node
from cluster.runtime.environment import Port, port, whole_environment
from cluster.runtime.http import answers
from cluster.runtime.layout import Paths
from cluster.runtime.processes import Process
from cluster.runtime.service import ServiceFailed
from cluster.settings import Settings
from cluster.storage import files

__all__ = ["RayHead", "address", "start_command", "write_token"]

_START_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.2
_KEPT_SESSIONS: Final = 2


def address(settings: Settings) -> str:
    """Where drivers on this host find the cluster."""
    return f"{settings.ray.node_address}:{settings.ray.gcs_port}"


def start_command(settings: Settings) -> list[str]:
    """`ray start` with every port named; it returns when the node is up, or with `--block` when the node is gone."""
    ray = settings.ray
    options = {
        "port": ray.gcs_port,
        "ray-client-server-port": port(settings, Port.RAY_CLIENT),
        "dashboard-host": "127.0.0.1",
        "dashboard-port": ray.dashboard_port,
        "temp-dir": layout.paths(settings).ray_sessions,
    }
    return ray_node.command(settings, "--head", options | ray_node.offer(ray.outbound))


def write_token(where: Paths) -> None:
    """Make the credential of this Ray cluster, once."""
    if not where.ray_token.exists():
        files.write_atomic(where.ray_token, [secrets.token_hex(32).encode()])


class RayHead:
    """Control store, dashboard, and this host's raylet with its workers. They die together and start together."""

    name = "ray"
    needs: tuple[str, ...] = ()
    patience = 20

    def __init__(self, settings: Settings) -> None:
        """Nothing is started yet; a head that outlived its supervisor is taken over by `start`."""
        self._settings = settings
        self._where = layout.paths(settings)
        self._record = self._where.run / "ray.json"
        self._started: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Everything is done by `start`."""

    def start(self) -> None:
        """Start the head and wait until its dashboard answers; a healthy one is left as it is."""
        if self.works():
            return
        self.stop()
        write_token(self._where)
        self._remove_old_sessions()
        with (self._where.logs / "ray.log").open("wb") as log:
            self._started = subprocess.Popen(  # noqa: S603 - our own words
                [*start_command(self._settings), "--block"],
                env=whole_environment(self._settings),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if process := processes.find(self._started.pid):
            processes.save(self._record, [process])
        self._wait()

    def works(self) -> bool:
        """Whether the head lives and its control store answers. Notes by the way which processes it has."""
        head = self._head()
        if head is None:
            return False
        others = processes.tree(processes.load(self._record)) - {head}
        processes.save(self._record, [head, *sorted(others)])
        return self._answers()

    def stop(self) -> None:
        """Kill it with everything below. It keeps nothing that may not be lost, and takes 30 s to go by itself."""
        recorded = processes.load(self._record)
        unrecorded = processes.find(self._started.pid) if self._started else None
        processes.end([*recorded, *filter(None, [unrecorded])])
        for leader in {*recorded[:1], *filter(None, [unrecorded])}:
            processes.end(processes.orphans(leader))
        if self._started:
            self._started.wait()
        self._record.unlink(missing_ok=True)

    def pid(self) -> int | None:
        """The process of `ray start`."""
        head = self._head()
        return head.pid if head else None

    def _head(self) -> Process | None:
        if self._started:
            self._started.poll()
        first = next(iter(processes.load(self._record)), None)
        return first if first and processes.find(first.pid) == first else None

    def _answers(self) -> bool:
        return answers(f"http://127.0.0.1:{self._settings.ray.dashboard_port}/api/gcs_healthz")

    def _wait(self) -> None:
        deadline = clock.monotonic() + _START_SECONDS
        while not self._answers():
            if self._head() is None or clock.monotonic() > deadline:
                self.stop()
                raise ServiceFailed(f"Ray does not start; {self._where.logs / 'ray.log'} says why.")
            time.sleep(_POLL_SECONDS)

    def _remove_old_sessions(self) -> None:
        sessions = [place for place in self._where.ray_sessions.glob("session_2*") if not place.is_symlink()]
        for old in sorted(sessions)[:-_KEPT_SESSIONS]:
            shutil.rmtree(old, ignore_errors=True)
        for left in self._where.sockets.iterdir():
            if left != self._where.ray_sessions and left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
