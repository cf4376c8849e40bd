"""Watches the work of one replica from a thread of its own, and ends the process when that work cannot be ended.

A thread that blocks cannot be interrupted, and memory that it takes cannot be taken back: only the end of the process
gives slot and memory back. The jobs are taken from it first, so that the next replica begins them at once.
"""

import os
import sys
import threading
from collections.abc import Callable, Collection
from typing import Final

from cluster import telemetry
from cluster.records.job_states import Stage
from cluster.settings import Jobs
from serve import dead_mans_switch, memory
from serve.metrics import counted
from serve.stage import StageRun

__all__ = ["Watchdog"]

_LOOK_SECONDS: Final = 0.2
_SILENT_LEASES: Final = 2
"""A process without a thread of Python for so many times `jobs.lease_seconds` has long lost its jobs."""


def _end_process() -> None:
    sys.stderr.flush()
    os._exit(1)


class Watchdog:
    """Looks five times a second while there is work, and is gone while there is none."""

    def __init__(self, bounds: Jobs, memory_bytes: int | None = None, end: Callable[[], None] = _end_process) -> None:
        """``memory_bytes`` is what the process may hold; ``end`` ends it."""
        self._bounds, self._memory_bytes, self._end = bounds, memory_bytes, end
        self._lock = threading.Lock()
        self._runs: set[StageRun] = set()
        self._thread: threading.Thread | None = None
        self._ended = False

    def add(self, run: StageRun) -> None:
        """Watch a run that has begun."""
        with self._lock:
            self._runs.add(run)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()

    def remove(self, run: StageRun) -> None:
        """It has ended, however."""
        with self._lock:
            self._runs.discard(run)

    @property
    def runs(self) -> frozenset[StageRun]:
        """What is being watched."""
        with self._lock:
            return frozenset(self._runs)

    def _watch(self) -> None:
        pause = threading.Event()
        try:
            while self._has_work():
                try:
                    self._look()
                    dead_mans_switch.hold(_SILENT_LEASES * self._bounds.lease_seconds)
                except Exception as error:  # for want of memory, perhaps; who can never look, does not hold the switch
                    telemetry.log_failure("watchdog_failed", error)
                pause.wait(_LOOK_SECONDS)
        finally:
            dead_mans_switch.let_go()

    def _has_work(self) -> bool:
        with self._lock:
            if not self._runs or self._ended:
                self._thread = None
            return self._thread is not None

    def _look(self) -> None:
        """Take from the runs what they have no right to any more."""
        runs = self.runs
        for run in runs:
            if run.is_late() and run.lose("timed_out"):
                counted.lost(Stage(run.lease.stage), counted.Loss.GIVEN_UP)
        if runs and self._memory_bytes is not None and memory.resident_bytes() > self._memory_bytes:
            self._give_up(runs, runs, "out_of_memory")
        elif still := [run for run in runs if run.stands_still()]:
            self._give_up(still, runs, "timed_out")

    def _give_up(self, faulty: Collection[StageRun], runs: Collection[StageRun], code: str) -> None:
        """End the process; the director counts what it loses. What merely ran beside the fault loses no attempt."""
        for run in runs:
            try:
                if run in faulty:
                    run.lose(code)
                else:
                    run.hand_back()
            except Exception as error:  # the lease then ends by silence
                telemetry.log_failure("job_kept", error, job_id=run.job.id, stage=run.lease.stage)
        self._ended = True
        self._end()
