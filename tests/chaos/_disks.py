"""File systems that are full when a test wants it: really, with ENOSPC for whoever writes. For root alone."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Disk", "full", "read_only"]

_ROOM = "2g"
_PAUSE = 0.05


class Disk:
    """A file system in memory in the place of an empty folder."""

    def __init__(self, folder: Path) -> None:
        """Mount it."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _mount(folder, _ROOM, "mode=0700")

    def remove(self) -> None:
        """Unmount it, with all that is on it."""
        subprocess.run(["umount", "--lazy", self._folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Within the block there is room for nothing more."""
    while not _mount(folder, str(_used(folder)), "remount"):
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        _mount(folder, _ROOM, "remount")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Within the block nothing can be written or removed."""
    while not _mount(folder, _ROOM, "remount,ro"):
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        _mount(folder, _ROOM, "remount,rw")


def _used(folder: Path) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def _mount(folder: Path, size: str, option: str) -> bool:
    """Whether the kernel has done it: it refuses while more is on the disk, or a file is being written."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},{option}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
