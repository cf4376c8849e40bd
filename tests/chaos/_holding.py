"""Holds a process of the service at a named point until a test lets it go, whatever that does to it meanwhile.

A test puts a file named as the point into a folder; the first process that gets there renames it to its own number
and waits until the file is gone. Whoever comes later, such as its replacement, passes.
"""

import os
import time
from pathlib import Path
from types import TracebackType

from tests.cluster._waiting import until

__all__ = ["FOLDER", "Hold", "halt"]

FOLDER = "hold"
_POLL_SECONDS = 0.02


def halt(folder: Path, point: str) -> None:
    """Wait here if a test wants somebody held at ``point``."""
    mine = folder / f"{point}.{os.getpid()}"
    try:
        (folder / point).rename(mine)
    except FileNotFoundError:
        return
    while mine.exists():
        time.sleep(_POLL_SECONDS)


class Hold:
    """Within the block, the first process to reach the point is held there."""

    def __init__(self, data: Path, point: str) -> None:
        """``data``: the data folder of the installation."""
        self._folder, self._point = data / FOLDER, point

    def __enter__(self) -> "Hold":
        """Hold who comes first."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / self._point).touch()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let it go, if it lives."""
        self.release()

    def release(self) -> None:
        """Let it go now."""
        for file in self._folder.glob(f"{self._point}*"):
            file.unlink(missing_ok=True)

    def caught(self, seconds: float = 120) -> int:
        """Wait until somebody is held; the process."""
        until(lambda: bool(self._held()), seconds)
        return int(self._held()[0].suffix[1:])

    def _held(self) -> list[Path]:
        return list(self._folder.glob(f"{self._point}.[0-9]*"))
