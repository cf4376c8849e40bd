"""What `i2v up` leaves running: one process that keeps every part of the cluster, each in a thread of its own.

It holds nothing that may not be lost. Killed, it leaves the parts running; the next `i2v up` takes them over.
"""

import signal
import threading
from collections.abc import Callable
from typing import Any

from rich.progress import Progress

from cluster import runtime, telemetry
from cluster import settings as cluster_settings
from cluster.records import sweeps
from cluster.records.sweeps import Sweeps
from cluster.runtime import layout, processes
from cluster.runtime.application import ServeApplication
from cluster.runtime.board import Board
from cluster.runtime.database import DatabaseService
from cluster.runtime.edge import EdgeService, certificate
from cluster.runtime.keeper import Keeper
from cluster.runtime.operators_port import OperatorsPort
from cluster.runtime.ray_head import RayHead
from cluster.runtime.service import Service, ServiceFailed
from cluster.runtime.sweep_schedule import SweepSchedule
from cluster.settings import Settings
from cluster.storage.database import Database
from cluster.storage.privileges import DatabaseRole
from serve import catalogue
from serve.metrics.gauges import Gauges
from serve.models.fetch import fetch_all
from serve.models.sources import SourceError
from serve.models.weights import WeightError

__all__ = ["Weights", "supervise"]

_LOOK_SECONDS = 1.0


class _Fetched(Progress):
    """Shows nothing itself, and tells how many bytes are there in all."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        super().__init__(disable=True)
        self._tell = tell

    def update(self, *args: Any, **fields: Any) -> None:
        super().update(*args, **fields)
        self._tell(sum(task.completed for task in self.tasks))


class Weights:
    """The files of the networks: fetched where they are missing, verified where they are there."""

    name = "weights"
    needs: tuple[str, ...] = ()
    patience = 1

    def __init__(self, settings: Settings) -> None:
        """Nothing is fetched yet. ``board`` is told how far fetching has come, once there is one."""
        self._folder = layout.paths(settings).models
        self.board: Board | None = None

    def prepare(self) -> None:
        """Everything is done by `start`."""

    def start(self) -> None:
        """Fetch and verify."""
        weights = catalogue.load().weights
        total = sum(spec.size for spec in weights.values())

        def tell(done: float) -> None:
            if self.board:
                self.board.change(self.name, done=int(done), total=total)

        try:
            fetch_all(weights, self._folder, _Fetched(tell))
        except (SourceError, WeightError) as error:
            raise ServiceFailed(str(error)) from error

    def works(self) -> bool:
        """Files stay; whoever reads them verifies them again."""
        return True

    def stop(self) -> None:
        """There is nothing to end."""

    def pid(self) -> int | None:
        """It has no process."""
        return None


def _gauges(settings: Settings) -> Gauges:
    """The figures of the operators' port, read as a role that sees counts and ages alone."""
    database = Database(runtime.database_url(settings, DatabaseRole.MONITOR), 1, "i2v-metrics")
    return Gauges(database, certificate(settings), catalogue.load().models)


def _sweeps(settings: Settings) -> Sweeps:
    """What the database knows of sweeps; asked when one may be due, so no connection is kept."""
    database = Database(runtime.database_url(settings, DatabaseRole.MONITOR), 1, "i2v-schedule")
    try:
        return database.run(sweeps.read)
    finally:
        database.close()


def supervise(settings: Settings, stop: threading.Event) -> None:
    """Keep every part until ``stop`` is set, then end them all, the last one first."""
    where = layout.paths(settings)
    head, weights = RayHead(settings), Weights(settings)
    application, port = ServeApplication(settings, head), OperatorsPort(settings, lambda: _gauges(settings))
    schedule = SweepSchedule(settings, lambda: _sweeps(settings))
    others: list[Service] = [DatabaseService(settings), weights, EdgeService(settings), port, schedule, application]
    services: list[Service] = [head, *others]
    board = weights.board = schedule.board = Board(where.state, [service.name for service in services])
    keepers = [Keeper(service, board) for service in services]
    for keeper in keepers:
        keeper.start()
    own, dead = processes.current(), set[processes.Process]()
    while not stop.wait(_LOOK_SECONDS):
        processes.save(where.processes, sorted(processes.tree([own, *processes.load(where.processes)])))
        dead = processes.reap(dead)
    board.close()
    for service in reversed(services):
        service.stop()
    processes.end(processes.tree([own]) - {own})
    telemetry.log("stopped", service="supervisor")


def main() -> None:
    """Supervise until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    telemetry.silence_libraries()
    processes.adopt_orphans()
    supervise(cluster_settings.load(), stop)


if __name__ == "__main__":
    main()
