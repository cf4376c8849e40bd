"""How far a download is, told by how a folder grows: pip and npm do not say it themselves."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

__all__ = ["OnProgress", "watched"]

OnProgress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all); while a file is on its way the first number is an estimate."""

_POLL_SECONDS = 0.2
_ALMOST = 0.97


@contextmanager
def watched(folder: Path, total: int, on_progress: OnProgress | None) -> Iterator[None]:
    """Report the growth of `folder` from a thread, never as more than nearly `total`, until the block ends."""
    if on_progress is None:
        yield
        return
    before, stop = _bytes_in(folder), Event()

    def report(tell: OnProgress) -> None:
        most = 0
        while not stop.wait(_POLL_SECONDS):
            most = max(most, min(_bytes_in(folder) - before, int(total * _ALMOST)))
            tell(most, total)

    thread = Thread(target=report, args=(on_progress,), name="download-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _bytes_in(folder: Path) -> int:
    sizes = []
    for parent, _, names in os.walk(folder):  # os.walk, unlike rglob, bears folders that vanish under it
        for name in names:
            with suppress(FileNotFoundError):
                sizes.append(Path(parent, name).stat().st_size)
    return sum(sizes)
