"""How a replica says that it is there: a row in the database, renewed by a thread for as long as it takes work."""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress

import ray

from cluster import telemetry
from cluster.errors import ServiceError
from cluster.ids import new_id
from cluster.records import workers
from cluster.records.job_states import Stage
from cluster.records.workers import Worker
from cluster.storage.database import Database

__all__ = ["Presence"]


class Presence:
    """One replica's announcement. Its id begins with the process, as that of the leases it holds does."""

    def __init__(self, database: Database, stages: Sequence[Stage], places: int, seconds: float) -> None:
        """Nothing is announced yet; afterwards it is every ``seconds``."""
        self.worker = Worker(f"{os.getpid()}-{new_id('worker')}", _node(), stages, places)
        self._database, self._seconds = database, seconds
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="presence", daemon=True)

    def begin(self) -> None:
        """Take work from now on. Harmless when it has begun already, or has ended."""
        if self._thread.ident is None and not self._left.is_set():
            self._thread.start()

    def end(self) -> None:
        """Take no more work; harmless when that is so. A database that is away will find out by the silence."""
        self._left.set()
        if self._thread.is_alive():
            self._thread.join()
            with suppress(ServiceError):
                self._database.run(workers.leave, self.worker.id)

    def _loop(self) -> None:
        while not self._left.is_set():
            try:
                self._database.run(workers.announce, self.worker)
            except Exception as error:
                telemetry.log_failure("unannounced", error)
            self._left.wait(self._seconds)


def _node() -> str:
    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else "none"
