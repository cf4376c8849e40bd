"""Private files: whole or absent, readable by the owner only, overwritten when removed."""

import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.storage import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_modes_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.write_atomic(tmp_path / "a" / "b" / "file", [b"x"])
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b" / "file") == 0o600
    assert mode(tmp_path / "a" / "b") == mode(tmp_path / "a") == 0o700


def test_a_failing_source_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file"
    files.write_atomic(file, [b"old"])

    def failing() -> Iterator[bytes]:
        yield b"new"
        raise KeyError

    with pytest.raises(KeyError):
        files.write_atomic(file, failing())
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_removing_overwrites_what_another_name_still_shows(tmp_path: Path) -> None:
    file, link = tmp_path / "secret", tmp_path / "link"
    files.write_atomic(file, [b"s" * 100_000])
    link.hardlink_to(file)
    files.remove(file)
    assert not file.exists()
    assert link.read_bytes() == bytes(100_000)


def test_replacing_overwrites_the_old_content_only(tmp_path: Path) -> None:
    file, link, successor = tmp_path / "secret", tmp_path / "link", tmp_path / "successor"
    files.write_atomic(file, [b"old"])
    files.write_atomic(successor, [b"new"])
    link.hardlink_to(file)
    files.remove(file, replacement=successor)
    assert (file.read_bytes(), link.read_bytes(), successor.exists()) == (b"new", b"\0\0\0", False)


def test_a_lock_keeps_other_threads_out(tmp_path: Path) -> None:
    inside = 0
    worst = 0

    def enter() -> None:
        nonlocal inside, worst
        with files.locked(tmp_path / "lock"):
            inside += 1
            worst = max(worst, inside)
            time.sleep(0.01)
            inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1
