"""Run a function of the project in a process of its own that has no network at all, not even loopback.

Linux gives a process that asks for one a network namespace without a usable interface. Sockets of files, by which
the tests' PostgreSQL is reached, work there as everywhere.
"""

import ctypes
import errno
import importlib
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from tests.promises.harness import mutation

__all__ = ["run_offline"]

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SOMEWHERE = ("192.0.2.1", 443)
_NO_ROUTE = {errno.ENETUNREACH, errno.ENETDOWN}
_PATIENCE = 200


def run_offline(function: str, *arguments: str, mutant: str | None) -> subprocess.CompletedProcess[str]:
    """Call ``module:function`` with texts, under a mutant if one is named; the exit status is 0 if it returned."""
    command = [sys.executable, "-m", __name__, mutant or "", function, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)


def leave_the_network() -> None:
    """Give up every interface for good.

    Raises:
        OSError: this system does not let a process do so.
        RuntimeError: it did, and yet there is a way out.
    """
    library = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if library.unshare(_NEW_NETWORK if user == 0 else _NEW_USER | _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "a network namespace cannot be made here")
    if user:
        _remain(user, group)
    with socket.socket() as attempt:
        if attempt.connect_ex(_SOMEWHERE) not in _NO_ROUTE:
            raise RuntimeError("there is still a way out")


def _remain(user: int, group: int) -> None:
    """Be the same in the new namespace of users as before."""
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "gid_map").write_text(f"{group} {group} 1")
    (own / "uid_map").write_text(f"{user} {user} 1")


def _main(mutant: str, function: str, *arguments: str) -> None:
    leave_the_network()
    module, _, name = function.partition(":")
    with mutation.named(mutant).applied() if mutant else nullcontext():
        getattr(importlib.import_module(module), name)(*arguments)


if __name__ == "__main__":
    _main(*sys.argv[1:])
