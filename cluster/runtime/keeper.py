"""Keeps one part working: start it, watch it, start it again, less and less often while that does not help."""

import threading
from typing import Final

from cluster import telemetry
from cluster.runtime.board import Board, State
from cluster.runtime.service import Service, ServiceFailed

__all__ = ["Keeper"]

_PROBE_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class Keeper(threading.Thread):
    """The thread of one part. It ends when the board is closed; the part itself is then still there."""

    def __init__(self, service: Service, board: Board) -> None:
        """`start` begins."""
        super().__init__(name=service.name, daemon=True)
        self._service = service
        self._board = board

    def run(self) -> None:
        """Keep it until the board closes."""
        while self._brought_up() and self._watched():
            restarts = self._board.standing(self.name).restarts + 1
            self._board.change(self.name, state=State.WAITING, pid=None, restarts=restarts)
            telemetry.log("lost", service=self.name, count=restarts)

    def _brought_up(self) -> bool:
        """Start it, however many attempts that takes; false when the board closes."""
        while True:
            try:
                self._service.prepare()
                if not self._board.wait_for(self._service.needs):
                    return False
                self._board.change(self.name, state=State.STARTING)
                self._service.start()
            except Exception as error:
                if not self._failed(error):
                    return False
            else:
                self._board.change(self.name, state=State.READY, pid=self._service.pid(), failures=0, problem=None)
                telemetry.log("ready", service=self.name)
                return True

    def _failed(self, error: Exception) -> bool:
        known = isinstance(error, ServiceFailed)
        problem = str(error) if known else f"It does not start ({type(error).__name__}); supervisor.log says where."
        failures = self._board.standing(self.name).failures + 1
        self._board.change(self.name, state=State.FAILED, pid=None, failures=failures, problem=problem)
        telemetry.log_failure("not_started", error, service=self.name, attempt=failures)
        return self._board.wait(min(_FIRST_PAUSE * 2**failures, _LONGEST_PAUSE))

    def _watched(self) -> bool:
        """Watch until it is lost; false when the board closes."""
        bad = 0
        while self._board.wait(_PROBE_SECONDS):
            if self._service.pid() != self._board.standing(self.name).pid:
                return True
            bad = 0 if self._service.works() else bad + 1
            if bad >= self._service.patience:
                return True
            self._board.change(self.name, state=State.UNSTEADY if bad else State.READY)
        return False
