"""Private files, written whole or not at all: mode 0600 in folders of mode 0700."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["UNFINISHED", "locked", "private_folder", "remove", "sync_folder", "write_atomic"]

UNFINISHED = ".unfinished-"
_ZEROS = bytes(65536)


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it, readable by its owner only; one that exists is left as it is."""
    if not folder.is_dir():
        if folder.parent != folder:
            private_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    return folder


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(file: Path, chunks: Iterable[bytes]) -> int:
    """Write a file so that it appears whole, durable, in one step; what it replaces is readable until then.

    Returns its size in bytes. If ``chunks`` raises, nothing is left behind.
    """
    unfinished, descriptor = _create_beside(file)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            size = sum(map(stream.write, chunks))
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
    return size


def _create_beside(file: Path) -> tuple[Path, int]:
    """An unfinished file in the same folder; the folder may be pruned by a remover at any moment."""
    unfinished = file.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    while True:
        private_folder(file.parent)
        with contextlib.suppress(FileNotFoundError):
            return unfinished, os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def remove(file: Path, *, replacement: Path | None = None) -> None:
    """Unlink a secret (or put ``replacement`` in its place), durably, then overwrite the blocks that it had.

    The overwriting helps against undeleting on the same disk; it is no promise about flash memory or snapshots.

    Raises:
        FileNotFoundError: there is no such file.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if replacement is None:
            file.unlink()
        else:
            replacement.replace(file)
        sync_folder(file.parent)
        for offset in range(0, size, len(_ZEROS)):
            os.pwrite(descriptor, _ZEROS[: size - offset], offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes and threads of this host; it dies with its holder."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
