"""Has the sweep done from time to time: a part of the supervisor, with no process while nothing is due.

It submits the line that `i2v up` prints. What it goes by is in the database, where each sweep notes its beginning and
its end, and in Ray's list of jobs: a new supervisor goes on where the old one was, and no second sweep begins beside a
first, whoever began that.
"""

import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cluster import clock, telemetry
from cluster.errors import Unavailable
from cluster.records.sweeps import Sweeps
from cluster.runtime import layout, submission
from cluster.runtime.board import Board
from cluster.settings import Settings

__all__ = ["SweepSchedule", "due"]

_AFTER_START: Final = timedelta(minutes=10)
_AFTER_FAILURE: Final = timedelta(hours=1)
_AGAIN: Final = timedelta(minutes=1)
_PROBLEM: Final = "The last sweep did not erase all that was due; sweep.log says why."


def due(known: Sweeps, every: timedelta, since: datetime) -> datetime:
    """When the next sweep is due: some time after the supervisor's start, after the last success, and after an attempt
    that was none."""
    moments = [since + min(_AFTER_START, every)]
    if known.succeeded_at:
        moments.append(known.succeeded_at + every)
    if known.began_at and not (known.succeeded_at and known.succeeded_at >= known.began_at):
        moments.append(known.began_at + min(_AFTER_FAILURE, every))
    return max(moments)


class SweepSchedule:
    """A part of the cluster that always works; a sweep that failed shows as its problem."""

    name = "sweep"
    needs: tuple[str, ...] = ("database", "ray")
    patience = 1

    def __init__(self, settings: Settings, known: Callable[[], Sweeps]) -> None:
        """``known`` reads from the database; ``board`` is told of failures, once there is one."""
        self._settings, self._known = settings, known
        self._every = timedelta(hours=settings.sweep.every_hours) if settings.sweep.every_hours else None
        self._since = self._due = clock.now()
        self._submitted: subprocess.Popen[bytes] | None = None
        self.board: Board | None = None

    def prepare(self) -> None:
        """Everything is done by `works`."""

    def start(self) -> None:
        """Find out when the next is due; Ray may have been lost meanwhile, and with it a sweep."""
        if self._every:
            self._due = due(self._known(), self._every, self._since)

    def works(self) -> bool:
        """Look at the clock, and at the sweep that runs if one does."""
        if self._every is None:
            return True
        try:
            if self._submitted:
                self._look_after(self._submitted, self._every)
            elif clock.now() >= self._due:
                self._begin(self._every)
        except (OSError, Unavailable) as error:
            telemetry.log_failure("sweep_not_begun", error, service=self.name)
            self._due = clock.now() + _AGAIN
        return True

    def stop(self) -> None:
        """Follow it no longer; the sweep itself ends with Ray, and the next begins with what it left."""
        if self._submitted:
            self._submitted.kill()
            self._submitted.wait()
        self._submitted = None

    def pid(self) -> int | None:
        """It has no process of its own for long."""
        return None

    def _begin(self, every: timedelta) -> None:
        self._due = due(self._known(), every, self._since)
        if clock.now() < self._due:
            return
        if submission.is_running(self._settings, *submission.SWEEP):
            self._due = clock.now() + _AGAIN
            return
        with (layout.paths(self._settings).logs / "sweep.log").open("wb") as log:
            self._submitted = subprocess.Popen(  # noqa: S603 - our own words
                ["/bin/sh", "-c", submission.line(self._settings, *submission.SWEEP)],
                env={"PATH": os.defpath},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        telemetry.log("sweep_begun", service=self.name)

    def _look_after(self, submitted: subprocess.Popen[bytes], every: timedelta) -> None:
        status = submitted.poll()
        if status is None:
            return
        self._submitted = None
        self._due = clock.now() + (every if status == 0 else min(_AFTER_FAILURE, every))
        if self.board:
            self.board.change(self.name, problem=_PROBLEM if status else None)
        telemetry.log("sweep_ended", service=self.name, status=status)
