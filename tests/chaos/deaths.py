"""What may happen to a running installation, by name. None waits until it is over, unless it must be mended by hand."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from tests.chaos._arena import Arena, stopped
from tests.chaos._disks import full, read_only

__all__ = ["DEATHS", "LIGHT", "Death"]

Death = Callable[[Arena, random.Random], None]

_PROCESSES = {
    "ingestion": r"^ray::ServeReplica:\w+:HeldIngestion",
    "screening": r"^ray::ServeReplica:\w+:HeldScreening",
    "generation": r"^ray::ServeReplica:\w+:HeldVideoGeneration",
    "director": r"^ray::ServeReplica:\w+:HeldDirector",
    "ingress": r"^ray::ServeReplica:\w+:Ingress",
    "outbound": r"^ray::ServeReplica:\w+:HeldOutbound",
    "controller": "^ray::ServeController",
    "proxy": "^ray::ProxyActor",
    "haproxy": "/haproxy -db",
    "haproxy manager": "^ray::HAProxyManager",
    "database": "bin/postgres ",
    "backend": "^postgres: i2v_app",
}
_HEAVY = {"control store": "/gcs_server ", "raylet": "/raylet/raylet "}


def _killed(pattern: str) -> Death:
    def kill(arena: Arena, chance: random.Random) -> None:
        for pid in arena.some(pattern, chance):
            os.kill(pid, signal.SIGKILL)

    return kill


def _stopped(pattern: str) -> Death:
    """For up to twice as long as a silent lease lasts."""

    def stop(arena: Arena, chance: random.Random) -> None:
        with stopped(*arena.some(pattern, chance)):
            time.sleep(chance.uniform(0.5, 2) * arena.installation.settings.jobs.lease_seconds)

    return stop


def _without(disk: Callable[[Arena], AbstractContextManager[None]]) -> Death:
    def hold(arena: Arena, chance: random.Random) -> None:
        with disk(arena):
            time.sleep(chance.uniform(1, 5))

    return hold


def _supervisor(arena: Arena, _: random.Random) -> None:
    if pid := arena.installation.status()["supervisor"]:
        os.kill(pid, signal.SIGKILL)
    arena.installation.up()


def _down_and_up(arena: Arena, _: random.Random) -> None:
    arena.installation.i2v("down")
    arena.installation.up()


def _disks() -> dict[str, Death]:
    if os.geteuid() != 0:
        return {}
    return {
        "store without room": _without(lambda arena: full(arena.objects)),
        "store read-only": _without(lambda arena: read_only(arena.objects)),
        "database without room": _without(lambda arena: full(arena.database)),
    }


LIGHT: Mapping[str, Death] = {
    **{f"{name} killed": _killed(pattern) for name, pattern in _PROCESSES.items()},
    **{f"{name} stopped": _stopped(pattern) for name, pattern in _PROCESSES.items()},
    **_disks(),
}
"""Those after which the service is back in seconds."""

DEATHS: Mapping[str, Death] = {
    **LIGHT,
    **{f"{name} killed": _killed(pattern) for name, pattern in _HEAVY.items()},
    "supervisor killed": _supervisor,
    "down and up": _down_and_up,
}
