"""Waiting for a part of the cluster that is away: an outage shall not use up the attempts of every job."""

from collections.abc import Callable
from typing import TypeVar

from cluster import clock
from cluster.errors import Unavailable
from cluster.settings import Settings
from serve.engines.protocol import Stopped

__all__ = ["patiently"]

T = TypeVar("T")


def patiently(use: Callable[[], T], settings: Settings, stopped: Callable[[float], bool]) -> T:
    """Use database, keys or objects; while they refuse or are not there, try again, for as long as settings allow.

    ``stopped`` waits that many seconds and says whether to give up at once, which raises `Stopped`. What is used may
    have been done although it raised, if that was `CommitUnknown`: then doing it again must do no harm.
    """
    give_up = clock.monotonic() + settings.jobs.outage_seconds
    while True:
        try:
            return use()
        except Unavailable:
            if clock.monotonic() > give_up:
                raise
        if stopped(settings.jobs.heartbeat_seconds):
            raise Stopped
