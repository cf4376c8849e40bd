"""Launch the supervisor, ask how the cluster is, and end it: for the command line and for tests."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from cluster.runtime import layout, processes
from cluster.runtime.environment import Port, port
from cluster.runtime.layout import Paths
from cluster.runtime.processes import Process
from cluster.settings import Settings, variable
from cluster.storage import embedded_postgres, files

__all__ = ["PortTaken", "launch", "processes_of", "shut_down", "state", "supervisor"]

_GRACE_SECONDS: Final = 40.0


class PortTaken(Exception):
    """Another program listens on a port that the cluster needs; the message names port and setting."""


def supervisor(where: Paths) -> Process | None:
    """The live supervisor of this data folder."""
    recorded = next(iter(processes.load(where.supervisor)), None)
    return recorded if recorded and processes.find(recorded.pid) == recorded else None


def launch(settings: Settings) -> bool:
    """Leave a supervisor running; false when there is one already. Two callers at once start one.

    Raises:
        PortTaken: a port is in use, and not by an earlier cluster of this data folder.
        FolderNotPrivate: see `layout.make`.
    """
    where = layout.paths(settings)
    layout.make(where)
    with files.locked(where.run / "lock"):
        if supervisor(where):
            return False
        if not processes_of(where):
            _check_ports(settings)
        where.state.unlink(missing_ok=True)
        with (where.logs / "supervisor.log").open("ab") as log:
            started = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-m", "cluster.supervisor"],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = processes.find(started.pid)
        processes.save(where.supervisor, [process] if process else [])
    return True


def state(where: Paths) -> dict[str, Any]:
    """What the supervisor last wrote; with no supervisor, that nothing is ready."""
    try:
        written: dict[str, Any] = json.loads(where.state.read_bytes())
    except FileNotFoundError:
        written = {"ready": False, "services": {}}
    process = supervisor(where)
    written["ready"] = bool(written["ready"] and process)
    return {"supervisor": process.pid if process else None} | written


def processes_of(where: Paths) -> set[Process]:
    """Every live process of this cluster, whether or not its supervisor lives."""
    recorded = processes.load(where.processes) + processes.load(where.supervisor)
    if server := embedded_postgres.pid(where.postgres):
        recorded += filter(None, [processes.find(server)])
    return processes.tree(recorded)


def shut_down(settings: Settings) -> int:
    """End every process of this cluster and no other; how many there were. Data stay."""
    where = layout.paths(settings)
    if not where.run.is_dir():
        return 0
    with files.locked(where.run / "lock"):
        ours = processes_of(where)
        if process := supervisor(where):
            processes.send(process, signal.SIGTERM)
            processes.wait_for_end(process, _GRACE_SECONDS)
        left = processes_of(where) | processes.tree(ours)
        if server := embedded_postgres.pid(where.postgres):
            database = processes.tree(filter(None, [processes.find(server)]))
            processes.end(left - database)
            embedded_postgres.stop(where.postgres)
        processes.end(left)
        for record in (where.supervisor, where.processes, where.state):
            record.unlink(missing_ok=True)
        shutil.rmtree(where.sockets, ignore_errors=where.sockets == where.ray_sessions.parent)
    return len(ours)


def _check_ports(settings: Settings) -> None:
    hosts = {("http", "port"): settings.http.host}
    wanted = [(("http", "port"), settings.http.port), (("ray", "gcs_port"), settings.ray.gcs_port)]
    wanted.append((("ray", "dashboard_port"), settings.ray.dashboard_port))
    wanted += [(("ray", "internal_ports"), port(settings, of)) for of in Port if of < Port.FIRST_REPLICA]
    for key, number in wanted:
        if not _is_free(hosts.get(key, "127.0.0.1"), number):
            raise PortTaken(
                f"Port {number} is taken by another program. Choose another with {variable(key)} ({'.'.join(key)})."
            )


def _is_free(host: str, number: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, number))
        except OSError:
            return False
    return True
