"""Launch the supervisor, ask how the cluster is, and end it: for the command line and for tests."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from typing import Any, Final

from cluster.runtime import layout, processes
from cluster.runtime.environment import Port, environment, port, whole_environment
from cluster.runtime.layout import Paths
from cluster.runtime.processes import Process
from cluster.settings import Settings, variable
from cluster.storage import embedded_postgres, files

__all__ = ["OtherSettings", "PortTaken", "launch", "processes_of", "shut_down", "state", "supervisor"]

_GRACE_SECONDS: Final = 40.0


class PortTaken(Exception):
    """Another program listens on a port that the cluster needs; the message names port and setting."""


class OtherSettings(Exception):
    """The cluster runs, but with other settings; the message names them."""


def supervisor(where: Paths) -> Process | None:
    """The live supervisor of this data folder."""
    recorded = next(iter(processes.load(where.supervisor)), None)
    return recorded if recorded and processes.find(recorded.pid) == recorded else None


def launch(settings: Settings) -> bool:
    """Leave a supervisor running; false when there is one already. Two callers at once start one.

    Raises:
        PortTaken: a port is in use, and not by an earlier cluster of this data folder.
        OtherSettings: what runs here already was started with others.
        FolderNotPrivate: see `layout.make`.
    """
    where = layout.paths(settings)
    layout.make(where)
    with files.locked(where.run / "lock"):
        if processes_of(where):
            _check_settings(where, settings)
        else:
            _check_ports(settings)
        if supervisor(where):
            return False
        files.write_atomic(where.run / "environment.json", [json.dumps(environment(settings)).encode()])
        where.state.unlink(missing_ok=True)
        with (where.logs / "supervisor.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "cluster.supervisor"],
                env=_environment(settings),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
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
        for record in (where.supervisor, where.processes, where.state, where.edge):
            record.unlink(missing_ok=True)
        if where.ray_sessions.parent != where.sockets:
            shutil.rmtree(where.sockets, ignore_errors=True)
    return len(ours)


def _environment(settings: Settings) -> dict[str, str]:
    """What the supervisor sees: as all processes, and where the database is."""
    url = {variable(("database", "url")): settings.database.url} if settings.database.url else {}
    return whole_environment(settings) | url


def _check_settings(where: Paths, settings: Settings) -> None:
    running = json.loads((where.run / "environment.json").read_bytes())
    wanted = environment(settings)
    names = sorted(name for name in running.keys() | wanted.keys() if running.get(name) != wanted.get(name))
    if names:
        raise OtherSettings(f"It runs with other settings ({', '.join(names)}). 'i2v down' ends it.")


def _check_ports(settings: Settings) -> None:
    everywhere = ""
    wanted = [(("http", "port"), settings.http.host, settings.http.port)]
    if settings.ray.haproxy:
        wanted.append((("tls", "port"), settings.tls.host, settings.tls.port))
    wanted.append((("ray", "gcs_port"), everywhere, settings.ray.gcs_port))
    wanted.append((("ray", "dashboard_port"), everywhere, settings.ray.dashboard_port))
    wanted.append((("metrics", "port"), "127.0.0.1", settings.metrics.port))
    for internal in Port:
        if internal < Port.FIRST_REPLICA:
            wanted.append((("ray", "internal_ports"), everywhere, port(settings, internal)))
    for key, host, number in wanted:
        if not _is_free(host, number):
            raise PortTaken(
                f"Port {number} is taken by another program. Choose another with {variable(key)} ({'.'.join(key)})."
            )


def _is_free(host: str, number: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, number))
        except OSError:
            return False
    return True
