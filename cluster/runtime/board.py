"""What the supervisor knows of each part, for its threads and, as a file, for `i2v status`."""

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cluster import clock
from cluster.storage import files

__all__ = ["Board", "Standing", "State"]


class State(StrEnum):
    """How a part is."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNSTEADY = "unsteady"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One part. ``since``: unix seconds of the last change of state. ``failures``: starts in a row that failed."""

    state: State = State.WAITING
    pid: int | None = None
    since: int = 0
    restarts: int = 0
    failures: int = 0
    problem: str | None = None
    done: int = 0
    total: int = 0


class Board:
    """The standings of all parts; every change is written to the file."""

    def __init__(self, file: Path, names: Iterable[str]) -> None:
        """Begin with everything waiting."""
        self._file = file
        self._standings = {name: Standing(since=clock.unix(clock.now())) for name in names}
        self._changed = threading.Condition()
        self._closing = False
        self._write()

    def change(self, name: str, **changes: Any) -> None:
        """Set fields of a part's standing."""
        with self._changed:
            old = self._standings[name]
            new = replace(old, **changes)
            if new.state != old.state:
                new = replace(new, since=clock.unix(clock.now()))
            if new != old:
                self._standings[name] = new
                self._write()
                self._changed.notify_all()

    def standing(self, name: str) -> Standing:
        """How a part is."""
        return self._standings[name]

    def wait_for(self, names: Iterable[str]) -> bool:
        """Wait until all of these are ready; false when the supervisor closes instead."""
        wanted = tuple(names)
        with self._changed:
            self._changed.wait_for(
                lambda: self._closing or all(self._standings[name].state is State.READY for name in wanted)
            )
        return not self._closing

    def wait(self, seconds: float) -> bool:
        """Wait that long; false when the supervisor closes."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._closing, seconds)

    def close(self) -> None:
        """Let every waiting thread go."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _write(self) -> None:
        ready = all(each.state is State.READY for each in self._standings.values())
        content = {"ready": ready, "services": {name: asdict(each) for name, each in self._standings.items()}}
        files.write_atomic(self._file, [json.dumps(content).encode()])
