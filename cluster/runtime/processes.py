"""Processes of Linux, named so that a recycled number is never taken for the process that once had it."""

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster import clock
from cluster.storage import files

__all__ = [
    "Process",
    "adopt_orphans",
    "current",
    "end",
    "find",
    "load",
    "orphans",
    "reap",
    "save",
    "send",
    "tree",
    "wait_for_end",
]

_PROC: Final = Path("/proc")
_BOOT: Final = _PROC / "sys/kernel/random/boot_id"
_SET_CHILD_SUBREAPER: Final = 36
_GONE: Final = frozenset("ZXx")
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """A number, and the clock ticks between the host's start and the process's."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class _Entry:
    process: Process
    state: str
    parent: int
    session: int


def find(pid: int) -> Process | None:
    """The live process of that number; a zombie is none."""
    entry = _entry(pid)
    return entry.process if entry and entry.state not in _GONE else None


def current() -> Process:
    """This process."""
    process = find(os.getpid())
    if process is None:
        raise ProcessLookupError("/proc does not show this process")
    return process


def tree(roots: Iterable[Process]) -> set[Process]:
    """Those of ``roots`` that live, and all their live descendants."""
    wanted = set(roots)
    table = [entry for entry in _table() if entry.state not in _GONE]
    children: dict[int, list[_Entry]] = {}
    for entry in table:
        children.setdefault(entry.parent, []).append(entry)
    found: set[Process] = set()
    waiting = [entry for entry in table if entry.process in wanted]
    while waiting:
        entry = waiting.pop()
        if entry.process not in found:
            found.add(entry.process)
            waiting += children.get(entry.process.pid, ())
    return found


def send(process: Process, number: signal.Signals) -> bool:
    """Signal exactly that process; whether it was there to be signalled."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if find(process.pid) != process:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def end(processes: Iterable[Process], grace: float = 0.0) -> int:
    """Kill them all, after as many seconds of grace as they are given to leave by themselves; how many lived.

    Children that they had by then are ended with them.
    """
    living = tree(processes)
    ended = len(living)
    deadline = clock.monotonic() + grace
    if grace:
        for process in living:
            send(process, signal.SIGTERM)
    while living:
        if clock.monotonic() >= deadline:
            for process in living:
                send(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
        living = tree(living)
    return ended


def wait_for_end(process: Process, seconds: float) -> bool:
    """Wait that long for a process to end by itself; whether it did."""
    deadline = clock.monotonic() + seconds
    while find(process.pid) == process:
        if clock.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, so that none escapes from `tree`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def orphans(leader: Process) -> set[Process]:
    """Adopted children of this process that come from the session that ``leader`` began, itself dead or alive."""
    table = (entry for entry in _table() if entry.parent == os.getpid() and entry.state not in _GONE)
    return {entry.process for entry in table if entry.session == leader.pid and entry.process != leader}


def reap(stale: set[Process]) -> set[Process]:
    """Bury those dead children that were dead at the last look already, so nobody else waits for them; the others."""
    dead = {entry.process for entry in _table() if entry.parent == os.getpid() and entry.state == "Z"}
    for process in dead & stale:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return dead - stale


def save(file: Path, processes: Sequence[Process]) -> None:
    """Record processes for whoever must end them when this process cannot. What has not changed is not written."""
    numbers = [[each.pid, each.started] for each in processes]
    content = json.dumps({"boot": _BOOT.read_text().strip(), "processes": numbers}).encode()
    if not file.exists() or file.read_bytes() != content:
        files.write_atomic(file, [content])


def load(file: Path) -> list[Process]:
    """The recorded processes in their order, dead or alive; none if the host was started anew since."""
    try:
        record = json.loads(file.read_bytes())
    except FileNotFoundError:
        return []
    if record["boot"] != _BOOT.read_text().strip():
        return []
    return [Process(pid, started) for pid, started in record["processes"]]


def _table() -> list[_Entry]:
    with os.scandir(_PROC) as places:
        entries = [_entry(int(place.name)) for place in places if place.name.isdigit()]
    return [entry for entry in entries if entry]


def _entry(pid: int) -> _Entry | None:
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        text = os.read(descriptor, 4096)
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)
    fields = text.rpartition(b")")[2].split()
    return _Entry(Process(pid, int(fields[19])), fields[0].decode(), int(fields[1]), int(fields[3]))
