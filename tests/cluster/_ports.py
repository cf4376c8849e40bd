"""Ports of a cluster's own, so that several runs of the tests on one host do not disturb each other."""

import fcntl
import os
import tempfile
from pathlib import Path

__all__ = ["Block", "take"]

_FIRST, _LAST, _SIZE = 10_000, 31_000, 1_100


class Block:
    """A run of ports that no other run of the tests uses while this process holds it."""

    def __init__(self, first: int, descriptor: int) -> None:
        """``descriptor`` is the lock."""
        self.first = first
        self._descriptor = descriptor

    @property
    def settings(self) -> dict[str, str]:
        """The settings that make a cluster use these ports."""
        return {
            "I2V_RAY_INTERNAL_PORTS": str(self.first),
            "I2V_HTTP_PORT": str(self.first + 1_000),
            "I2V_TLS_PORT": str(self.first + 1_003),
            "I2V_METRICS_PORT": str(self.first + 1_004),
            "I2V_RAY_GCS_PORT": str(self.first + 1_001),
            "I2V_RAY_DASHBOARD_PORT": str(self.first + 1_002),
        }

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)


def take() -> Block:
    """The first block that is not taken; the lock dies with this process."""
    for first in range(_FIRST, _LAST, _SIZE):
        place = Path(tempfile.gettempdir()) / f"i2v-test-ports-{first}"
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return Block(first, descriptor)
    raise RuntimeError("no block of ports is free")
